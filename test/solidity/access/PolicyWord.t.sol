// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Grantee, keyGrantee, roleGrantee } from "../../../contracts/access/Grantee.sol";
import { Phase, PolicyWord, PolicyWords } from "../../../contracts/access/PolicyWord.sol";
import { OrgId } from "../../../contracts/common/Ids.sol";
import { Role } from "../../../contracts/consortium/IConsortium.sol";
import { TestBase } from "../TestBase.sol";

/// @notice Whatever stands in a word, a change of it does what it says and touches nothing else.
contract PolicyWordTest is TestBase {
    function testFuzz_newPassKeepsTheUseAndEndsTheToken(
        uint256 bits,
        uint40 permissions,
        uint32 notBefore,
        uint32 expiry,
        uint16 epoch
    ) external {
        PolicyWord old = _sane(bits);
        vm.warp(1_800_000_000);
        PolicyWord word = old.renewed(permissions, notBefore, expiry, epoch);
        check(word.permissions() == permissions && word.expiry() == expiry, "another pass");
        check(word.epoch() == epoch && word.rev() == old.rev() + 1, "another number");
        check(word.counter() == old.counter() && word.strikes() == old.strikes(), "the use changed");
        check(word.phase() != Phase.Issued, "a token stayed open");
        check(!word.has(type(uint256).max << 244), "delegations or marks stayed");
        check(!old.isBlocked() || word.isBlocked(), "a block was washed off");
        if (!old.isBlocked()) check(word.waits() == (notBefore > block.timestamp), "begins at another time");
    }

    function testFuzz_termsAreAsGiven(
        uint256 bits,
        uint16 minInterval,
        uint8 delegations,
        uint8 marks
    ) external view {
        PolicyWord old = _sane(bits).renewed(1, 0, 1, 1);
        uint256 chosen = (uint256(marks) & 0xF) << 246;
        PolicyWord word = old.withTerms(minInterval, delegations & 3, chosen);
        check(word.minInterval() == minInterval && word.delegations() == delegations & 3, "other terms");
        check(word.has(PolicyWords.DELEGATED) == (marks & 1 != 0), "delegated");
        check(word.has(PolicyWords.ENDPOINT) == (marks & 2 != 0), "endpoint");
        check(word.has(PolicyWords.BARRED) == (marks & 4 != 0), "barred");
        check(word.has(PolicyWords.MEMBER) == (marks & 8 != 0), "member");
        check(word.rev() == old.rev() && word.counter() == old.counter(), "something else changed");
    }

    function testFuzz_tokenReplacesTheOneBefore(
        uint256 bits,
        uint256 policyBits,
        uint40 permissions
    ) external {
        vm.warp(1_800_000_000);
        PolicyWord usage = _sane(bits);
        PolicyWord policy = _sane(policyBits);
        PolicyWord word = usage.withToken(policy, permissions);
        check(word.issued() == permissions && word.clock() == block.timestamp, "another token");
        check(
            word.counter() == usage.counter() + 1 && word.phase() == Phase.Issued,
            "not counted, or not open"
        );
        check(word.isUseOf(policy), "not of this pass");
        check(
            word.permissions() == usage.permissions() && word.expiry() == usage.expiry(),
            "the pass changed"
        );
        check(word.minInterval() == usage.minInterval(), "the rate changed");
        check(word.delegations() == usage.delegations(), "the depth changed");
        bool forgiven = usage.hadToken() && block.timestamp >= usage.clock() + 1 days;
        check(word.strikes() == (forgiven ? 0 : usage.strikes()), "other strikes");
    }

    function testFuzz_useIsOfOnePassOnly(uint256 bits, uint16 epoch, uint32 rev) external pure {
        PolicyWord policy = _sane(bits);
        uint256 cleared = PolicyWord.unwrap(policy) & ~(uint256(type(uint48).max) << 112);
        PolicyWord usage = PolicyWord.wrap(cleared | (uint256(epoch) << 112) | (uint256(rev) << 128));
        check(usage.isUseOf(policy) == (epoch == policy.epoch() && rev == policy.rev()), "of another pass");
    }

    function testFuzz_strikesCountToABlock(uint256 bits) external {
        vm.warp(1_800_000_000);
        PolicyWord word = PolicyWord.wrap(PolicyWord.unwrap(_sane(bits)) & ~(uint256(3) << 242));
        uint40 end = uint40(block.timestamp + 1 hours);
        for (uint8 i = 1; i < 3; ++i) {
            word = word.withStrike(3, end);
            check(word.strikes() == i, "not counted");
        }
        word = word.withStrike(3, end);
        check(word.isBlocked() && word.clock() == end && word.strikes() == 0, "not blocked");
        check(!word.hadToken(), "the token stayed");
        vm.warp(end);
        check(!word.isBlocked(), "blocked for too long");
    }

    function testFuzz_endedPassGivesNothing(uint256 bits, uint16 epoch, bool barred) external pure {
        PolicyWord old = _sane(bits);
        PolicyWord word = old.ended(epoch, barred ? PolicyWords.BARRED : 0);
        check(word.permissions() == 0 && word.phase() != Phase.Issued, "gives something");
        check(word.rev() == old.rev() + 1 && word.epoch() == epoch, "another number");
        check(word.has(PolicyWords.BARRED) == barred && !word.has(PolicyWords.DELEGATED), "other marks");
        check(word.strikes() == old.strikes() && word.counter() == old.counter(), "the use changed");
    }

    function testFuzz_granteesAreTwoKindsWrittenOneWay(uint256 bits, uint32 org, uint8 role) external pure {
        Grantee grantee = Grantee.wrap(bytes32(bits));
        if (grantee.isValid()) {
            Grantee again =
                grantee.isRole()
                    ? roleGrantee(grantee.organisation(), grantee.role())
                    : keyGrantee(grantee.account());
            check(again == grantee, "written in two ways");
        }
        uint256 roles = uint256(type(Role).max);
        if (org == 0 || role == 0 || role > roles) {
            uint256 wrong = (1 << 255) | (uint256(org) << 8) | role;
            check(!Grantee.wrap(bytes32(wrong)).isValid(), "a role of nobody");
        } else {
            check(roleGrantee(OrgId.wrap(org), Role(role)).isValid(), "a role refused");
        }
    }

    /// @dev A word that can come about: no counter or number at its very end.
    function _sane(uint256 bits) private pure returns (PolicyWord) {
        return PolicyWord.wrap(bits & ~((uint256(1) << 191) | (uint256(1) << 159)));
    }
}
