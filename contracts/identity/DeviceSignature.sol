// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { P256 } from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import { DeviceKey } from "./IDeviceRegistry.sol";

/// @title DeviceSignature
/// @notice Checks signatures by device keys of either curve over a 32-byte digest.
/// @dev P-256 uses the precompile of EIP-7951 and reverts with `MissingPrecompile` on a chain without it: the deploy task
/// refuses such a chain, and OpenZeppelin's Solidity code (2 KB, 250,000 gas a signature) would be dead weight in every
/// contract that checks devices. secp256k1 uses `ecrecover`. Both refuse `s` in the upper half; who must accept it (a chip
/// does not care) calls {lowerS} first.
library DeviceSignature {
    /// @dev COSE numbers (RFC 9053 table 18, RFC 8812).
    uint8 internal constant CURVE_P256 = 1;
    uint8 internal constant CURVE_SECP256K1 = 8;

    /// @dev secp256k1: field prime and group order (SEC 2, 2.4.1).
    uint256 private constant _K1_P = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;
    uint256 private constant _K1_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    /// @notice Whether `(r, s)` is the key's signature over `digest`. False for any fault: a curve that is not
    /// supported, a key that is not on it, `s` in the upper half, or simply another signature.
    function isValid(
        DeviceKey memory key,
        bytes32 digest,
        bytes32 r,
        bytes32 s
    ) internal view returns (bool) {
        return isValid(key.curve, key.x, key.y, digest, r, s);
    }

    /// @notice The same for a key in parts.
    function isValid(
        uint8 curve,
        bytes32 x,
        bytes32 y,
        bytes32 digest,
        bytes32 r,
        bytes32 s
    ) internal view returns (bool) {
        if (curve == CURVE_P256) {
            // The precompile takes high s too. What it refuses, OpenZeppelin's code tells from a chain without it.
            if (uint256(s) <= P256.N / 2 && _precompiled(x, y, digest, r, s)) return true;
            return P256.verifyNative(digest, r, s, x, y);
        }
        return curve == CURVE_SECP256K1 && _isValidSecp256k1(x, y, digest, r, s);
    }

    /// @notice Whether the curve is one a device may use.
    function isSupported(uint8 curve) internal pure returns (bool) {
        return curve == CURVE_P256 || curve == CURVE_SECP256K1;
    }

    /// @notice Whether the point lies on its (supported) curve; the zero point does not.
    function isOnCurve(DeviceKey memory key) internal pure returns (bool) {
        if (key.curve == CURVE_P256) return P256.isValidPublicKey(key.x, key.y);
        uint256 x = uint256(key.x);
        uint256 y = uint256(key.y);
        if (x >= _K1_P || y >= _K1_P) return false;
        return mulmod(y, y, _K1_P) == addmod(mulmod(mulmod(x, x, _K1_P), x, _K1_P), 7, _K1_P);
    }

    /// @notice Whether `s` lies in the upper half of the group, where every signature has a twin.
    function isHighS(uint8 curve, bytes32 s) internal pure returns (bool) {
        return uint256(s) > _order(curve) / 2;
    }

    /// @notice The twin of a signature's `s` that lies in the lower half.
    function lowerS(uint8 curve, bytes32 s) internal pure returns (bytes32) {
        uint256 order = _order(curve);
        // At or above the order nothing verifies: left as it is, so that it cannot become something that does.
        if (uint256(s) >= order || !isHighS(curve, s)) return s;
        return bytes32(order - uint256(s));
    }

    function _order(uint8 curve) private pure returns (uint256) {
        return curve == CURVE_P256 ? P256.N : _K1_N;
    }

    function _precompiled(
        bytes32 x,
        bytes32 y,
        bytes32 digest,
        bytes32 r,
        bytes32 s
    ) private view returns (bool valid) {
        assembly ("memory-safe") {
            let input := mload(0x40)
            mstore(input, digest)
            mstore(add(input, 32), r)
            mstore(add(input, 64), s)
            mstore(add(input, 96), x)
            mstore(add(input, 128), y)
            // An invalid signature, and a chain without the precompile, answer with nothing.
            mstore(0, 0)
            let called := staticcall(gas(), 0x100, input, 160, 0, 32)
            valid := and(called, eq(mload(0), 1))
        }
    }

    /// @dev The key is known, so the parity bit is not asked for: both values are tried.
    function _isValidSecp256k1(
        bytes32 x,
        bytes32 y,
        bytes32 digest,
        bytes32 r,
        bytes32 s
    ) private pure returns (bool) {
        if (isHighS(CURVE_SECP256K1, s)) return false;
        address signer = address(uint160(uint256(keccak256(abi.encodePacked(x, y)))));
        // A failed ecrecover answers zero, which must match nobody.
        if (signer == address(0)) return false;
        return ecrecover(digest, 27, r, s) == signer || ecrecover(digest, 28, r, s) == signer;
    }
}
