// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { IConsortium } from "../consortium/IConsortium.sol";
import { DeviceKey } from "./DeviceTypes.sol";
import { IDeviceRegistry } from "./IDeviceRegistry.sol";

/// @notice A device model of one maker's organisation, numbered from 1; 0 is none.
type ModelId is uint32;

/// @notice A firmware release, numbered from 1 over all models; 0 is none.
type ReleaseId is uint32;

/// @notice Where a device's firmware stands. Append only.
/// - None: it attested nothing. Superseded: a release with a higher sequence number was published.
enum FirmwareState {
    None,
    Latest,
    Superseded,
    Withdrawn
}

/// @notice Whether a release may be installed on a device, or why not. Append only.
enum FirmwareReason {
    Installable,
    ReleaseUnknown,
    ReleaseWithdrawn,
    DeviceUnknown,
    DeviceRevoked,
    OtherModel,
    Rollback
}

/// @notice One word per model.
struct FirmwareModel {
    OrgId org; // of the maker
    uint64 sequence; // the highest published
    ReleaseId latest; // the release that has it
}

/// @notice One word and the manifest's hash.
struct Release {
    ModelId model;
    OrgId org;
    uint64 sequence;
    uint40 publishedAt;
    uint40 withdrawnAt; // 0 while it stands
    bytes32 manifestHash;
}

/// @notice One word per device: the last installation that it attested.
struct Installation {
    ModelId model; // fixed by the first one
    ReleaseId release;
    uint64 sequence; // never falls
    uint40 installedAt;
    uint32 epoch; // of the device when it attested
    uint32 count; // installations attested so far: the nonce of the next
}

/// @notice Firmware releases, and what each device says it runs.
///
/// A release stands for a SUIT manifest (RFC 9124): `sequence` is its sequence number, which never falls on a
/// device, `manifestHash` the SHA-256 of its envelope, `imageHash` the SHA-256 of the image, `modelHash` what EAT
/// (RFC 9711) calls oemid and hwmodel (the SDK's `modelHash`). A device installs by its own rules and then attests
/// here; the signature is made by the key it is registered with, and anyone may bring it.
///
/// Powers and their limits:
/// - a Manufacturer's signatory publishes releases of its organisation's models and withdraws them. Cannot number
///   one below an earlier one, change one, bring a withdrawn one back, or say what a device runs.
/// - a device attests only for itself, by its present key and epoch. Cannot go back to a lower number, to a withdrawn
///   release, or to another model than it began with. A new owner changes nothing of that.
interface IDeviceFirmware {
    event FirmwareModelOpened(ModelId indexed model, OrgId indexed org, bytes32 indexed modelHash);
    event FirmwareReleased(
        ReleaseId indexed release,
        ModelId indexed model,
        uint64 sequence,
        bytes32 imageHash,
        bytes32 manifestHash,
        address by
    );
    event FirmwareWithdrawn(ReleaseId indexed release, bytes32 reasonHash, address by);
    event FirmwareInstalled(
        DeviceId indexed device,
        ReleaseId indexed release,
        uint64 sequence,
        uint32 epoch,
        uint32 count
    );

    error FirmwareHashMissing();
    error FirmwareSequenceTaken(ModelId model, uint64 sequence, uint64 highest);
    error ReleaseUnknown(ReleaseId release);
    error ReleaseForeign(ReleaseId release, OrgId org);
    error ReleaseWithdrawn(ReleaseId release, uint40 since);
    error FirmwareModelMismatch(DeviceId device, ModelId model, ModelId release);
    error FirmwareRollback(DeviceId device, uint64 sequence, uint64 highest);

    /// @notice Publishes a release; the first of a model opens the model.
    /// @dev Manufacturer. Reverts with the consortium's reason, `FirmwareHashMissing`, `FirmwareSequenceTaken`.
    /// @param modelHash Hash of maker and model as the devices name them.
    /// @param sequence The manifest's sequence number, higher than that of every earlier release of the model.
    /// @param imageHash SHA-256 of the image.
    /// @param manifestHash SHA-256 of the signed manifest.
    function publish(
        bytes32 modelHash,
        uint64 sequence,
        bytes32 imageHash,
        bytes32 manifestHash
    ) external returns (ReleaseId release);

    /// @notice Takes a release back: nobody installs it from now on. The way out for devices that have it is a later one.
    /// @dev Manufacturer of the same organisation. Reverts with the consortium's reason, `ReleaseUnknown`,
    /// `ReleaseForeign`, `ReleaseWithdrawn`.
    /// @param reasonHash Hash of the advisory that says why, or zero.
    function withdraw(ReleaseId release, bytes32 reasonHash) external;

    /// @notice Records that a device runs a release, by the device's own signature.
    /// @dev Anyone. The device signs the EIP-712 message
    /// `Installation(bytes32 device,uint32 epoch,uint32 release,bytes32 manifestHash,uint32 count,uint256 deadline)`
    /// in the domain (`Tenon DeviceFirmware`, `1`, chain id, this contract), with its present epoch and the number of
    /// installations it attested before (the nonce). P-256 keys sign SHA-256, secp256k1 keys Keccak, of the same 66 bytes
    /// as for a registration; `s` must be in the lower half.
    ///
    /// Reverts with `ReleaseUnknown`, `ReleaseWithdrawn`, the registry's `DeviceUnknown` or `DeviceEnded` (revoked),
    /// `FirmwareModelMismatch`, `FirmwareRollback`, and the registry's `DeviceKeyMismatch` and errors for a proof.
    /// @param key The device's present key.
    /// @param deadline Last second, inclusive, at which the signature counts.
    function install(
        DeviceId device,
        ReleaseId release,
        DeviceKey calldata key,
        uint256 deadline,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Whether a device could attest a release now, and if not, why: to be asked before it installs. Never reverts.
    function explain(DeviceId device, ReleaseId release) external view returns (FirmwareReason);

    /// @notice Where a device's firmware stands now.
    function stateOf(DeviceId device) external view returns (FirmwareState);

    /// @notice What a device attested last; zero when it never did.
    function installationOf(DeviceId device) external view returns (Installation memory);

    /// @notice A release; zero for an unknown one.
    function releaseOf(ReleaseId release) external view returns (Release memory);

    /// @notice A model; zero for an unknown one.
    function model(ModelId model) external view returns (FirmwareModel memory);

    /// @notice The number of an organisation's model, or 0 before its first release.
    function modelIdOf(OrgId org, bytes32 modelHash) external view returns (ModelId);

    /// @notice What the device signs: the Keccak digest for secp256k1, the SHA-256 digest for P-256.
    function installationDigest(
        DeviceId device,
        ReleaseId release,
        uint8 curve,
        uint256 deadline
    ) external view returns (bytes32);

    /// @notice Where devices are kept.
    function REGISTRY() external view returns (IDeviceRegistry);

    /// @notice Where organisations and roles are kept.
    function CONSORTIUM() external view returns (IConsortium);
}
