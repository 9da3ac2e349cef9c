// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { Context } from "@openzeppelin/contracts/utils/Context.sol";
import { SignedActs } from "./SignedActs.sol";

/// @title PausableActions
/// @notice Stops single actions of a contract for a few days, with a reason, and closes it to new entries for ever when
/// a successor takes over. What lets people out (claims, releases, revocations, rejections) can never be stopped: a
/// contract lists what may be, and nothing else can.
///
/// Powers and their limits:
/// - guardian (through AccessManager, at once): pauses listed actions for at most `MAX_PAUSE`. Every pause ends by itself.
/// - registrar (through AccessManager, with a delay): ends a pause early.
/// - administrator (through AccessManager, with a delay): closes the entries for ever and names the successor.
///   Nobody opens them again; everything else goes on until what is there has run off.
/// @dev An heir lists its actions in `_entries` and `_pausable` and begins each with `_requireOpen(this.f.selector)`:
/// one storage read, also for an act that was relayed. It is {SignedActs} too, with the overrides of both settled here.
abstract contract PausableActions is AccessManaged, SignedActs {
    /// @notice How far ahead a pause may end, in seconds.
    uint40 public constant MAX_PAUSE = 7 days;

    /// @notice The second until which an action is paused; past or 0 is open, the greatest number is closed for ever.
    mapping(bytes4 action => uint40 until) public pausedUntil;

    /// @notice The contract that takes new entries instead of this one; zero while this one does.
    address public successor;

    event ActionsPaused(bytes4[] actions, uint40 until, string reason, address by);
    event ActionsUnpaused(bytes4[] actions, address by);
    event EntriesClosed(address indexed successor, bytes4[] actions, address by);

    error ActionPaused(bytes4 action, uint40 until);
    error ActionClosed(bytes4 action, address successor);
    error ActionNotPausable(bytes4 action);
    error ActionNotPaused(bytes4 action);
    error PauseTermInvalid(uint40 until, uint40 latest);
    error PauseReasonMissing();
    error SuccessorInvalid(address successor);

    /// @notice Pauses actions, by the selectors of their functions; a later pause of the same action replaces its end.
    /// @dev Guardian. Reverts with `PauseReasonMissing`, `PauseTermInvalid`, `ActionNotPausable`, `ActionClosed`.
    /// @param reason In words, for everybody who is stopped by it.
    function pause(bytes4[] calldata actions, uint40 until, string calldata reason) external restricted {
        uint40 latest = uint40(block.timestamp) + MAX_PAUSE;
        if (bytes(reason).length == 0) revert PauseReasonMissing();
        if (until <= block.timestamp || until > latest) revert PauseTermInvalid(until, latest);

        for (uint256 i = 0; i < actions.length; ++i) {
            if (!_isPausable(actions[i])) revert ActionNotPausable(actions[i]);
            _requireNotClosed(actions[i]);
            pausedUntil[actions[i]] = until;
        }
        emit ActionsPaused(actions, until, reason, _msgSender());
    }

    /// @notice Ends pauses early.
    /// @dev Registrar. Reverts with `ActionNotPaused` for an action that is open, `ActionClosed` for one that is closed.
    function unpause(bytes4[] calldata actions) external restricted {
        for (uint256 i = 0; i < actions.length; ++i) {
            _requireNotClosed(actions[i]);
            if (block.timestamp >= pausedUntil[actions[i]]) revert ActionNotPaused(actions[i]);
            delete pausedUntil[actions[i]];
        }
        emit ActionsUnpaused(actions, _msgSender());
    }

    /// @notice Closes this contract to new entries for ever; what is in it runs to its end.
    /// @dev Administrator. Once. Reverts with `SuccessorInvalid` for an address without code, or when one is named already.
    function closeEntries(address successor_) external restricted {
        bool good = successor == address(0) && successor_ != address(this) && successor_.code.length != 0;
        if (!good) revert SuccessorInvalid(successor_);

        bytes4[] memory entries = _entries();
        successor = successor_;
        for (uint256 i = 0; i < entries.length; ++i) pausedUntil[entries[i]] = type(uint40).max;
        emit EntriesClosed(successor_, entries, _msgSender());
    }

    /// @notice What the guardian may pause: first the new entries, which also `closeEntries` stops, then the rest.
    function pausableActions() external pure returns (bytes4[] memory entries, bytes4[] memory others) {
        return (_entries(), _pausable());
    }

    /// @dev Actions that bring something new into the contract.
    function _entries() internal pure virtual returns (bytes4[] memory);

    /// @dev Other actions that may be paused: transfers and grants; never claims, releases, revocations, rejections.
    function _pausable() internal pure virtual returns (bytes4[] memory);

    /// @dev First line of every action that is listed.
    function _requireOpen(bytes4 action) internal view {
        uint40 until = pausedUntil[action];
        if (block.timestamp < until) _refuseAction(action, until);
    }

    function _refuseAction(bytes4 action, uint40 until) private view {
        _requireNotClosed(action);
        revert ActionPaused(action, until);
    }

    function _requireNotClosed(bytes4 action) private view {
        if (pausedUntil[action] == type(uint40).max) revert ActionClosed(action, successor);
    }

    function _isPausable(bytes4 action) private pure returns (bool) {
        return _contains(_entries(), action) || _contains(_pausable(), action);
    }

    function _contains(bytes4[] memory actions, bytes4 action) private pure returns (bool) {
        for (uint256 i = 0; i < actions.length; ++i) if (actions[i] == action) return true;
        return false;
    }

    function _msgSender() internal view virtual override(Context, SignedActs) returns (address) {
        return SignedActs._msgSender();
    }

    function _msgData() internal view virtual override(Context, SignedActs) returns (bytes calldata) {
        return SignedActs._msgData();
    }

    function _contextSuffixLength() internal view virtual override(Context, SignedActs) returns (uint256) {
        return SignedActs._contextSuffixLength();
    }
}
