// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId } from "../common/Ids.sol";
import { IConsortium } from "../consortium/IConsortium.sol";
import { DeviceKey, DeviceRecord, DeviceStatus } from "./DeviceTypes.sol";
import { DeviceWord } from "./DeviceWord.sol";

/// @notice What the registry keeps of every device: the present in one word, and the word of each past epoch.
///
/// An epoch is a time in which one organisation controlled the device by one key. It ends with a transfer, a rotation,
/// a recovery or the revocation; the next begins in the same second, with the next number. Every event that begins an
/// epoch names the block in which the one before began, so the history can be read from the last to the first, one block
/// at a time; contracts read it from the words.
interface IDeviceRecords {
    error DeviceUnknown(DeviceId device);
    error DeviceNotActive(DeviceId device, DeviceStatus status);
    error DeviceEnded(DeviceId device);
    error DeviceActorRefused(DeviceId device, address caller);
    error DeviceEpochUnknown(DeviceId device, uint32 epoch, uint32 present);
    error DeviceTimeAhead(uint256 moment, uint256 present);

    error DeviceCurveUnsupported(uint8 curve);
    error DeviceKeyInvalid(uint8 curve, bytes32 x, bytes32 y);
    error DeviceKeyMismatch(DeviceId device, bytes32 inForce, bytes32 given);
    error DeviceKeyTaken(bytes32 keyId);
    error DeviceProofMissing(DeviceId device);
    error DeviceProofExpired(DeviceId device, uint256 deadline, uint256 time);
    error DeviceProofHighS(DeviceId device, bytes32 s);
    error DeviceProofInvalid(DeviceId device, bytes32 digest);

    /// @notice The record; all zero for an unknown device.
    function record(DeviceId device) external view returns (DeviceRecord memory);

    /// @notice The record as it is stored, for contracts that ask in every call: less than half the gas of `record`. See
    /// {DeviceWord}; zero for an unknown device.
    function wordOf(DeviceId device) external view returns (DeviceWord);

    /// @notice The holder of record. Reverts for an unknown device.
    function ownerOf(DeviceId device) external view returns (address);

    /// @notice Reverts unless the device is registered and active.
    function requireActive(DeviceId device) external view returns (DeviceRecord memory);

    /// @notice The record of one epoch. Reverts with `DeviceEpochUnknown` for one that has not begun, and for epoch 0.
    /// @dev What an epoch does not fix (status, engagement, lock, access stop) is as it was at its end.
    function recordOfEpoch(DeviceId device, uint32 epoch) external view returns (DeviceRecord memory);

    /// @notice The epoch at a second of the past or the present; 0 before the device was registered.
    /// @dev Where several epochs share a second, the last of them. Reverts with `DeviceTimeAhead` for the future.
    function epochAt(DeviceId device, uint256 time) external view returns (uint32);

    /// @notice The epoch after a block of the past or the present; 0 before the device was registered.
    function epochAtBlock(DeviceId device, uint256 blockNumber) external view returns (uint32);

    /// @notice The holder of record at a second of the past or the present; zero before the device was registered.
    /// @dev A binary search over the epochs: one cold slot for each doubling of their number.
    function ownerAt(DeviceId device, uint256 time) external view returns (address);

    /// @notice The holder of record after a block of the past or the present; zero before the device was registered.
    function ownerAtBlock(DeviceId device, uint256 blockNumber) external view returns (address);

    /// @notice The id of the key in force in an epoch: the device's own id while the birth key was never replaced.
    /// Reverts with `DeviceEpochUnknown`.
    function keyIdAt(DeviceId device, uint32 epoch) external view returns (bytes32);

    /// @notice The epoch and the id of the key in force at a second of the past or the present. Before the device was
    /// registered, and for an unknown one: epoch 0 and the device's own id, because that is what its birth key proves.
    function inForceAt(DeviceId device, uint256 time) external view returns (uint32 epoch, bytes32 keyId);

    /// @notice The id of a key: `keccak256(curve ‖ x ‖ y)`, one byte and twice 32. A birth key's id is its device's.
    function deviceIdOf(DeviceKey calldata key) external pure returns (DeviceId);

    /// @notice Where organisations and roles are kept.
    function CONSORTIUM() external view returns (IConsortium);
}
