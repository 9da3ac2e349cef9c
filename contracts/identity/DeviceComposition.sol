// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { DeviceId, OrgId } from "../common/Ids.sol";
import { IConsortium, Role } from "../consortium/IConsortium.sol";
import { SignedActs } from "../consortium/SignedActs.sol";
import { IDeviceComposition } from "./IDeviceComposition.sol";
import { DeviceRecord, DeviceStatus } from "./DeviceTypes.sol";
import { IDeviceRecords } from "./IDeviceRecords.sol";
import { IDeviceRegistry } from "./IDeviceRegistry.sol";

/// @title DeviceComposition
/// @notice Parts and machines: one storage word per device that is either. See {IDeviceComposition}.
/// @dev There is no list of parts: the events tell them, each part points up. So nothing here grows with a machine, and
/// every look-up climbs at most `MAX_LEVELS - 1` links.
///
/// A link carries the epochs in which part and machine were when it was made, both under one owner. It holds while both are
/// still in them. Epochs only rise, so a link that is over stays over, and climbing live links can meet no cycle.
contract DeviceComposition is IDeviceComposition, SignedActs {
    /// @dev One word. The first three are about the device as a part, the rest about it as a machine.
    struct Node {
        uint32 machine; // number of the machine it was built into; 0 is none
        uint32 partEpoch; // the epochs in which the link was made
        uint32 machineEpoch;
        uint32 number; // as a machine; 0 before its first part
        uint32 partsEpoch; // the epoch in which `parts` and `levels` were counted
        uint32 parts;
        uint8 levels; // below it; never less than there are, and 0 again when the last part is gone
    }

    /// @inheritdoc IDeviceComposition
    uint256 public constant MAX_LEVELS = 4;

    /// @inheritdoc IDeviceComposition
    IDeviceRegistry public immutable REGISTRY;

    /// @inheritdoc IDeviceComposition
    IConsortium public immutable CONSORTIUM;

    mapping(DeviceId device => Node word) private _nodes;
    mapping(uint32 number => DeviceId machine) private _machines;
    uint32 private _machineCount;

    constructor(IDeviceRegistry registry) EIP712("Tenon DeviceComposition", "1") {
        REGISTRY = registry;
        CONSORTIUM = registry.CONSORTIUM();
    }

    // ---------------------------------------------------------------- building

    /// @inheritdoc IDeviceComposition
    function attachParts(DeviceId machine, DeviceId[] calldata parts) external {
        _attachAll(machine, parts, false);
    }

    /// @inheritdoc IDeviceComposition
    function moveParts(DeviceId machine, DeviceId[] calldata parts) external {
        _attachAll(machine, parts, true);
    }

    /// @inheritdoc IDeviceComposition
    function detachParts(DeviceId[] calldata parts) external {
        address by = _msgSender();
        OrgId org = CONSORTIUM.requireRole(by, Role.DeviceManager);
        if (parts.length == 0) revert PartsEmpty();

        for (uint256 i = 0; i < parts.length; ++i) {
            DeviceRecord memory held = REGISTRY.record(parts[i]);
            if (held.org != org) revert DeviceNotOwned(parts[i], org, held.org);
            _detach(parts[i], held, by);
        }
    }

    /// @inheritdoc IDeviceComposition
    function prune(DeviceId part) external {
        DeviceId machine = _machines[_nodes[part].machine];
        if (_isNone(machine)) revert PartFree(part);
        (DeviceId live, ) = _above(part, REGISTRY.record(part));
        if (!_isNone(live)) revert LinkHolds(part, machine);

        _unlink(part);
        emit PartPruned(part, machine, _msgSender());
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IDeviceComposition
    function machineOf(DeviceId part) external view returns (DeviceId machine) {
        (machine, ) = _above(part, REGISTRY.record(part));
    }

    /// @inheritdoc IDeviceComposition
    function rootOf(DeviceId device) external view returns (DeviceId) {
        DeviceId[] memory above = _allAbove(device, REGISTRY.record(device));
        return above.length == 0 ? device : above[above.length - 1];
    }

    /// @inheritdoc IDeviceComposition
    function isPartOf(DeviceId device, DeviceId machine) external view returns (bool) {
        return _contains(_allAbove(device, REGISTRY.record(device)), machine);
    }

    /// @inheritdoc IDeviceComposition
    function partsOf(DeviceId machine) external view returns (uint32) {
        Node memory node = _nodes[machine];
        return node.partsEpoch == REGISTRY.record(machine).epoch ? node.parts : 0;
    }

    // ---------------------------------------------------------------- inner parts

    function _attachAll(DeviceId machine, DeviceId[] calldata parts, bool moved) private {
        address by = _msgSender();
        OrgId org = CONSORTIUM.requireRole(by, Role.DeviceManager);
        if (parts.length == 0) revert PartsEmpty();
        DeviceRecord memory held = _usable(machine, org);
        DeviceId[] memory above = _allAbove(machine, held);
        uint32 number = _asMachine(machine, held.epoch);

        for (uint256 i = 0; i < parts.length; ++i) {
            DeviceRecord memory partHeld = _usable(parts[i], org);
            uint256 levels = _checkPlace(parts[i], partHeld, machine, above);
            if (moved) _detach(parts[i], partHeld, by);
            else _clear(parts[i], partHeld, by);
            _link(parts[i], partHeld, machine, held, number);
            _raise(machine, above, levels);
            emit PartAttached(parts[i], machine, org, by);
        }
    }

    /// @dev The levels that the part brings, itself included.
    function _checkPlace(
        DeviceId part,
        DeviceRecord memory held,
        DeviceId machine,
        DeviceId[] memory above
    ) private view returns (uint256 levels) {
        if (part == machine) revert PartOfItself(part);
        if (_contains(above, part)) revert CompositionCycle(part, machine);
        Node memory node = _nodes[part];
        levels = node.partsEpoch == held.epoch ? uint256(node.levels) + 1 : 1;
        uint256 total = above.length + 1 + levels;
        if (total > MAX_LEVELS) revert CompositionTooDeep(part, machine, total);
    }

    function _link(
        DeviceId part,
        DeviceRecord memory partHeld,
        DeviceId machine,
        DeviceRecord memory held,
        uint32 number
    ) private {
        Node storage node = _nodes[part];
        (node.machine, node.partEpoch, node.machineEpoch) = (number, partHeld.epoch, held.epoch);
        ++_nodes[machine].parts;
    }

    /// @dev Everything above now reaches at least this far down.
    function _raise(DeviceId machine, DeviceId[] memory above, uint256 levels) private {
        _raiseOne(machine, levels);
        for (uint256 i = 0; i < above.length; ++i) _raiseOne(above[i], levels + i + 1);
    }

    function _raiseOne(DeviceId machine, uint256 levels) private {
        // Checked against MAX_LEVELS before, so it fits.
        if (_nodes[machine].levels < levels) _nodes[machine].levels = uint8(levels);
    }

    function _detach(DeviceId part, DeviceRecord memory held, address by) private {
        (DeviceId machine, ) = _above(part, held);
        if (_isNone(machine)) revert PartFree(part);
        _unlink(part);
        emit PartDetached(part, machine, by);
    }

    /// @dev Takes a link that is over out of the way; refuses one that holds.
    function _clear(DeviceId part, DeviceRecord memory held, address by) private {
        DeviceId former = _machines[_nodes[part].machine];
        if (_isNone(former)) return;
        (DeviceId machine, ) = _above(part, held);
        if (!_isNone(machine)) revert PartTaken(part, machine);
        _unlink(part);
        emit PartPruned(part, former, by);
    }

    function _unlink(DeviceId part) private {
        Node storage node = _nodes[part];
        Node storage machine = _nodes[_machines[node.machine]];
        // Counted in the epoch the link was made in, unless a later one has begun to count anew.
        if (machine.partsEpoch == node.machineEpoch && --machine.parts == 0) machine.levels = 0;
        (node.machine, node.partEpoch, node.machineEpoch) = (0, 0, 0);
    }

    /// @dev Numbers a machine at its first part, and begins its count anew in a new epoch.
    function _asMachine(DeviceId machine, uint32 epoch) private returns (uint32 number) {
        Node storage node = _nodes[machine];
        number = node.number;
        if (number == 0) {
            number = ++_machineCount;
            node.number = number;
            _machines[number] = machine;
        }
        if (node.partsEpoch != epoch) (node.partsEpoch, node.parts, node.levels) = (epoch, 0, 0);
    }

    /// @dev A device that the organisation holds and that is not revoked.
    function _usable(DeviceId device, OrgId org) private view returns (DeviceRecord memory held) {
        held = REGISTRY.record(device);
        if (held.status == DeviceStatus.None) revert IDeviceRecords.DeviceUnknown(device);
        if (held.org != org) revert DeviceNotOwned(device, org, held.org);
        if (held.status == DeviceStatus.Revoked) revert IDeviceRecords.DeviceEnded(device);
    }

    /// @dev The machine one level up, by a link that holds; 0 when there is none.
    function _above(
        DeviceId part,
        DeviceRecord memory held
    ) private view returns (DeviceId machine, DeviceRecord memory machineHeld) {
        Node memory node = _nodes[part];
        if (node.machine == 0 || node.partEpoch != held.epoch) return (machine, machineHeld);
        DeviceId named = _machines[node.machine];
        machineHeld = REGISTRY.record(named);
        if (machineHeld.epoch == node.machineEpoch) machine = named;
    }

    /// @dev Every machine above a device, the nearest first. The bound never binds: deeper is refused when it is built.
    function _allAbove(
        DeviceId device,
        DeviceRecord memory held
    ) private view returns (DeviceId[] memory above) {
        above = new DeviceId[](MAX_LEVELS - 1);
        uint256 count = 0;
        while (count < above.length) {
            (device, held) = _above(device, held);
            if (_isNone(device)) break;
            above[count++] = device;
        }
        // Shortens the list in place: its length is the word in front of it.
        assembly ("memory-safe") {
            mstore(above, count)
        }
    }

    function _contains(DeviceId[] memory list, DeviceId device) private pure returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) if (list[i] == device) return true;
        return false;
    }

    function _isNone(DeviceId device) private pure returns (bool) {
        return DeviceId.unwrap(device) == 0;
    }
}
