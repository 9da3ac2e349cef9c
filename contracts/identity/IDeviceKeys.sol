// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { DeviceKey, KeyProof } from "./DeviceTypes.sol";

/// @notice New keys for old devices. The id keeps the birth key for ever; the word says that a slot names the key in
/// force, and the event has it in full. A key serves one device, once: neither a birth key nor a key that was replaced
/// comes back. Either the present key consents (rotation), or manufacturer and device authority together give a lost
/// device a new key, a new owner or both, after a delay ({IDeviceRecovery}).
interface IDeviceKeys {
    event DeviceKeyRotated(
        DeviceId indexed device,
        bytes32 indexed keyId,
        DeviceKey key,
        uint32 epoch,
        uint32 previousBlock
    );

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

    /// @notice Gives a device another owner, another key, or both, against the will of the present owner or in its absence.
    /// @dev Only `RECOVERY`, which checked everything else. Reverts with `DeviceEnded`, `DeviceImmovable` (another owner for
    /// an encumbered device, unless forced), `DeviceKeyTaken`.
    /// @param newKey Proven to be the device's, for this owner; with curve 0 the key stays.
    /// @param forced By order of a court or a regulator: encumbrances do not hinder it, and stay on the device.
    function reassign(DeviceId device, OrgId owner, DeviceKey calldata newKey, bool forced) external;

    /// @notice The contract in which recoveries and forced transfers are decided ({IDeviceRecovery}).
    function RECOVERY() external view returns (address);
}
