// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId } from "../common/Ids.sol";
import { DeviceActor, DeviceStatus } from "./DeviceTypes.sol";

/// @notice Suspension, revocation, and the owner's emergency stop of access.
interface IDeviceStates {
    event DeviceStatusChanged(DeviceId indexed device, DeviceStatus from, DeviceStatus to, address by);
    event DeviceRevoked(DeviceId indexed device, uint32 epoch, uint32 previousBlock);
    event DeviceAccessStopped(DeviceId indexed device, address by);
    event DeviceAccessAllowed(DeviceId indexed device, address by);

    error DeviceTransitionRefused(DeviceId device, DeviceStatus from, DeviceStatus to, DeviceActor actor);
    error DeviceAccessUnchanged(DeviceId device, bool stopped);
    error EncumbranceSourceRefused(address caller);

    /// @notice Stops a device: its frames are refused from now on, and what was anchored stays.
    /// @dev A signatory of the owner, or the device authority; the authority's suspension replaces the owner's. Who holds
    /// the DeviceAuthority role acts as the authority on every device, also on those of its own organisation.
    function suspend(DeviceId device) external;

    /// @notice Ends a suspension.
    /// @dev A signatory of the owner for the owner's suspension; the device authority for either.
    function resume(DeviceId device) external;

    /// @notice Ends a device for good. Begins its last epoch, in which it keeps its owner and is good for nothing.
    /// @dev A device manager of the owner, or the device authority. An owner cannot destroy what is encumbered
    /// (`DeviceImmovable`); it can suspend it, and the authority can revoke it.
    function revoke(DeviceId device) external;

    /// @notice Emergency stop: every grant of access to the device is without effect until `allowAccess`.
    /// @dev A signatory of the owner. Reverts with `DeviceAccessUnchanged` when it is stopped already.
    function stopAccess(DeviceId device) external;

    /// @notice Ends the emergency stop; the grants of the epoch count again.
    /// @dev A device manager of the owner.
    function allowAccess(DeviceId device) external;
}
