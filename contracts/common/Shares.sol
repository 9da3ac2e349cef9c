// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Shares
/// @notice Tables of shares in basis points. A table adds up to exactly 10,000 or is refused.
library Shares {
    uint256 internal constant WHOLE = 10_000;

    error SharesMissing();
    error ShareZero(uint256 index);
    error SharesNotWhole(uint256 sum, uint256 whole);

    /// @notice Refuses a table that is empty, has a share of nothing, or does not add up.
    function requireWhole(uint16[] memory bps) internal pure {
        if (bps.length == 0) revert SharesMissing();
        uint256 sum = 0;
        for (uint256 i = 0; i < bps.length; ++i) {
            if (bps[i] == 0) revert ShareZero(i);
            sum += bps[i];
        }
        if (sum != WHOLE) revert SharesNotWhole(sum, WHOLE);
    }
}
