// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceSignature } from "../../../contracts/identity/DeviceSignature.sol";
import { DeviceKey } from "../../../contracts/identity/IDeviceRegistry.sol";
import { TestKeys } from "./TestKeys.sol";

/// @notice Signatures of both curves under random keys and digests.
contract DeviceSignatureFuzz is TestKeys {
    function testFuzz_onlyTheLowerHalfIsTaken(uint256 secret, bool k1, bytes32 digest) external view {
        DeviceKey memory key = keyOf(scalar(secret), k1);
        (bytes32 r, bytes32 s) = rawSign(scalar(secret), k1, digest);
        bytes32 twin = bytes32(orderOf(k1) - uint256(s));
        (bytes32 low, bytes32 high) = uint256(s) < uint256(twin) ? (s, twin) : (twin, s);
        check(DeviceSignature.isValid(key, digest, r, low), "refused a good signature");
        check(!DeviceSignature.isValid(key, digest, r, high), "took high s");
        check(DeviceSignature.isHighS(key.curve, high), "did not see high s");
        check(!DeviceSignature.isHighS(key.curve, low), "saw high s");
        check(DeviceSignature.lowerS(key.curve, high) == low, "did not lower");
        check(DeviceSignature.lowerS(key.curve, low) == low, "changed the lower");
    }

    function testFuzz_anotherDigestIsRefused(
        uint256 secret,
        bool k1,
        bytes32 digest,
        bytes32 other
    ) external view {
        // Both curves reduce the digest, so two that differ by the order are one; that pair is out of reach here.
        vm.assume(digest != other);
        DeviceKey memory key = keyOf(scalar(secret), k1);
        (bytes32 r, bytes32 s) = rawSign(scalar(secret), k1, digest);
        s = DeviceSignature.lowerS(key.curve, s);
        check(!DeviceSignature.isValid(key, other, r, s), "took another digest");
    }

    function testFuzz_anotherKeyIsRefused(
        uint256 secret,
        uint256 other,
        bool k1,
        bytes32 digest
    ) external view {
        (secret, other) = (scalar(secret), scalar(other));
        vm.assume(secret != other);
        (bytes32 r, bytes32 s) = rawSign(secret, k1, digest);
        DeviceKey memory key = keyOf(other, k1);
        s = DeviceSignature.lowerS(key.curve, s);
        check(!DeviceSignature.isValid(key, digest, r, s), "took another key");
    }

    function testFuzz_aRandomSignatureIsRefused(
        uint8 curve,
        bytes32 x,
        bytes32 y,
        bytes32 digest,
        bytes32 r,
        bytes32 s
    ) external view {
        if (curve > 8) curve = curve % 2 == 0 ? 1 : 8;
        DeviceKey memory key = DeviceKey(curve, x, y);
        check(!DeviceSignature.isValid(key, digest, r, s), "took a random signature");
    }

    function testFuzz_onlyPointsOfTheCurveAreKeys(uint256 secret, bool k1, uint8 bit) external view {
        DeviceKey memory key = keyOf(scalar(secret), k1);
        check(DeviceSignature.isOnCurve(key), "refused a point of the curve");
        // A point shares its x only with its mirror image, whose y differs in far more than one bit.
        bytes32 flip = bytes32(1 << bit);
        check(!DeviceSignature.isOnCurve(DeviceKey(key.curve, key.x, key.y ^ flip)), "took another y");
        check(!DeviceSignature.isOnCurve(DeviceKey(k1 ? 1 : 8, key.x, key.y)), "one key on both curves");
    }

    function testFuzz_aNumberBeyondTheOrderStaysThere(bytes32 s, bool k1) external pure {
        bytes32 low = DeviceSignature.lowerS(k1 ? 8 : 1, s);
        if (uint256(s) >= orderOf(k1)) check(low == s, "brought it into range");
        else check(uint256(low) <= orderOf(k1) / 2, "left s in the upper half");
    }
}
