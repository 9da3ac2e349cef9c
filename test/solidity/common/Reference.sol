// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Merkle trees as RFC 9162 §2.1 defines them, by recursion over ranges: shares nothing with the product.
library Reference {
    /// @dev MTH over the leaf hashes `[from, to)`.
    function root(bytes32[] memory leaves, uint256 from, uint256 to) internal pure returns (bytes32) {
        if (to - from == 1) return leaves[from];
        uint256 middle = from + split(to - from);
        return node(root(leaves, from, middle), root(leaves, middle, to));
    }

    /// @dev PATH, from the bottom up.
    function path(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory siblings) {
        siblings = new bytes32[](depth(index, leaves.length));
        uint256 from = 0;
        uint256 to = leaves.length;
        for (uint256 i = siblings.length; i > 0; --i) {
            uint256 middle = from + split(to - from);
            bool right = index >= middle;
            siblings[i - 1] = right ? root(leaves, from, middle) : root(leaves, middle, to);
            (from, to) = right ? (middle, to) : (from, middle);
        }
    }

    function depth(uint256 index, uint256 size) internal pure returns (uint256) {
        if (size == 1) return 0;
        uint256 k = split(size);
        return 1 + (index < k ? depth(index, k) : depth(index - k, size - k));
    }

    /// @dev The turns from the leaf to the root, one bit each above a leading one: what a verifier learns from index and
    /// size.
    function turns(uint256 index, uint256 size) internal pure returns (uint256) {
        if (size == 1) return 1;
        uint256 k = split(size);
        uint256 below = index < k ? turns(index, k) : turns(index - k, size - k);
        uint256 length = depth(index, size) - 1;
        return (below ^ (1 << length)) | (index < k ? 0 : 1 << length) | (1 << (length + 1));
    }

    /// @dev The largest power of two below `size`.
    function split(uint256 size) internal pure returns (uint256 k) {
        k = 1;
        while (2 * k < size) k *= 2;
    }

    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(hex"01", left, right));
    }

    function leaf(bytes memory entry) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(hex"00", entry));
    }
}
