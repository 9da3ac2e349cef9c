// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { OrgId } from "../common/Ids.sol";
import { AccountWord, AccountWords } from "./AccountWord.sol";
import {
    Countersignature,
    Grant,
    IConsortium,
    IOrgListener,
    IRoleListener,
    OrgStatus,
    Role,
    Term
} from "./IConsortium.sol";

/// @title ConsortiumState
/// @notice What the consortium knows, and every answer it gives. {Consortium} changes it.
abstract contract ConsortiumState is IConsortium {
    /// @dev One word. A listener that came after the first grant would not know of it.
    struct Listening {
        IRoleListener listener;
        bool granted;
    }

    /// @inheritdoc IConsortium
    uint40 public constant MAX_TERM = 400 days;

    /// @inheritdoc IConsortium
    uint40 public constant MAX_COUNTERSIGNATURE = 30 days;

    /// @inheritdoc IConsortium
    uint256 public constant MAX_SIGNATORIES = 16;

    /// @inheritdoc IConsortium
    uint256 public constant MAX_ROLES = AccountWords.SLOTS;

    /// @dev Duties that exclude each other: bit `16 * a + b`, with the smaller role first.
    uint256 private constant _CONFLICTS =
        (1 << (16 * uint256(Role.Regulator) + uint256(Role.Enforcer))) |
            (1 << (16 * uint256(Role.Manufacturer) + uint256(Role.DeviceAuthority))) |
            (1 << (16 * uint256(Role.DeviceAuthority) + uint256(Role.DeviceManager))) |
            (1 << (16 * uint256(Role.Manufacturer) + uint256(Role.Certifier)));

    /// @inheritdoc IConsortium
    uint32 public organisationCount;

    /// @inheritdoc IConsortium
    IOrgListener public orgListener;

    mapping(OrgId org => OrgStatus status) internal _statuses;
    mapping(bytes32 codeHash => OrgId org) internal _codes;
    mapping(OrgId org => bytes32 controlGroup) internal _controlGroups;
    mapping(OrgId org => address[] accounts) internal _signatories;
    mapping(address account => AccountWord word) internal _accounts;
    /// @dev How far a limit lies below the greatest number, so that no limit needs no slot.
    mapping(address account => mapping(Role role => uint128 reduction)) internal _reductions;
    mapping(OrgId org => mapping(bytes32 actHash => Countersignature word)) internal _countersignatures;
    mapping(Role role => Listening word) internal _listening;

    // ---------------------------------------------------------------- answers

    /// @inheritdoc IConsortium
    function orgOf(address account) external view returns (OrgId) {
        return _orgOf(account);
    }

    /// @inheritdoc IConsortium
    function requireRole(address account, Role role) public view returns (OrgId org) {
        AccountWord word = _accounts[account];
        if (!word.counts(role)) _refuseRole(account, word, role);
        return word.org();
    }

    /// @inheritdoc IConsortium
    function requireRoleFor(
        address account,
        Role role,
        uint256 amount,
        bytes32 actHash
    ) external view returns (OrgId org) {
        org = requireRole(account, role);
        uint128 limit = _limitOf(account, role);
        if (amount <= limit || limit == type(uint128).max) return org;
        Countersignature memory second = _countersignatures[org][actHash];
        bool consents = second.by != account && second.role == role && block.timestamp < second.until;
        if (!consents || !_accounts[second.by].counts(role)) {
            revert RoleLimitExceeded(account, role, limit, amount, actHash);
        }
    }

    /// @inheritdoc IConsortium
    function actsFor(address account, Role role) external view returns (OrgId) {
        AccountWord word = _accounts[account];
        return word.counts(role) ? word.org() : OrgId.wrap(0);
    }

    /// @inheritdoc IConsortium
    function hasRole(address account, Role role) external view returns (bool) {
        return _accounts[account].counts(role);
    }

    /// @inheritdoc IConsortium
    function termOf(address account, Role role) external view returns (Term memory) {
        return _termOf(account, role);
    }

    /// @inheritdoc IConsortium
    function grantsOf(address account) public view returns (Grant[] memory grants) {
        AccountWord word = _accounts[account];
        grants = new Grant[](MAX_ROLES);
        uint256 count;
        for (uint256 slot = 0; slot < MAX_ROLES; ++slot) {
            (Role role, uint40 until) = word.slotAt(slot);
            if (role != Role.None) grants[count++] = Grant(role, Term(until, _limitOf(account, role)));
        }
        assembly ("memory-safe") {
            mstore(grants, count)
        }
    }

    /// @inheritdoc IConsortium
    function countersignatureOf(OrgId org, bytes32 actHash) external view returns (Countersignature memory) {
        return _countersignatures[org][actHash];
    }

    /// @inheritdoc IConsortium
    function conflicting(Role a, Role b) public pure returns (bool) {
        (uint256 low, uint256 high) = a < b ? (uint256(a), uint256(b)) : (uint256(b), uint256(a));
        return (_CONFLICTS >> (16 * low + high)) & 1 != 0;
    }

    /// @inheritdoc IConsortium
    function statusOf(OrgId org) external view returns (OrgStatus) {
        return _statuses[org];
    }

    /// @inheritdoc IConsortium
    function requireActive(OrgId org) external view {
        _requireActive(org);
    }

    /// @inheritdoc IConsortium
    function orgOfCode(bytes32 codeHash) external view returns (OrgId) {
        return _codes[codeHash];
    }

    /// @inheritdoc IConsortium
    function controlGroupOf(OrgId org) external view returns (bytes32) {
        return _controlGroups[org];
    }

    /// @inheritdoc IConsortium
    function sameControl(OrgId a, OrgId b) external view returns (bool) {
        return a == b || (_controlGroups[a] != 0 && _controlGroups[a] == _controlGroups[b]);
    }

    /// @inheritdoc IConsortium
    function signatoriesOf(OrgId org) external view returns (address[] memory) {
        return _signatories[org];
    }

    /// @inheritdoc IConsortium
    function listenerOf(Role role) external view returns (IRoleListener) {
        return _listening[role].listener;
    }

    // ---------------------------------------------------------------- inner parts

    function _orgOf(address account) internal view returns (OrgId) {
        AccountWord word = _accounts[account];
        return word.isPresent() ? word.org() : OrgId.wrap(0);
    }

    function _termOf(address account, Role role) internal view returns (Term memory term) {
        AccountWord word = _accounts[account];
        uint40 until = word.isActive() ? word.untilOf(role) : 0;
        if (until != 0) term = Term({ until: until, limit: _limitOf(account, role) });
    }

    function _limitOf(address account, Role role) internal view returns (uint128) {
        return type(uint128).max - _reductions[account][role];
    }

    function _requireSignatory(address account) internal view returns (OrgId org) {
        org = _orgOf(account);
        if (OrgId.unwrap(org) == 0) revert SignatoryUnknown(account);
    }

    function _requireFree(address account) internal view {
        if (account == address(0)) revert SignatoryUnknown(account);
        OrgId taken = _accounts[account].org();
        if (OrgId.unwrap(taken) != 0) revert SignatoryTaken(account, taken);
    }

    function _requireNoConflict(address account, AccountWord word, Role role) internal view {
        for (uint256 slot = 0; slot < MAX_ROLES; ++slot) {
            (Role held, uint40 until) = word.slotAt(slot);
            if (block.timestamp < until && conflicting(held, role)) revert RoleConflict(account, role, held);
        }
    }

    function _requireKnown(OrgId org) internal view {
        if (_statuses[org] == OrgStatus.None) revert OrganisationUnknown(org);
    }

    function _requireNotExited(OrgId org) internal view returns (OrgStatus status) {
        _requireKnown(org);
        status = _statuses[org];
        if (status == OrgStatus.Exited) revert OrganisationNotActive(org, status);
    }

    function _requireActive(OrgId org) internal view {
        _requireKnown(org);
        OrgStatus status = _statuses[org];
        if (status != OrgStatus.Active) revert OrganisationNotActive(org, status);
    }

    /// @dev Says why a role does not count. Runs only on the way out, so the good case pays one storage read.
    function _refuseRole(address account, AccountWord word, Role role) private view {
        if (!word.isPresent()) revert SignatoryUnknown(account);
        _requireActive(word.org());
        uint40 until = word.untilOf(role);
        if (until == 0) revert RoleMissing(account, role);
        revert RoleExpired(account, role, until);
    }
}
