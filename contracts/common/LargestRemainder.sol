// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title LargestRemainder
/// @notice Divides a known sum among a fixed list so that the parts add up to it: every part is rounded down, and the fen
/// that are left go one each to the largest remainders, ties to the lowest index.
/// @dev Finding the largest remainders means sorting; being told them means one pass. So the caller names who gets an
/// extra fen, in a bitmap, and is refused unless it is the only right answer. Cost grows with the list: about 400 gas
/// an entry, so whoever uses it caps the list.
library LargestRemainder {
    /// @notice The most entries a list may have: one bit for each.
    uint256 internal constant MAX_PARTS = 256;

    error PartsTooMany(uint256 count, uint256 max);
    error WeightsMissing();
    error ExtraCountWrong(uint256 given, uint256 expected);
    error ExtraNotLargest(uint256 chosen, uint256 passedOver);
    error ExtraOutsideList(uint256 extra, uint256 count);

    /// @dev One entry that stands for a group: the chosen one that was nearest to being passed over, or the passed over
    /// one that was nearest to being chosen.
    struct Edge {
        bool found;
        uint256 remainder;
        uint256 index;
    }

    /// @notice The parts of `total`, in the order of `weights`.
    /// @param total At most 128 bits, as every weight; more would overflow and reverts with a panic.
    /// @param weights Shares in any unit; not all zero. A zero weight gets nothing.
    /// @param extra Bit i is set when entry i gets one fen more than its part rounded down.
    function split(
        uint256 total,
        uint256[] memory weights,
        uint256 extra
    ) internal pure returns (uint256[] memory parts) {
        uint256 count = weights.length;
        if (count > MAX_PARTS) revert PartsTooMany(count, MAX_PARTS);
        if (count < MAX_PARTS && extra >> count != 0) revert ExtraOutsideList(extra, count);
        uint256 sum = _sum(weights);
        parts = new uint256[](count);
        uint256 left = total;
        uint256 chosen = 0;
        Edge memory last;
        Edge memory next;

        for (uint256 i = 0; i < count; ++i) {
            uint256 product = total * weights[i];
            uint256 remainder = product % sum;
            parts[i] = product / sum;
            left -= parts[i];
            if ((extra >> i) & 1 == 1) {
                ++parts[i];
                ++chosen;
                // Of equal remainders the highest index is the weakest claim to an extra fen …
                if (!last.found || remainder <= last.remainder) last = Edge(true, remainder, i);
            } else if (!next.found || remainder > next.remainder) {
                // … and the lowest index the strongest.
                next = Edge(true, remainder, i);
            }
        }

        if (chosen != left) revert ExtraCountWrong(chosen, left);
        if (last.found && next.found && !_before(last, next)) revert ExtraNotLargest(last.index, next.index);
    }

    /// @dev Whether `a` is served before `b`.
    function _before(Edge memory a, Edge memory b) private pure returns (bool) {
        return a.remainder > b.remainder || (a.remainder == b.remainder && a.index < b.index);
    }

    function _sum(uint256[] memory weights) private pure returns (uint256 sum) {
        for (uint256 i = 0; i < weights.length; ++i) sum += weights[i];
        if (sum == 0) revert WeightsMissing();
    }
}
