// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { Context } from "@openzeppelin/contracts/utils/Context.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { OrgId } from "../common/Ids.sol";
import { AccountWord, AccountWords } from "./AccountWord.sol";
import { ConsortiumState } from "./ConsortiumState.sol";
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
import { SignedActs } from "./SignedActs.sol";

/// @title Consortium
/// @notice Organisations, their signatories, and roles that end by themselves. See {IConsortium}.
/// @dev Not upgradeable and without money. `restricted` functions are opened to the registrar and the guardian by the
/// AccessManager named at construction; until it opens one, only its administrator may call it.
contract Consortium is ConsortiumState, AccessManaged, SignedActs {
    /// @dev The state machine: bit `4 * from + to` is set when the step exists. Who may ask for it is the
    /// AccessManager's answer for the function that takes it.
    uint256 private constant _STEPS =
        (1 << (4 * uint256(OrgStatus.None) + uint256(OrgStatus.Active))) |
            (1 << (4 * uint256(OrgStatus.Active) + uint256(OrgStatus.Suspended))) |
            (1 << (4 * uint256(OrgStatus.Active) + uint256(OrgStatus.Exited))) |
            (1 << (4 * uint256(OrgStatus.Suspended) + uint256(OrgStatus.Active))) |
            (1 << (4 * uint256(OrgStatus.Suspended) + uint256(OrgStatus.Exited)));

    constructor(address authority) AccessManaged(authority) EIP712("Tenon Consortium", "1") {}

    // ---------------------------------------------------------------- organisations

    /// @inheritdoc IConsortium
    function admit(bytes32 codeHash, bytes32 controlGroup) external restricted returns (OrgId org) {
        if (codeHash == 0) revert OrganisationCodeMissing();
        OrgId taken = _codes[codeHash];
        if (OrgId.unwrap(taken) != 0) revert OrganisationCodeTaken(codeHash, taken);

        org = OrgId.wrap(++organisationCount);
        _codes[codeHash] = org;
        if (controlGroup != 0) _controlGroups[org] = controlGroup;
        emit OrganisationAdmitted(org, org.holder(), codeHash, controlGroup);
        _step(org, OrgStatus.Active);
    }

    /// @inheritdoc IConsortium
    function setControlGroup(OrgId org, bytes32 controlGroup) external restricted {
        _requireKnown(org);
        emit ControlGroupSet(org, _controlGroups[org], controlGroup);
        _controlGroups[org] = controlGroup;
    }

    /// @inheritdoc IConsortium
    function suspend(OrgId org) external restricted {
        _requireKnown(org);
        _step(org, OrgStatus.Suspended);
    }

    /// @inheritdoc IConsortium
    function reinstate(OrgId org) external restricted {
        _requireKnown(org);
        _step(org, OrgStatus.Active);
    }

    /// @inheritdoc IConsortium
    function exit(OrgId org) external restricted {
        _requireKnown(org);
        _step(org, OrgStatus.Exited);
    }

    // ---------------------------------------------------------------- signatories

    /// @inheritdoc IConsortium
    function addSignatory(OrgId org, address account) external restricted {
        OrgStatus status = _requireNotExited(org);
        _requireFree(account);
        if (_signatories[org].length >= MAX_SIGNATORIES) revert SignatoriesFull(org, MAX_SIGNATORIES);

        _accounts[account] = AccountWords.create(org, status == OrgStatus.Active);
        _signatories[org].push(account);
        emit SignatoryAdded(org, account);
    }

    /// @inheritdoc IConsortium
    function removeSignatory(address account) external restricted {
        _remove(_requireSignatory(account), account);
    }

    /// @inheritdoc IConsortium
    function replaceSignatory(address lost, address replacement) external restricted {
        OrgId org = _requireSignatory(lost);
        _requireNotExited(org);
        _requireFree(replacement);

        Grant[] memory grants = grantsOf(lost);
        AccountWord word = _accounts[lost];
        _remove(org, lost);
        _accounts[replacement] = word;
        _signatories[org].push(replacement);
        emit SignatoryAdded(org, replacement);
        emit SignatoryReplaced(org, lost, replacement);
        for (uint256 i = 0; i < grants.length; ++i) {
            (Role role, Term memory term) = (grants[i].role, grants[i].term);
            _reductions[replacement][role] = type(uint128).max - term.limit;
            emit RoleGranted(org, replacement, role, term.until, term.limit);
            _announce(org, replacement, role);
        }
    }

    /// @inheritdoc IConsortium
    function resign() external {
        address account = _msgSender();
        _remove(_requireSignatory(account), account);
    }

    // ---------------------------------------------------------------- roles

    /// @inheritdoc IConsortium
    function grantRole(address account, Role role, uint40 until, uint128 limit) external restricted {
        OrgId org = _requireSignatory(account);
        _requireActive(org);
        if (role == Role.None) revert RoleMissing(account, role);
        uint40 latest = uint40(block.timestamp) + MAX_TERM;
        if (until <= block.timestamp || until > latest || until > type(uint32).max) {
            revert RoleTermInvalid(until, latest);
        }
        AccountWord word = _accounts[account];
        _requireNoConflict(account, word, role);
        uint256 slot = word.slotFor(role);
        if (slot == MAX_ROLES) revert RolesFull(account, MAX_ROLES);

        (Role previous, ) = word.slotAt(slot);
        _accounts[account] = word.put(slot, role, until);
        _reductions[account][role] = type(uint128).max - limit;
        if (!_listening[role].granted) _listening[role].granted = true;
        emit RoleGranted(org, account, role, until, limit);
        if (previous != role && previous != Role.None) _forget(org, account, previous);
        _announce(org, account, role);
    }

    /// @inheritdoc IConsortium
    function forfeit(Role role) external {
        address account = _msgSender();
        OrgId org = _requireSignatory(account);
        _emptySlot(account, role);

        emit RoleForfeited(org, account, role);
        _forget(org, account, role);
    }

    /// @inheritdoc IConsortium
    function revokeRole(address account, Role role) external restricted {
        OrgId org = _requireSignatory(account);
        _emptySlot(account, role);

        emit RoleRevoked(org, account, role, _msgSender());
        _forget(org, account, role);
    }

    /// @inheritdoc IConsortium
    function countersign(bytes32 actHash, Role role, uint40 until) external {
        address account = _msgSender();
        OrgId org = requireRole(account, role);
        uint40 latest = uint40(block.timestamp) + MAX_COUNTERSIGNATURE;
        if (actHash == 0) revert CountersignatureEmpty();
        if (until != 0 && (until <= block.timestamp || until > latest)) {
            revert CountersignatureTermInvalid(until, latest);
        }

        if (until == 0) delete _countersignatures[org][actHash];
        else _countersignatures[org][actHash] = Countersignature({ by: account, role: role, until: until });
        emit ActCountersigned(org, actHash, role, account, until);
    }

    // ---------------------------------------------------------------- listeners

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

    /// @inheritdoc IConsortium
    function setOrgListener(IOrgListener listener) external restricted {
        if (organisationCount != 0 || address(orgListener) != address(0)) {
            revert OrgListenerFixed(address(orgListener));
        }
        if (address(listener).code.length == 0) revert RoleListenerInvalid(address(listener));

        orgListener = listener;
        emit OrgListenerSet(address(listener));
    }

    // ---------------------------------------------------------------- inner parts

    /// @dev The only place where a status changes. The words of the signatories and the listeners follow at once: at
    /// most `MAX_SIGNATORIES` words, and one call for each role that is listened to.
    function _step(OrgId org, OrgStatus to) private {
        OrgStatus from = _statuses[org];
        if ((_STEPS >> (4 * uint256(from) + uint256(to))) & 1 == 0) {
            revert OrganisationTransitionRefused(org, from, to);
        }
        _statuses[org] = to;
        emit OrganisationStatusChanged(org, from, to);

        address[] memory accounts = _signatories[org];
        for (uint256 i = 0; i < accounts.length; ++i) {
            AccountWord word = _accounts[accounts[i]].withActive(to == OrgStatus.Active);
            _accounts[accounts[i]] = word;
            for (uint256 slot = 0; slot < MAX_ROLES; ++slot) {
                (Role role, ) = word.slotAt(slot);
                if (role != Role.None) _announce(org, accounts[i], role);
            }
        }
        if (address(orgListener) != address(0)) orgListener.onOrganisationChanged(org, to);
    }

    /// @dev Takes an account from its organisation and ends its roles.
    function _remove(OrgId org, address account) private {
        AccountWord word = _accounts[account];
        _accounts[account] = word.ended();
        _dropFromList(org, account);
        for (uint256 slot = 0; slot < MAX_ROLES; ++slot) {
            (Role role, ) = word.slotAt(slot);
            if (role == Role.None) continue;
            emit RoleRevoked(org, account, role, _msgSender());
            _forget(org, account, role);
        }
        emit SignatoryRemoved(org, account);
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

    function _emptySlot(address account, Role role) private {
        AccountWord word = _accounts[account];
        if (word.untilOf(role) == 0) revert RoleMissing(account, role);
        _accounts[account] = word.put(word.slotFor(role), Role.None, 0);
    }

    /// @dev After a role has left the account's word.
    function _forget(OrgId org, address account, Role role) private {
        delete _reductions[account][role];
        _announce(org, account, role);
    }

    /// @dev Tells the listener of a role the term that counts from now on. A listener that reverts stops the change:
    /// a swallowed failure would leave a revoked role working there.
    function _announce(OrgId org, address account, Role role) private {
        IRoleListener listener = _listening[role].listener;
        if (address(listener) == address(0)) return;
        listener.onRoleChanged(org, account, role, _termOf(account, role));
    }

    function _msgSender() internal view override(Context, SignedActs) returns (address) {
        return SignedActs._msgSender();
    }

    function _msgData() internal view override(Context, SignedActs) returns (bytes calldata) {
        return SignedActs._msgData();
    }

    function _contextSuffixLength() internal view override(Context, SignedActs) returns (uint256) {
        return SignedActs._contextSuffixLength();
    }
}
