// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { IConsortium, OrgStatus } from "../consortium/IConsortium.sol";
import { ACCESS_STOPPED, DeviceWord, ENGAGED, _STATUS } from "../identity/DeviceWord.sol";
import { DeviceStatus, IDeviceRegistry } from "../identity/IDeviceRegistry.sol";
import { Grantee } from "./Grantee.sol";
import { AccessReason, IDeviceAccess, PassView, UsageView } from "./IDeviceAccess.sol";
import { Phase, PolicyWord, PolicyWords } from "./PolicyWord.sol";

/// @title AccessPolicies
/// @notice What {DeviceAccess} knows, and every decision it takes. It changes nothing.
abstract contract AccessPolicies is IDeviceAccess {
    /// @inheritdoc IDeviceAccess
    uint40 public constant MAX_TERM = 400 days;

    /// @inheritdoc IDeviceAccess
    uint40 public constant TOKEN_LIFE = 15 minutes;

    /// @inheritdoc IDeviceAccess
    uint40 public constant BLOCK_TIME = 1 hours;

    /// @inheritdoc IDeviceAccess
    uint8 public constant MAX_STRIKES = 3;

    /// @inheritdoc IDeviceAccess
    uint8 public constant MAX_DELEGATIONS = 3;

    /// @dev What of a device's word must be how, for anybody to have access.
    uint256 private constant _STATE = (uint256(0xF) << _STATUS) | ENGAGED | ACCESS_STOPPED;
    uint256 private constant _OPEN = (uint256(DeviceStatus.Active) << _STATUS) | ENGAGED;

    /// @dev A link is the parent's grantee with its `rev` in bits that no grantee uses.
    uint256 internal constant _LINK_REV = 160;

    /// @inheritdoc IDeviceAccess
    IConsortium public immutable CONSORTIUM;

    /// @inheritdoc IDeviceAccess
    IDeviceRegistry public immutable REGISTRY;

    mapping(DeviceId device => mapping(Grantee grantee => PolicyWord word)) internal _policies;
    mapping(DeviceId device => mapping(Grantee role => mapping(address holder => PolicyWord word)))
        internal _seats;
    mapping(DeviceId device => mapping(Grantee grantee => uint256 link)) internal _links;
    mapping(DeviceId device => mapping(Grantee grantee => bytes32 commitment)) internal _endpoints;

    constructor(IConsortium consortium, IDeviceRegistry registry) {
        CONSORTIUM = consortium;
        REGISTRY = registry;
    }

    // ---------------------------------------------------------------- answers

    /// @inheritdoc IDeviceAccess
    function explain(
        DeviceId device,
        Grantee grantee,
        address requester,
        uint40 permissions
    ) external view returns (AccessReason) {
        (AccessReason reason, , PolicyWord policy, PolicyWord usage) = _judge(device, grantee, requester);
        return reason == AccessReason.Allowed ? _conductReason(policy, usage, permissions) : reason;
    }

    /// @inheritdoc IDeviceAccess
    function explainToken(
        DeviceId device,
        Grantee grantee,
        address requester,
        bytes32 token
    ) external view returns (AccessReason) {
        (AccessReason reason, , PolicyWord policy, PolicyWord usage) = _judge(device, grantee, requester);
        if (reason != AccessReason.Allowed) return reason;
        (bytes32 last, uint40 end) = _lastToken(device, grantee, requester, policy, usage);
        return _tokenReason(policy, usage, token == last, end);
    }

    /// @inheritdoc IDeviceAccess
    function passOf(DeviceId device, Grantee grantee) external view returns (PassView memory pass) {
        PolicyWord policy = _policies[device][grantee];
        bool delegated = policy.has(PolicyWords.DELEGATED);
        pass.permissions = policy.permissions();
        pass.notBefore = policy.waits() ? policy.clock() : 0;
        pass.expiry = policy.expiry();
        pass.epoch = policy.epoch();
        pass.rev = policy.rev();
        pass.minInterval = policy.minInterval();
        pass.delegations = policy.delegations();
        pass.barred = policy.has(PolicyWords.BARRED);
        if (delegated) (pass.parent, pass.parentRev) = _parentOf(device, grantee);
        pass.endpointCommitment = _endpointOf(device, grantee, policy);
    }

    /// @inheritdoc IDeviceAccess
    function usageOf(
        DeviceId device,
        Grantee grantee,
        address requester
    ) external view returns (UsageView memory view_) {
        PolicyWord policy = _policies[device][grantee];
        PolicyWord usage = grantee.isRole() ? _seats[device][grantee][requester] : policy;
        view_.counter = usage.counter();
        view_.strikes = usage.strikes();
        if (usage.isBlocked()) view_.blockedUntil = usage.clock();
        bool open = usage.phase() == Phase.Issued && usage.isUseOf(policy);
        if (!open || block.timestamp >= _tokenEnd(policy, usage)) return view_;
        (view_.token, view_.until) = _lastToken(device, grantee, requester, policy, usage);
        view_.permissions = usage.issued();
    }

    /// @inheritdoc IDeviceAccess
    function tokenOf(
        DeviceId device,
        Grantee grantee,
        address requester,
        uint32 epoch,
        uint32 rev,
        uint32 counter,
        uint40 permissions,
        uint40 until
    ) public view returns (bytes32) {
        uint256 terms = (uint256(epoch) << 144) | (uint256(rev) << 112) | (uint256(counter) << 80);
        terms |= (uint256(permissions) << 40) | until;
        return _name(device, grantee, requester, terms);
    }

    // ---------------------------------------------------------------- decisions

    /// @dev Everything about device, pass and requester; what they do with it comes after. Decides from the chain's
    /// own time and state alone, never from what a caller says of them. For a key, `usage` is `policy`.
    function _judge(
        DeviceId device,
        Grantee grantee,
        address requester
    ) internal view returns (AccessReason reason, DeviceWord word, PolicyWord policy, PolicyWord usage) {
        word = REGISTRY.wordOf(device);
        reason = _deviceReason(word);
        if (reason != AccessReason.Allowed) return (reason, word, policy, usage);
        policy = _policies[device][grantee];
        reason = _passReason(device, grantee, policy, word.epoch());
        if (reason != AccessReason.Allowed) return (reason, word, policy, usage);
        reason = _requesterReason(grantee, requester, policy);
        usage = grantee.isRole() ? _seats[device][grantee][requester] : policy;
    }

    function _deviceReason(DeviceWord word) private pure returns (AccessReason) {
        // One look in the good case.
        if (DeviceWord.unwrap(word) & _STATE == _OPEN) return AccessReason.Allowed;
        DeviceStatus status = word.status();
        if (status == DeviceStatus.None) return AccessReason.DeviceUnknown;
        if (status != DeviceStatus.Active) return AccessReason.DeviceNotActive;
        return word.accessStopped() ? AccessReason.AccessStopped : AccessReason.DeviceNotEngaged;
    }

    function _passReason(
        DeviceId device,
        Grantee grantee,
        PolicyWord policy,
        uint32 epoch
    ) internal view returns (AccessReason) {
        if (policy.permissions() == 0) {
            return policy.rev() == 0 ? AccessReason.PassMissing : AccessReason.PassRevoked;
        }
        if (policy.epoch() != epoch) return AccessReason.PassEpochEnded;
        if (policy.waits()) return AccessReason.PassNotYetValid;
        if (block.timestamp >= policy.expiry()) return AccessReason.PassExpired;
        if (!policy.has(PolicyWords.DELEGATED)) return AccessReason.Allowed;
        return _chainReason(device, grantee, epoch);
    }

    /// @dev Climbs to the pass that the owner gave. Each pass on the way must be the very one, unchanged, that the one
    /// below was made from. It ends: `delegations` rises with every step.
    function _chainReason(
        DeviceId device,
        Grantee grantee,
        uint32 epoch
    ) private view returns (AccessReason) {
        while (true) {
            (Grantee parent, uint32 rev) = _parentOf(device, grantee);
            PolicyWord policy = _policies[device][parent];
            bool same = policy.rev() == rev && policy.epoch() == epoch && policy.permissions() != 0;
            if (
                !same || block.timestamp >= policy.expiry() || policy.isBlocked() || !_serves(parent, policy)
            ) {
                return AccessReason.DelegationEnded;
            }
            if (!policy.has(PolicyWords.DELEGATED)) break;
            grantee = parent;
        }
        return AccessReason.Allowed;
    }

    /// @dev Whether an account may act for a grantee now.
    function _requesterReason(
        Grantee grantee,
        address requester,
        PolicyWord policy
    ) internal view returns (AccessReason) {
        if (!grantee.isRole()) {
            if (requester != grantee.account()) return AccessReason.NotGrantee;
            return _serves(grantee, policy) ? AccessReason.Allowed : AccessReason.RequesterSuspended;
        }
        OrgId org = grantee.organisation();
        if (CONSORTIUM.actsFor(requester, grantee.role()) == org) return AccessReason.Allowed;
        bool suspended = _orgOf(requester) == org && !_isActive(org);
        return suspended ? AccessReason.RequesterSuspended : AccessReason.NotGrantee;
    }

    /// @dev Whether the organisation behind a grantee is active. A key that served none when it got the pass answers for
    /// itself.
    function _serves(Grantee grantee, PolicyWord policy) private view returns (bool) {
        if (grantee.isRole()) return _isActive(grantee.organisation());
        return !policy.has(PolicyWords.MEMBER) || _isActive(_orgOf(grantee.account()));
    }

    /// @dev Any signatory of the active organisation that owns the device.
    function _isGateway(address account, OrgId owner) internal view returns (bool) {
        return _orgOf(account) == owner && _isActive(owner);
    }

    function _isOwn(Grantee grantee, address account) internal pure returns (bool) {
        return !grantee.isRole() && grantee.account() == account;
    }

    /// @dev Whether an account may act for the pass that a living delegation was made from.
    function _isGiver(
        DeviceId device,
        Grantee grantee,
        PolicyWord policy,
        address account
    ) internal view returns (bool) {
        if (policy.permissions() == 0 || !policy.has(PolicyWords.DELEGATED)) return false;
        (Grantee parent, ) = _parentOf(device, grantee);
        return _requesterReason(parent, account, _policies[device][parent]) == AccessReason.Allowed;
    }

    function _conductReason(
        PolicyWord policy,
        PolicyWord usage,
        uint40 permissions
    ) internal view returns (AccessReason) {
        if (usage.isBlocked()) return AccessReason.Blocked;
        if (usage.hadToken() && block.timestamp < uint256(usage.clock()) + policy.minInterval()) {
            return AccessReason.TooFrequent;
        }
        bool part = permissions != 0 && permissions & ~policy.permissions() == 0;
        return part ? AccessReason.Allowed : AccessReason.PermissionMissing;
    }

    /// @dev `isLast`: it is the token as the words have it, open or not. `end` is that one's.
    function _tokenReason(
        PolicyWord policy,
        PolicyWord usage,
        bool isLast,
        uint40 end
    ) internal view returns (AccessReason) {
        if (usage.isBlocked()) return AccessReason.Blocked;
        if (!isLast || !usage.isUseOf(policy) || !usage.hadToken()) return AccessReason.TokenUnknown;
        if (usage.phase() == Phase.Spent) return AccessReason.TokenSpent;
        return block.timestamp < end ? AccessReason.Allowed : AccessReason.TokenExpired;
    }

    // ---------------------------------------------------------------- reading the words

    /// @dev First second at which the last token no longer counts.
    function _tokenEnd(PolicyWord policy, PolicyWord usage) internal pure returns (uint40) {
        uint40 end = uint40(usage.clock()) + TOKEN_LIFE;
        return end < policy.expiry() ? end : policy.expiry();
    }

    /// @dev The token as the words have it, and its end.
    function _lastToken(
        DeviceId device,
        Grantee grantee,
        address requester,
        PolicyWord policy,
        PolicyWord usage
    ) internal view returns (bytes32 token, uint40 end) {
        end = _tokenEnd(policy, usage);
        uint256 terms = (uint256(usage.epoch()) << 144) | (uint256(usage.rev()) << 112);
        terms |= (uint256(usage.counter()) << 80) | (uint256(usage.issued()) << 40) | end;
        token = _name(device, grantee, requester, terms);
    }

    function _name(
        DeviceId device,
        Grantee grantee,
        address requester,
        uint256 terms
    ) private view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), device, grantee, requester, terms));
    }

    function _parentOf(DeviceId device, Grantee grantee) internal view returns (Grantee parent, uint32 rev) {
        uint256 link = _links[device][grantee];
        uint256 mask = uint256(type(uint32).max) << _LINK_REV;
        return (Grantee.wrap(bytes32(link & ~mask)), uint32(link >> _LINK_REV));
    }

    /// @dev The commitment of the pass at the top of the chain. `policy` is the grantee's, and counts.
    function _endpointOf(
        DeviceId device,
        Grantee grantee,
        PolicyWord policy
    ) internal view returns (bytes32) {
        if (!policy.has(PolicyWords.ENDPOINT)) return 0;
        while (policy.has(PolicyWords.DELEGATED)) {
            (grantee, ) = _parentOf(device, grantee);
            policy = _policies[device][grantee];
        }
        return _endpoints[device][grantee];
    }

    // ---------------------------------------------------------------- asking the others

    function _orgOf(address account) internal view returns (OrgId) {
        return CONSORTIUM.orgOf(account);
    }

    /// @dev Nobody's organisation is not active.
    function _isActive(OrgId org) private view returns (bool) {
        return CONSORTIUM.statusOf(org) == OrgStatus.Active;
    }
}
