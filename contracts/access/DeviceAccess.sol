// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import { DeviceId, OrgId } from "../common/Ids.sol";
import { IConsortium, Role } from "../consortium/IConsortium.sol";
import { PausableActions } from "../consortium/PausableActions.sol";
import { DeviceProofs } from "../identity/DeviceProofs.sol";
import { DeviceSignature } from "../identity/DeviceSignature.sol";
import { IDeviceRecords } from "../identity/IDeviceRecords.sol";
import { DeviceWord } from "../identity/DeviceWord.sol";
import { DeviceKey, DeviceStatus, IDeviceRegistry } from "../identity/IDeviceRegistry.sol";
import { AccessPolicies } from "./AccessPolicies.sol";
import { Grantee } from "./Grantee.sol";
import { AccessReason, IDeviceAccess, Pass } from "./IDeviceAccess.sol";
import { Phase, PolicyWord, PolicyWords } from "./PolicyWord.sol";

/// @title DeviceAccess
/// @notice Passes, and one-time tokens for using them. See {IDeviceAccess}.
/// @dev Not upgradeable. The administrator can close it to new passes; nobody can touch one that is not theirs.
contract DeviceAccess is AccessPolicies, PausableActions {
    bytes32 private constant _PASS = keccak256(
        "Pass(bytes32 device,bytes32 grantee,uint40 permissions,uint40 notBefore,uint40 expiry,uint32 epoch,uint32 rev,uint16 minInterval,uint8 delegations,bytes32 endpointCommitment,bytes32 envelopeHash,uint256 deadline)"
    );
    bytes32 private constant _REDEMPTION = keccak256(
        "Redemption(bytes32 device,bytes32 token,uint256 deadline)"
    );

    constructor(
        IConsortium consortium,
        IDeviceRegistry registry,
        address authority
    ) AccessPolicies(consortium, registry) AccessManaged(authority) EIP712("Tenon DeviceAccess", "1") {}

    // ---------------------------------------------------------------- policies

    /// @inheritdoc IDeviceAccess
    function askAccess(DeviceId device, Grantee grantee, uint40 permissions, bytes32 purposeHash) external {
        address requester = _msgSender();
        _known(device);
        if (!grantee.isValid()) revert GranteeInvalid(grantee);
        if (_requesterReason(grantee, requester, _policies[device][grantee]) != AccessReason.Allowed) {
            revert GranteeRefused(grantee, requester);
        }

        emit AccessAsked(device, requester, grantee, permissions, purposeHash);
    }

    /// @inheritdoc IDeviceAccess
    function grant(Pass memory pass, bytes calldata endpointEnvelope) external {
        _give(pass, endpointEnvelope, _msgSender(), IDeviceAccess.grant.selector);
    }

    /// @inheritdoc IDeviceAccess
    function registerPass(
        Pass memory pass,
        bytes calldata endpointEnvelope,
        address signer,
        bytes calldata signature
    ) external {
        bytes32 digest = passDigest(pass);
        if (!SignatureChecker.isValidSignatureNowCalldata(signer, digest, signature)) {
            revert PassSignatureInvalid(signer, digest);
        }
        _give(pass, endpointEnvelope, signer, IDeviceAccess.registerPass.selector);
    }

    /// @inheritdoc IDeviceAccess
    function delegate(Grantee from, Pass memory pass, bytes calldata endpointEnvelope) external {
        address by = _msgSender();
        _requireOpen(IDeviceAccess.delegate.selector);
        PolicyWord above = _requireGiver(pass, from, by);
        PolicyWord policy = _policies[pass.device][pass.grantee];
        _requireNarrower(pass, from, above);
        _requireFree(pass, from, policy);
        _requireSound(pass, endpointEnvelope);

        uint256 link = uint256(Grantee.unwrap(from)) | (uint256(above.rev()) << _LINK_REV);
        _links[pass.device][pass.grantee] = link;
        _write(pass, policy, PolicyWords.DELEGATED);
        _announce(pass, endpointEnvelope, by);
        emit PassDelegated(pass.device, pass.grantee, from, pass.rev, above.rev());
    }

    /// @inheritdoc IDeviceAccess
    function revoke(DeviceId device, Grantee grantee) external {
        address by = _msgSender();
        DeviceWord word = _known(device);
        if (!grantee.isValid()) revert GranteeInvalid(grantee);
        PolicyWord policy = _policies[device][grantee];
        bool lesser = _isOwn(grantee, by) || _isGiver(device, grantee, policy, by);
        if (!lesser) _requireOwners(device, word.owner(), by);

        bool barred = !lesser || (policy.has(PolicyWords.BARRED) && policy.epoch() == word.epoch());
        _end(device, grantee, policy, word.epoch(), by, barred);
    }

    // ---------------------------------------------------------------- tokens

    /// @inheritdoc IDeviceAccess
    function request(
        DeviceId device,
        Grantee grantee,
        uint40 permissions
    ) external returns (AccessReason reason, bytes32 token) {
        address requester = _msgSender();
        PolicyWord policy;
        PolicyWord usage;
        (reason, , policy, usage) = _judge(device, grantee, requester);
        if (reason == AccessReason.Allowed) reason = _conductReason(policy, usage, permissions);
        if (reason == AccessReason.Allowed) {
            return (reason, _issue(device, grantee, requester, permissions, policy, usage));
        }
        emit AccessDenied(device, requester, grantee, reason, permissions, 0, requester);
        if (reason == AccessReason.TooFrequent || reason == AccessReason.PermissionMissing) {
            _strike(device, grantee, requester, usage);
        }
    }

    /// @inheritdoc IDeviceAccess
    function redeem(
        DeviceId device,
        Grantee grantee,
        address requester,
        bytes32 token
    ) external returns (AccessReason) {
        address by = _msgSender();
        if (by == requester || _isGateway(by, REGISTRY.wordOf(device).owner())) {
            return _redeem(device, grantee, requester, token, by);
        }
        emit AccessDenied(device, by, grantee, AccessReason.NotHolder, 0, token, by);
        return AccessReason.NotHolder;
    }

    /// @inheritdoc IDeviceAccess
    function redeemByDevice(
        DeviceId device,
        Grantee grantee,
        address requester,
        bytes32 token,
        DeviceKey calldata key,
        uint256 deadline,
        bytes32 r,
        bytes32 s
    ) external returns (AccessReason) {
        if (block.timestamp > deadline) revert RedemptionDeadlinePassed(deadline, block.timestamp);
        _requireKey(device, key);
        bytes32 digest = redemptionDigest(device, token, deadline, key.curve);
        if (!DeviceSignature.isValid(key, digest, r, s)) revert RedemptionProofInvalid(device, digest);
        return _redeem(device, grantee, requester, token, address(0));
    }

    // ---------------------------------------------------------------- what is signed

    /// @inheritdoc IDeviceAccess
    function passDigest(Pass memory pass) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(_PASS, pass)));
    }

    /// @inheritdoc IDeviceAccess
    function redemptionDigest(
        DeviceId device,
        bytes32 token,
        uint256 deadline,
        uint8 curve
    ) public view returns (bytes32) {
        bytes32 structHash = keccak256(abi.encode(_REDEMPTION, device, token, deadline));
        return DeviceProofs.digest(curve, _domainSeparatorV4(), structHash);
    }

    // ---------------------------------------------------------------- giving and ending passes

    /// @dev A pass from the owner; the empty set revokes and cannot be paused.
    function _give(Pass memory pass, bytes calldata envelope, address by, bytes4 action) private {
        DeviceWord word = _known(pass.device);
        _requireOwners(pass.device, word.owner(), by);
        PolicyWord policy = _requirePresent(pass, word.epoch());
        if (pass.permissions == 0) return _end(pass.device, pass.grantee, policy, word.epoch(), by, true);
        _requireOpen(action);
        if (word.status() == DeviceStatus.Revoked) revert IDeviceRecords.DeviceEnded(pass.device);
        _requireSound(pass, envelope);

        _write(pass, policy, 0);
        if (pass.endpointCommitment != 0) _endpoints[pass.device][pass.grantee] = pass.endpointCommitment;
        _announce(pass, envelope, by);
    }

    /// @dev The grantee's word as it is, if the pass was made for it.
    function _requirePresent(Pass memory pass, uint32 epoch) private view returns (PolicyWord policy) {
        if (block.timestamp > pass.deadline) revert PassDeadlinePassed(pass.deadline, block.timestamp);
        if (pass.epoch != epoch) revert PassEpochMismatch(pass.device, pass.epoch, epoch);
        if (!pass.grantee.isValid()) revert GranteeInvalid(pass.grantee);
        policy = _policies[pass.device][pass.grantee];
        uint32 rev = policy.rev() + 1;
        if (pass.rev != rev) revert PassRevMismatch(pass.device, pass.grantee, pass.rev, rev);
    }

    function _requireSound(Pass memory pass, bytes calldata envelope) private view {
        uint40 latest = uint40(block.timestamp) + MAX_TERM;
        bool good = pass.notBefore < pass.expiry && block.timestamp < pass.expiry && pass.expiry <= latest;
        if (!good) revert PassTermInvalid(pass.notBefore, pass.expiry, latest);
        if (pass.delegations > MAX_DELEGATIONS || (pass.delegations != 0 && pass.minInterval != 0)) {
            revert PassDelegationsInvalid(pass.delegations, pass.minInterval, MAX_DELEGATIONS);
        }
        bytes32 expected = envelope.length == 0 ? bytes32(0) : keccak256(envelope);
        if (pass.envelopeHash != expected) revert EndpointEnvelopeMismatch(pass.envelopeHash, expected);
        if (expected != 0 && pass.endpointCommitment == 0) revert EndpointCommitmentMissing();
    }

    /// @dev The pass that is passed on; it counts now, and so does who passes it on.
    function _requireGiver(Pass memory pass, Grantee from, address by) private view returns (PolicyWord) {
        (AccessReason reason, DeviceWord word, PolicyWord policy, PolicyWord usage) = _judge(
            pass.device,
            from,
            by
        );
        if (reason == AccessReason.Allowed && usage.isBlocked()) reason = AccessReason.Blocked;
        if (reason != AccessReason.Allowed) revert DelegationRefused(pass.device, from, reason);
        _requirePresent(pass, word.epoch());
        return policy;
    }

    function _requireNarrower(Pass memory pass, Grantee from, PolicyWord above) private view {
        bool part = pass.permissions != 0 && pass.permissions & ~above.permissions() == 0;
        if (!part || pass.expiry > above.expiry() || pass.delegations >= above.delegations()) {
            revert DelegationTooWide(above.permissions(), above.expiry(), above.delegations());
        }
        if (pass.endpointCommitment == 0) return;
        bytes32 expected = _endpointOf(pass.device, from, above);
        if (pass.endpointCommitment != expected) {
            revert EndpointCommitmentMismatch(pass.endpointCommitment, expected);
        }
    }

    /// @dev What somebody else gave cannot be replaced by a delegation, nor what the owner took away be given back.
    function _requireFree(Pass memory pass, Grantee from, PolicyWord policy) private view {
        if (policy.epoch() == pass.epoch && policy.has(PolicyWords.BARRED)) {
            revert GranteeBarred(pass.device, pass.grantee);
        }
        AccessReason reason = _passReason(pass.device, pass.grantee, policy, pass.epoch);
        if (reason != AccessReason.Allowed && reason != AccessReason.PassNotYetValid) return;
        (Grantee parent, ) = _parentOf(pass.device, pass.grantee);
        if (!policy.has(PolicyWords.DELEGATED) || parent != from) {
            revert GranteeHasPass(pass.device, pass.grantee, policy.rev());
        }
    }

    /// @dev A pass that begins after a block would hide the block, and the next one lift it.
    function _write(Pass memory pass, PolicyWord policy, uint256 marks) private {
        if (policy.isBlocked() && pass.notBefore > policy.clock()) {
            revert GranteeBlocked(pass.device, pass.grantee, policy.clock());
        }
        if (pass.endpointCommitment != 0) marks |= PolicyWords.ENDPOINT;
        if (!pass.grantee.isRole() && OrgId.unwrap(_orgOf(pass.grantee.account())) != 0) {
            marks |= PolicyWords.MEMBER;
        }
        policy = policy.renewed(pass.permissions, pass.notBefore, pass.expiry, pass.epoch);
        _policies[pass.device][pass.grantee] = policy.withTerms(pass.minInterval, pass.delegations, marks);
    }

    function _announce(Pass memory pass, bytes calldata envelope, address by) private {
        emit PassGranted(
            pass.device,
            pass.grantee,
            by,
            pass.epoch,
            pass.rev,
            pass.permissions,
            pass.notBefore,
            pass.expiry,
            pass.minInterval,
            pass.delegations
        );
        if (pass.endpointCommitment == 0) return;
        emit EndpointSealed(pass.device, pass.grantee, pass.rev, pass.endpointCommitment, envelope);
    }

    function _end(
        DeviceId device,
        Grantee grantee,
        PolicyWord policy,
        uint32 epoch,
        address by,
        bool barred
    ) private {
        policy = policy.ended(epoch, barred ? PolicyWords.BARRED : 0);
        _policies[device][grantee] = policy;
        emit PassRevoked(device, grantee, by, policy.rev());
    }

    // ---------------------------------------------------------------- issuing and redeeming tokens

    function _issue(
        DeviceId device,
        Grantee grantee,
        address requester,
        uint40 permissions,
        PolicyWord policy,
        PolicyWord usage
    ) private returns (bytes32 token) {
        usage = usage.withToken(policy, permissions);
        uint40 end;
        (token, end) = _lastToken(device, grantee, requester, policy, usage);
        bytes32 endpoint = _endpointOf(device, grantee, policy);

        _keep(device, grantee, requester, usage);
        emit TokenIssued(device, requester, grantee, token, usage.counter(), permissions, end, endpoint);
    }

    /// @dev `by` may redeem tokens of this requester on this device.
    function _redeem(
        DeviceId device,
        Grantee grantee,
        address requester,
        bytes32 token,
        address by
    ) private returns (AccessReason) {
        (AccessReason reason, , PolicyWord policy, PolicyWord usage) = _judge(device, grantee, requester);
        if (reason == AccessReason.Allowed) {
            (bytes32 last, uint40 end) = _lastToken(device, grantee, requester, policy, usage);
            reason = _tokenReason(policy, usage, token == last, end);
        }
        if (reason != AccessReason.Allowed) {
            emit AccessDenied(device, requester, grantee, reason, 0, token, by);
            return reason;
        }

        _keep(device, grantee, requester, usage.withPhase(Phase.Spent));
        emit TokenRedeemed(device, requester, grantee, token, usage.issued(), by);
        return reason;
    }

    function _strike(DeviceId device, Grantee grantee, address requester, PolicyWord usage) private {
        uint40 end = uint40(block.timestamp) + BLOCK_TIME;
        usage = usage.withStrike(MAX_STRIKES, end);

        _keep(device, grantee, requester, usage);
        if (usage.isBlocked()) emit RequesterBlocked(device, requester, grantee, end);
    }

    function _keep(DeviceId device, Grantee grantee, address requester, PolicyWord usage) private {
        if (grantee.isRole()) _seats[device][grantee][requester] = usage;
        else _policies[device][grantee] = usage;
    }

    // ---------------------------------------------------------------- who may

    function _known(DeviceId device) private view returns (DeviceWord word) {
        word = REGISTRY.wordOf(device);
        if (!word.isDevice()) revert IDeviceRecords.DeviceUnknown(device);
    }

    function _requireOwners(DeviceId device, OrgId owner, address account) private view {
        if (CONSORTIUM.requireRole(account, Role.DeviceManager) != owner) {
            revert GrantorRefused(device, account, owner);
        }
    }

    function _entries() internal pure override returns (bytes4[] memory entries) {
        entries = new bytes4[](3);
        entries[0] = IDeviceAccess.grant.selector;
        entries[1] = IDeviceAccess.registerPass.selector;
        entries[2] = IDeviceAccess.delegate.selector;
    }

    /// @dev Nothing besides new passes: who must be stopped is stopped by the device's owner.
    function _pausable() internal pure override returns (bytes4[] memory) {
        return new bytes4[](0);
    }

    function _requireKey(DeviceId device, DeviceKey calldata key) private view {
        DeviceWord word = REGISTRY.wordOf(device);
        bytes32 id = DeviceProofs.keyId(key);
        bytes32 inForce = word.rotated() ? REGISTRY.keyIdAt(device, word.epoch()) : DeviceId.unwrap(device);
        if (id != inForce) revert RedemptionKeyRefused(device, id);
    }
}
