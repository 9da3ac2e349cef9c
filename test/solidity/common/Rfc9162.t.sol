// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Rfc9162 } from "../../../contracts/common/Rfc9162.sol";
import { TestBase } from "../TestBase.sol";
import { Reference } from "./Reference.sol";

/// @notice The library's functions where a test can call them with calldata.
contract Verifier {
    bytes32[2048] private _ring;

    function leafHash(bytes calldata entry) external view returns (bytes32) {
        return Rfc9162.leafHash(entry);
    }

    function leafHash(bytes32 entry) external view returns (bytes32) {
        return Rfc9162.leafHash(entry);
    }

    function verify(
        bytes32 leaf,
        uint256 index,
        uint256 size,
        bytes32[] calldata path,
        bytes32 root
    ) external view returns (bool included, uint256 gas) {
        gas = gasleft();
        included = Rfc9162.verifyInclusion(leaf, index, size, path, root);
        gas -= gasleft();
    }

    function fill(bytes32[] calldata entries) external {
        for (uint256 i = 0; i < entries.length; ++i) _ring[i] = entries[i];
    }

    function ringRoot(uint256 size) external view returns (bytes32) {
        uint256 slot;
        assembly ("memory-safe") {
            slot := _ring.slot
        }
        return Rfc9162.rootOfSlots(slot, size);
    }
}

/// @notice Rfc9162 against the RFC's own definition.
contract Rfc9162Fuzz is TestBase {
    Verifier private _verifier;

    function setUp() external {
        _verifier = new Verifier();
    }

    function testFuzz_leafHashes(bytes calldata entry, bytes32 word) external view {
        check(_verifier.leafHash(entry) == Reference.leaf(entry), "bytes");
        check(_verifier.leafHash(word) == Reference.leaf(abi.encode(word)), "word");
    }

    function testFuzz_everyLeafOfEverySizeIsIncluded(
        uint256 seed,
        uint256 size,
        uint256 index
    ) external view {
        (bytes32[] memory leaves, uint256 place) = _tree(seed, size, index);
        bytes32 root = Reference.root(leaves, 0, leaves.length);
        check(_verify(leaves[place], place, leaves.length, Reference.path(leaves, place), root), "refused");
    }

    function testFuzz_anotherLeafIndexOrRootIsRefused(
        uint256 seed,
        uint256 size,
        uint256 index,
        uint256 other
    ) external view {
        (bytes32[] memory leaves, uint256 place) = _tree(seed, size, index);
        bytes32 root = Reference.root(leaves, 0, leaves.length);
        bytes32[] memory path = Reference.path(leaves, place);
        if (other != place) check(!_verify(leaves[place], other, leaves.length, path, root), "another index");
        uint256 near = other % leaves.length;
        if (near != place) {
            check(!_verify(leaves[place], near, leaves.length, path, root), "another index inside");
            check(!_verify(leaves[near], place, leaves.length, path, root), "another leaf");
        }
        check(!_verify(leaves[place], place, leaves.length, path, bytes32(other)), "another root");
    }

    /// @notice Size is as good as where it comes from: some sizes give a path the same shape. Every other is refused.
    function testFuzz_anotherSizeIsRefusedUnlessThePathHasTheSameShape(
        uint256 seed,
        uint256 size,
        uint256 index,
        uint256 other
    ) external view {
        (bytes32[] memory leaves, uint256 place) = _tree(seed, size, index);
        bytes32 root = Reference.root(leaves, 0, leaves.length);
        bytes32[] memory path = Reference.path(leaves, place);
        check(!_verify(leaves[place], place, within(other, 0, place), path, root), "a size without the leaf");
        other = within(other, place + 1, 200);
        bool same = Reference.turns(place, other) == Reference.turns(place, leaves.length);
        check(_verify(leaves[place], place, other, path, root) == same, "another shape");
    }

    function testFuzz_anotherPathIsRefused(
        uint256 seed,
        uint256 size,
        uint256 index,
        uint256 level,
        bytes32 sibling
    ) external view {
        (bytes32[] memory leaves, uint256 place) = _tree(seed, size, index);
        bytes32 root = Reference.root(leaves, 0, leaves.length);
        bytes32[] memory path = Reference.path(leaves, place);
        check(
            !_verify(leaves[place], place, leaves.length, _resized(path, path.length + 1, sibling), root),
            "longer"
        );
        if (path.length == 0) return;
        check(
            !_verify(leaves[place], place, leaves.length, _resized(path, path.length - 1, 0), root),
            "shorter"
        );
        level = level % path.length;
        if (path[level] == sibling) return;
        path[level] = sibling;
        check(!_verify(leaves[place], place, leaves.length, path, root), "another sibling");
    }

    function testFuzz_depthTwentyCostsLessThan9000Gas(uint256 seed, uint256 index) external view {
        uint256 size = 2 ** 20;
        index = index % size;
        bytes32[] memory path = new bytes32[](20);
        bytes32 leaf = keccak256(abi.encode(seed));
        bytes32 root = leaf;
        for (uint256 i = 0; i < 20; ++i) {
            path[i] = keccak256(abi.encode(seed, i));
            root = (index >> i) & 1 == 1 ? Reference.node(path[i], root) : Reference.node(root, path[i]);
        }
        (bool included, uint256 gas) = _verifier.verify(leaf, index, size, path, root);
        check(included, "refused");
        check(gas < 9_000, "too dear");
    }

    function testFuzz_rootsOfRings(uint256 seed, uint256 exponent) external {
        uint256 size = 2 ** within(exponent, 1, 7);
        _checkRing(seed, size);
    }

    function test_rootOfARingOfAnEpochAndOfTwo() external {
        _checkRing(1, 1024);
        _checkRing(2, 2048);
    }

    function testFuzz_ringsOfOtherSizesAreRefused(uint256 size) external {
        vm.assume(size < 2 || size & (size - 1) != 0);
        vm.expectRevert(abi.encodeWithSelector(Rfc9162.TreeSizeUnsupported.selector, size));
        _verifier.ringRoot(size);
    }

    function _checkRing(uint256 seed, uint256 size) private {
        bytes32[] memory entries = new bytes32[](size);
        bytes32[] memory leaves = new bytes32[](size);
        for (uint256 i = 0; i < size; ++i) {
            entries[i] = keccak256(abi.encode(seed, i));
            leaves[i] = Reference.leaf(abi.encode(entries[i]));
        }
        _verifier.fill(entries);
        check(_verifier.ringRoot(size) == Reference.root(leaves, 0, size), "another root");
    }

    function _tree(
        uint256 seed,
        uint256 size,
        uint256 index
    ) private pure returns (bytes32[] memory leaves, uint256 place) {
        leaves = new bytes32[](within(size, 1, 70));
        for (uint256 i = 0; i < leaves.length; ++i) leaves[i] = keccak256(abi.encode(seed, i));
        place = index % leaves.length;
    }

    function _verify(
        bytes32 leaf,
        uint256 index,
        uint256 size,
        bytes32[] memory path,
        bytes32 root
    ) private view returns (bool included) {
        (included, ) = _verifier.verify(leaf, index, size, path, root);
    }

    function _resized(
        bytes32[] memory path,
        uint256 length,
        bytes32 last
    ) private pure returns (bytes32[] memory other) {
        other = new bytes32[](length);
        for (uint256 i = 0; i < length; ++i) other[i] = i < path.length ? path[i] : last;
    }
}
