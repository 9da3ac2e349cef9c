// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { CivilDate, Day } from "./CivilDate.sol";
import { Rounding } from "./Rounding.sol";

/// @title Interest
/// @notice Bank interest and discount by ACT/360: the days that passed, over a year of 360.
library Interest {
    uint256 internal constant PPM = 1e6;
    uint256 internal constant YEAR = 360;

    /// @notice Interest on `principal` fen from one date to another, rounded half-up once. The first day counts, the last does not.
    /// @param ratePpm A year's rate in millionths: 38,500 is 3.85 %.
    function act360HalfUp(
        uint256 principal,
        uint256 ratePpm,
        Day from,
        Day to
    ) internal pure returns (uint256) {
        return Rounding.mulDivHalfUp(principal, ratePpm * CivilDate.daysBetween(from, to), PPM * YEAR);
    }
}
