// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { IConsortium } from "../consortium/IConsortium.sol";
import { DeviceKey, IDeviceRegistry } from "../identity/IDeviceRegistry.sol";
import { Grantee } from "./Grantee.sol";

/// @notice Why access was allowed or refused. One list for this contract, for the SDK and for devices that decide
/// without a network; append only, because events and signed logs hold the numbers.
///
/// The device:
/// - DeviceNotActive: suspended or revoked.
/// - AccessStopped: the owner's emergency stop.
/// - DeviceNotEngaged: handed over, and the device has not signed for its new owner yet.
///
/// The pass:
/// - PassMissing: none was ever given.
/// - PassEpochEnded: given by an earlier owner, or before a change of the device's key.
/// - DelegationEnded: a pass that this one was made from ended, changed, is blocked or its organisation suspended.
///
/// Who asks, and how:
/// - NotGrantee: another key than the pass's, or an account without its role.
/// - RequesterSuspended: a signatory that was removed, or whose organisation is not active.
/// - Blocked: struck too often; for an hour.
/// - PermissionMissing: asks for more than the pass gives, or for nothing.
///
/// The token:
/// - NotHolder: redeemed by neither the requester, nor a signatory of the owner, nor the device.
/// - TokenUnknown: never issued, or another one was issued or a new pass given since.
///
/// From DeviceMismatch on, decided off chain only:
/// - DeviceMismatch: a pass or token for another device, contract or chain.
/// - SignatureInvalid: of the pass.
/// - ChallengeFailed: the requester did not prove its key.
/// - CounterSeen: this token or a later one was shown before.
enum AccessReason {
    Allowed,
    DeviceUnknown,
    DeviceNotActive,
    AccessStopped,
    DeviceNotEngaged,
    PassMissing,
    PassRevoked,
    PassEpochEnded,
    PassNotYetValid,
    PassExpired,
    DelegationEnded,
    NotGrantee,
    RequesterSuspended,
    Blocked,
    TooFrequent,
    PermissionMissing,
    NotHolder,
    TokenUnknown,
    TokenSpent,
    TokenExpired,
    DeviceMismatch,
    SignatureInvalid,
    ChallengeFailed,
    CounterSeen
}

/// @notice An access pass: what the owner of a device signs. Also the EIP-712 message
/// `Pass(bytes32 device,bytes32 grantee,uint40 permissions,uint40 notBefore,uint40 expiry,uint32 epoch,uint32 rev,uint16 minInterval,uint8 delegations,bytes32 endpointCommitment,bytes32 envelopeHash,uint256 deadline)`.
struct Pass {
    DeviceId device;
    Grantee grantee;
    uint40 permissions; // bits of {Permissions}; none: the pass is revoked
    uint40 notBefore; // first second it counts; 0: at once
    uint40 expiry; // first second it no longer counts
    uint32 epoch; // the device's present one: a pass dies with it
    uint32 rev; // one more than the last of this grantee on this device, the first is 1: the nonce
    uint16 minInterval; // least seconds between two tokens of one requester; 0: no limit
    uint8 delegations; // how often it may be passed on; 0: not at all
    bytes32 endpointCommitment; // salted hash of the device's address in the owner's network; 0: none is given
    bytes32 envelopeHash; // keccak256 of the sealed endpoint; 0: none comes with the pass
    uint256 deadline; // last second, inclusive, at which this message may be registered
}

/// @notice A pass as it stands.
struct PassView {
    uint40 permissions; // 0: none or revoked
    uint40 notBefore; // only while it lies ahead, else 0
    uint40 expiry;
    uint32 epoch;
    uint32 rev; // 0: none was ever given; the next one must name one more
    uint16 minInterval;
    uint8 delegations;
    bool barred; // revoked by the owner in this epoch: cannot be given by delegation
    Grantee parent; // whose pass it was made from; 0: given by the owner
    uint32 parentRev; // the parent's `rev` it was made under; it dies with any change
    bytes32 endpointCommitment;
}

/// @notice The last token issued to one requester, and its conduct.
struct UsageView {
    uint32 counter; // tokens issued so far under this pass's grantee
    bytes32 token; // the only one that can be redeemed; 0: none is open
    uint40 permissions; // of that token
    uint40 until; // of that token, exclusive
    uint8 strikes;
    uint40 blockedUntil; // 0: not blocked
}

/// @notice Who may do what with a device, decided by its owner, and one-time tokens for doing it.
///
/// The four flows: a device enters the registry (`identity/`); a requester asks (`askAccess`) and the owner gives a
/// pass (`grant`, or `registerPass` with a signature); the requester asks for a token (`request`), which somebody
/// redeems once (`redeem`, `redeemByDevice`); the owner changes the pass, and the empty set revokes it.
///
/// Powers and their limits:
/// - a DeviceManager of the device's owner gives, changes and revokes passes. Cannot give one beyond the epoch in
///   which its organisation holds the device, nor for longer than `MAX_TERM`.
/// - a grantee whose pass allows it passes a part of it on. Cannot give more, nor for longer, nor replace what somebody
///   else gave; what it gave ends with its own pass.
/// - the requester gets tokens that nobody else can use: they name its key, and the device asks it to prove that key.
/// - the guardian pauses new passes for days. Cannot stop a revocation, nor give or take a pass.
///
/// A pass or token counts only while the device is active, engaged, not stopped and in the epoch of the pass; all four
/// are read from the registry in the same call. A refused `request` or `redeem` does not revert: the refusal is
/// committed as `AccessDenied` with its reason, because an audit must show it. So a successful transaction is no
/// access: read the result, or the event.
interface IDeviceAccess {
    event AccessAsked(
        DeviceId indexed device,
        address indexed requester,
        Grantee indexed grantee,
        uint40 permissions,
        bytes32 purposeHash
    );
    event PassGranted(
        DeviceId indexed device,
        Grantee indexed grantee,
        address indexed by,
        uint32 epoch,
        uint32 rev,
        uint40 permissions,
        uint40 notBefore,
        uint40 expiry,
        uint16 minInterval,
        uint8 delegations
    );
    /// @dev With `PassGranted` when a pass gives an endpoint. `envelope` is ciphertext for the grantee and the
    /// regulator, or empty when it was handed over in another way.
    event EndpointSealed(
        DeviceId indexed device,
        Grantee indexed grantee,
        uint32 rev,
        bytes32 commitment,
        bytes envelope
    );
    /// @dev With `PassGranted` when the pass was made from another.
    event PassDelegated(
        DeviceId indexed device,
        Grantee indexed grantee,
        Grantee indexed parent,
        uint32 rev,
        uint32 parentRev
    );
    event PassRevoked(DeviceId indexed device, Grantee indexed grantee, address indexed by, uint32 rev);
    event TokenIssued(
        DeviceId indexed device,
        address indexed requester,
        Grantee indexed grantee,
        bytes32 token,
        uint32 counter,
        uint40 permissions,
        uint40 until,
        bytes32 endpointCommitment
    );
    event TokenRedeemed(
        DeviceId indexed device,
        address indexed requester,
        Grantee indexed grantee,
        bytes32 token,
        uint40 permissions,
        address by // zero when the device itself signed
    );
    /// @dev `requester` is who was refused: for `NotHolder` the one who came with another's token. `token` is what was to
    /// be redeemed, zero for a refused request; `permissions` is what was asked for, zero for a redemption; `by` is who
    /// came, zero when the device itself signed.
    event AccessDenied(
        DeviceId indexed device,
        address indexed requester,
        Grantee indexed grantee,
        AccessReason reason,
        uint40 permissions,
        bytes32 token,
        address by
    );
    event RequesterBlocked(
        DeviceId indexed device,
        address indexed requester,
        Grantee indexed grantee,
        uint40 until
    );

    error GranteeInvalid(Grantee grantee);
    error GranteeRefused(Grantee grantee, address account);
    error GranteeBarred(DeviceId device, Grantee grantee);
    error GranteeBlocked(DeviceId device, Grantee grantee, uint40 until);
    error GranteeHasPass(DeviceId device, Grantee grantee, uint32 rev);
    error GrantorRefused(DeviceId device, address account, OrgId owner);
    error PassDeadlinePassed(uint256 deadline, uint256 time);
    error PassEpochMismatch(DeviceId device, uint32 given, uint32 present);
    error PassRevMismatch(DeviceId device, Grantee grantee, uint32 given, uint32 expected);
    error PassTermInvalid(uint40 notBefore, uint40 expiry, uint40 latest);
    error PassDelegationsInvalid(uint8 delegations, uint16 minInterval, uint8 max);
    error PassSignatureInvalid(address signer, bytes32 digest);
    error EndpointCommitmentMissing();
    error EndpointCommitmentMismatch(bytes32 given, bytes32 expected);
    error EndpointEnvelopeMismatch(bytes32 given, bytes32 expected);
    error DelegationRefused(DeviceId device, Grantee parent, AccessReason reason);
    error DelegationTooWide(uint40 permissions, uint40 expiry, uint8 delegations);
    error RedemptionDeadlinePassed(uint256 deadline, uint256 time);
    error RedemptionProofInvalid(DeviceId device, bytes32 digest);
    error RedemptionKeyRefused(DeviceId device, bytes32 keyId);

    // ---------------------------------------------------------------- policy creation

    /// @notice Asks the owner for access; says so in an event and changes nothing else.
    /// @dev The key that is the grantee, or a holder of its role.
    /// @param purposeHash Salted hash of what it is wanted for; the text goes to the owner outside the chain.
    function askAccess(DeviceId device, Grantee grantee, uint40 permissions, bytes32 purposeHash) external;

    /// @notice Gives a grantee a pass, or changes the one it has; with no permissions it revokes.
    /// @dev A DeviceManager of the owner. Every token issued before dies. A block for misuse stays.
    ///
    /// Reverts, in this order: `DeviceUnknown`; the consortium's reason (`SignatoryUnknown`,
    /// `OrganisationNotActive`, `RoleMissing`, `RoleExpired`); `GrantorRefused` (not of the owner); `PassDeadlinePassed`;
    /// `PassEpochMismatch`; `GranteeInvalid`; `PassRevMismatch`; then, unless it revokes, `ActionPaused`,
    /// `DeviceEnded`,
    /// `PassTermInvalid`, `PassDelegationsInvalid` (more than `MAX_DELEGATIONS`, or any together with a rate limit, which more keys would
    /// multiply), `EndpointEnvelopeMismatch`, `EndpointCommitmentMissing`,
    /// `GranteeBlocked` (a pass that begins after the block of a key would hide the block).
    /// @param endpointEnvelope The sealed endpoint, emitted and not stored; empty when none is given here.
    function grant(Pass calldata pass, bytes calldata endpointEnvelope) external;

    /// @notice The same with the signature of the owner's DeviceManager (ECDSA or ERC-1271); anyone may send it.
    /// @dev `rev` and `epoch` are the nonce: whatever changed this grantee's pass since, this one no longer counts. The
    /// sealed endpoint is signed too, so that who registers cannot keep it from the regulator.
    function registerPass(
        Pass calldata pass,
        bytes calldata endpointEnvelope,
        address signer,
        bytes calldata signature
    ) external;

    /// @notice Passes a part of a pass on: permissions ⊆, expiry ≤, delegations <, the same endpoint or none.
    /// @dev The key that is `from`, or a holder of its role; its pass must count now. The new pass ends when `from`'s
    /// is changed, revoked or expires. Refused when the grantee already has a living pass that is not from `from`
    /// (`GranteeHasPass`), or was revoked by the owner in this epoch (`GranteeBarred`).
    function delegate(Grantee from, Pass calldata pass, bytes calldata endpointEnvelope) external;

    // ---------------------------------------------------------------- policy update

    /// @notice Revokes a pass whatever state it is in, and every signed pass for this grantee that was not yet
    /// registered: its `rev` is used up. Never pausable.
    /// @dev A DeviceManager of the owner, which also bars the grantee from delegations in this epoch; who gave the
    /// pass by delegation; or the key it was given to.
    function revoke(DeviceId device, Grantee grantee) external;

    // ---------------------------------------------------------------- access request

    /// @notice Asks for a one-time token. A new token replaces the one before: one is open at a time.
    /// @dev Allowed to the key that is the grantee, or a holder of its role. Anybody else gets `NotGrantee` and
    /// cannot spoil anything. `TooFrequent` and `PermissionMissing` are strikes; at `MAX_STRIKES` the requester is
    /// blocked for `BLOCK_TIME`, which also ends its open token. They are forgotten with a token that is issued a day or
    /// more after the one before.
    /// @return reason `Allowed`, or why not; the first that applies in the order of {AccessReason}.
    /// @return token Zero when refused.
    function request(
        DeviceId device,
        Grantee grantee,
        uint40 permissions
    ) external returns (AccessReason reason, bytes32 token);

    /// @notice Uses a token up. Everything that `request` checked of device, pass and requester is checked again.
    /// @dev The requester, or a signatory of the owner (the gateway).
    function redeem(
        DeviceId device,
        Grantee grantee,
        address requester,
        bytes32 token
    ) external returns (AccessReason reason);

    /// @notice Uses a token up with the device's own signature; anyone may send it.
    /// @dev The device signs the EIP-712 message `Redemption(bytes32 device,bytes32 token,uint256 deadline)` with its
    /// present key: SHA-256 of the 66 bytes for P-256, Keccak for secp256k1, `s` in the lower half. The token is the
    /// nonce. A proof that does not verify speaks for nobody, so it reverts and is no `AccessDenied`.
    function redeemByDevice(
        DeviceId device,
        Grantee grantee,
        address requester,
        bytes32 token,
        DeviceKey calldata key,
        uint256 deadline,
        bytes32 r,
        bytes32 s
    ) external returns (AccessReason reason);

    // ---------------------------------------------------------------- views

    /// @notice What `request` would answer now. Never reverts.
    function explain(
        DeviceId device,
        Grantee grantee,
        address requester,
        uint40 permissions
    ) external view returns (AccessReason);

    /// @notice What `redeem` by the requester would answer now. Never reverts.
    function explainToken(
        DeviceId device,
        Grantee grantee,
        address requester,
        bytes32 token
    ) external view returns (AccessReason);

    /// @notice The pass as it stands, whether it counts or not.
    function passOf(DeviceId device, Grantee grantee) external view returns (PassView memory);

    /// @notice The last token and the conduct of one requester. For a key, the requester is that key.
    function usageOf(
        DeviceId device,
        Grantee grantee,
        address requester
    ) external view returns (UsageView memory);

    /// @notice The token's name: `keccak256(abi.encode(chain id, this contract, device, grantee, requester, terms))` with
    /// `terms = epoch << 144 | rev << 112 | counter << 80 | permissions << 40 | until`, so that who knows the parts can
    /// check all of them. It is no secret.
    function tokenOf(
        DeviceId device,
        Grantee grantee,
        address requester,
        uint32 epoch,
        uint32 rev,
        uint32 counter,
        uint40 permissions,
        uint40 until
    ) external view returns (bytes32);

    /// @notice What the owner's DeviceManager signs.
    function passDigest(Pass calldata pass) external view returns (bytes32);

    /// @notice What a device signs: SHA-256 for P-256 (curve 1), Keccak for secp256k1 (curve 8).
    function redemptionDigest(
        DeviceId device,
        bytes32 token,
        uint256 deadline,
        uint8 curve
    ) external view returns (bytes32);

    /// @notice The longest time a pass may reach into the future, in seconds.
    function MAX_TERM() external view returns (uint40);

    /// @notice How long a token can be redeemed, in seconds, if its pass lasts so long.
    function TOKEN_LIFE() external view returns (uint40);

    /// @notice How long a block lasts, in seconds.
    function BLOCK_TIME() external view returns (uint40);

    /// @notice The strike that blocks.
    function MAX_STRIKES() external view returns (uint8);

    /// @notice The most times a pass may be passed on.
    function MAX_DELEGATIONS() external view returns (uint8);

    /// @notice Where organisations and roles are kept.
    function CONSORTIUM() external view returns (IConsortium);

    /// @notice Where devices are kept.
    function REGISTRY() external view returns (IDeviceRegistry);
}
