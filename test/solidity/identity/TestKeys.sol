// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { P256 } from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { DeviceKey } from "../../../contracts/identity/IDeviceRegistry.sol";
import { TestBase } from "../TestBase.sol";

/// @notice Device keys and raw signatures (either half of `s`) of both curves from a private scalar.
abstract contract TestKeys is TestBase {
    uint256 internal constant K1_P = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;
    uint256 internal constant K1_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    uint256 private constant _GX = 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798;
    uint256 private constant _GY = 0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8;

    function orderOf(bool k1) internal pure returns (uint256) {
        return k1 ? K1_N : P256.N;
    }

    /// @dev A scalar that is good for both curves.
    function scalar(uint256 seed) internal pure returns (uint256) {
        return within(seed, 1, P256.N < K1_N ? P256.N - 1 : K1_N - 1);
    }

    function keyOf(uint256 secret, bool k1) internal view returns (DeviceKey memory) {
        if (k1) return _k1Key(secret);
        (uint256 x, uint256 y) = vm.publicKeyP256(secret);
        return DeviceKey(1, bytes32(x), bytes32(y));
    }

    function rawSign(uint256 secret, bool k1, bytes32 digest) internal pure returns (bytes32 r, bytes32 s) {
        if (k1) (, r, s) = vm.sign(secret, digest);
        else (r, s) = vm.signP256(secret, digest);
    }

    /// @dev The runner has no cheat code for it: double and add, held against the address it does compute.
    function _k1Key(uint256 secret) private view returns (DeviceKey memory) {
        (uint256 x, uint256 y) = (_GX, _GY);
        for (uint256 bit = Math.log2(secret); bit > 0; --bit) {
            (x, y) = _add(x, y, x, y);
            if ((secret >> (bit - 1)) & 1 == 1) (x, y) = _add(x, y, _GX, _GY);
        }
        address account = address(uint160(uint256(keccak256(abi.encodePacked(x, y)))));
        check(account == vm.addr(secret), "wrong test key");
        return DeviceKey(8, bytes32(x), bytes32(y));
    }

    function _add(
        uint256 x1,
        uint256 y1,
        uint256 x2,
        uint256 y2
    ) private view returns (uint256 x, uint256 y) {
        uint256 top = x1 == x2 ? mulmod(3, mulmod(x1, x1, K1_P), K1_P) : addmod(y2, K1_P - y1, K1_P);
        uint256 bottom = x1 == x2 ? mulmod(2, y1, K1_P) : addmod(x2, K1_P - x1, K1_P);
        uint256 slope = mulmod(top, Math.invModPrime(bottom, K1_P), K1_P);
        x = addmod(mulmod(slope, slope, K1_P), K1_P - addmod(x1, x2, K1_P), K1_P);
        y = addmod(mulmod(slope, addmod(x1, K1_P - x, K1_P), K1_P), K1_P - y1, K1_P);
    }
}
