// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import { OrgId } from "../../../contracts/common/Ids.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { IConsortium, Role } from "../../../contracts/consortium/IConsortium.sol";
import { TestBase } from "../TestBase.sol";

/// @notice Terms at random times.
contract RolesFuzz is TestBase {
    uint256 private constant _START = 1_800_000_000;
    address private constant _ALICE = address(0xA11CE);

    Consortium private _consortium;
    OrgId private _org;

    function setUp() external {
        vm.warp(_START);
        _consortium = new Consortium(address(new AccessManager(address(this))));
        _org = _consortium.admit("one");
        _consortium.addSignatory(_org, _ALICE);
    }

    function testFuzz_aTermIsTakenOrRefusedByItsBounds(uint40 from, uint40 until) external {
        uint256 latest = _START + _consortium.MAX_TERM();
        bool good = from < until && until > _START && until <= latest;
        if (!good) {
            vm.expectRevert(
                abi.encodeWithSelector(IConsortium.RoleTermInvalid.selector, from, until, latest)
            );
        }
        _consortium.grantRole(_ALICE, Role.Anchor, from, until);
        check(_consortium.termOf(_ALICE, Role.Anchor).until == (good ? until : 0), "another term");
    }

    function testFuzz_aRoleCountsExactlyInItsTerm(uint256 from, uint256 length, uint256 moment) external {
        from = within(from, _START, _START + 200 days);
        uint256 until = from + within(length, 1, 200 days);
        // Half of the moments lie within a second of either end: that is where a rule goes wrong.
        if (moment % 2 == 0) moment = within(moment, _START, until + 200 days);
        else moment = (moment % 4 == 1 ? from : until) + ((moment >> 2) % 3) - 1;
        _consortium.grantRole(_ALICE, Role.Treasurer, uint40(from), uint40(until));
        vm.warp(moment);
        bool counts = from <= moment && moment < until;
        check(_consortium.hasRole(_ALICE, Role.Treasurer) == counts, "hasRole");
        if (moment < from) {
            vm.expectRevert(_error(IConsortium.RoleNotYetValid.selector, from));
        } else if (moment >= until) {
            vm.expectRevert(_error(IConsortium.RoleExpired.selector, until));
        }
        _consortium.requireRole(_ALICE, Role.Treasurer);
    }

    function testFuzz_holdersDiffer(uint32 a, uint32 b) external pure {
        vm.assume(a != b);
        check(OrgId.wrap(a).holder() != OrgId.wrap(b).holder(), "two organisations with one holder");
    }

    function _error(bytes4 selector, uint256 bound) private pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, _ALICE, Role.Treasurer, bound);
    }
}
