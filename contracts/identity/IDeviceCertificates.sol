// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { IConsortium } from "../consortium/IConsortium.sol";
import { IDeviceRegistry } from "./IDeviceRegistry.sol";

/// @notice An admitted certificate authority, numbered from 1 in order of admission; 0 is none.
type AuthorityId is uint32;

/// @notice What an authority's certificates say, in the words of IEEE 802.1AR. Append only.
/// - Factory: who made the device (IDevID). They outlive every change of owner.
/// - Owner: whose device it is now (LDevID). They end with the epoch of the device they were bound in.
enum AuthorityKind {
    None,
    Factory,
    Owner
}

/// @notice Why a certificate counts or does not. Append only.
/// - Unknown: it was never bound. OtherDevice: it was bound to another device.
/// - EpochEnded: an owner's certificate from before the device changed hands or keys.
enum CertificateReason {
    Good,
    Unknown,
    OtherDevice,
    Revoked,
    Expired,
    AuthorityRevoked,
    AuthorityExpired,
    DeviceRevoked,
    EpochEnded
}

/// @notice One word and the hash it is found by.
struct Authority {
    OrgId org; // whose certifiers bind and revoke
    AuthorityKind kind;
    uint40 since;
    uint40 until; // exclusive
    bool revoked;
}

/// @notice One word per certificate.
struct Certificate {
    uint160 deviceTail; // the last 20 bytes of the device's id: as hard to meet twice as an address
    AuthorityId authority;
    uint40 until; // exclusive
    uint16 epoch; // of the device when it was bound
    bool revoked;
}

/// @notice A certificate to be bound to a device.
struct Binding {
    DeviceId device;
    bytes32 certificateHash; // SHA-256 of the certificate in DER
    uint40 until; // the first second at which it no longer counts: its notAfter and one
}

/// @notice Which X.509 certificate belongs to which device, who vouches for that, and whether it still counts.
///
/// The chain knows certificates by their SHA-256 and reads no DER. What a certificate says (its chain of signatures, its
/// profile, that it names this device) is checked off chain by whoever holds it; the certifier who binds it answers for
/// having done so. Both halves together are `tenon.certificates.verify` of the SDK.
///
/// Powers and their limits:
/// - registrar (through AccessManager, with a delay): admits authorities and renews their term. Cannot bind.
/// - guardian (through AccessManager, at once): revokes an authority for ever, and with it all it ever vouched for.
/// - a Certifier of the authority's organisation binds certificates and revokes them. Cannot touch those of another
///   organisation, bind a certificate twice, or bring a revoked one back; an owner's authority binds only to devices that
///   its organisation holds.
interface IDeviceCertificates {
    event AuthorityAdmitted(
        AuthorityId indexed authority,
        OrgId indexed org,
        bytes32 indexed certificateHash,
        AuthorityKind kind,
        uint40 until
    );
    event AuthorityRenewed(AuthorityId indexed authority, uint40 from, uint40 until);
    event AuthorityRevoked(AuthorityId indexed authority, uint8 reason, address by);
    event CertificateBound(
        DeviceId indexed device,
        bytes32 indexed certificateHash,
        AuthorityId indexed authority,
        uint40 until,
        uint16 epoch,
        address by
    );
    event CertificateRevoked(bytes32 indexed certificateHash, uint8 reason, address by);

    error AuthorityUnknown(AuthorityId authority);
    error AuthorityTaken(bytes32 certificateHash, AuthorityId authority);
    error AuthorityKindMissing();
    error AuthorityForeign(AuthorityId authority, OrgId org);
    error AuthorityIsRevoked(AuthorityId authority);
    error AuthorityExpired(AuthorityId authority, uint40 until);
    error BindingsEmpty();
    error CertificateHashMissing();
    error CertificateTermInvalid(uint40 until, uint256 earliest);
    error CertificateTaken(bytes32 certificateHash, uint160 deviceTail);
    error CertificateUnknown(bytes32 certificateHash);
    error CertificateIsRevoked(bytes32 certificateHash);
    error CertificateRefused(DeviceId device, bytes32 certificateHash, CertificateReason reason);
    error DeviceNotHeld(DeviceId device, OrgId org);
    error RevocationReasonInvalid(uint8 reason);

    /// @notice Admits a certificate authority, by the SHA-256 of its own certificate in DER.
    /// @dev Registrar. Reverts with `CertificateHashMissing`, `AuthorityKindMissing`, `CertificateTermInvalid`,
    /// `AuthorityTaken`, or the consortium's reason when the organisation is not active.
    /// @param org Whose certifiers may bind.
    /// @param until First second at which nothing of this authority counts; its certificate's notAfter, or earlier.
    function admitAuthority(
        bytes32 certificateHash,
        OrgId org,
        AuthorityKind kind,
        uint40 until
    ) external returns (AuthorityId authority);

    /// @notice Sets a new end, also after the old one has passed.
    /// @dev Registrar. Reverts with `AuthorityUnknown`, `AuthorityIsRevoked`, `CertificateTermInvalid`.
    function renewAuthority(AuthorityId authority, uint40 until) external;

    /// @notice Ends an authority for ever, and every certificate it vouched for, at once.
    /// @dev Guardian. Reverts with `AuthorityUnknown`, `AuthorityIsRevoked`, `RevocationReasonInvalid`.
    /// @param reason CRLReason of RFC 5280 §5.3.1.
    function revokeAuthority(AuthorityId authority, uint8 reason) external;

    /// @notice Binds certificates to devices; all of them, or none.
    /// @dev A Certifier of the authority's organisation. Reverts with the consortium's reason, `AuthorityUnknown`,
    /// `AuthorityForeign`, `AuthorityIsRevoked`, `AuthorityExpired`, `BindingsEmpty`, and for a single one with
    /// `CertificateHashMissing`, `CertificateTermInvalid`, `CertificateTaken`, the registry's `DeviceUnknown` or
    /// `DeviceEnded` (revoked), or `DeviceNotHeld` (owner's authority, another's device).
    function bind(AuthorityId authority, Binding[] calldata bindings) external;

    /// @notice Revokes a certificate for ever; also when its term, or its authority's, is over.
    /// @dev A Certifier of the organisation whose authority bound it. Reverts with the consortium's reason,
    /// `CertificateUnknown`, `AuthorityForeign`, `CertificateIsRevoked`, `RevocationReasonInvalid`.
    /// @param reason CRLReason of RFC 5280 §5.3.1: 0 unspecified, 1 key compromise, 2 authority compromise,
    /// 3 affiliation changed, 4 superseded, 5 cessation of operation, 9 privilege withdrawn, 10 attribute authority compromise.
    function revoke(bytes32 certificateHash, uint8 reason) external;

    /// @notice Whether a certificate counts for a device now, and if not, why. Never reverts.
    /// @dev A suspended device keeps its certificates: they say who it is, not what it may.
    function explain(DeviceId device, bytes32 certificateHash) external view returns (CertificateReason);

    /// @notice Reverts with `CertificateRefused` unless {explain} says `Good`.
    function requireGood(DeviceId device, bytes32 certificateHash) external view;

    /// @notice The word of a certificate; zero when it was never bound.
    function certificate(bytes32 certificateHash) external view returns (Certificate memory);

    /// @notice The word of an authority; zero for an unknown one.
    function authorityOf(AuthorityId authority) external view returns (Authority memory);

    /// @notice The number of the authority with this certificate, or 0.
    function authorityIdOf(bytes32 certificateHash) external view returns (AuthorityId);

    /// @notice How many authorities were ever admitted.
    function authorities() external view returns (uint32);

    /// @notice Where devices are kept.
    function REGISTRY() external view returns (IDeviceRegistry);

    /// @notice Where organisations and roles are kept.
    function CONSORTIUM() external view returns (IConsortium);
}
