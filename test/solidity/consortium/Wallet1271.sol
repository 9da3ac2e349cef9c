// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @notice A contract that signs (ERC-1271): one key speaks for it, until the contract is locked.
contract Wallet1271 is IERC1271 {
    address public immutable KEY;
    bool public locked;

    constructor(address key) {
        KEY = key;
    }

    function lock() external {
        locked = true;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        bool good = !locked && ECDSA.recover(hash, signature) == KEY;
        return good ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
