// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrderId, OrgId } from "../common/Ids.sol";
import { IConsortium } from "../consortium/IConsortium.sol";
import { IOrders } from "../consortium/IOrders.sol";
import { DeviceKey, KeyProof, Recovery } from "./DeviceTypes.sol";
import { IDeviceRegistry } from "./IDeviceRegistry.sol";

/// @notice What happens to a device without its present owner: the recovery of a lost one, and the transfer by order.
/// A contract of its own, because a registry with everything in it would be larger than a contract may be; it serves any
/// registry that names it as its `RECOVERY`, so every call names the registry.
///
/// Powers and their limits:
/// - the manufacturer that brought the device in proposes a new key, a new owner or both. The device authority confirms;
///   it must not be under the same control as the manufacturer. Neither can do it alone, nor sooner than
///   `RECOVERY_DELAY` after the confirmation.
/// - any signatory of the owner cancels until it is done; so may the authority and the manufacturer.
/// - the new owner's device manager carries it out: nobody becomes owner without consent. An encumbered device
///   gets no new owner this way, only a new key. Whatever begins a new epoch of the device voids the proposal.
/// - an enforcer moves a device on a confirmed Force order, once for each order.
interface IDeviceRecovery {
    event RecoveryProposed(
        IDeviceRegistry indexed registry,
        DeviceId indexed device,
        OrgId indexed newOwner,
        DeviceKey newKey,
        uint32 epoch,
        address by
    );
    event RecoveryConfirmed(
        IDeviceRegistry indexed registry,
        DeviceId indexed device,
        uint40 readyAt,
        address by
    );
    event RecoveryCancelled(IDeviceRegistry indexed registry, DeviceId indexed device, address by);
    event RecoveryExecuted(IDeviceRegistry indexed registry, DeviceId indexed device, address by);
    event TransferForced(
        IDeviceRegistry indexed registry,
        DeviceId indexed device,
        OrderId indexed order,
        OrgId to,
        address by
    );

    error RecoveryPending(DeviceId device, OrgId newOwner, bytes32 newKeyId);
    error RecoveryMissing(DeviceId device);
    error RecoveryEmpty(DeviceId device);
    error RecoveryMismatch(DeviceId device, OrgId newOwner, bytes32 newKeyId);
    error RecoveryAlreadyConfirmed(DeviceId device, uint40 readyAt);
    error RecoveryNotIndependent(OrgId maker, OrgId authority);
    error RecoveryNotReady(DeviceId device, uint40 readyAt);
    error RecoveryRefused(DeviceId device, address caller);

    /// @notice Proposes a new key, a new owner or both for a lost device.
    /// @dev A manufacturer of the organisation that brought the device in. A new key signs
    /// `Recovery(address registry,bytes32 device,uint32 epoch,address owner,uint8 curve,bytes32 x,bytes32 y,uint256 deadline)`
    /// in the domain of this contract (`Tenon DeviceRecovery`, `1`), as a device signs its registration, and so engages
    /// with the owner it will have. Reverts with `DeviceUnknown`, `DeviceEnded`, the consortium's reason,
    /// `RecoveryRefused` (another manufacturer), `RecoveryPending`, `RecoveryEmpty` (nothing new), or a proof error.
    /// @param newOwner The present one, when only the key is lost.
    /// @param fresh With curve 0 when the key stays; the rest is then not looked at.
    /// @param deadline Last second, inclusive, at which the new key's proof counts.
    function propose(
        IDeviceRegistry registry,
        DeviceId device,
        OrgId newOwner,
        KeyProof calldata fresh,
        uint256 deadline
    ) external;

    /// @notice Confirms a proposal; the delay begins.
    /// @dev Device authority, of an organisation that is not under the same control as the manufacturer's. Names what
    /// it confirms, so that nothing else can be put in its place. Reverts with the consortium's reason,
    /// `RecoveryMissing`, `RecoveryMismatch`, `RecoveryAlreadyConfirmed`, `RecoveryNotIndependent`.
    function confirm(IDeviceRegistry registry, DeviceId device, OrgId newOwner, bytes32 newKeyId) external;

    /// @notice Ends a proposal, confirmed or not.
    /// @dev Any signatory of the owner, the device authority, or a manufacturer of the organisation that proposed.
    /// Reverts with `RecoveryMissing`, `RecoveryRefused`.
    function cancel(IDeviceRegistry registry, DeviceId device) external;

    /// @notice Carries a recovery out, from `readyAt` on, for `RECOVERY_WINDOW`.
    /// @dev A device manager of the new owner. Reverts with `RecoveryMissing` (none of this epoch, or its window is over),
    /// the consortium's reason, `RecoveryRefused`, `RecoveryNotReady` (`readyAt` 0 is not confirmed),
    /// `DeviceKeyMismatch`, or the registry's reason.
    /// @param newKey As proposed; not looked at when the key stays.
    function execute(IDeviceRegistry registry, DeviceId device, DeviceKey calldata newKey) external;

    /// @notice Moves a device by order of a court or a regulator, encumbered or not; its encumbrances stay on it.
    /// @dev Enforcer. `order` must be an active Force order for this contract with the subject
    /// `keccak256(abi.encode(registry, device, to))`; it is used up. Reverts with the consortium's reason, the order's, or
    /// the registry's.
    function forceTransfer(IDeviceRegistry registry, DeviceId device, OrgId to, OrderId order) external;

    /// @notice The pending recovery; all zero when there is none, or none of this epoch.
    function recoveryOf(IDeviceRegistry registry, DeviceId device) external view returns (Recovery memory);

    /// @notice Seconds between confirmation and execution.
    function RECOVERY_DELAY() external view returns (uint40);

    /// @notice Seconds in which a confirmed recovery may be executed; then it is void.
    function RECOVERY_WINDOW() external view returns (uint40);

    /// @notice Where organisations and roles are kept.
    function CONSORTIUM() external view returns (IConsortium);

    /// @notice Where orders of courts and regulators are kept.
    function ORDERS() external view returns (IOrders);
}
