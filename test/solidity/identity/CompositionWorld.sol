// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../../../contracts/common/Ids.sol";
import { DeviceComposition } from "../../../contracts/identity/DeviceComposition.sol";
import { IDeviceComposition } from "../../../contracts/identity/IDeviceComposition.sol";
import { FactsBase } from "./FactsBase.sol";

/// @notice Parts and machines under random use, and beside them a plain model: one machine for each part, whether that
/// still holds, and who counts it. Every act must succeed exactly when the model says so; only the depth may be refused
/// too early, because the contract never understates it.
contract CompositionWorld is FactsBase {
    struct Link {
        DeviceId machine; // 0 is none
        bool holds;
        bool counted; // by the machine, since it counts anew
    }

    DeviceComposition public immutable COMPOSITION;
    mapping(DeviceId part => Link) private _links;

    constructor() {
        COMPOSITION = new DeviceComposition(REGISTRY);
    }

    // ---------------------------------------------------------------- acts

    function attach(uint256 machineSeed, uint256 partSeed) external {
        _build(deviceAt(machineSeed), deviceAt(partSeed), false);
    }

    function move(uint256 machineSeed, uint256 partSeed) external {
        _build(deviceAt(machineSeed), deviceAt(partSeed), true);
    }

    function detach(uint256 partSeed, uint256 ownerSeed) external {
        (DeviceId part, OrgId by) = (deviceAt(partSeed), ownerAt(ownerSeed));
        bool expected = REGISTRY.record(part).org == by && _links[part].holds;
        vm.prank(managerOf(by));
        try COMPOSITION.detachParts(_list(part)) {
            check(expected, "detached against the rules");
            delete _links[part];
        } catch {
            check(!expected, "detaching refused");
        }
    }

    function prune(uint256 partSeed) external {
        DeviceId part = deviceAt(partSeed);
        bool expected = !_isNone(_links[part].machine) && !_links[part].holds;
        try COMPOSITION.prune(part) {
            check(expected, "pruned against the rules");
            delete _links[part];
        } catch {
            check(!expected, "pruning refused");
        }
    }

    // ---------------------------------------------------------------- the model

    /// @notice The machine a part is in, or 0.
    function machineOf(DeviceId part) public view returns (DeviceId) {
        return _links[part].holds ? _links[part].machine : DeviceId.wrap(0);
    }

    /// @notice What the machine's count should be: links it was given since it counts anew, those that are over included.
    function countOf(DeviceId machine) external view returns (uint32 count) {
        for (uint256 i = 0; i < DEVICES; ++i) {
            Link memory link = _links[deviceAt(i)];
            if (link.machine == machine && link.counted) ++count;
        }
    }

    /// @dev Climbs the model, which has no bound of its own.
    function isAbove(DeviceId above, DeviceId device) public view returns (bool) {
        for (uint256 i = 0; i <= DEVICES && !_isNone(device); ++i) {
            device = machineOf(device);
            if (device == above) return true;
        }
        return false;
    }

    /// @dev Levels from a device down to its deepest part, itself included.
    function levelsOf(DeviceId device) public view returns (uint256 most) {
        for (uint256 i = 0; i < DEVICES; ++i) {
            if (machineOf(deviceAt(i)) != device) continue;
            uint256 levels = levelsOf(deviceAt(i));
            if (levels > most) most = levels;
        }
        return most + 1;
    }

    /// @dev Machines above a device.
    function depthOf(DeviceId device) public view returns (uint256 depth) {
        for (device = machineOf(device); !_isNone(device); device = machineOf(device)) ++depth;
    }

    function _build(DeviceId machine, DeviceId part, bool moved) private {
        OrgId by = REGISTRY.record(machine).org;
        bool allowed = part != machine && !isAbove(part, machine) && REGISTRY.record(part).org == by;
        allowed = allowed && !_isRevoked(part) && !_isRevoked(machine) && _links[part].holds == moved;
        // The part's own levels, under the machine and all above it.
        bool fits = !allowed || depthOf(machine) + 1 + levelsOf(part) <= COMPOSITION.MAX_LEVELS();
        vm.prank(managerOf(by));
        (bool done, bytes memory reason) = address(COMPOSITION).call(
            moved
                ? abi.encodeCall(IDeviceComposition.moveParts, (machine, _list(part)))
                : abi.encodeCall(IDeviceComposition.attachParts, (machine, _list(part)))
        );
        if (done) {
            check(allowed && fits, "built against the rules");
            _links[part] = Link(machine, true, true);
        } else if (allowed && fits) {
            check(bytes4(reason) == IDeviceComposition.CompositionTooDeep.selector, "building refused");
        }
    }

    function _onEpoch(DeviceId device) internal override {
        _links[device].holds = false;
        for (uint256 i = 0; i < DEVICES; ++i) {
            Link storage link = _links[deviceAt(i)];
            if (link.machine == device) (link.holds, link.counted) = (false, false);
        }
    }

    function _list(DeviceId part) private pure returns (DeviceId[] memory list) {
        list = new DeviceId[](1);
        list[0] = part;
    }

    function _isNone(DeviceId device) private pure returns (bool) {
        return DeviceId.unwrap(device) == 0;
    }
}
