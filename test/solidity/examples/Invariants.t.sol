// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { ExampleCash } from "../../../contracts/examples/ExampleCash.sol";
import { PayPerUse } from "../../../contracts/examples/PayPerUse.sol";
import { TestBase } from "../TestBase.sol";
import { Reference } from "../common/Reference.sol";
import { UseWorld } from "./UseWorld.sol";

/// @notice The named invariants of the pay-per-use example (docs/invariants.md), after every act of {UseWorld}.
contract PayPerUseInvariants is TestBase {
    UseWorld private _world;
    PayPerUse private _use;
    ExampleCash private _cash;

    function setUp() external {
        _world = new UseWorld();
        _use = _world.USE();
        _cash = _world.CASH();
        target(address(_world));
    }

    /// @notice PAY-1
    function invariant_cashHeldEqualsBalances() external view {
        uint256 balances = 0;
        for (uint256 id = 1; id <= _world.ACCOUNTS(); ++id) balances += _use.account(id).balance;
        check(_cash.balanceOf(address(_use)) == balances, "cash held differs");
    }

    /// @notice PAY-2: what the owner got is the price of every unit counted from start to last, each exactly once.
    function invariant_ownerIsPaidEveryUnitOnce() external view {
        uint256 due = 0;
        for (uint256 id = 1; id <= _world.ACCOUNTS(); ++id) {
            int64 units = _world.valueAt(_world.lastOf(id)) - _world.valueAt(_world.startOf(id));
            due += uint64(units) * _world.price(id);
            bytes32 last = Reference.leaf(_world.proofOf(_world.lastOf(id)).frame);
            check(_use.account(id).last == last, "another frame is paid up to");
        }
        check(_cash.balanceOf(_world.OWNER()) == due, "paid differs");
    }

    /// @notice PAY-3
    function invariant_noFenIsLost() external view {
        uint256 total = _cash.balanceOf(_world.TENANT()) + _cash.balanceOf(_world.OWNER());
        check(total + _cash.balanceOf(address(_use)) == _world.MONEY(), "money differs");
    }
}
