// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../../../contracts/common/Ids.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { Role, Term } from "../../../contracts/consortium/IConsortium.sol";
import { DeviceRegistry } from "../../../contracts/identity/DeviceRegistry.sol";
import { DeviceRecord, DeviceStatus } from "../../../contracts/identity/IDeviceRegistry.sol";
import { TestBase } from "../TestBase.sol";
import { World } from "./World.sol";

/// @notice The named invariants of identity (docs/invariants.md), after every act of {World}.
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
            check(folded.until == term.until && folded.limit == term.limit, "folded term differs");
            check(folded.until == 0 || org == _consortium.orgOf(account), "folded organisation differs");
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
}
