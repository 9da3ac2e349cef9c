// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What an open set of holders was paid, in one word.
struct Pot {
    uint112 perUnit; // paid for each unit so far, scaled; never falls
    uint96 carry; // what the last payments left over, scaled; less than `units`
    uint48 units; // held by everybody together
}

/// @notice What one holder has, in one word.
struct Holding {
    uint48 units;
    uint96 credit; // earned and not claimed, scaled
    uint112 perUnit; // of the pot, when the holder was settled last
}

/// @title Accumulator
/// @notice Pays any number of holders in constant gas: a payment raises one number, and each holder is owed its units
/// times the rise since it was settled last. The remainder of each division is carried into the next payment, so that
/// nothing is lost however small the payments: paid in = claimed + claimable + fractions + carry, exactly.
/// @dev Scaled by 1e12. Amounts in fen below 2^56 for one claim and payments that keep `perUnit` below 2^112, which
/// every pot with at most 2^48 units and 7e8 CNY a unit does; beyond, a checked cast reverts with a panic or `PotFull`.
library Accumulator {
    uint256 internal constant SCALE = 1e12;

    error PotWithoutUnits();
    error PotFull(uint256 value);
    error UnitsInsufficient(uint256 units, uint256 asked);

    /// @notice Pays `amount` fen to all units.
    function payIn(Pot memory pot, uint256 amount) internal pure returns (Pot memory) {
        if (pot.units == 0) revert PotWithoutUnits();
        uint256 scaled = amount * SCALE + pot.carry;
        pot.perUnit = _to112(pot.perUnit + scaled / pot.units);
        // Less than `units`, so less than 2^48.
        pot.carry = uint96(scaled % pot.units);
        return pot;
    }

    /// @notice Writes down what a holder has earned up to now. Before every change of its units.
    function settle(Pot memory pot, Holding memory holding) internal pure returns (Holding memory) {
        uint256 earned = uint256(holding.units) * (pot.perUnit - holding.perUnit);
        holding.credit = _to96(holding.credit + earned);
        holding.perUnit = pot.perUnit;
        return holding;
    }

    /// @notice Takes out what can be paid: whole fen; the fraction stays credited to the holder.
    function claim(
        Pot memory pot,
        Holding memory holding
    ) internal pure returns (Holding memory settled, uint256 amount) {
        settled = settle(pot, holding);
        amount = settled.credit / SCALE;
        settled.credit = uint96(settled.credit % SCALE);
    }

    /// @notice Moves units; what both earned before stays theirs.
    function transfer(
        Pot memory pot,
        Holding memory from,
        Holding memory to,
        uint48 units
    ) internal pure returns (Holding memory, Holding memory) {
        if (from.units < units) revert UnitsInsufficient(from.units, units);
        from = settle(pot, from);
        to = settle(pot, to);
        from.units -= units;
        to.units += units;
        return (from, to);
    }

    /// @notice Makes units for a holder; they earn from the next payment on.
    function mint(
        Pot memory pot,
        Holding memory to,
        uint48 units
    ) internal pure returns (Pot memory, Holding memory) {
        to = settle(pot, to);
        to.units += units;
        pot.units += units;
        return (pot, to);
    }

    /// @notice Ends units of a holder; what they earned stays claimable.
    /// @dev The last unit cannot go: the carry would belong to nobody.
    function burn(
        Pot memory pot,
        Holding memory from,
        uint48 units
    ) internal pure returns (Pot memory, Holding memory) {
        if (from.units < units) revert UnitsInsufficient(from.units, units);
        if (pot.units == units && pot.carry != 0) revert PotWithoutUnits();
        from = settle(pot, from);
        from.units -= units;
        pot.units -= units;
        return (pot, from);
    }

    function _to112(uint256 value) private pure returns (uint112) {
        if (value > type(uint112).max) revert PotFull(value);
        return uint112(value);
    }

    function _to96(uint256 value) private pure returns (uint96) {
        if (value > type(uint96).max) revert PotFull(value);
        return uint96(value);
    }
}
