// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { DeviceKey, KeyProof, Recovery } from "./DeviceTypes.sol";

/// @notice New keys for old devices. The id keeps the birth key for ever; the word says that a slot names the key in
/// force, and the event has it in full. A key serves one device, once: neither a birth key nor a key that was replaced
/// comes back.
///
/// Either the present key consents (rotation), or manufacturer and device authority together give a lost device a new
/// key, a new owner, or both, seven days later (recovery). Powers and their limits:
/// - the manufacturer that brought the device in proposes. The authority confirms; it must not be under the same control as
///   the manufacturer. Neither can do it alone, nor sooner than `RECOVERY_DELAY` after the confirmation.
/// - any signatory of the owner cancels until it is done; so may the authority and the manufacturer.
/// - the new owner's device manager carries it out: nobody becomes owner without consent. An encumbered device
///   gets no new owner this way, only a new key.
interface IDeviceKeys {
    event DeviceKeyRotated(
        DeviceId indexed device,
        bytes32 indexed keyId,
        DeviceKey key,
        uint32 epoch,
        uint32 previousBlock
    );
    event RecoveryProposed(
        DeviceId indexed device,
        OrgId indexed newOwner,
        DeviceKey newKey,
        uint32 epoch,
        address by
    );
    event RecoveryConfirmed(DeviceId indexed device, uint40 readyAt, address by);
    event RecoveryCancelled(DeviceId indexed device, address by);
    event RecoveryExecuted(DeviceId indexed device, uint32 epoch, address by);

    error RecoveryPending(DeviceId device, OrgId newOwner, bytes32 newKeyId);
    error RecoveryMissing(DeviceId device);
    error RecoveryEmpty(DeviceId device);
    error RecoveryMismatch(DeviceId device, OrgId newOwner, bytes32 newKeyId);
    error RecoveryAlreadyConfirmed(DeviceId device, uint40 readyAt);
    error RecoveryNotIndependent(OrgId maker, OrgId authority);
    error RecoveryNotReady(DeviceId device, uint40 readyAt);

    /// @notice Replaces the key in force.
    /// @dev A device manager of the owner. Both keys sign
    /// `Rotation(bytes32 device,uint32 epoch,uint8 curve,bytes32 x,bytes32 y,uint256 deadline)` (present epoch, new
    /// key) as a device signs its registration. Reverts with `DeviceEnded`, `DeviceActorRefused`, `DeviceKeyMismatch` (not
    /// the key in force), `DeviceKeyTaken`, or one of the proof errors of {IDeviceRecords}.
    /// @param deadline Last second, inclusive.
    function rotateKey(
        DeviceId device,
        KeyProof calldata present,
        KeyProof calldata fresh,
        uint256 deadline
    ) external;

    /// @notice Proposes a new key, a new owner or both for a lost device.
    /// @dev A manufacturer of the organisation that brought the device in. A new key signs
    /// `Recovery(bytes32 device,uint32 epoch,address owner,uint8 curve,bytes32 x,bytes32 y,uint256 deadline)`, and so
    /// engages with the owner it will have.
    /// @param newOwner The present one, when only the key is lost.
    /// @param fresh With curve 0 when the key stays; the rest is then not looked at.
    function proposeRecovery(
        DeviceId device,
        OrgId newOwner,
        KeyProof calldata fresh,
        uint256 deadline
    ) external;

    /// @notice Confirms a proposal; the delay begins.
    /// @dev Device authority, of an organisation that is not under the same control as the manufacturer's. Names what
    /// it confirms, so that nothing else can be put in its place.
    function confirmRecovery(DeviceId device, OrgId newOwner, bytes32 newKeyId) external;

    /// @notice Ends a proposal, confirmed or not.
    /// @dev Any signatory of the owner, the device authority, or a manufacturer of the organisation that proposed.
    function cancelRecovery(DeviceId device) external;

    /// @notice Carries a recovery out, from `readyAt` on, for `RECOVERY_WINDOW`.
    /// @dev A device manager of the new owner. Reverts with `RecoveryMissing` (none of this epoch, or its window is over),
    /// `RecoveryNotReady` (`readyAt` 0 is not confirmed), `DeviceImmovable`, `DeviceKeyMismatch`, `DeviceKeyTaken`.
    /// @param newKey As proposed; not looked at when the key stays.
    function executeRecovery(DeviceId device, DeviceKey calldata newKey) external;

    /// @notice The pending recovery; all zero when there is none, or none of this epoch.
    function recoveryOf(DeviceId device) external view returns (Recovery memory);

    /// @notice Seconds between confirmation and execution.
    function RECOVERY_DELAY() external view returns (uint40);

    /// @notice Seconds in which a confirmed recovery may be executed; then it is void.
    function RECOVERY_WINDOW() external view returns (uint40);
}
