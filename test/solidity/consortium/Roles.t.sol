// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import { OrgId } from "../../../contracts/common/Ids.sol";
import { AccountWord, AccountWords } from "../../../contracts/consortium/AccountWord.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { IConsortium, Role, Term } from "../../../contracts/consortium/IConsortium.sol";
import { TestBase } from "../TestBase.sol";

/// @notice Terms, limits and the account's word with random contents.
contract RolesFuzz is TestBase {
    uint256 private constant _START = 1_800_000_000;
    address private constant _ALICE = address(0xA11CE);
    address private constant _BOB = address(0xB0B);

    Consortium private _consortium;
    OrgId private _org;

    function setUp() external {
        vm.warp(_START);
        _consortium = new Consortium(address(new AccessManager(address(this))));
        _org = _consortium.admit("one", 0);
        _consortium.addSignatory(_org, _ALICE);
        _consortium.addSignatory(_org, _BOB);
    }

    function testFuzz_aTermIsTakenOrRefusedByItsEnd(uint40 until, uint128 limit) external {
        uint256 latest = _START + _consortium.MAX_TERM();
        bool good = until > _START && until <= latest;
        if (!good) {
            vm.expectRevert(abi.encodeWithSelector(IConsortium.RoleTermInvalid.selector, until, latest));
        }
        _consortium.grantRole(_ALICE, Role.Anchor, until, limit);
        Term memory term = _consortium.termOf(_ALICE, Role.Anchor);
        check(term.until == (good ? until : 0), "another end");
        check(term.limit == (good ? limit : 0), "another limit");
    }

    function testFuzz_aRoleCountsExactlyToItsEnd(uint256 length, uint256 moment) external {
        uint256 until = _START + within(length, 1, 400 days);
        // Half of the moments lie within a second of the end: that is where a rule goes wrong.
        if (moment % 2 == 0) moment = within(moment, _START, until + 200 days);
        else moment = until + ((moment >> 1) % 3) - 1;
        _consortium.grantRole(_ALICE, Role.Treasurer, uint40(until), 0);
        vm.warp(moment);
        check(_consortium.hasRole(_ALICE, Role.Treasurer) == (moment < until), "hasRole");
        if (moment >= until) {
            vm.expectRevert(
                abi.encodeWithSelector(IConsortium.RoleExpired.selector, _ALICE, Role.Treasurer, until)
            );
        }
        _consortium.requireRole(_ALICE, Role.Treasurer);
    }

    /// @notice Above the limit only with another one's consent that runs; up to it without.
    function testFuzz_aboveTheLimitTwoPeopleAct(
        uint128 limit,
        uint256 amount,
        bytes32 actHash,
        uint256 length,
        uint256 wait,
        bool byItself
    ) external {
        vm.assume(actHash != 0);
        if (amount % 3 != 0) amount = uint256(limit) + (amount % 3) - 1;
        uint40 until = uint40(_START + within(length, 1, 30 days));
        _consortium.grantRole(_ALICE, Role.Treasurer, uint40(_START + 300 days), limit);
        _consortium.grantRole(_BOB, Role.Treasurer, uint40(_START + 20 days), 0);
        bool within_ = amount <= limit || limit == type(uint128).max;
        check(_mayAct(amount, actHash) == within_, "without a second person");

        vm.prank(byItself ? _ALICE : _BOB);
        _consortium.countersign(actHash, Role.Treasurer, until);
        vm.warp(_START + within(wait, 0, 40 days));
        bool consents = !byItself && block.timestamp < until && block.timestamp < _START + 20 days;
        check(_mayAct(amount, actHash) == (within_ || consents), "with a second person");
        check(_mayAct(amount, ~actHash) == within_, "another act");
        vm.prank(_ALICE);
        _consortium.countersign(actHash, Role.Treasurer, 0);
        check(_mayAct(amount, actHash) == within_, "after it was taken back");
    }

    /// @notice No two roles of a pair in the table are ever held at once, whichever came first.
    function testFuzz_dutiesExcludeEachOther(uint8 first, uint8 second, uint256 wait) external {
        (Role a, Role b) = (_role(first), _role(second));
        uint40 until = uint40(_START + 10 days);
        _consortium.grantRole(_ALICE, a, until, 0);
        vm.warp(_START + within(wait, 0, 12 days));
        bool excluded = _excluded(a, b) || _excluded(b, a);
        check(_consortium.conflicting(a, b) == excluded, "another table");
        bool refused = excluded && block.timestamp < until;
        if (refused) {
            vm.expectRevert(abi.encodeWithSelector(IConsortium.RoleConflict.selector, _ALICE, b, a));
        }
        _consortium.grantRole(_ALICE, b, uint40(block.timestamp + 1 days), 0);
        check(_consortium.hasRole(_ALICE, b) == (!refused || a == b), "another answer");
    }

    /// @notice The packed word gives back what was put into it, and nothing else changes.
    function testFuzz_theWordKeepsItsParts(
        uint32 org,
        bool active,
        uint256 slots,
        uint256 change
    ) external pure {
        AccountWord word = AccountWords.create(OrgId.wrap(org), active);
        for (uint256 i = 0; i < 5; ++i) word = word.put(i, Role(1 + i), uint40(uint32(slots >> (32 * i))));
        uint256 slot = change % 5;
        word = word.put(slot, Role.Certifier, uint40(uint32(change >> 8)));
        for (uint256 i = 0; i < 5; ++i) {
            (Role role, uint40 until) = word.slotAt(i);
            check(role == (i == slot ? Role.Certifier : Role(1 + i)), "role");
            check(until == uint32(i == slot ? change >> 8 : slots >> (32 * i)), "until");
            check(word.untilOf(role) == until, "untilOf");
        }
        check(word.org() == OrgId.wrap(org) && word.isPresent() && word.isActive() == active, "head");
        AccountWord turned = word.withActive(!active);
        check(
            turned.isActive() == !active && turned.untilOf(Role.Certifier) == uint32(change >> 8),
            "turned"
        );
        check(AccountWord.unwrap(word.ended()) == org, "ended");
    }

    /// @notice A role comes to its own slot, else to an empty or an expired one, and to none when all run.
    function testFuzz_theWordGivesOnlyFreeSlots(uint256 seed, uint8 filled) external view {
        AccountWord word = AccountWords.create(_org, true);
        filled = filled % 6;
        bool free = filled < 5;
        for (uint256 i = 0; i < filled; ++i) {
            uint256 until = block.timestamp + ((seed >> (8 * i)) & 1);
            word = word.put(i, Role(1 + i), uint40(until));
            free = free || until <= block.timestamp;
            check(word.slotFor(Role(1 + i)) == i, "not its own slot");
        }
        uint256 slot = word.slotFor(Role.Certifier);
        check((slot < AccountWords.SLOTS) == free, "a slot too many or too few");
        if (!free) return;
        (Role held, uint40 end) = word.slotAt(slot);
        check(end <= block.timestamp, "the slot of a role that runs");
        check(held == Role.None || filled == 5, "an expired role gave way to spare an empty slot");
    }

    function testFuzz_holdersDiffer(uint32 a, uint32 b) external pure {
        vm.assume(a != b);
        check(OrgId.wrap(a).holder() != OrgId.wrap(b).holder(), "two organisations with one holder");
    }

    function _mayAct(uint256 amount, bytes32 actHash) private view returns (bool) {
        try _consortium.requireRoleFor(_ALICE, Role.Treasurer, amount, actHash) returns (OrgId org) {
            check(org == _org, "another organisation");
            return true;
        } catch {
            return false;
        }
    }

    function _role(uint8 seed) private pure returns (Role) {
        return Role(1 + (seed % uint8(type(Role).max)));
    }

    /// @dev The pairs again, as sentences.
    function _excluded(Role a, Role b) private pure returns (bool) {
        if (a == Role.Regulator) return b == Role.Enforcer;
        if (a == Role.Manufacturer) return b == Role.DeviceAuthority || b == Role.Certifier;
        return a == Role.DeviceManager && b == Role.DeviceAuthority;
    }
}
