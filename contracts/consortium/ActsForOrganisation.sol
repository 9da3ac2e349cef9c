// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Context } from "@openzeppelin/contracts/utils/Context.sol";
import { OrgId } from "../common/Ids.sol";
import { IConsortium, Role } from "./IConsortium.sol";

/// @title ActsForOrganisation
/// @notice Makes a standard token belong to organisations: a caller that holds the Treasurer role acts as its
/// organisation's address (`OrgId.holder()`), anybody else as itself. So `transfer`, `approve` and the rest keep
/// their meaning and their events name the organisation, while replacing a treasurer moves no balance.
/// @dev For contracts that use `_msgSender()` throughout, as OpenZeppelin's do. Name it last among the bases, as in
/// `contract Coin is ERC20, ActsForOrganisation`, and settle the two inherited `_msgSender()` by an override that
/// returns `super._msgSender()`. With {SignedActs} among the bases a treasurer's signed act counts the same.
///
/// - The term is read in every call: forfeit, revoke, expiry and suspension count in the same block.
/// - A treasurer cannot spend from its own account while its role holds; when the role has ended it is a stranger to
///   the organisation's balance, and a call it sends then concerns its own account.
/// - An allowance belongs to the organisation and outlives the treasurer who gave it.
abstract contract ActsForOrganisation is Context {
    /// @notice Where callers are looked up.
    IConsortium public immutable CONSORTIUM;

    constructor(IConsortium consortium) {
        CONSORTIUM = consortium;
    }

    /// @inheritdoc Context
    function _msgSender() internal view virtual override returns (address) {
        address caller = super._msgSender();
        OrgId org = CONSORTIUM.actsFor(caller, Role.Treasurer);
        return OrgId.unwrap(org) == 0 ? caller : org.holder();
    }
}
