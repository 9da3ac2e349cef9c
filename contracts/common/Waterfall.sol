// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Waterfall
/// @notice Pays claims in a stated order: each in full before the next gets anything.
library Waterfall {
    /// @notice What each claim gets of `amount`, and what is left when all are paid.
    /// @param due In order of payment, fen.
    function pay(
        uint256 amount,
        uint256[] memory due
    ) internal pure returns (uint256[] memory paid, uint256 left) {
        paid = new uint256[](due.length);
        left = amount;
        for (uint256 i = 0; i < due.length; ++i) {
            paid[i] = due[i] < left ? due[i] : left;
            left -= paid[i];
        }
    }
}
