// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Rounding
/// @notice One exact fraction, rounded once, in the direction that the name says. A charge rounds half-up, a limit down,
/// a requirement up.
/// @dev The product has 512 bits, so nothing is lost before the one rounding. Each reverts when the result does not fit
/// 256 bits or the divisor is zero, with the panic of OpenZeppelin's `Math`.
library Rounding {
    /// @notice `⌊a · b / divisor⌋`: for caps and limits.
    function mulDivDown(uint256 a, uint256 b, uint256 divisor) internal pure returns (uint256) {
        return Math.mulDiv(a, b, divisor);
    }

    /// @notice `⌈a · b / divisor⌉`: for what must be kept or topped up.
    function mulDivUp(uint256 a, uint256 b, uint256 divisor) internal pure returns (uint256) {
        return Math.mulDiv(a, b, divisor, Math.Rounding.Ceil);
    }

    /// @notice `⌊a · b / divisor + ½⌋`: for interest, discounts, fees, rents and penalties.
    function mulDivHalfUp(uint256 a, uint256 b, uint256 divisor) internal pure returns (uint256 result) {
        result = Math.mulDiv(a, b, divisor);
        uint256 rest = mulmod(a, b, divisor);
        // rest ≥ divisor / 2 without leaving 256 bits.
        if (rest != 0 && rest >= divisor - rest) ++result;
    }
}
