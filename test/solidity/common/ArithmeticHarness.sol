// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { Accumulator, Holding, Pot } from "../../../contracts/common/Accumulator.sol";
import { CivilDate, Day } from "../../../contracts/common/CivilDate.sol";
import { Interest } from "../../../contracts/common/Interest.sol";
import { LargestRemainder } from "../../../contracts/common/LargestRemainder.sol";
import { Rounding } from "../../../contracts/common/Rounding.sol";
import { Shares } from "../../../contracts/common/Shares.sol";
import { Waterfall } from "../../../contracts/common/Waterfall.sol";

/// @notice Opens the libraries to tests in TypeScript.
contract ArithmeticHarness {
    function mulDivDown(uint256 a, uint256 b, uint256 divisor) external pure returns (uint256) {
        return Rounding.mulDivDown(a, b, divisor);
    }

    function mulDivUp(uint256 a, uint256 b, uint256 divisor) external pure returns (uint256) {
        return Rounding.mulDivUp(a, b, divisor);
    }

    function mulDivHalfUp(uint256 a, uint256 b, uint256 divisor) external pure returns (uint256) {
        return Rounding.mulDivHalfUp(a, b, divisor);
    }

    function split(
        uint256 total,
        uint256[] memory weights,
        uint256 extra
    ) external pure returns (uint256[] memory) {
        return LargestRemainder.split(total, weights, extra);
    }

    function payIn(Pot memory pot, uint256 amount) external pure returns (Pot memory) {
        return Accumulator.payIn(pot, amount);
    }

    function claim(
        Pot memory pot,
        Holding memory holding
    ) external pure returns (Holding memory settled, uint256 amount) {
        return Accumulator.claim(pot, holding);
    }

    function transfer(
        Pot memory pot,
        Holding memory from,
        Holding memory to,
        uint48 units
    ) external pure returns (Holding memory, Holding memory) {
        return Accumulator.transfer(pot, from, to, units);
    }

    function dayAt(uint256 time) external pure returns (Day) {
        return CivilDate.dayAt(time);
    }

    function startOf(Day day) external pure returns (uint256) {
        return CivilDate.startOf(day);
    }

    function toDay(uint256 year, uint256 month, uint256 day) external pure returns (Day) {
        return CivilDate.toDay(year, month, day);
    }

    function addMonths(Day day, uint256 months) external pure returns (Day) {
        return CivilDate.addMonths(day, months);
    }

    function weekday(Day day) external pure returns (uint256) {
        return CivilDate.weekday(day);
    }

    /// @dev Years as numbers of yyyymmdd, many at once: one call for every day of 230 years.
    function dates(uint256 from, uint256 to) external pure returns (uint256[] memory written) {
        written = new uint256[](to - from);
        for (uint256 i = from; i < to; ++i) {
            Day day = Day.wrap(uint32(i));
            (uint256 y, uint256 m, uint256 d) = CivilDate.toDate(day);
            written[i - from] = y * 10_000 + m * 100 + d;
            assert(CivilDate.toDay(y, m, d) == day);
        }
    }

    function interest(uint256 principal, uint256 ratePpm, Day from, Day to) external pure returns (uint256) {
        return Interest.act360HalfUp(principal, ratePpm, from, to);
    }

    function requireWhole(uint16[] memory bps) external pure {
        Shares.requireWhole(bps);
    }

    function waterfall(
        uint256 amount,
        uint256[] memory due
    ) external pure returns (uint256[] memory paid, uint256 left) {
        return Waterfall.pay(amount, due);
    }
}
