// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { DeviceRecords } from "./DeviceRecords.sol";
import { DeviceActor, DeviceStatus } from "./DeviceTypes.sol";
import { ACCESS_STOPPED, DeviceWord } from "./DeviceWord.sol";
import { IDeviceStates } from "./IDeviceStates.sol";

/// @title DeviceStates
/// @notice Suspension, revocation and the emergency stop. See {IDeviceStates}.
abstract contract DeviceStates is DeviceRecords {
    /// @dev The state machine, one table for each actor: bit `8 * from + to` is set when the step exists, so the second
    /// byte from the right says where `Active` leads. The owner cannot lift what the authority suspended, and the byte of
    /// `Revoked` is empty. As numbers, because the compiler does not fold enums.
    uint256 private constant _OWNER_STEPS = 0x10121400;
    uint256 private constant _AUTHORITY_STEPS = 0x121a1800;

    /// @inheritdoc IDeviceStates
    function suspend(DeviceId device) external {
        DeviceWord word = _known(device);
        DeviceActor actor = _signatoryOrAuthority(device, word.owner());
        bool byOwner = actor == DeviceActor.Owner;
        DeviceStatus to = byOwner ? DeviceStatus.SuspendedByOwner : DeviceStatus.SuspendedByAuthority;
        _words[device] = _step(device, word, to, actor);
    }

    /// @inheritdoc IDeviceStates
    function resume(DeviceId device) external {
        DeviceWord word = _known(device);
        DeviceActor actor = _signatoryOrAuthority(device, word.owner());
        _words[device] = _step(device, word, DeviceStatus.Active, actor);
    }

    /// @inheritdoc IDeviceStates
    function revoke(DeviceId device) external {
        DeviceWord word = _known(device);
        DeviceActor actor = DeviceActor.Authority;
        if (!_isAuthority()) {
            _requireManager(device, _msgSender(), word.owner());
            // Whoever holds a pledge, or a court, would be left with nothing.
            if (word.locked()) revert DeviceImmovable(device, word.status(), true);
            actor = DeviceActor.Owner;
        }
        DeviceWord last = _step(device, word.next(word.owner()), DeviceStatus.Revoked, actor);
        _beginEpoch(device, word, last);
        emit DeviceRevoked(device, last.epoch(), uint32(word.blockNumber()));
    }

    /// @inheritdoc IDeviceStates
    function stopAccess(DeviceId device) external {
        DeviceWord word = _living(device);
        _requireSignatory(device, word.owner());
        if (word.accessStopped()) revert DeviceAccessUnchanged(device, true);

        _words[device] = word.withFlag(ACCESS_STOPPED, true);
        emit DeviceAccessStopped(device, _msgSender());
    }

    /// @inheritdoc IDeviceStates
    function allowAccess(DeviceId device) external {
        DeviceWord word = _living(device);
        _requireManager(device, _msgSender(), word.owner());
        if (!word.accessStopped()) revert DeviceAccessUnchanged(device, false);

        _words[device] = word.withFlag(ACCESS_STOPPED, false);
        emit DeviceAccessAllowed(device, _msgSender());
    }

    /// @dev As whom the caller acts on a device: one caller never has two answers.
    function _signatoryOrAuthority(DeviceId device, OrgId owner) private view returns (DeviceActor) {
        if (_isAuthority()) return DeviceActor.Authority;
        _requireSignatory(device, owner);
        return DeviceActor.Owner;
    }

    /// @dev The only place where a status changes after registration; the caller stores the word.
    function _step(
        DeviceId device,
        DeviceWord word,
        DeviceStatus to,
        DeviceActor actor
    ) private returns (DeviceWord) {
        DeviceStatus from = word.status();
        uint256 steps = actor == DeviceActor.Owner ? _OWNER_STEPS : _AUTHORITY_STEPS;
        if ((steps >> (8 * uint256(from) + uint256(to))) & 1 == 0) {
            revert DeviceTransitionRefused(device, from, to, actor);
        }
        emit DeviceStatusChanged(device, from, to, _msgSender());
        return word.withStatus(to);
    }
}
