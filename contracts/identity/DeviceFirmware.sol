// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { DeviceId, OrgId } from "../common/Ids.sol";
import { IConsortium, Role } from "../consortium/IConsortium.sol";
import { SignedActs } from "../consortium/SignedActs.sol";
import { DeviceProofs } from "./DeviceProofs.sol";
import { DeviceKey, DeviceRecord, DeviceStatus } from "./DeviceTypes.sol";
import {
    FirmwareModel,
    FirmwareReason,
    FirmwareState,
    IDeviceFirmware,
    Installation,
    ModelId,
    Release,
    ReleaseId
} from "./IDeviceFirmware.sol";
import { IDeviceRecords } from "./IDeviceRecords.sol";
import { IDeviceRegistry } from "./IDeviceRegistry.sol";

/// @title DeviceFirmware
/// @notice Firmware releases, and one word per device for what it runs. See {IDeviceFirmware}.
contract DeviceFirmware is IDeviceFirmware, SignedActs {
    /// @inheritdoc IDeviceFirmware
    IDeviceRegistry public immutable REGISTRY;

    /// @inheritdoc IDeviceFirmware
    IConsortium public immutable CONSORTIUM;

    bytes32 private constant _INSTALLATION = keccak256(
        "Installation(bytes32 device,uint32 epoch,uint32 release,bytes32 manifestHash,uint32 count,uint256 deadline)"
    );

    mapping(ModelId id => FirmwareModel word) private _models;
    mapping(OrgId org => mapping(bytes32 modelHash => ModelId id)) private _modelIds;
    mapping(ReleaseId id => Release release) private _releases;
    mapping(DeviceId device => Installation word) private _installations;
    uint32 private _modelCount;
    uint32 private _releaseCount;

    constructor(IDeviceRegistry registry) EIP712("Tenon DeviceFirmware", "1") {
        REGISTRY = registry;
        CONSORTIUM = registry.CONSORTIUM();
    }

    // ---------------------------------------------------------------- releases

    /// @inheritdoc IDeviceFirmware
    function publish(
        bytes32 modelHash,
        uint64 sequence,
        bytes32 imageHash,
        bytes32 manifestHash
    ) external returns (ReleaseId id) {
        address by = _msgSender();
        OrgId org = CONSORTIUM.requireRole(by, Role.Manufacturer);
        if (modelHash == 0 || imageHash == 0 || manifestHash == 0) revert FirmwareHashMissing();
        ModelId line = _modelIds[org][modelHash];
        uint64 highest = _models[line].sequence;
        if (sequence <= highest) revert FirmwareSequenceTaken(line, sequence, highest);

        if (ModelId.unwrap(line) == 0) line = _openModel(org, modelHash);
        id = ReleaseId.wrap(++_releaseCount);
        _releases[id] = Release(line, org, sequence, uint40(block.timestamp), 0, manifestHash);
        _models[line] = FirmwareModel(org, sequence, id);
        emit FirmwareReleased(id, line, sequence, imageHash, manifestHash, by);
    }

    /// @inheritdoc IDeviceFirmware
    function withdraw(ReleaseId id, bytes32 reasonHash) external {
        address by = _msgSender();
        OrgId org = CONSORTIUM.requireRole(by, Role.Manufacturer);
        Release memory release = _releases[id];
        if (release.publishedAt == 0) revert ReleaseUnknown(id);
        if (release.org != org) revert ReleaseForeign(id, org);
        if (release.withdrawnAt != 0) revert ReleaseWithdrawn(id, release.withdrawnAt);

        _releases[id].withdrawnAt = uint40(block.timestamp);
        emit FirmwareWithdrawn(id, reasonHash, by);
    }

    // ---------------------------------------------------------------- installations

    /// @inheritdoc IDeviceFirmware
    function install(
        DeviceId device,
        ReleaseId id,
        DeviceKey calldata key,
        uint256 deadline,
        bytes32 r,
        bytes32 s
    ) external {
        Release memory release = _releases[id];
        Installation memory last = _installations[device];
        DeviceRecord memory held = REGISTRY.record(device);
        FirmwareReason reason = _reason(release, last, held);
        if (reason != FirmwareReason.Installable) _refuse(reason, device, id, release, last);
        _requireKey(device, held, key);
        bytes32 digest = _digest(
            device,
            held.epoch,
            id,
            release.manifestHash,
            last.count,
            key.curve,
            deadline
        );
        DeviceProofs.check(device, key, digest, deadline, r, s);

        uint32 count = last.count + 1;
        _installations[device] = Installation({
            model: release.model,
            release: id,
            sequence: release.sequence,
            installedAt: uint40(block.timestamp),
            epoch: held.epoch,
            count: count
        });
        emit FirmwareInstalled(device, id, release.sequence, held.epoch, count);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IDeviceFirmware
    function explain(DeviceId device, ReleaseId id) external view returns (FirmwareReason) {
        return _reason(_releases[id], _installations[device], REGISTRY.record(device));
    }

    /// @inheritdoc IDeviceFirmware
    function stateOf(DeviceId device) external view returns (FirmwareState) {
        Installation memory last = _installations[device];
        if (last.count == 0) return FirmwareState.None;
        if (_releases[last.release].withdrawnAt != 0) return FirmwareState.Withdrawn;
        bool newest = _models[last.model].sequence == last.sequence;
        return newest ? FirmwareState.Latest : FirmwareState.Superseded;
    }

    /// @inheritdoc IDeviceFirmware
    function installationOf(DeviceId device) external view returns (Installation memory) {
        return _installations[device];
    }

    /// @inheritdoc IDeviceFirmware
    function releaseOf(ReleaseId id) external view returns (Release memory) {
        return _releases[id];
    }

    /// @inheritdoc IDeviceFirmware
    function model(ModelId id) external view returns (FirmwareModel memory) {
        return _models[id];
    }

    /// @inheritdoc IDeviceFirmware
    function modelIdOf(OrgId org, bytes32 modelHash) external view returns (ModelId) {
        return _modelIds[org][modelHash];
    }

    /// @inheritdoc IDeviceFirmware
    function installationDigest(
        DeviceId device,
        ReleaseId id,
        uint8 curve,
        uint256 deadline
    ) external view returns (bytes32) {
        uint32 epoch = REGISTRY.record(device).epoch;
        uint32 count = _installations[device].count;
        return _digest(device, epoch, id, _releases[id].manifestHash, count, curve, deadline);
    }

    // ---------------------------------------------------------------- inner parts

    function _openModel(OrgId org, bytes32 modelHash) private returns (ModelId line) {
        line = ModelId.wrap(++_modelCount);
        _modelIds[org][modelHash] = line;
        emit FirmwareModelOpened(line, org, modelHash);
    }

    function _requireKey(DeviceId device, DeviceRecord memory held, DeviceKey calldata key) private view {
        bytes32 inForce = held.rotated ? REGISTRY.keyIdAt(device, held.epoch) : DeviceId.unwrap(device);
        bytes32 given = DeviceProofs.keyId(key);
        if (given != inForce) revert IDeviceRecords.DeviceKeyMismatch(device, inForce, given);
    }

    function _digest(
        DeviceId device,
        uint32 epoch,
        ReleaseId id,
        bytes32 manifestHash,
        uint32 count,
        uint8 curve,
        uint256 deadline
    ) private view returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(_INSTALLATION, device, epoch, id, manifestHash, count, deadline)
        );
        return DeviceProofs.digest(curve, _domainSeparatorV4(), structHash);
    }

    /// @dev The one rule of what may be installed: {install} and {explain} both ask here.
    function _reason(
        Release memory release,
        Installation memory last,
        DeviceRecord memory held
    ) private pure returns (FirmwareReason) {
        if (release.publishedAt == 0) return FirmwareReason.ReleaseUnknown;
        if (release.withdrawnAt != 0) return FirmwareReason.ReleaseWithdrawn;
        if (held.status == DeviceStatus.None) return FirmwareReason.DeviceUnknown;
        if (held.status == DeviceStatus.Revoked) return FirmwareReason.DeviceRevoked;
        bool other = last.count != 0 && ModelId.unwrap(last.model) != ModelId.unwrap(release.model);
        if (other) return FirmwareReason.OtherModel;
        return release.sequence < last.sequence ? FirmwareReason.Rollback : FirmwareReason.Installable;
    }

    /// @dev Says a reason with its values. Runs only on the way out.
    function _refuse(
        FirmwareReason reason,
        DeviceId device,
        ReleaseId id,
        Release memory release,
        Installation memory last
    ) private pure {
        if (reason == FirmwareReason.ReleaseUnknown) revert ReleaseUnknown(id);
        if (reason == FirmwareReason.ReleaseWithdrawn) revert ReleaseWithdrawn(id, release.withdrawnAt);
        if (reason == FirmwareReason.DeviceUnknown) revert IDeviceRecords.DeviceUnknown(device);
        if (reason == FirmwareReason.DeviceRevoked) revert IDeviceRecords.DeviceEnded(device);
        if (reason == FirmwareReason.OtherModel) {
            revert FirmwareModelMismatch(device, last.model, release.model);
        }
        revert FirmwareRollback(device, release.sequence, last.sequence);
    }
}
