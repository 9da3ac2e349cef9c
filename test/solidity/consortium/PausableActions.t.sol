// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { PausableActions } from "../../../contracts/consortium/PausableActions.sol";
import { TestBase } from "../TestBase.sol";

/// @notice A ledger with one entry, one move and one way out; it notes who did what.
contract Ledger is PausableActions {
    uint256 public entries;
    uint256 public moves;
    uint256 public exits;
    address public last;

    constructor(address authority) AccessManaged(authority) EIP712("Ledger", "1") {}

    function enter() external {
        _requireOpen(this.enter.selector);
        ++entries;
        last = _msgSender();
    }

    function move() external {
        _requireOpen(this.move.selector);
        ++moves;
    }

    function claim() external {
        ++exits;
    }

    function _entries() internal pure override returns (bytes4[] memory actions) {
        actions = new bytes4[](1);
        actions[0] = this.enter.selector;
    }

    function _pausable() internal pure override returns (bytes4[] memory actions) {
        actions = new bytes4[](1);
        actions[0] = this.move.selector;
    }
}

/// @notice Pauses with random ends, and the run-off.
contract PausableActionsTest is TestBase {
    uint256 private constant _START = 1_800_000_000;

    Ledger private _ledger;
    address private _successor;

    function setUp() external {
        vm.warp(_START);
        address authority = address(new AccessManager(address(this)));
        _ledger = new Ledger(authority);
        _successor = address(new Ledger(authority));
    }

    function testFuzz_aPauseEndsByItself(uint256 length, uint256 wait, bool both) external {
        uint40 until = uint40(_START + within(length, 1, 7 days));
        _ledger.pause(_actions(true, both), until, "a fault in the scale");
        vm.warp(_START + within(wait, 0, 8 days));
        bool paused = block.timestamp < until;
        check(_try(Ledger.enter.selector) == !paused, "enter");
        check(_try(Ledger.move.selector) == !(paused && both), "move");
        check(_try(Ledger.claim.selector), "a way out was stopped");
        if (!paused) return;
        _ledger.unpause(_actions(true, both));
        check(_try(Ledger.enter.selector) && _try(Ledger.move.selector), "after the early end");
    }

    function testFuzz_aPauseOfNoEndIsRefused(uint40 until) external {
        bool good = until > _START && until <= _START + 7 days;
        if (!good) {
            vm.expectRevert(
                abi.encodeWithSelector(PausableActions.PauseTermInvalid.selector, until, _START + 7 days)
            );
        }
        _ledger.pause(_actions(true, false), until, "reason");
        check(_ledger.pausedUntil(Ledger.enter.selector) == (good ? until : 0), "another end");
    }

    function testFuzz_onlyWhatIsListedCanBePaused(bytes4 action) external {
        vm.assume(action != Ledger.enter.selector && action != Ledger.move.selector);
        bytes4[] memory actions = new bytes4[](1);
        actions[0] = action;
        vm.expectRevert(abi.encodeWithSelector(PausableActions.ActionNotPausable.selector, action));
        _ledger.pause(actions, uint40(_START + 1), "reason");
    }

    function test_aPauseNeedsAReason() external {
        vm.expectRevert(abi.encodeWithSelector(PausableActions.PauseReasonMissing.selector));
        _ledger.pause(_actions(true, true), uint40(_START + 1), "");
    }

    function test_anOpenActionCannotBeUnpaused() external {
        bytes4 action = Ledger.enter.selector;
        vm.expectRevert(abi.encodeWithSelector(PausableActions.ActionNotPaused.selector, action));
        _ledger.unpause(_actions(true, false));
    }

    function test_strangersPauseAndCloseNothing() external {
        address stranger = address(0xBAD);
        bytes[] memory calls = new bytes[](3);
        calls[0] = abi.encodeCall(_ledger.pause, (_actions(true, true), uint40(_START + 1), "reason"));
        calls[1] = abi.encodeCall(_ledger.unpause, (_actions(true, true)));
        calls[2] = abi.encodeCall(_ledger.closeEntries, (_successor));
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(stranger);
            (bool done, ) = address(_ledger).call(calls[i]);
            check(!done, "a stranger stopped something");
        }
        check(_try(Ledger.enter.selector), "stopped");
    }

    function testFuzz_closedEntriesStayClosedAndTheRestRunsOff(uint256 wait, bool pausedBefore) external {
        if (pausedBefore) _ledger.pause(_actions(true, false), uint40(_START + 3 days), "reason");
        check(_ledger.successor() == address(0), "a successor from the start");
        _ledger.closeEntries(_successor);
        vm.warp(_START + within(wait, 0, 100_000 days));
        vm.expectRevert(
            abi.encodeWithSelector(PausableActions.ActionClosed.selector, Ledger.enter.selector, _successor)
        );
        _ledger.enter();
        check(_try(Ledger.move.selector) && _try(Ledger.claim.selector), "the run-off was stopped");

        bytes4[] memory actions = _actions(true, false);
        bytes memory closed = abi.encodeWithSelector(
            PausableActions.ActionClosed.selector,
            Ledger.enter.selector,
            _successor
        );
        vm.expectRevert(closed);
        _ledger.unpause(actions);
        vm.expectRevert(closed);
        _ledger.pause(actions, uint40(block.timestamp + 1), "reason");
        vm.expectRevert(abi.encodeWithSelector(PausableActions.SuccessorInvalid.selector, address(this)));
        _ledger.closeEntries(address(this));
    }

    function test_theSuccessorIsAContractAndAnother() external {
        address[3] memory bad = [address(0), address(0xE0A), address(_ledger)];
        for (uint256 i = 0; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(PausableActions.SuccessorInvalid.selector, bad[i]));
            _ledger.closeEntries(bad[i]);
        }
    }

    /// @notice A relayed act is the signer's, and stopped by a pause like a call.
    function testFuzz_aRelayedActIsStoppedToo(uint256 key, bool paused) external {
        key = within(key, 1, type(uint128).max);
        address signer = vm.addr(key);
        bytes memory call = abi.encodeCall(_ledger.enter, ());
        bytes32 digest = _ledger.actDigest(signer, call, 0, _START);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        if (paused) {
            _ledger.pause(_actions(true, false), uint40(_START + 1), "reason");
            vm.expectRevert(
                abi.encodeWithSelector(
                    PausableActions.ActionPaused.selector,
                    Ledger.enter.selector,
                    _START + 1
                )
            );
        }
        _ledger.act(signer, call, 0, _START, abi.encodePacked(r, s, v));
        check(_ledger.last() == (paused ? address(0) : signer), "another signer");
    }

    function _actions(bool enter, bool move) private pure returns (bytes4[] memory actions) {
        actions = new bytes4[](enter && move ? 2 : 1);
        actions[0] = enter ? Ledger.enter.selector : Ledger.move.selector;
        if (enter && move) actions[1] = Ledger.move.selector;
    }

    function _try(bytes4 action) private returns (bool done) {
        (done, ) = address(_ledger).call(abi.encodeWithSelector(action));
    }
}
