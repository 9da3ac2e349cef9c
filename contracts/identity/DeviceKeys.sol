// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { DeviceOwnership } from "./DeviceOwnership.sol";
import { DeviceProofs } from "./DeviceProofs.sol";
import { DeviceKey, KeyProof, TransferCause } from "./DeviceTypes.sol";
import { DeviceWord, ENGAGED } from "./DeviceWord.sol";
import { IDeviceKeys } from "./IDeviceKeys.sol";

/// @title DeviceKeys
/// @notice New keys for old devices. See {IDeviceKeys}.
abstract contract DeviceKeys is DeviceOwnership {
    /// @inheritdoc IDeviceKeys
    address public immutable RECOVERY;

    bytes32 private constant _ROTATION = keccak256(
        "Rotation(bytes32 device,uint32 epoch,uint8 curve,bytes32 x,bytes32 y,uint256 deadline)"
    );
    constructor(address recovery) {
        RECOVERY = recovery;
    }

    // ---------------------------------------------------------------- rotation

    /// @inheritdoc IDeviceKeys
    function rotateKey(
        DeviceId device,
        KeyProof calldata present,
        KeyProof calldata fresh,
        uint256 deadline
    ) external {
        DeviceWord word = _living(device);
        _requireManager(device, _msgSender(), word.owner());
        _requireInForce(device, word, present.key);
        _requireFree(DeviceProofs.keyId(fresh.key));
        bytes32 hash = keccak256(abi.encode(_ROTATION, device, word.epoch(), fresh.key, deadline));
        _requireProof(device, present.key, hash, deadline, present.r, present.s);
        _requireProof(device, fresh.key, hash, deadline, fresh.r, fresh.s);

        _setKey(device, word, word.next(word.owner()), fresh.key);
    }

    // ---------------------------------------------------------------- recovery

    /// @inheritdoc IDeviceKeys
    function reassign(DeviceId device, OrgId owner, DeviceKey calldata newKey, bool forced) external {
        if (_msgSender() != RECOVERY) revert DeviceActorRefused(device, _msgSender());
        DeviceWord word = _living(device);
        bool sameOwner = owner == word.owner();
        if (!sameOwner && !forced && word.locked()) revert DeviceImmovable(device, word.status(), true);

        DeviceWord fresh = word.next(owner);
        if (newKey.curve == 0)
            _beginEpoch(device, word, fresh);
            // The new key signed for this owner.
        else _setKey(device, word, fresh.withFlag(ENGAGED, true), newKey);
        if (sameOwner) return;
        _announceTransfer(device, word, fresh, forced ? TransferCause.Forced : TransferCause.Recovered);
    }

    // ---------------------------------------------------------------- inner parts

    /// @dev The only place where a device gets another key.
    function _setKey(DeviceId device, DeviceWord old, DeviceWord fresh, DeviceKey calldata key) private {
        bytes32 keyId = DeviceProofs.keyId(key);
        _requireFree(keyId);
        _beginEpoch(device, old, fresh.withKey(key.curve), keyId);
        emit DeviceKeyRotated(device, keyId, key, fresh.epoch(), uint32(old.blockNumber()));
    }
}
