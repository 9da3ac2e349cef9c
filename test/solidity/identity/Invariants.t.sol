// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId } from "../../../contracts/common/Ids.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { Role, Term } from "../../../contracts/consortium/IConsortium.sol";
import { DeviceRegistry } from "../../../contracts/identity/DeviceRegistry.sol";
import { DeviceRecord, DeviceStatus, Maker } from "../../../contracts/identity/DeviceTypes.sol";
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
            Maker memory maker = _registry.manufacturerOf(account);
            Term memory term = _consortium.termOf(account, Role.Manufacturer);
            uint128 quota = term.limit > type(uint64).max ? type(uint64).max : term.limit;
            check(maker.until == term.until && maker.quota == quota, "folded term differs");
            check(maker.until == 0 || maker.org == _consortium.orgOf(account), "folded organisation differs");
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
            uint32 epoch = word.status == DeviceStatus.Revoked ? birth.epoch + 1 : birth.epoch;
            check(word.owner == birth.owner && word.maker == birth.maker, "owner or maker changed");
            check(word.curve == birth.curve && word.epoch == epoch, "curve or epoch changed");
        }
    }
}
