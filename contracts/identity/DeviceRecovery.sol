// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { DeviceId, OrderId, OrgId } from "../common/Ids.sol";
import { IConsortium, Role } from "../consortium/IConsortium.sol";
import { IOrders } from "../consortium/IOrders.sol";
import { SignedActs } from "../consortium/SignedActs.sol";
import { DeviceProofs } from "./DeviceProofs.sol";
import { DeviceKey, DeviceRecord, DeviceStatus, KeyProof, Recovery } from "./DeviceTypes.sol";
import { IDeviceRecords } from "./IDeviceRecords.sol";
import { IDeviceRecovery } from "./IDeviceRecovery.sol";
import { IDeviceRegistry } from "./IDeviceRegistry.sol";

/// @title DeviceRecovery
/// @notice Recovery of lost devices, and transfers by order. See {IDeviceRecovery}.
/// @dev Holds nothing but proposals; the registry keeps the devices and has the last word on each move.
contract DeviceRecovery is IDeviceRecovery, SignedActs {
    /// @inheritdoc IDeviceRecovery
    IConsortium public immutable CONSORTIUM;

    /// @inheritdoc IDeviceRecovery
    IOrders public immutable ORDERS;

    /// @inheritdoc IDeviceRecovery
    uint40 public constant RECOVERY_DELAY = 7 days;

    /// @inheritdoc IDeviceRecovery
    uint40 public constant RECOVERY_WINDOW = 30 days;

    bytes32 private constant _RECOVERY = keccak256(
        "Recovery(address registry,bytes32 device,uint32 epoch,address owner,uint8 curve,bytes32 x,bytes32 y,uint256 deadline)"
    );

    mapping(IDeviceRegistry registry => mapping(DeviceId device => Recovery pending)) private _recoveries;

    constructor(IConsortium consortium, IOrders orders) EIP712("Tenon DeviceRecovery", "1") {
        CONSORTIUM = consortium;
        ORDERS = orders;
    }

    /// @inheritdoc IDeviceRecovery
    function propose(
        IDeviceRegistry registry,
        DeviceId device,
        OrgId newOwner,
        KeyProof calldata fresh,
        uint256 deadline
    ) external {
        DeviceRecord memory word = _living(registry, device);
        OrgId maker = CONSORTIUM.requireRole(_msgSender(), Role.Manufacturer);
        if (maker != word.maker) revert RecoveryRefused(device, _msgSender());
        Recovery memory pending = _pending(registry, device, word);
        if (pending.epoch != 0) revert RecoveryPending(device, pending.newOwner, pending.newKeyId);
        bool newKey = fresh.key.curve != 0;
        if (newOwner == word.org && !newKey) revert RecoveryEmpty(device);
        CONSORTIUM.requireActive(newOwner);
        if (newKey) _requireProof(registry, device, word.epoch, newOwner, fresh, deadline);

        _recoveries[registry][device] = Recovery({
            epoch: word.epoch,
            newOwner: newOwner,
            curve: fresh.key.curve,
            readyAt: 0,
            newKeyId: newKey ? DeviceProofs.keyId(fresh.key) : bytes32(0)
        });
        emit RecoveryProposed(registry, device, newOwner, fresh.key, word.epoch, _msgSender());
    }

    /// @inheritdoc IDeviceRecovery
    function confirm(IDeviceRegistry registry, DeviceId device, OrgId newOwner, bytes32 newKeyId) external {
        OrgId authority = CONSORTIUM.requireRole(_msgSender(), Role.DeviceAuthority);
        (DeviceRecord memory word, Recovery memory pending) = _requirePending(registry, device);
        if (pending.newOwner != newOwner || pending.newKeyId != newKeyId) {
            revert RecoveryMismatch(device, pending.newOwner, pending.newKeyId);
        }
        if (pending.readyAt != 0) revert RecoveryAlreadyConfirmed(device, pending.readyAt);
        if (CONSORTIUM.sameControl(authority, word.maker)) {
            revert RecoveryNotIndependent(word.maker, authority);
        }

        uint40 readyAt = uint40(block.timestamp) + RECOVERY_DELAY;
        _recoveries[registry][device].readyAt = readyAt;
        emit RecoveryConfirmed(registry, device, readyAt, _msgSender());
    }

    /// @inheritdoc IDeviceRecovery
    function cancel(IDeviceRegistry registry, DeviceId device) external {
        (DeviceRecord memory word, ) = _requirePending(registry, device);
        address caller = _msgSender();
        if (CONSORTIUM.orgOf(caller) == word.org) CONSORTIUM.requireActive(word.org);
        else if (
            CONSORTIUM.actsFor(caller, Role.Manufacturer) != word.maker &&
            !CONSORTIUM.hasRole(caller, Role.DeviceAuthority)
        ) revert RecoveryRefused(device, caller);

        delete _recoveries[registry][device];
        emit RecoveryCancelled(registry, device, caller);
    }

    /// @inheritdoc IDeviceRecovery
    function execute(IDeviceRegistry registry, DeviceId device, DeviceKey calldata newKey) external {
        (, Recovery memory pending) = _requirePending(registry, device);
        OrgId org = CONSORTIUM.requireRole(_msgSender(), Role.DeviceManager);
        if (org != pending.newOwner) revert RecoveryRefused(device, _msgSender());
        if (pending.readyAt == 0 || block.timestamp < pending.readyAt) {
            revert RecoveryNotReady(device, pending.readyAt);
        }
        // What the caller gives for a key that stays must not become one.
        if (pending.curve == 0) {
            if (newKey.curve != 0)
                revert IDeviceRecords.DeviceKeyMismatch(device, 0, DeviceProofs.keyId(newKey));
        } else if (DeviceProofs.keyId(newKey) != pending.newKeyId) {
            revert IDeviceRecords.DeviceKeyMismatch(device, pending.newKeyId, DeviceProofs.keyId(newKey));
        }

        delete _recoveries[registry][device];
        emit RecoveryExecuted(registry, device, _msgSender());
        registry.reassign(device, org, newKey, false);
    }

    /// @inheritdoc IDeviceRecovery
    function forceTransfer(IDeviceRegistry registry, DeviceId device, OrgId to, OrderId order) external {
        CONSORTIUM.requireRole(_msgSender(), Role.Enforcer);
        if (to == _living(registry, device).org) revert RecoveryEmpty(device);
        CONSORTIUM.requireActive(to);

        ORDERS.consume(order, keccak256(abi.encode(registry, device, to)));
        emit TransferForced(registry, device, order, to, _msgSender());
        registry.reassign(device, to, DeviceKey(0, 0, 0), true);
    }

    /// @inheritdoc IDeviceRecovery
    function recoveryOf(IDeviceRegistry registry, DeviceId device) external view returns (Recovery memory) {
        return _pending(registry, device, registry.record(device));
    }

    // ---------------------------------------------------------------- inner parts

    function _living(
        IDeviceRegistry registry,
        DeviceId device
    ) private view returns (DeviceRecord memory word) {
        word = registry.record(device);
        if (word.status == DeviceStatus.None) revert IDeviceRecords.DeviceUnknown(device);
        if (word.status == DeviceStatus.Revoked) revert IDeviceRecords.DeviceEnded(device);
    }

    /// @dev What is pending in the present epoch and not lapsed; all zero otherwise.
    function _pending(
        IDeviceRegistry registry,
        DeviceId device,
        DeviceRecord memory word
    ) private view returns (Recovery memory pending) {
        Recovery memory found = _recoveries[registry][device];
        bool lapsed = found.readyAt != 0 && block.timestamp >= found.readyAt + RECOVERY_WINDOW;
        if (found.epoch == word.epoch && !lapsed) pending = found;
    }

    function _requirePending(
        IDeviceRegistry registry,
        DeviceId device
    ) private view returns (DeviceRecord memory word, Recovery memory pending) {
        word = registry.record(device);
        pending = _pending(registry, device, word);
        if (pending.epoch == 0) revert RecoveryMissing(device);
    }

    function _requireProof(
        IDeviceRegistry registry,
        DeviceId device,
        uint32 epoch,
        OrgId newOwner,
        KeyProof calldata fresh,
        uint256 deadline
    ) private view {
        bytes32 hash = keccak256(
            abi.encode(_RECOVERY, registry, device, epoch, newOwner.holder(), fresh.key, deadline)
        );
        bytes32 digest = DeviceProofs.digest(fresh.key.curve, _domainSeparatorV4(), hash);
        DeviceProofs.check(device, fresh.key, digest, deadline, fresh.r, fresh.s);
    }
}
