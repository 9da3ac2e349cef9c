// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { IConsortium } from "../consortium/IConsortium.sol";
import { IDeviceRegistry } from "./IDeviceRegistry.sol";

/// @notice Machines built of devices: which part is built into which machine, where both are registered devices.
///
/// A part has one machine at most; a machine may be a part itself, up to `MAX_LEVELS` levels in all, and never of one of
/// its own parts. A link holds while part and machine stay in the epochs in which it was made. When either changes hands
/// or keys, or is revoked, the link is over, for good, without a transaction: whoever sells a part alone takes it out of
/// the machine, and whoever buys a machine with its parts states anew what is built into it, in one call.
///
/// Powers and their limits:
/// - a DeviceManager of the owner attaches, moves and detaches what its organisation holds. Cannot touch anything else.
/// - anybody prunes a link that is over, which only corrects the machine's count.
/// - a lock (pledge, hold) on a machine does not hold its parts, because a part worn out must be replaced: who needs the
///   parts locks each of them.
interface IDeviceComposition {
    event PartAttached(DeviceId indexed part, DeviceId indexed machine, OrgId indexed org, address by);
    event PartDetached(DeviceId indexed part, DeviceId indexed machine, address by);
    event PartPruned(DeviceId indexed part, DeviceId indexed machine, address by);

    error PartsEmpty();
    error PartOfItself(DeviceId device);
    error PartTaken(DeviceId part, DeviceId machine);
    error PartFree(DeviceId part);
    error LinkHolds(DeviceId part, DeviceId machine);
    error CompositionCycle(DeviceId part, DeviceId machine);
    error CompositionTooDeep(DeviceId part, DeviceId machine, uint256 levels);
    error DeviceNotOwned(DeviceId device, OrgId org, OrgId owner);

    /// @notice Builds parts into a machine; all of them, or none.
    /// @dev DeviceManager of the organisation that holds the machine and the parts. Reverts with the consortium's reason,
    /// `PartsEmpty`; for machine or part with `DeviceNotOwned`, the registry's `DeviceUnknown` or `DeviceEnded`
    /// (revoked); for a part with `PartOfItself`, `CompositionCycle`, `CompositionTooDeep`, `PartTaken`.
    function attachParts(DeviceId machine, DeviceId[] calldata parts) external;

    /// @notice Takes parts out of the machines they are in and builds them into this one, in one step.
    /// @dev As {attachParts}; and `PartFree` for a part that is in no machine.
    function moveParts(DeviceId machine, DeviceId[] calldata parts) external;

    /// @notice Takes parts out of their machines.
    /// @dev DeviceManager of the owner; also for suspended parts. Reverts with the consortium's reason,
    /// `PartsEmpty`, `DeviceNotOwned`, `PartFree`.
    function detachParts(DeviceId[] calldata parts) external;

    /// @notice Clears a link that is over, so that the machine's count is right again.
    /// @dev Anyone. Reverts with `PartFree` when there is none, `LinkHolds` when it is not over.
    function prune(DeviceId part) external;

    /// @notice The machine a part is built into now; 0 when it is in none.
    function machineOf(DeviceId part) external view returns (DeviceId);

    /// @notice The machine at the top, which is the device itself when it is in none.
    function rootOf(DeviceId device) external view returns (DeviceId);

    /// @notice Whether a device is built into a machine, directly or through other parts.
    function isPartOf(DeviceId device, DeviceId machine) external view returns (bool);

    /// @notice How many parts were attached in the machine's present epoch and neither detached nor pruned: at least as
    /// many as there are, because a part sold alone counts until it is pruned.
    function partsOf(DeviceId machine) external view returns (uint32);

    /// @notice The most levels of devices in one machine, itself included.
    function MAX_LEVELS() external view returns (uint256);

    /// @notice Where devices are kept.
    function REGISTRY() external view returns (IDeviceRegistry);

    /// @notice Where organisations and roles are kept.
    function CONSORTIUM() external view returns (IConsortium);
}
