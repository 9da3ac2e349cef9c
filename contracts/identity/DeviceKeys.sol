// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { Role } from "../consortium/IConsortium.sol";
import { DeviceOwnership } from "./DeviceOwnership.sol";
import { DeviceRegistration } from "./DeviceRegistration.sol";
import { DeviceKey, KeyProof, Recovery, TransferCause } from "./DeviceTypes.sol";
import { DeviceWord, ENGAGED } from "./DeviceWord.sol";
import { IDeviceKeys } from "./IDeviceKeys.sol";

/// @title DeviceKeys
/// @notice Rotation with the old key's consent, recovery with manufacturer and authority. See {IDeviceKeys}.
abstract contract DeviceKeys is IDeviceKeys, DeviceRegistration, DeviceOwnership {
    /// @inheritdoc IDeviceKeys
    uint40 public constant RECOVERY_DELAY = 7 days;

    /// @inheritdoc IDeviceKeys
    uint40 public constant RECOVERY_WINDOW = 30 days;

    bytes32 private constant _ROTATION = keccak256(
        "Rotation(bytes32 device,uint32 epoch,uint8 curve,bytes32 x,bytes32 y,uint256 deadline)"
    );
    bytes32 private constant _RECOVERY = keccak256(
        "Recovery(bytes32 device,uint32 epoch,address owner,uint8 curve,bytes32 x,bytes32 y,uint256 deadline)"
    );

    mapping(DeviceId device => Recovery pending) private _recoveries;

    // ---------------------------------------------------------------- rotation

    /// @inheritdoc IDeviceKeys
    function rotateKey(
        DeviceId device,
        KeyProof calldata present,
        KeyProof calldata fresh,
        uint256 deadline
    ) external {
        DeviceWord word = _living(device);
        _requireManager(device, word.owner());
        _requireInForce(device, word, present.key);
        _requireFree(_keyIdOf(fresh.key));
        bytes32 hash = keccak256(abi.encode(_ROTATION, device, word.epoch(), fresh.key, deadline));
        _requireProof(device, present.key, hash, deadline, present.r, present.s);
        _requireProof(device, fresh.key, hash, deadline, fresh.r, fresh.s);

        _setKey(device, word, word.next(word.owner()), fresh.key);
    }

    // ---------------------------------------------------------------- recovery

    /// @inheritdoc IDeviceKeys
    function proposeRecovery(
        DeviceId device,
        OrgId newOwner,
        KeyProof calldata fresh,
        uint256 deadline
    ) external {
        DeviceWord word = _living(device);
        if (!_isMaker(_msgSender(), word.maker())) revert DeviceActorRefused(device, _msgSender());
        Recovery memory pending = _pending(device, word);
        if (pending.epoch != 0) revert RecoveryPending(device, pending.newOwner, pending.newKeyId);
        bool sameOwner = newOwner == word.owner();
        if (sameOwner && fresh.key.curve == 0) revert RecoveryEmpty(device);
        if (!sameOwner) {
            if (word.locked()) revert DeviceImmovable(device, word.status(), true);
            CONSORTIUM.requireActive(newOwner);
        }
        bytes32 keyId = fresh.key.curve == 0
            ? bytes32(0)
            : _checkedNewKey(device, word, newOwner, fresh, deadline);

        _recoveries[device] = Recovery({
            epoch: word.epoch(),
            newOwner: newOwner,
            curve: fresh.key.curve,
            readyAt: 0,
            newKeyId: keyId
        });
        emit RecoveryProposed(device, newOwner, fresh.key, word.epoch(), _msgSender());
    }

    /// @inheritdoc IDeviceKeys
    function confirmRecovery(DeviceId device, OrgId newOwner, bytes32 newKeyId) external {
        OrgId authority = CONSORTIUM.requireRole(_msgSender(), Role.DeviceAuthority);
        DeviceWord word = _living(device);
        Recovery memory pending = _requirePending(device, word);
        if (pending.newOwner != newOwner || pending.newKeyId != newKeyId) {
            revert RecoveryMismatch(device, pending.newOwner, pending.newKeyId);
        }
        if (pending.readyAt != 0) revert RecoveryAlreadyConfirmed(device, pending.readyAt);
        if (CONSORTIUM.sameControl(authority, word.maker())) {
            revert RecoveryNotIndependent(word.maker(), authority);
        }

        uint40 readyAt = uint40(block.timestamp) + RECOVERY_DELAY;
        _recoveries[device].readyAt = readyAt;
        emit RecoveryConfirmed(device, readyAt, _msgSender());
    }

    /// @inheritdoc IDeviceKeys
    function cancelRecovery(DeviceId device) external {
        DeviceWord word = _known(device);
        _requirePending(device, word);
        if (!_isMaker(_msgSender(), word.maker()) && !_isAuthority()) {
            _requireSignatory(device, word.owner());
        }

        delete _recoveries[device];
        emit RecoveryCancelled(device, _msgSender());
    }

    /// @inheritdoc IDeviceKeys
    function executeRecovery(DeviceId device, DeviceKey calldata newKey) external {
        DeviceWord word = _living(device);
        Recovery memory pending = _requirePending(device, word);
        _requireManager(device, pending.newOwner);
        if (pending.readyAt == 0 || block.timestamp < pending.readyAt) {
            revert RecoveryNotReady(device, pending.readyAt);
        }
        bool sameOwner = pending.newOwner == word.owner();
        if (!sameOwner && word.locked()) revert DeviceImmovable(device, word.status(), true);

        delete _recoveries[device];
        DeviceWord fresh = word.next(pending.newOwner);
        if (pending.curve == 0) {
            _transfer(device, word, pending.newOwner, TransferCause.Recovered);
        } else {
            _requireGiven(device, pending.newKeyId, newKey);
            // The new key signed for this owner.
            _setKey(device, word, fresh.withFlag(ENGAGED, true), newKey);
            if (!sameOwner) _announceTransfer(device, word, fresh, TransferCause.Recovered);
        }
        emit RecoveryExecuted(device, fresh.epoch(), _msgSender());
    }

    /// @inheritdoc IDeviceKeys
    function recoveryOf(DeviceId device) external view returns (Recovery memory) {
        return _pending(device, _words[device]);
    }

    // ---------------------------------------------------------------- inner parts

    /// @dev The only place where a device gets another key.
    function _setKey(DeviceId device, DeviceWord old, DeviceWord fresh, DeviceKey calldata key) private {
        bytes32 keyId = _keyIdOf(key);
        _requireFree(keyId);
        _beginEpoch(device, old, fresh.withKey(key.curve), keyId);
        emit DeviceKeyRotated(device, keyId, key, fresh.epoch(), uint32(old.blockNumber()));
    }

    function _checkedNewKey(
        DeviceId device,
        DeviceWord word,
        OrgId newOwner,
        KeyProof calldata fresh,
        uint256 deadline
    ) private view returns (bytes32 keyId) {
        keyId = _keyIdOf(fresh.key);
        _requireFree(keyId);
        bytes32 hash = keccak256(
            abi.encode(_RECOVERY, device, word.epoch(), newOwner.holder(), fresh.key, deadline)
        );
        _requireProof(device, fresh.key, hash, deadline, fresh.r, fresh.s);
    }

    function _requireGiven(DeviceId device, bytes32 keyId, DeviceKey calldata key) private pure {
        bytes32 given = _keyIdOf(key);
        if (given != keyId) revert DeviceKeyMismatch(device, keyId, given);
    }

    /// @dev What is pending in the present epoch and not lapsed; all zero otherwise.
    function _pending(DeviceId device, DeviceWord word) private view returns (Recovery memory pending) {
        Recovery memory found = _recoveries[device];
        bool lapsed = found.readyAt != 0 && block.timestamp >= found.readyAt + RECOVERY_WINDOW;
        if (found.epoch == word.epoch() && !lapsed) pending = found;
    }

    function _requirePending(DeviceId device, DeviceWord word) private view returns (Recovery memory pending) {
        pending = _pending(device, word);
        if (pending.epoch == 0) revert RecoveryMissing(device);
    }
}
