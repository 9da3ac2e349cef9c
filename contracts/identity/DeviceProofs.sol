// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { MessageHashUtils } from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import { DeviceId } from "../common/Ids.sol";
import { DeviceSignature } from "./DeviceSignature.sol";
import { DeviceKey } from "./DeviceTypes.sol";
import { IDeviceRecords } from "./IDeviceRecords.sol";

/// @title DeviceProofs
/// @notice What a device signs in an EIP-712 domain, and why a signature of it is refused.
/// @dev secp256k1 signs the usual Keccak digest; P-256 signs SHA-256 of the same 66 bytes `0x1901 ‖ domain ‖ struct`,
/// because secure elements have no Keccak.
library DeviceProofs {
    /// @notice The id of a key; a birth key's id is its device's.
    function keyId(DeviceKey calldata key) internal pure returns (bytes32 id) {
        uint8 curve = key.curve;
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore8(at, curve)
            calldatacopy(add(at, 1), add(key, 32), 64)
            id := keccak256(at, 65)
        }
    }

    /// @notice What a key of this curve signs.
    function digest(uint8 curve, bytes32 domain, bytes32 structHash) internal view returns (bytes32 hash) {
        if (curve != DeviceSignature.CURVE_P256) return MessageHashUtils.toTypedDataHash(domain, structHash);
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, hex"1901")
            mstore(add(at, 2), domain)
            mstore(add(at, 34), structHash)
            // SHA-256 fails only when gas runs out.
            if iszero(staticcall(gas(), 2, at, 66, 0, 32)) {
                revert(0, 0)
            }
            hash := mload(0)
        }
    }

    /// @notice Reverts, with the reason, unless the key signed `hash`, which is its {digest}, in time.
    function check(
        DeviceId device,
        DeviceKey calldata key,
        bytes32 hash,
        uint256 deadline,
        bytes32 r,
        bytes32 s
    ) internal view {
        if (block.timestamp <= deadline && _isValid(key, hash, r, s)) return;
        // Only the way out pays for knowing why.
        if (r == 0 && s == 0) revert IDeviceRecords.DeviceProofMissing(device);
        if (block.timestamp > deadline) {
            revert IDeviceRecords.DeviceProofExpired(device, deadline, block.timestamp);
        }
        if (!DeviceSignature.isSupported(key.curve)) revert IDeviceRecords.DeviceCurveUnsupported(key.curve);
        if (!DeviceSignature.isOnCurve(key)) revert IDeviceRecords.DeviceKeyInvalid(key.curve, key.x, key.y);
        if (DeviceSignature.isHighS(key.curve, s)) revert IDeviceRecords.DeviceProofHighS(device, s);
        revert IDeviceRecords.DeviceProofInvalid(device, hash);
    }

    function _isValid(
        DeviceKey calldata key,
        bytes32 hash,
        bytes32 r,
        bytes32 s
    ) private view returns (bool) {
        return DeviceSignature.isValid(key.curve, key.x, key.y, hash, r, s);
    }
}
