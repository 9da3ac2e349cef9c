// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice A civil date: whole days since 1970-01-01, as a calendar in China shows it (UTC+8).
type Day is uint32;

using { dayEq as ==, dayLess as <, dayLessEq as <= } for Day global;

function dayEq(Day a, Day b) pure returns (bool) {
    return Day.unwrap(a) == Day.unwrap(b);
}

function dayLess(Day a, Day b) pure returns (bool) {
    return Day.unwrap(a) < Day.unwrap(b);
}

function dayLessEq(Day a, Day b) pure returns (bool) {
    return Day.unwrap(a) <= Day.unwrap(b);
}

/// @title CivilDate
/// @notice Dates of contracts: calendar days in Asia/Shanghai (UTC+8, no summer time), Gregorian, from 1970 to 2199.
/// @dev Integer arithmetic on days in the year that begins in March, so that the leap day comes last. Seconds are never
/// counted: a day is one however long it took.
library CivilDate {
    uint256 private constant _OFFSET = 8 hours;
    /// @dev 2200-01-01: beyond, tables of business days and tests end.
    uint256 internal constant END = 84_006;

    error DateInvalid(uint256 year, uint256 month, uint256 day);
    error DateOutOfRange(uint256 daysSince1970);
    error DaysReversed(Day from, Day to);

    /// @notice The date in China at a moment, in seconds since 1970 UTC.
    function dayAt(uint256 time) internal pure returns (Day) {
        return _checked((time + _OFFSET) / 1 days);
    }

    /// @notice The first second of a date, since 1970 UTC.
    function startOf(Day day) internal pure returns (uint256) {
        // 1970-01-01 in China began before the epoch.
        if (Day.unwrap(day) == 0) return 0;
        return uint256(Day.unwrap(day)) * 1 days - _OFFSET;
    }

    /// @notice The day of a year, a month from 1 and a day from 1. Refuses one that no calendar has.
    function toDay(uint256 year, uint256 month, uint256 day) internal pure returns (Day) {
        bool good = year >= 1970 && year < 2200 && month >= 1 && month <= 12 && day >= 1;
        if (!good || day > daysInMonth(year, month)) revert DateInvalid(year, month, day);
        return Day.wrap(uint32(_daysTo(year, month, day)));
    }

    /// @notice Year, month from 1 and day from 1.
    function toDate(Day day) internal pure returns (uint256 year, uint256 month, uint256 dayOfMonth) {
        // Days since 0000-03-01, in cycles of 400 years.
        uint256 count = Day.unwrap(_checked(Day.unwrap(day))) + 719_468;
        uint256 cycle = count / 146_097;
        uint256 ofCycle = count % 146_097;
        uint256 yearOfCycle = (ofCycle - ofCycle / 1_460 + ofCycle / 36_524 - ofCycle / 146_096) / 365;
        uint256 ofYear = ofCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100);
        uint256 fromMarch = (5 * ofYear + 2) / 153;
        dayOfMonth = ofYear - (153 * fromMarch + 2) / 5 + 1;
        month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
        year = yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0);
    }

    /// @notice The same day some months later; the month's last day where the month is shorter.
    function addMonths(Day day, uint256 months) internal pure returns (Day) {
        (uint256 year, uint256 month, uint256 dayOfMonth) = toDate(day);
        uint256 index = year * 12 + (month - 1) + months;
        (year, month) = (index / 12, (index % 12) + 1);
        uint256 last = daysInMonth(year, month);
        return toDay(year, month, dayOfMonth < last ? dayOfMonth : last);
    }

    /// @notice Days from one date to another: the first counted, the last not. The numerator of ACT/360.
    function daysBetween(Day from, Day to) internal pure returns (uint256) {
        if (to < from) revert DaysReversed(from, to);
        return Day.unwrap(to) - Day.unwrap(from);
    }

    /// @notice 0 is Monday, 6 is Sunday.
    function weekday(Day day) internal pure returns (uint256) {
        // 1970-01-01 was a Thursday.
        return (uint256(Day.unwrap(day)) + 3) % 7;
    }

    function daysInMonth(uint256 year, uint256 month) internal pure returns (uint256) {
        if (month == 2) return isLeap(year) ? 29 : 28;
        return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
    }

    function isLeap(uint256 year) internal pure returns (bool) {
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    }

    function _daysTo(uint256 year, uint256 month, uint256 day) private pure returns (uint256) {
        // The year that begins in March.
        uint256 y = month <= 2 ? year - 1 : year;
        uint256 fromMarch = month <= 2 ? month + 9 : month - 3;
        uint256 ofYear = (153 * fromMarch + 2) / 5 + day - 1;
        uint256 yearOfCycle = y % 400;
        uint256 ofCycle = yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100 + ofYear;
        return (y / 400) * 146_097 + ofCycle - 719_468;
    }

    function _checked(uint256 day) private pure returns (Day) {
        if (day >= END) revert DateOutOfRange(day);
        return Day.wrap(uint32(day));
    }
}
