// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../../../contracts/common/Ids.sol";
import { DeviceCertificates } from "../../../contracts/identity/DeviceCertificates.sol";
import {
    AuthorityId,
    AuthorityKind,
    Binding,
    CertificateReason
} from "../../../contracts/identity/IDeviceCertificates.sol";
import { FactsBase } from "./FactsBase.sol";

/// @notice Authorities and certificates under random use, and beside them a plain model of what was bound to what, by
/// whom, in which epoch. Every act must succeed exactly when the model says so.
contract CertificatesWorld is FactsBase {
    struct Bound {
        DeviceId device; // 0 is not bound
        uint32 authority;
        uint40 until;
        uint32 epoch;
        bool revoked;
    }

    struct Admitted {
        OrgId org;
        bool factory;
        uint40 until;
        bool revoked;
    }

    uint256 public constant CERTIFICATES = 12;
    uint256 public constant AUTHORITIES = 4; // number 4 is never admitted

    DeviceCertificates public immutable CERTIFICATES_CONTRACT;
    mapping(uint256 index => Bound) public boundAt;
    mapping(uint32 id => Admitted) private _admitted;

    constructor() {
        CERTIFICATES_CONTRACT = new DeviceCertificates(REGISTRY, _AUTHORITY);
        _admit(1, MAKER, AuthorityKind.Factory);
        _admit(2, ownerAt(0), AuthorityKind.Owner);
        _admit(3, ownerAt(1), AuthorityKind.Owner);
    }

    // ---------------------------------------------------------------- acts

    function pass(uint256 time) external {
        vm.warp(block.timestamp + within(time, 1, 2 days));
    }

    function bind(uint256 seed, uint256 bySeed, uint256 deviceSeed, uint256 length) external {
        uint256 index = seed % CERTIFICATES;
        uint32 authority = uint32(within(seed >> 8, 1, AUTHORITIES));
        OrgId by = OrgId.wrap(uint32(within(bySeed, 1, 3)));
        DeviceId device = deviceAt(deviceSeed);
        uint40 until = uint40(block.timestamp + (length % 30 days));
        bool expected =
            _mayBind(authority, by, device) &&
                until > block.timestamp &&
                DeviceId.unwrap(boundAt[index].device) == 0;
        Binding[] memory bindings = new Binding[](1);
        bindings[0] = Binding(device, hashAt(index), until);
        vm.prank(certifierOf(by));
        try CERTIFICATES_CONTRACT.bind(AuthorityId.wrap(authority), bindings) {
            check(expected, "bound against the rules");
            boundAt[index] = Bound(device, authority, until, REGISTRY.record(device).epoch, false);
        } catch {
            check(!expected, "binding refused");
        }
    }

    function revoke(uint256 seed, uint256 bySeed) external {
        uint256 index = seed % CERTIFICATES;
        OrgId by = OrgId.wrap(uint32(within(bySeed, 1, 3)));
        Bound memory bound = boundAt[index];
        bool expected =
            DeviceId.unwrap(bound.device) != 0 && _admitted[bound.authority].org == by && !bound.revoked;
        vm.prank(certifierOf(by));
        try CERTIFICATES_CONTRACT.revoke(hashAt(index), 4) {
            check(expected, "revoked against the rules");
            boundAt[index].revoked = true;
        } catch {
            check(!expected, "revocation refused");
        }
    }

    function renewAuthority(uint256 seed, uint256 length) external {
        uint32 id = uint32(within(seed, 1, AUTHORITIES));
        uint40 until = uint40(block.timestamp + (length % 40 days));
        bool expected = id <= 3 && !_admitted[id].revoked && until > block.timestamp;
        try CERTIFICATES_CONTRACT.renewAuthority(AuthorityId.wrap(id), until) {
            check(expected, "renewed against the rules");
            _admitted[id].until = until;
        } catch {
            check(!expected, "renewal refused");
        }
    }

    /// @dev Only the last owner's authority ever ends: the others go on.
    function revokeAuthority() external {
        bool expected = !_admitted[3].revoked;
        try CERTIFICATES_CONTRACT.revokeAuthority(AuthorityId.wrap(3), 2) {
            check(expected, "ended twice");
            _admitted[3].revoked = true;
        } catch {
            check(!expected, "the end refused");
        }
    }

    // ---------------------------------------------------------------- the model

    function hashAt(uint256 index) public pure returns (bytes32) {
        return keccak256(abi.encode("certificate", index));
    }

    function isAuthorityGood(uint32 id) public view returns (bool) {
        return !_admitted[id].revoked && block.timestamp < _admitted[id].until;
    }

    /// @notice What {DeviceCertificates.explain} should say.
    function reasonFor(DeviceId device, uint256 index) external view returns (CertificateReason) {
        Bound memory bound = boundAt[index];
        Admitted memory issuer = _admitted[bound.authority];
        if (DeviceId.unwrap(bound.device) == 0) return CertificateReason.Unknown;
        if (bound.device != device) return CertificateReason.OtherDevice;
        if (bound.revoked) return CertificateReason.Revoked;
        if (block.timestamp >= bound.until) return CertificateReason.Expired;
        if (issuer.revoked) return CertificateReason.AuthorityRevoked;
        if (block.timestamp >= issuer.until) return CertificateReason.AuthorityExpired;
        if (_isRevoked(device)) return CertificateReason.DeviceRevoked;
        bool ended = !issuer.factory && bound.epoch != REGISTRY.record(device).epoch;
        return ended ? CertificateReason.EpochEnded : CertificateReason.Good;
    }

    function _mayBind(uint32 authority, OrgId by, DeviceId device) private view returns (bool) {
        Admitted memory issuer = _admitted[authority];
        bool own = issuer.org == by && isAuthorityGood(authority) && !_isRevoked(device);
        return own && (issuer.factory || REGISTRY.record(device).org == by);
    }

    function _admit(uint32 id, OrgId org, AuthorityKind kind) private {
        uint40 until = uint40(block.timestamp + 60 days);
        CERTIFICATES_CONTRACT.admitAuthority(bytes32(uint256(id)), org, kind, until);
        _admitted[id] = Admitted(org, kind == AuthorityKind.Factory, until, false);
    }

    function _onEpoch(DeviceId) internal override {}
}
