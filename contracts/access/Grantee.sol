// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { OrgId } from "../common/Ids.sol";
import { Role } from "../consortium/IConsortium.sol";

/// @notice Who a pass is given to: a key (its address, left-padded with zeros), or everybody who holds a role in an
/// organisation (`1 << 255 | organisation << 8 | role`).
type Grantee is bytes32;

using { granteeEq as ==, granteeNeq as !=, isRole, isValid, account, organisation, role } for Grantee global;

/// @dev Set for a role.
uint256 constant ROLE_MARK = 1 << 255;

/// @notice A key.
function keyGrantee(address key) pure returns (Grantee) {
    return Grantee.wrap(bytes32(uint256(uint160(key))));
}

/// @notice Everybody who holds the role in the organisation at the time of asking.
function roleGrantee(OrgId org, Role held) pure returns (Grantee) {
    return Grantee.wrap(bytes32(ROLE_MARK | (uint256(OrgId.unwrap(org)) << 8) | uint256(held)));
}

function granteeEq(Grantee a, Grantee b) pure returns (bool) {
    return Grantee.unwrap(a) == Grantee.unwrap(b);
}

function granteeNeq(Grantee a, Grantee b) pure returns (bool) {
    return Grantee.unwrap(a) != Grantee.unwrap(b);
}

function isRole(Grantee grantee) pure returns (bool) {
    return uint256(Grantee.unwrap(grantee)) & ROLE_MARK != 0;
}

/// @dev One way to write each grantee: stray bits would make two passes for one.
function isValid(Grantee grantee) pure returns (bool) {
    uint256 word = uint256(Grantee.unwrap(grantee));
    if (word & ROLE_MARK == 0) return word != 0 && word >> 160 == 0;
    uint256 held = word & 0xff;
    uint256 org = (word ^ ROLE_MARK) >> 8;
    return org != 0 && org >> 32 == 0 && held != 0 && held <= uint256(type(Role).max);
}

/// @dev Only for a key.
function account(Grantee grantee) pure returns (address) {
    return address(uint160(uint256(Grantee.unwrap(grantee))));
}

/// @dev Only for a role.
function organisation(Grantee grantee) pure returns (OrgId) {
    return OrgId.wrap(uint32(uint256(Grantee.unwrap(grantee)) >> 8));
}

/// @dev Only for a valid role.
function role(Grantee grantee) pure returns (Role) {
    return Role(uint8(uint256(Grantee.unwrap(grantee))));
}
