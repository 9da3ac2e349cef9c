// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceSignature } from "../../../contracts/identity/DeviceSignature.sol";
import { DeviceKey } from "../../../contracts/identity/IDeviceRegistry.sol";

/// @dev Opens the product's signature check to test vectors (scripts/check-vectors.ts), as contracts use it that must
/// accept both forms of `s`.
contract SignatureHarness {
    struct Case {
        DeviceKey key;
        bytes32 digest;
        bytes32 r;
        bytes32 s;
    }

    function areValid(Case[] memory cases) external view returns (bool[] memory valid) {
        valid = new bool[](cases.length);
        for (uint256 i = 0; i < cases.length; ++i) {
            Case memory one = cases[i];
            bytes32 s = DeviceSignature.lowerS(one.key.curve, one.s);
            valid[i] = DeviceSignature.isValid(one.key, one.digest, one.r, s);
        }
    }
}
