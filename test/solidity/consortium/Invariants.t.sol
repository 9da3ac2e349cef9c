// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { OrgId } from "../../../contracts/common/Ids.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { Grant, OrgStatus, Role, Term } from "../../../contracts/consortium/IConsortium.sol";
import { TestBase } from "../TestBase.sol";
import { ConsortiumWorld, Listeners } from "./ConsortiumWorld.sol";

/// @notice The named invariants of the consortium (docs/invariants.md), after every act of {ConsortiumWorld}.
contract ConsortiumInvariants is TestBase {
    ConsortiumWorld private _world;
    Consortium private _consortium;

    function setUp() external {
        _world = new ConsortiumWorld();
        _consortium = _world.CONSORTIUM();
        target(address(_world));
    }

    /// @notice CNS-1
    function invariant_noRoleWithoutExpiry() external view {
        uint256 latest = block.timestamp + _consortium.MAX_TERM();
        for (uint256 i = 0; i < _world.ACCOUNTS(); ++i) {
            Grant[] memory grants = _consortium.grantsOf(_world.accountAt(i));
            check(grants.length <= _consortium.MAX_ROLES(), "too many roles");
            for (uint256 j = 0; j < grants.length; ++j) {
                uint40 until = grants[j].term.until;
                check(until != 0 && until <= latest, "a role without a near end");
            }
        }
    }

    /// @notice CNS-2: every view says of every role what was granted and neither expired nor ended since.
    function invariant_endedRoleAuthorisesNothing() external view {
        for (uint256 i = 0; i < _world.ACCOUNTS(); ++i) {
            for (uint256 j = 0; j < _world.ROLES(); ++j) {
                _checkRole(_world.accountAt(i), _world.roleAt(j));
            }
        }
    }

    /// @notice CNS-3
    function invariant_accountServesOneOrganisation() external view {
        for (uint256 i = 0; i < _world.ACCOUNTS(); ++i) {
            address account = _world.accountAt(i);
            (OrgId first, bool removed) = _world.memberOf(account);
            OrgId expected = removed ? OrgId.wrap(0) : first;
            check(_consortium.orgOf(account) == expected, "another organisation");
            for (uint256 j = 0; j < _world.ORGS(); ++j) {
                OrgId org = _world.orgAt(j);
                uint256 times = org == expected ? 1 : 0;
                check(_timesIn(_consortium.signatoriesOf(org), account) == times, "another list");
            }
        }
    }

    /// @notice CNS-4
    function invariant_exitedStaysExited() external view {
        for (uint256 i = 0; i < _world.ORGS(); ++i) {
            OrgId org = _world.orgAt(i);
            check(_consortium.statusOf(org) == _world.statusOf(org), "another status");
            if (_consortium.statusOf(org) != OrgStatus.Exited) continue;
            for (uint256 j = 0; j < _world.ACCOUNTS(); ++j) {
                for (uint256 k = 0; k < _world.ROLES(); ++k) {
                    OrgId acting = _consortium.actsFor(_world.accountAt(j), _world.roleAt(k));
                    check(acting != org, "somebody acts for an organisation that left");
                }
            }
        }
    }

    /// @notice CNS-5
    function invariant_nobodyHoldsConflictingRoles() external view {
        for (uint256 i = 0; i < _world.ACCOUNTS(); ++i) {
            Grant[] memory grants = _consortium.grantsOf(_world.accountAt(i));
            for (uint256 j = 0; j < grants.length; ++j) {
                for (uint256 k = 0; k < j; ++k) {
                    bool both =
                        block.timestamp < grants[j].term.until && block.timestamp < grants[k].term.until;
                    check(!both || !_world.excluded(grants[j].role, grants[k].role), "two duties at once");
                }
            }
        }
    }

    /// @notice CNS-6
    function invariant_aboveTheLimitTwoPeopleAct() external view {
        for (uint256 i = 0; i < _world.ACCOUNTS(); ++i) {
            address account = _world.accountAt(i);
            uint256 above = uint256(_consortium.termOf(account, Role.Treasurer).limit) + 1;
            for (uint256 j = 0; j < _world.ACTS(); ++j) {
                _checkAct(account, above, _world.actAt(j));
                _checkAct(account, above - 1, _world.actAt(j));
            }
        }
    }

    /// @notice CNS-7
    function invariant_aSignatureCountsOnce() external view {
        for (uint256 i = 0; i < _world.ACCOUNTS(); ++i) {
            address account = _world.accountAt(i);
            for (uint192 key = 0; key < 3; ++key) {
                uint256 next = (uint256(key) << 64) | _world.actsOf(account, key);
                check(_consortium.nonces(account, key) == next, "another number of acts");
            }
        }
    }

    /// @notice CNS-8
    function invariant_listenersKnowWhatCounts() external view {
        Listeners listeners = _world.LISTENERS();
        for (uint256 i = 0; i < _world.ORGS(); ++i) {
            OrgId org = _world.orgAt(i);
            check(listeners.statusOf(org) == _consortium.statusOf(org), "another status was told");
        }
        for (uint256 i = 0; i < _world.ACCOUNTS(); ++i) {
            address account = _world.accountAt(i);
            for (uint256 j = 0; j < _world.ROLES(); ++j) {
                Term memory told = listeners.termOf(account, _world.roleAt(j));
                Term memory term = _consortium.termOf(account, _world.roleAt(j));
                check(told.until == term.until && told.limit == term.limit, "another term was told");
            }
        }
    }

    function _checkRole(address account, Role role) private view {
        bool holds = _world.holds(account, role);
        OrgId org = holds ? _consortium.orgOf(account) : OrgId.wrap(0);
        check(_consortium.hasRole(account, role) == holds, "hasRole");
        check(_consortium.actsFor(account, role) == org, "actsFor");
        try _consortium.requireRole(account, role) returns (OrgId answer) {
            check(holds && answer == org, "requireRole returned");
        } catch {
            check(!holds, "requireRole reverted");
        }
    }

    function _checkAct(address account, uint256 amount, bytes32 actHash) private view {
        bool may = _world.mayAct(account, Role.Treasurer, amount, actHash);
        try _consortium.requireRoleFor(account, Role.Treasurer, amount, actHash) {
            check(may, "an act above the limit by one person");
        } catch {
            check(!may, "an act by two people was refused");
        }
    }

    function _timesIn(address[] memory list, address account) private pure returns (uint256 times) {
        for (uint256 i = 0; i < list.length; ++i) if (list[i] == account) ++times;
    }
}
