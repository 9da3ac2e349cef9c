// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../../../contracts/common/Ids.sol";
import { DeviceRegistry } from "../../../contracts/identity/DeviceRegistry.sol";
import { DeviceRecord, DeviceStatus, Maker } from "../../../contracts/identity/DeviceTypes.sol";
import { TestBase } from "../TestBase.sol";
import { DeviceWorld } from "./DeviceWorld.sol";

/// @notice The named invariants of devices, their owners and keys (docs/invariants.md), after every act of {DeviceWorld}.
contract DeviceInvariants is TestBase {
    DeviceWorld private _world;
    DeviceRegistry private _registry;

    function setUp() external {
        _world = new DeviceWorld();
        _registry = _world.REGISTRY();
        target(address(_world));
    }

    /// @notice IDN-4
    function invariant_recordIsWhatTheActsMadeIt() external view {
        for (uint256 secret = 1; secret <= _world.KEYS(); ++secret) {
            DeviceRecord memory word = _registry.record(_world.idOf(secret));
            DeviceWorld.Model memory m = _world.modelOf(secret);
            check(word.epoch == m.epoch, "epoch");
            if (m.epoch == 0) continue;
            check(OrgId.unwrap(word.org) == m.owner && word.owner == word.org.holder(), "owner");
            check(word.status == m.status, "status");
            check(word.engaged == m.engaged && word.locked == m.locked, "engaged or locked");
            check(word.accessStopped == m.stopped && word.rotated == (m.key != secret), "stopped or rotated");
            check(OrgId.unwrap(word.maker) == 1, "maker");
            check(OrgId.unwrap(_registry.offerOf(_world.idOf(secret)).to) == m.offeredTo, "offer");
        }
    }

    /// @notice IDN-5: the present key and every past one; so a device has one key at a time, and no other acts.
    function invariant_oneKeyIsInForce() external view {
        for (uint256 secret = 1; secret <= _world.KEYS(); ++secret) {
            DeviceWorld.Epoch[] memory epochs = _world.epochsOf(secret);
            for (uint32 i = 0; i < epochs.length; ++i) {
                bytes32 keyId = _registry.keyIdAt(_world.idOf(secret), i + 1);
                check(keyId == DeviceId.unwrap(_world.idOf(epochs[i].key)), "another key");
            }
        }
    }

    /// @notice IDN-6
    function invariant_noKeyServesTwice() external view {
        uint256[] memory serves = new uint256[](_world.KEYS() + 1);
        for (uint256 secret = 1; secret <= _world.KEYS(); ++secret) {
            DeviceWorld.Epoch[] memory epochs = _world.epochsOf(secret);
            uint256 last = 0;
            for (uint256 i = 0; i < epochs.length; ++i) {
                if (epochs[i].key != last) ++serves[last = epochs[i].key];
            }
        }
        for (uint256 secret = 1; secret <= _world.KEYS(); ++secret) {
            check(serves[secret] == (_world.taken(secret) ? 1 : 0), "a key in two places");
            if (_world.modelOf(secret).epoch != 0) continue;
            check(
                _registry.record(_world.idOf(secret)).status == DeviceStatus.None,
                "a key that is a device"
            );
        }
    }

    /// @notice IDN-7: for every second from before the first registration to now at which anything changed, and the one
    /// before it.
    function invariant_ownerOfEveryPastTime() external view {
        for (uint256 secret = 1; secret <= _world.KEYS(); ++secret) {
            DeviceWorld.Epoch[] memory epochs = _world.epochsOf(secret);
            for (uint256 i = 0; i < epochs.length; ++i) {
                _checkOwner(secret, epochs, epochs[i].since);
                _checkOwner(secret, epochs, epochs[i].since - 1);
            }
            _checkOwner(secret, epochs, block.timestamp);
        }
    }

    /// @notice IDN-8
    function invariant_quotaIsNeverExceeded() external view {
        Maker memory maker = _registry.manufacturerOf(_world.MAKER());
        check(maker.used == _world.used(), "another count");
        check(maker.used <= maker.quota, "more than the quota");
    }

    function _checkOwner(uint256 secret, DeviceWorld.Epoch[] memory epochs, uint256 time) private view {
        uint256 n = 0;
        while (n < epochs.length && epochs[n].since <= time) ++n;
        DeviceId device = _world.idOf(secret);
        address owner = n == 0 ? address(0) : OrgId.wrap(epochs[n - 1].owner).holder();
        check(_registry.ownerAt(device, time) == owner, "another owner then");
        check(_registry.epochAt(device, time) == n, "another epoch then");
        (uint32 epoch, bytes32 keyId) = _registry.inForceAt(device, time);
        uint256 key = n == 0 ? secret : epochs[n - 1].key;
        check(epoch == n && keyId == DeviceId.unwrap(_world.idOf(key)), "another key then");
    }
}
