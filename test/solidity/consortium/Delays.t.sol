// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { TestBase } from "../TestBase.sol";

/// @notice An administrator that does its worst to the delays of an office, and the soonest that each holder could do
/// an act not announced yet, as it was after the last act.
contract DelayWorld is TestBase {
    uint256 public constant ACCOUNTS = 3;
    uint64 public constant OFFICE = 1;

    AccessManager public immutable MANAGER;
    address public immutable TARGET;

    mapping(address account => uint256) private _soonest;

    constructor() {
        vm.warp(1_800_000_000);
        MANAGER = new AccessManager(address(this));
        TARGET = address(new Consortium(address(MANAGER)));
        MANAGER.setGrantDelay(OFFICE, 30 days);
        MANAGER.setTargetAdminDelay(TARGET, 10 days);
        vm.warp(block.timestamp + 6 days);
        for (uint256 i = 0; i < ACCOUNTS; ++i) MANAGER.grantRole(OFFICE, accountAt(i), 1 days);
        vm.warp(block.timestamp + 31 days);
        _record();
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + within(time, 1, 3 days));
        compare();
        _record();
    }

    function setDelay(uint256 seed, uint256 delay) external {
        MANAGER.grantRole(OFFICE, accountAt(seed), uint32(within(delay, 0, 40 days)));
        compare();
        _record();
    }

    /// @dev Whoever is given back its office waits as a newcomer does.
    function takeAndGiveBack(uint256 seed, uint256 delay) external {
        address account = accountAt(seed);
        MANAGER.revokeRole(OFFICE, account);
        MANAGER.grantRole(OFFICE, account, uint32(within(delay, 0, 40 days)));
        (uint48 since, , , ) = MANAGER.getAccess(OFFICE, account);
        uint256 newcomers = MANAGER.getRoleGrantDelay(OFFICE);
        check(since == block.timestamp + newcomers, "came back earlier than a newcomer");
        _record();
    }

    /// @dev Shorter only days later, longer at once.
    function setNewcomersDelay(uint256 delay) external {
        uint32 before = MANAGER.getRoleGrantDelay(OFFICE);
        MANAGER.setGrantDelay(OFFICE, uint32(within(delay, 0, 40 days)));
        check(MANAGER.getRoleGrantDelay(OFFICE) >= before, "newcomers wait less at once");
    }

    function setTableDelay(uint256 delay) external {
        uint32 before = MANAGER.getTargetAdminDelay(TARGET);
        MANAGER.setTargetAdminDelay(TARGET, uint32(within(delay, 0, 40 days)));
        check(MANAGER.getTargetAdminDelay(TARGET) >= before, "the table changes earlier at once");
    }

    /// @notice Nobody can do an act sooner than it could before.
    function compare() public view {
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            check(soonest(accountAt(i)) >= _soonest[accountAt(i)], "an office acts sooner");
        }
    }

    /// @notice The first moment at which an account could do an act that is not announced yet.
    function soonest(address account) public view returns (uint256 moment) {
        (uint48 since, uint32 delay, uint32 coming, uint48 from) = MANAGER.getAccess(OFFICE, account);
        moment = (since > block.timestamp ? since : block.timestamp) + delay;
        if (from == 0) return moment;
        uint256 later = (since > from ? since : from) + coming;
        return later < moment ? later : moment;
    }

    function accountAt(uint256 seed) public pure returns (address) {
        return address(uint160(0xA000 + (seed % ACCOUNTS)));
    }

    /// @dev Of those who hold the office already; a newcomer's delay may be set anew while it waits.
    function _record() private {
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            (uint48 since, , , ) = MANAGER.getAccess(OFFICE, accountAt(i));
            _soonest[accountAt(i)] = since <= block.timestamp ? soonest(accountAt(i)) : 0;
        }
    }
}

/// @notice What an office must wait cannot be shortened at once, whatever the administrator does.
contract DelayInvariants is TestBase {
    DelayWorld private _world;

    function setUp() external {
        _world = new DelayWorld();
        target(address(_world));
    }

    /// @notice CNS-9
    function invariant_delaysNeverShrinkAtOnce() external view {
        _world.compare();
    }
}
