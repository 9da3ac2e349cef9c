// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { IConsortium, Term } from "../consortium/IConsortium.sol";

/// @dev Append only.
enum DeviceStatus {
    None,
    Active,
    SuspendedByOwner,
    SuspendedByAuthority,
    Revoked
}

/// @notice Who asks for a change of status.
enum DeviceActor {
    Owner,
    Authority
}

/// @notice One storage word per device.
struct DeviceRecord {
    address owner; // holder of record: an organisation's address
    uint40 since; // registration time, seconds
    DeviceStatus status;
    uint8 curve; // of the present key
    uint32 epoch; // starts at 1; grants and frames of an older epoch no longer count
}

/// @notice A public key. `curve` is the COSE number: 1 is P-256, 8 is secp256k1.
struct DeviceKey {
    uint8 curve;
    bytes32 x;
    bytes32 y;
}

/// @notice The registry of device identities (the DID). A device enters with a proof made by its own key and leaves
/// the active state for ever when it is revoked.
///
/// Powers and their limits:
/// - a manufacturer's signatory registers devices. Cannot register a device that did not sign for exactly this owner,
///   these parameters and this certificate, on this chain and contract; cannot register one twice.
/// - the owner's signatory suspends, resumes what the owner suspended, and revokes.
/// - the device authority suspends, resumes and revokes any device. Cannot change an owner.
/// - nobody brings a revoked device back.
interface IDeviceRegistry {
    event DeviceRegistered(
        DeviceId indexed device,
        address indexed owner,
        OrgId manufacturer,
        DeviceKey key,
        bytes32 parametersHash,
        bytes32 certificateHash
    );
    event DeviceStatusChanged(DeviceId indexed device, DeviceStatus from, DeviceStatus to, address by);

    error DeviceAlreadyRegistered(DeviceId device);
    error DeviceUnknown(DeviceId device);
    error DeviceNotActive(DeviceId device, DeviceStatus status);
    error DeviceCurveUnsupported(uint8 curve);
    error DeviceKeyInvalid(uint8 curve, bytes32 x, bytes32 y);
    error DeviceProofMissing(DeviceId device);
    error DeviceProofExpired(DeviceId device, uint256 deadline, uint256 time);
    error DeviceProofHighS(DeviceId device, bytes32 s);
    error DeviceProofInvalid(DeviceId device, bytes32 digest);
    error DeviceTransitionRefused(DeviceId device, DeviceStatus from, DeviceStatus to, DeviceActor actor);
    error DeviceActorRefused(DeviceId device, address caller);
    error ManufacturerRefused(address caller, uint40 until);
    error RoleSourceRefused(address caller);

    /// @notice Registers a device with a proof by its own key.
    /// @dev Manufacturer. The device signs the EIP-712 message
    /// `Registration(uint8 curve,bytes32 x,bytes32 y,address owner,bytes32 parametersHash,bytes32 certificateHash,uint256 deadline)`
    /// in the domain (`Tenon DeviceRegistry`, `1`, chain id, this contract). The device id is the nonce: it registers
    /// once. A secp256k1 key signs the usual Keccak digest; a P-256 key signs SHA-256 of the same 66 bytes
    /// `0x1901 ‖ domain ‖ struct`, because secure elements have no Keccak. `s` must be in the lower half.
    ///
    /// Reverts, in this order: `ManufacturerRefused`; the consortium's reason when the owner is not active;
    /// `DeviceAlreadyRegistered`; `DeviceProofMissing` (`r` and `s` zero); `DeviceProofExpired`;
    /// `DeviceCurveUnsupported`; `DeviceKeyInvalid` (zero or off the curve); `DeviceProofHighS`; `DeviceProofInvalid`.
    /// @param owner Organisation that will hold the device; must be active.
    /// @param key The birth key; the id is its hash.
    /// @param parametersHash Salted hash of make, model, serial and whatever else the parties agreed to fix.
    /// @param certificateHash SHA-256 of the factory certificate in DER, or zero when there is none.
    /// @param deadline Last second, inclusive, at which the proof counts.
    function register(
        OrgId owner,
        DeviceKey calldata key,
        bytes32 parametersHash,
        bytes32 certificateHash,
        uint256 deadline,
        bytes32 r,
        bytes32 s
    ) external returns (DeviceId device);

    /// @notice Stops a device: its frames are refused from now on, and what was anchored stays.
    /// @dev A signatory of the owner, or the device authority; the authority's suspension replaces the owner's.
    function suspend(DeviceId device) external;

    /// @notice Ends a suspension.
    /// @dev A signatory of the owner for the owner's suspension; the device authority for either.
    function resume(DeviceId device) external;

    /// @notice Ends a device for good.
    /// @dev A signatory of the owner, or the device authority.
    function revoke(DeviceId device) external;

    /// @notice The record; all zero for an unknown device.
    function record(DeviceId device) external view returns (DeviceRecord memory);

    /// @notice The holder of record. Reverts for an unknown device.
    function ownerOf(DeviceId device) external view returns (address);

    /// @notice Reverts unless the device is registered and active.
    function requireActive(DeviceId device) external view returns (DeviceRecord memory);

    /// @notice What the device signs: the Keccak digest for secp256k1, the SHA-256 digest for P-256.
    function registrationDigest(
        OrgId owner,
        DeviceKey calldata key,
        bytes32 parametersHash,
        bytes32 certificateHash,
        uint256 deadline
    ) external view returns (bytes32);

    /// @notice The id of a birth key: `keccak256(curve ‖ x ‖ y)`, one byte and twice 32.
    function deviceIdOf(DeviceKey calldata key) external pure returns (DeviceId);

    /// @notice The folded copy of `CONSORTIUM.termOf(account, Role.Manufacturer)` and the organisation it acts for.
    function manufacturerOf(address account) external view returns (OrgId org, Term memory term);

    /// @notice Where organisations and roles are kept.
    function CONSORTIUM() external view returns (IConsortium);
}
