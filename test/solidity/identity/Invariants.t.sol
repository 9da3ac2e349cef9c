// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../../../contracts/common/Ids.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { OrgStatus, Role, Term } from "../../../contracts/consortium/IConsortium.sol";
import { DeviceRegistry } from "../../../contracts/identity/DeviceRegistry.sol";
import { DeviceRecord, DeviceStatus } from "../../../contracts/identity/IDeviceRegistry.sol";
import { TestBase } from "../TestBase.sol";
import { World } from "./World.sol";

/// @notice The named invariants of consortium and identity (docs/invariants.md), after every act of {World}.
contract IdentityInvariants is TestBase {
    World private _world;
    Consortium private _consortium;
    DeviceRegistry private _registry;

    function setUp() external {
        _world = new World();
        _consortium = _world.CONSORTIUM();
        _registry = _world.REGISTRY();
        target(address(_world));
    }

    /// @notice IDN-1
    function invariant_foldedTermEqualsConsortium() external view {
        for (uint256 i = 0; i < _world.ACCOUNTS(); ++i) {
            address account = _world.accountAt(i);
            (OrgId org, Term memory folded) = _registry.manufacturerOf(account);
            Term memory term = _consortium.termOf(account, Role.Manufacturer);
            check(folded.from == term.from && folded.until == term.until, "folded term differs");
            check(folded.until == 0 || org == _consortium.orgOf(account), "folded organisation differs");
        }
    }

    /// @notice CNS-1
    function invariant_noRoleWithoutExpiry() external view {
        uint256 latest = block.timestamp + _consortium.MAX_TERM();
        for (uint256 i = 0; i < _world.ACCOUNTS(); ++i) {
            for (uint256 j = 0; j < _world.ROLES(); ++j) {
                Term memory term = _consortium.termOf(_world.accountAt(i), _world.roleAt(j));
                check(term.until <= latest, "a role without a near end");
                check(term.until == 0 || term.from < term.until, "an empty term");
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

    /// @notice IDN-2
    function invariant_revokedStaysRevoked() external view {
        for (uint256 i = 0; i < _world.KEYS(); ++i) {
            DeviceId device = _world.deviceAt(i);
            DeviceStatus status = _registry.record(device).status;
            // The model leaves Revoked never; what it learnt of the registry it learnt from successful steps.
            check(status == _world.deviceStatus(device), "another status");
        }
    }

    /// @notice IDN-3
    function invariant_birthRecordNeverChanges() external view {
        for (uint256 i = 0; i < _world.KEYS(); ++i) {
            DeviceId device = _world.deviceAt(i);
            DeviceRecord memory word = _registry.record(device);
            DeviceRecord memory birth = _world.birthOf(device);
            check(word.owner == birth.owner && word.since == birth.since, "owner or time changed");
            check(word.curve == birth.curve && word.epoch == birth.epoch, "curve or epoch changed");
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

    function _timesIn(address[] memory list, address account) private pure returns (uint256 times) {
        for (uint256 i = 0; i < list.length; ++i) if (list[i] == account) ++times;
    }
}
