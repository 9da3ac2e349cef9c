// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { DeviceId, OrgId } from "../common/Ids.sol";
import { IConsortium, Role } from "../consortium/IConsortium.sol";
import { PausableActions } from "../consortium/PausableActions.sol";
import { DeviceRecord, DeviceStatus } from "./DeviceTypes.sol";
import {
    Authority,
    AuthorityId,
    AuthorityKind,
    Binding,
    Certificate,
    CertificateReason,
    IDeviceCertificates
} from "./IDeviceCertificates.sol";
import { IDeviceRecords } from "./IDeviceRecords.sol";
import { IDeviceRegistry } from "./IDeviceRegistry.sol";

/// @title DeviceCertificates
/// @notice X.509 certificates of devices, by their hashes: one storage word each. See {IDeviceCertificates}.
contract DeviceCertificates is IDeviceCertificates, PausableActions {
    /// @inheritdoc IDeviceCertificates
    IDeviceRegistry public immutable REGISTRY;

    /// @inheritdoc IDeviceCertificates
    IConsortium public immutable CONSORTIUM;

    /// @dev CRLReason of RFC 5280 as a set: 6 (hold) can be undone and 8 (removal) undoes, 7 is not used.
    uint256 private constant _REASONS = 0x63f;

    /// @inheritdoc IDeviceCertificates
    uint32 public authorities;

    mapping(AuthorityId authority => Authority word) private _authorities;
    mapping(bytes32 certificateHash => AuthorityId authority) private _authorityIds;
    mapping(bytes32 certificateHash => Certificate word) private _certificates;

    constructor(
        IDeviceRegistry registry,
        address authority_
    ) EIP712("Tenon DeviceCertificates", "1") AccessManaged(authority_) {
        REGISTRY = registry;
        CONSORTIUM = registry.CONSORTIUM();
    }

    // ---------------------------------------------------------------- authorities

    /// @inheritdoc IDeviceCertificates
    function admitAuthority(
        bytes32 certificateHash,
        OrgId org,
        AuthorityKind kind,
        uint40 until
    ) external restricted returns (AuthorityId id) {
        if (certificateHash == 0) revert CertificateHashMissing();
        if (kind == AuthorityKind.None) revert AuthorityKindMissing();
        _requireAhead(until);
        AuthorityId known = _authorityIds[certificateHash];
        if (AuthorityId.unwrap(known) != 0) revert AuthorityTaken(certificateHash, known);
        CONSORTIUM.requireActive(org);

        id = AuthorityId.wrap(++authorities);
        _authorityIds[certificateHash] = id;
        _authorities[id] = Authority(org, kind, uint40(block.timestamp), until, false);
        emit AuthorityAdmitted(id, org, certificateHash, kind, until);
    }

    /// @inheritdoc IDeviceCertificates
    function renewAuthority(AuthorityId id, uint40 until) external restricted {
        Authority memory word = _unrevoked(id);
        _requireAhead(until);

        _authorities[id].until = until;
        emit AuthorityRenewed(id, word.until, until);
    }

    /// @inheritdoc IDeviceCertificates
    function revokeAuthority(AuthorityId id, uint8 reason) external restricted {
        _unrevoked(id);
        _requireReason(reason);

        _authorities[id].revoked = true;
        emit AuthorityRevoked(id, reason, _msgSender());
    }

    // ---------------------------------------------------------------- certificates

    /// @inheritdoc IDeviceCertificates
    function bind(AuthorityId id, Binding[] calldata bindings) external {
        _requireOpen(this.bind.selector);
        address by = _msgSender();
        OrgId org = CONSORTIUM.requireRole(by, Role.Certifier);
        Authority memory issuer = _ownAuthority(id, org);
        if (issuer.revoked) revert AuthorityIsRevoked(id);
        if (block.timestamp >= issuer.until) revert AuthorityExpired(id, issuer.until);
        if (bindings.length == 0) revert BindingsEmpty();

        for (uint256 i = 0; i < bindings.length; ++i) _bind(id, issuer, bindings[i], by);
    }

    /// @inheritdoc IDeviceCertificates
    function revoke(bytes32 certificateHash, uint8 reason) external {
        address by = _msgSender();
        OrgId org = CONSORTIUM.requireRole(by, Role.Certifier);
        Certificate memory word = _certificates[certificateHash];
        if (word.until == 0) revert CertificateUnknown(certificateHash);
        _ownAuthority(word.authority, org);
        if (word.revoked) revert CertificateIsRevoked(certificateHash);
        _requireReason(reason);

        _certificates[certificateHash].revoked = true;
        emit CertificateRevoked(certificateHash, reason, by);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IDeviceCertificates
    function explain(DeviceId device, bytes32 certificateHash) public view returns (CertificateReason) {
        Certificate memory word = _certificates[certificateHash];
        if (word.until == 0) return CertificateReason.Unknown;
        if (word.deviceTail != _tailOf(device)) return CertificateReason.OtherDevice;
        if (word.revoked) return CertificateReason.Revoked;
        if (block.timestamp >= word.until) return CertificateReason.Expired;
        Authority memory issuer = _authorities[word.authority];
        if (issuer.revoked) return CertificateReason.AuthorityRevoked;
        if (block.timestamp >= issuer.until) return CertificateReason.AuthorityExpired;
        DeviceRecord memory held = REGISTRY.record(device);
        // None: another id with the same tail, which nobody can find; no good one either way.
        if (held.status == DeviceStatus.None) return CertificateReason.OtherDevice;
        if (held.status == DeviceStatus.Revoked) return CertificateReason.DeviceRevoked;
        bool ended = issuer.kind == AuthorityKind.Owner && held.epoch != word.epoch;
        return ended ? CertificateReason.EpochEnded : CertificateReason.Good;
    }

    /// @inheritdoc IDeviceCertificates
    function requireGood(DeviceId device, bytes32 certificateHash) external view {
        CertificateReason reason = explain(device, certificateHash);
        if (reason != CertificateReason.Good) revert CertificateRefused(device, certificateHash, reason);
    }

    /// @inheritdoc IDeviceCertificates
    function certificate(bytes32 certificateHash) external view returns (Certificate memory) {
        return _certificates[certificateHash];
    }

    /// @inheritdoc IDeviceCertificates
    function authorityOf(AuthorityId id) external view returns (Authority memory) {
        return _authorities[id];
    }

    /// @inheritdoc IDeviceCertificates
    function authorityIdOf(bytes32 certificateHash) external view returns (AuthorityId) {
        return _authorityIds[certificateHash];
    }

    // ---------------------------------------------------------------- inner parts

    function _bind(AuthorityId id, Authority memory issuer, Binding calldata one, address by) private {
        bytes32 hash = one.certificateHash;
        if (hash == 0) revert CertificateHashMissing();
        _requireAhead(one.until);
        Certificate memory known = _certificates[hash];
        if (known.until != 0) revert CertificateTaken(hash, known.deviceTail);
        DeviceRecord memory held = REGISTRY.record(one.device);
        if (held.status == DeviceStatus.None) revert IDeviceRecords.DeviceUnknown(one.device);
        if (held.status == DeviceStatus.Revoked) revert IDeviceRecords.DeviceEnded(one.device);
        if (issuer.kind == AuthorityKind.Owner && held.org != issuer.org) {
            revert DeviceNotHeld(one.device, issuer.org);
        }

        uint16 epoch = SafeCast.toUint16(held.epoch);
        _certificates[hash] = Certificate(_tailOf(one.device), id, one.until, epoch, false);
        emit CertificateBound(one.device, hash, id, one.until, epoch, by);
    }

    function _known(AuthorityId id) private view returns (Authority memory word) {
        word = _authorities[id];
        if (word.kind == AuthorityKind.None) revert AuthorityUnknown(id);
    }

    function _unrevoked(AuthorityId id) private view returns (Authority memory word) {
        word = _known(id);
        if (word.revoked) revert AuthorityIsRevoked(id);
    }

    function _ownAuthority(AuthorityId id, OrgId org) private view returns (Authority memory word) {
        word = _known(id);
        if (word.org != org) revert AuthorityForeign(id, org);
    }

    function _requireAhead(uint40 until) private view {
        if (until <= block.timestamp) revert CertificateTermInvalid(until, block.timestamp + 1);
    }

    function _requireReason(uint8 reason) private pure {
        if ((_REASONS >> reason) & 1 == 0) revert RevocationReasonInvalid(reason);
    }

    function _tailOf(DeviceId device) private pure returns (uint160) {
        return uint160(uint256(DeviceId.unwrap(device)));
    }

    function _entries() internal pure override returns (bytes4[] memory entries) {
        entries = new bytes4[](1);
        entries[0] = IDeviceCertificates.bind.selector;
    }

    function _pausable() internal pure override returns (bytes4[] memory) {
        return new bytes4[](0);
    }
}
