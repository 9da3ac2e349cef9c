// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { DeviceId, OrgId } from "../common/Ids.sol";
import { IConsortium, IRoleListener, OrgStatus, Role, Term } from "../consortium/IConsortium.sol";
import { DeviceSignature } from "./DeviceSignature.sol";
import { DeviceActor, DeviceKey, DeviceRecord, DeviceStatus, IDeviceRegistry } from "./IDeviceRegistry.sol";

/// @title DeviceRegistry
/// @notice Device identities: one storage word each, the full key in the event. See {IDeviceRegistry}.
/// @dev Not upgradeable and without administration: everything it allows follows from {IConsortium}.
contract DeviceRegistry is IDeviceRegistry, IRoleListener, EIP712 {
    /// @dev One word: the consortium's term of the Manufacturer role, and the organisation it acts for.
    struct Manufacturer {
        uint40 until;
        OrgId org;
        uint128 limit;
    }

    /// @inheritdoc IDeviceRegistry
    IConsortium public immutable CONSORTIUM;

    bytes32 private constant _REGISTRATION = keccak256(
        "Registration(uint8 curve,bytes32 x,bytes32 y,address owner,bytes32 parametersHash,bytes32 certificateHash,uint256 deadline)"
    );

    /// @dev The state machine, one table for each actor: bit `8 * from + to` is set when the step exists. The owner
    /// cannot lift what the authority suspended, and no row starts at `Revoked`.
    uint256 private constant _OWNER_STEPS =
        (1 << (8 * uint256(DeviceStatus.Active) + uint256(DeviceStatus.SuspendedByOwner))) |
            (1 << (8 * uint256(DeviceStatus.Active) + uint256(DeviceStatus.Revoked))) |
            (1 << (8 * uint256(DeviceStatus.SuspendedByOwner) + uint256(DeviceStatus.Active))) |
            (1 << (8 * uint256(DeviceStatus.SuspendedByOwner) + uint256(DeviceStatus.Revoked))) |
            (1 << (8 * uint256(DeviceStatus.SuspendedByAuthority) + uint256(DeviceStatus.Revoked)));
    uint256 private constant _AUTHORITY_STEPS =
        (1 << (8 * uint256(DeviceStatus.Active) + uint256(DeviceStatus.SuspendedByAuthority))) |
            (1 << (8 * uint256(DeviceStatus.Active) + uint256(DeviceStatus.Revoked))) |
            (1 << (8 * uint256(DeviceStatus.SuspendedByOwner) + uint256(DeviceStatus.Active))) |
            (1 << (8 * uint256(DeviceStatus.SuspendedByOwner) + uint256(DeviceStatus.SuspendedByAuthority))) |
            (1 << (8 * uint256(DeviceStatus.SuspendedByOwner) + uint256(DeviceStatus.Revoked))) |
            (1 << (8 * uint256(DeviceStatus.SuspendedByAuthority) + uint256(DeviceStatus.Active))) |
            (1 << (8 * uint256(DeviceStatus.SuspendedByAuthority) + uint256(DeviceStatus.Revoked)));

    mapping(DeviceId device => DeviceRecord word) private _records;
    mapping(address account => Manufacturer word) private _manufacturers;

    constructor(IConsortium consortium) EIP712("Tenon DeviceRegistry", "1") {
        CONSORTIUM = consortium;
    }

    // ---------------------------------------------------------------- life of a device

    /// @inheritdoc IDeviceRegistry
    function register(
        OrgId owner,
        DeviceKey calldata key,
        bytes32 parametersHash,
        bytes32 certificateHash,
        uint256 deadline,
        bytes32 r,
        bytes32 s
    ) external returns (DeviceId device) {
        OrgId maker = _requireManufacturer();
        // The maker's own organisation is active, or the consortium would have taken the term away.
        if (owner != maker) CONSORTIUM.requireActive(owner);
        device = _idOf(key);
        if (_records[device].status != DeviceStatus.None) revert DeviceAlreadyRegistered(device);
        address holder = owner.holder();
        bytes32 digest = _digest(holder, key, parametersHash, certificateHash, deadline);
        if (block.timestamp > deadline || !DeviceSignature.isValid(key, digest, r, s)) {
            _refuseProof(device, key, digest, deadline, r, s);
        }

        _records[device] = DeviceRecord({
            owner: holder,
            since: uint40(block.timestamp),
            status: DeviceStatus.Active,
            curve: key.curve,
            epoch: 1
        });
        emit DeviceRegistered(device, holder, maker, key, parametersHash, certificateHash);
    }

    /// @inheritdoc IDeviceRegistry
    function suspend(DeviceId device) external {
        DeviceActor actor = _actorOn(device);
        bool byOwner = actor == DeviceActor.Owner;
        _step(device, byOwner ? DeviceStatus.SuspendedByOwner : DeviceStatus.SuspendedByAuthority, actor);
    }

    /// @inheritdoc IDeviceRegistry
    function resume(DeviceId device) external {
        _step(device, DeviceStatus.Active, _actorOn(device));
    }

    /// @inheritdoc IDeviceRegistry
    function revoke(DeviceId device) external {
        _step(device, DeviceStatus.Revoked, _actorOn(device));
    }

    /// @inheritdoc IRoleListener
    function onRoleChanged(OrgId org, address account, Role role, Term calldata term) external {
        if (msg.sender != address(CONSORTIUM)) revert RoleSourceRefused(msg.sender);
        // Named for another role by mistake, this contract must not take it for the manufacturer's.
        if (role != Role.Manufacturer) return;
        _manufacturers[account] = Manufacturer({ until: term.until, org: org, limit: term.limit });
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IDeviceRegistry
    function record(DeviceId device) external view returns (DeviceRecord memory) {
        return _records[device];
    }

    /// @inheritdoc IDeviceRegistry
    function ownerOf(DeviceId device) external view returns (address) {
        return _known(device).owner;
    }

    /// @inheritdoc IDeviceRegistry
    function requireActive(DeviceId device) external view returns (DeviceRecord memory word) {
        word = _known(device);
        if (word.status != DeviceStatus.Active) revert DeviceNotActive(device, word.status);
    }

    /// @inheritdoc IDeviceRegistry
    function manufacturerOf(address account) external view returns (OrgId org, Term memory term) {
        Manufacturer memory word = _manufacturers[account];
        return (word.org, Term({ until: word.until, limit: word.limit }));
    }

    /// @inheritdoc IDeviceRegistry
    function registrationDigest(
        OrgId owner,
        DeviceKey calldata key,
        bytes32 parametersHash,
        bytes32 certificateHash,
        uint256 deadline
    ) external view returns (bytes32) {
        return _digest(owner.holder(), key, parametersHash, certificateHash, deadline);
    }

    /// @inheritdoc IDeviceRegistry
    function deviceIdOf(DeviceKey calldata key) external pure returns (DeviceId) {
        return _idOf(key);
    }

    // ---------------------------------------------------------------- inner parts

    /// @dev The only place where a status changes after registration.
    function _step(DeviceId device, DeviceStatus to, DeviceActor actor) private {
        DeviceStatus from = _records[device].status;
        uint256 steps = actor == DeviceActor.Owner ? _OWNER_STEPS : _AUTHORITY_STEPS;
        if ((steps >> (8 * uint256(from) + uint256(to))) & 1 == 0) {
            revert DeviceTransitionRefused(device, from, to, actor);
        }
        _records[device].status = to;
        emit DeviceStatusChanged(device, from, to, msg.sender);
    }

    /// @dev As whom the caller acts on a device. Who holds the DeviceAuthority role acts as the authority on every
    /// device, also on those of its own organisation: one caller never has two answers.
    function _actorOn(DeviceId device) private view returns (DeviceActor) {
        address owner = _known(device).owner;
        if (CONSORTIUM.hasRole(msg.sender, Role.DeviceAuthority)) return DeviceActor.Authority;
        OrgId org = CONSORTIUM.orgOf(msg.sender);
        bool signatory = org.holder() == owner && CONSORTIUM.statusOf(org) == OrgStatus.Active;
        if (!signatory) revert DeviceActorRefused(device, msg.sender);
        return DeviceActor.Owner;
    }

    function _requireManufacturer() private view returns (OrgId) {
        Manufacturer memory word = _manufacturers[msg.sender];
        if (block.timestamp >= word.until) revert ManufacturerRefused(msg.sender, word.until);
        return word.org;
    }

    function _known(DeviceId device) private view returns (DeviceRecord memory word) {
        word = _records[device];
        if (word.status == DeviceStatus.None) revert DeviceUnknown(device);
    }

    function _idOf(DeviceKey calldata key) private pure returns (DeviceId) {
        return DeviceId.wrap(keccak256(abi.encodePacked(key.curve, key.x, key.y)));
    }

    /// @dev What the device signed: `0x1901 ‖ domain ‖ struct` under the hash its kind of chip can compute.
    function _digest(
        address holder,
        DeviceKey calldata key,
        bytes32 parametersHash,
        bytes32 certificateHash,
        uint256 deadline
    ) private view returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(
                _REGISTRATION,
                key.curve,
                key.x,
                key.y,
                holder,
                parametersHash,
                certificateHash,
                deadline
            )
        );
        if (key.curve != DeviceSignature.CURVE_P256) return _hashTypedDataV4(structHash);
        return sha256(abi.encodePacked(hex"1901", _domainSeparatorV4(), structHash));
    }

    /// @dev Says why a proof was refused. Runs only on the way out, so the good case does not pay for it.
    function _refuseProof(
        DeviceId device,
        DeviceKey calldata key,
        bytes32 digest,
        uint256 deadline,
        bytes32 r,
        bytes32 s
    ) private view {
        if (r == 0 && s == 0) revert DeviceProofMissing(device);
        if (block.timestamp > deadline) revert DeviceProofExpired(device, deadline, block.timestamp);
        if (!DeviceSignature.isSupported(key.curve)) revert DeviceCurveUnsupported(key.curve);
        if (!DeviceSignature.isOnCurve(key)) revert DeviceKeyInvalid(key.curve, key.x, key.y);
        if (DeviceSignature.isHighS(key.curve, s)) revert DeviceProofHighS(device, s);
        revert DeviceProofInvalid(device, digest);
    }
}
