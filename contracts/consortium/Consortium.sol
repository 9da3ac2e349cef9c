// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { OrgId } from "../common/Ids.sol";
import { IConsortium, IRoleListener, OrgStatus, Role, Term } from "./IConsortium.sol";

/// @title Consortium
/// @notice Organisations, their signatories, and roles that end by themselves. See {IConsortium}.
/// @dev Not upgradeable and without money. `restricted` functions are opened to the registrar and the guardian by the
/// AccessManager named at construction; until it opens one, only its administrator may call it.
contract Consortium is IConsortium, AccessManaged {
    /// @dev One word. The organisation stays after a removal, so that an account serves one organisation for life.
    struct Account {
        OrgId org;
        bool removed;
    }

    /// @dev One word. A listener that came after the first grant would not know of it.
    struct Listening {
        IRoleListener listener;
        bool granted;
    }

    /// @inheritdoc IConsortium
    uint40 public constant MAX_TERM = 400 days;

    /// @inheritdoc IConsortium
    uint256 public constant MAX_SIGNATORIES = 16;

    /// @dev The state machine: bit `4 * from + to` is set when the step exists. Who may ask for it is the
    /// AccessManager's answer for the function that takes it.
    uint256 private constant _STEPS =
        (1 << (4 * uint256(OrgStatus.None) + uint256(OrgStatus.Active))) |
            (1 << (4 * uint256(OrgStatus.Active) + uint256(OrgStatus.Suspended))) |
            (1 << (4 * uint256(OrgStatus.Active) + uint256(OrgStatus.Exited))) |
            (1 << (4 * uint256(OrgStatus.Suspended) + uint256(OrgStatus.Active))) |
            (1 << (4 * uint256(OrgStatus.Suspended) + uint256(OrgStatus.Exited)));

    uint32 private _organisations;
    mapping(OrgId org => OrgStatus status) private _statuses;
    mapping(bytes32 codeHash => OrgId org) private _codes;
    mapping(OrgId org => address[] accounts) private _signatories;
    mapping(address account => Account word) private _accounts;
    mapping(address account => mapping(Role role => Term term)) private _terms;
    mapping(Role role => Listening word) private _listening;

    constructor(address authority) AccessManaged(authority) {}

    // ---------------------------------------------------------------- organisations

    /// @inheritdoc IConsortium
    function admit(bytes32 codeHash) external restricted returns (OrgId org) {
        if (codeHash == 0) revert OrganisationCodeMissing();
        OrgId taken = _codes[codeHash];
        if (OrgId.unwrap(taken) != 0) revert OrganisationCodeTaken(codeHash, taken);

        org = OrgId.wrap(++_organisations);
        _codes[codeHash] = org;
        emit OrganisationAdmitted(org, org.holder(), codeHash);
        _step(org, OrgStatus.Active);
    }

    /// @inheritdoc IConsortium
    function suspend(OrgId org) external restricted {
        _requireKnown(org);
        _step(org, OrgStatus.Suspended);
        _announceAll(org);
    }

    /// @inheritdoc IConsortium
    function reinstate(OrgId org) external restricted {
        _requireKnown(org);
        _step(org, OrgStatus.Active);
        _announceAll(org);
    }

    /// @inheritdoc IConsortium
    function exit(OrgId org) external restricted {
        _requireKnown(org);
        _step(org, OrgStatus.Exited);
        _announceAll(org);
    }

    // ---------------------------------------------------------------- signatories

    /// @inheritdoc IConsortium
    function addSignatory(OrgId org, address account) external restricted {
        _requireKnown(org);
        OrgStatus status = _statuses[org];
        if (status == OrgStatus.Exited) revert OrganisationNotActive(org, status);
        if (account == address(0)) revert SignatoryUnknown(account);
        OrgId taken = _accounts[account].org;
        if (OrgId.unwrap(taken) != 0) revert SignatoryTaken(account, taken);
        if (_signatories[org].length >= MAX_SIGNATORIES) revert SignatoriesFull(org, MAX_SIGNATORIES);

        _accounts[account] = Account({ org: org, removed: false });
        _signatories[org].push(account);
        emit SignatoryAdded(org, account);
    }

    /// @inheritdoc IConsortium
    function removeSignatory(address account) external restricted {
        OrgId org = _requireSignatory(account);

        _accounts[account].removed = true;
        _dropFromList(org, account);
        for (uint8 role = 1; role <= uint8(type(Role).max); ++role) {
            if (_terms[account][Role(role)].until == 0) continue;
            emit RoleRevoked(org, account, Role(role), msg.sender);
            _endTerm(org, account, Role(role));
        }
        emit SignatoryRemoved(org, account);
    }

    // ---------------------------------------------------------------- roles

    /// @inheritdoc IConsortium
    function grantRole(address account, Role role, uint40 from, uint40 until) external restricted {
        OrgId org = _requireSignatory(account);
        _requireActive(org);
        if (role == Role.None) revert RoleMissing(account, role);
        uint40 latest = uint40(block.timestamp) + MAX_TERM;
        if (from >= until || until <= block.timestamp || until > latest) {
            revert RoleTermInvalid(from, until, latest);
        }

        _terms[account][role] = Term({ from: from, until: until });
        if (!_listening[role].granted) _listening[role].granted = true;
        emit RoleGranted(org, account, role, from, until);
        _announce(org, account, role);
    }

    /// @inheritdoc IConsortium
    function forfeit(Role role) external {
        OrgId org = _requireSignatory(msg.sender);
        if (_terms[msg.sender][role].until == 0) revert RoleMissing(msg.sender, role);

        emit RoleForfeited(org, msg.sender, role);
        _endTerm(org, msg.sender, role);
    }

    /// @inheritdoc IConsortium
    function revokeRole(address account, Role role) external restricted {
        OrgId org = _requireSignatory(account);
        if (_terms[account][role].until == 0) revert RoleMissing(account, role);

        emit RoleRevoked(org, account, role, msg.sender);
        _endTerm(org, account, role);
    }

    /// @inheritdoc IConsortium
    function setRoleListener(Role role, IRoleListener listener) external restricted {
        Listening storage listening = _listening[role];
        if (role == Role.None || listening.granted || address(listening.listener) != address(0)) {
            revert RoleListenerFixed(role, address(listening.listener));
        }
        if (address(listener).code.length == 0) revert RoleListenerInvalid(address(listener));

        listening.listener = listener;
        emit RoleListenerSet(role, address(0), address(listener));
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IConsortium
    function orgOf(address account) external view returns (OrgId) {
        return _orgOf(account);
    }

    /// @inheritdoc IConsortium
    function requireRole(address account, Role role) external view returns (OrgId org) {
        org = _requireSignatory(account);
        _requireActive(org);
        Term memory term = _terms[account][role];
        if (term.until == 0) revert RoleMissing(account, role);
        if (block.timestamp < term.from) revert RoleNotYetValid(account, role, term.from);
        if (block.timestamp >= term.until) revert RoleExpired(account, role, term.until);
    }

    /// @inheritdoc IConsortium
    function actsFor(address account, Role role) external view returns (OrgId) {
        return _actsFor(account, role);
    }

    /// @inheritdoc IConsortium
    function hasRole(address account, Role role) external view returns (bool) {
        return OrgId.unwrap(_actsFor(account, role)) != 0;
    }

    /// @inheritdoc IConsortium
    function termOf(address account, Role role) external view returns (Term memory) {
        return _termOf(_orgOf(account), account, role);
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
    function signatoriesOf(OrgId org) external view returns (address[] memory) {
        return _signatories[org];
    }

    /// @inheritdoc IConsortium
    function listenerOf(Role role) external view returns (IRoleListener) {
        return _listening[role].listener;
    }

    // ---------------------------------------------------------------- inner parts

    /// @dev The only place where a status changes.
    function _step(OrgId org, OrgStatus to) private {
        OrgStatus from = _statuses[org];
        if ((_STEPS >> (4 * uint256(from) + uint256(to))) & 1 == 0) {
            revert OrganisationTransitionRefused(org, from, to);
        }
        _statuses[org] = to;
        emit OrganisationStatusChanged(org, from, to);
    }

    /// @dev Moves the last signatory to the place of the one that leaves; the order of the list means nothing.
    function _dropFromList(OrgId org, address account) private {
        address[] storage list = _signatories[org];
        uint256 last = list.length - 1;
        for (uint256 i = 0; i < last; ++i) {
            if (list[i] == account) {
                list[i] = list[last];
                break;
            }
        }
        list.pop();
    }

    function _endTerm(OrgId org, address account, Role role) private {
        delete _terms[account][role];
        _announce(org, account, role);
    }

    /// @dev Tells the listener of a role the term that counts from now on. A listener that reverts stops the change:
    /// a swallowed failure would leave a revoked role working there.
    function _announce(OrgId org, address account, Role role) private {
        IRoleListener listener = _listening[role].listener;
        if (address(listener) == address(0)) return;
        listener.onRoleChanged(org, account, role, _termOf(_orgOf(account), account, role));
    }

    /// @dev At most `MAX_SIGNATORIES` times the number of roles; accounts without the role are passed over.
    function _announceAll(OrgId org) private {
        address[] memory accounts = _signatories[org];
        for (uint8 role = 1; role <= uint8(type(Role).max); ++role) {
            if (address(_listening[Role(role)].listener) == address(0)) continue;
            for (uint256 i = 0; i < accounts.length; ++i) {
                if (_terms[accounts[i]][Role(role)].until != 0) _announce(org, accounts[i], Role(role));
            }
        }
    }

    function _orgOf(address account) private view returns (OrgId) {
        Account memory word = _accounts[account];
        return word.removed ? OrgId.wrap(0) : word.org;
    }

    /// @dev `org` is the account's organisation, or 0, which is never active.
    function _termOf(OrgId org, address account, Role role) private view returns (Term memory term) {
        if (_statuses[org] == OrgStatus.Active) term = _terms[account][role];
    }

    function _actsFor(address account, Role role) private view returns (OrgId) {
        OrgId org = _orgOf(account);
        Term memory term = _termOf(org, account, role);
        bool counts = term.from <= block.timestamp && block.timestamp < term.until;
        return counts ? org : OrgId.wrap(0);
    }

    function _requireSignatory(address account) private view returns (OrgId org) {
        org = _orgOf(account);
        if (OrgId.unwrap(org) == 0) revert SignatoryUnknown(account);
    }

    function _requireKnown(OrgId org) private view {
        if (_statuses[org] == OrgStatus.None) revert OrganisationUnknown(org);
    }

    function _requireActive(OrgId org) private view {
        _requireKnown(org);
        OrgStatus status = _statuses[org];
        if (status != OrgStatus.Active) revert OrganisationNotActive(org, status);
    }
}
