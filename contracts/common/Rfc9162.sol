// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Merkle trees of RFC 9162 (Certificate Transparency) with SHA-256
/// @notice leaf = SHA-256(0x00 ‖ entry), node = SHA-256(0x01 ‖ left ‖ right); a tree of any size is full to the left.
/// A path proves the *position* of an entry, because index and size decide on which side every sibling stands.
/// @dev The assembly calls the SHA-256 precompile on memory past the free pointer and leaves the pointer alone.
library Rfc9162 {
    error TreeSizeUnsupported(uint256 size);

    /// @notice Hash of an entry as a leaf.
    function leafHash(bytes calldata entry) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore8(buffer, 0)
            calldatacopy(add(buffer, 1), entry.offset, entry.length)
            // The precompile fails only when gas runs out.
            if iszero(staticcall(gas(), 2, buffer, add(entry.length, 1), 0, 32)) {
                revert(0, 0)
            }
            hash := mload(0)
        }
    }

    /// @notice Hash of a 32-byte entry as a leaf.
    function leafHash(bytes32 entry) internal view returns (bytes32 hash) {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore8(buffer, 0)
            mstore(add(buffer, 1), entry)
            if iszero(staticcall(gas(), 2, buffer, 33, 0, 32)) {
                revert(0, 0)
            }
            hash := mload(0)
        }
    }

    /// @notice Whether `path` leads from the leaf at `index` to `root` in a tree of exactly `size` leaves
    /// (RFC 9162 §2.1.3.2).
    /// @dev False, never a revert, for an index outside the tree and for a path too short or too long.
    /// @param leaf Leaf hash, not the entry.
    /// @param size From the same source as `root`: some sizes give a path the same shape.
    function verifyInclusion(
        bytes32 leaf,
        uint256 index,
        uint256 size,
        bytes32[] calldata path,
        bytes32 root
    ) internal view returns (bool included) {
        if (index >= size) return false;
        assembly ("memory-safe") {
            // buffer: … 31 unused bytes, 0x01, left, right
            let buffer := mload(0x40)
            mstore(buffer, 1)
            let node := add(buffer, 31)
            let left := add(buffer, 32)

            let last := sub(size, 1)
            let end := add(path.offset, shl(5, path.length))
            let ok := 1
            for {
                let next := path.offset
            } lt(next, end) {
                next := add(next, 32)
            } {
                // A sibling more than the tree has levels.
                if iszero(last) {
                    ok := 0
                    break
                }
                // A node without a right neighbour rises unhashed until it is a right child itself.
                if eq(index, last) {
                    for {} iszero(and(index, 1)) {} {
                        index := shr(1, index)
                        last := shr(1, last)
                    }
                }
                let own := shl(5, and(index, 1))
                mstore(add(left, own), leaf)
                mstore(add(left, xor(own, 32)), calldataload(next))
                // The precompile fails only when gas runs out; that is looked at once, at the end.
                ok := and(ok, staticcall(gas(), 2, node, 65, 0, 32))
                leaf := mload(0)
                index := shr(1, index)
                last := shr(1, last)
            }
            // `last` is zero only when the path had a sibling for every level.
            included := and(ok, and(iszero(last), eq(leaf, root)))
        }
    }

    /// @notice Root of the tree over the 32-byte entries in `size` storage slots from `slot` on; `size` must be a
    /// power of two, and not 1.
    /// @dev For a ring of a thousand, so without a copy or a branch that is not needed: two entries at a time become
    /// their parent, each level is written over the one below, and whether a call failed (no gas left) is looked at
    /// once, at the end.
    function rootOfSlots(uint256 slot, uint256 size) internal view returns (bytes32 root) {
        if (size < 2 || size & (size - 1) != 0) revert TreeSizeUnsupported(size);
        assembly ("memory-safe") {
            // buffer: 0x00 at 31, an entry at 32; 0x01 at 95, two leaf hashes at 96; nodes from 160 on
            let buffer := mload(0x40)
            mstore(buffer, 0)
            mstore(add(buffer, 64), 1)
            let leaf := add(buffer, 31)
            let entry := add(buffer, 32)
            let pair := add(buffer, 95)
            let left := add(buffer, 96)
            let right := add(buffer, 128)
            let nodes := add(buffer, 160)
            let ok := 1

            size := shr(1, size)
            let end := add(nodes, shl(5, size))
            for {
                let node := nodes
            } lt(node, end) {
                node := add(node, 32)
            } {
                mstore(entry, sload(slot))
                ok := and(ok, staticcall(gas(), 2, leaf, 33, left, 32))
                mstore(entry, sload(add(slot, 1)))
                ok := and(ok, staticcall(gas(), 2, leaf, 33, right, 32))
                ok := and(ok, staticcall(gas(), 2, pair, 65, node, 32))
                slot := add(slot, 2)
            }

            for {} gt(size, 1) {} {
                size := shr(1, size)
                end := add(nodes, shl(5, size))
                pair := sub(nodes, 1)
                for {
                    let node := nodes
                } lt(node, end) {
                    node := add(node, 32)
                } {
                    // The prefix takes the last byte of the pair before, which is hashed already.
                    mstore8(pair, 1)
                    ok := and(ok, staticcall(gas(), 2, pair, 65, node, 32))
                    pair := add(pair, 64)
                }
            }
            if iszero(ok) {
                revert(0, 0)
            }
            root := mload(nodes)
        }
    }
}
