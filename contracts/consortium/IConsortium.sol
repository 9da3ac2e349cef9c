// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { OrgId } from "../common/Ids.sol";

/// @dev Append only: the numbers are stored and signed.
enum OrgStatus {
    None,
    Active,
    Suspended,
    Exited
}

/// @notice What a signatory may do for its organisation day by day. Append only.
/// - Manufacturer: register devices.
/// - DeviceAuthority: suspend, resume and revoke any device.
/// - Anchor: write batches to a telemetry stream.
/// - Treasurer: move the organisation's money.
enum Role {
    None,
    Manufacturer,
    DeviceAuthority,
    Anchor,
    Treasurer
}

/// @notice When a role holds: `from <= block.timestamp < until`, in seconds. `until == 0` is no role.
struct Term {
    uint40 from;
    uint40 until;
}

/// @notice Member organisations, the people and services that act for them, and roles that end by themselves.
///
/// The holder of every asset is the organisation's address (`OrgId.holder()`), which no key controls; the hand that
/// moves it is a signatory. An account is a signatory of at most one organisation for its whole life.
///
/// Powers and their limits:
/// - registrar (through AccessManager, with a delay): admits, reinstates and exits organisations, adds and removes
///   signatories, grants roles. Cannot grant a role for longer than `MAX_TERM`, nor to a stranger, nor act as one.
/// - guardian (through AccessManager, at once): suspends organisations and revokes roles. Can only take away.
/// - every signatory: forfeits its own roles at once. Can never get them back by itself.
interface IConsortium {
    event OrganisationAdmitted(OrgId indexed org, address indexed holder, bytes32 codeHash);
    event OrganisationStatusChanged(OrgId indexed org, OrgStatus from, OrgStatus to);
    event SignatoryAdded(OrgId indexed org, address indexed account);
    event SignatoryRemoved(OrgId indexed org, address indexed account);
    event RoleGranted(
        OrgId indexed org,
        address indexed account,
        Role indexed role,
        uint40 from,
        uint40 until
    );
    event RoleForfeited(OrgId indexed org, address indexed account, Role indexed role);
    event RoleRevoked(OrgId indexed org, address indexed account, Role indexed role, address by);
    event RoleListenerSet(Role indexed role, address previous, address listener);

    error OrganisationUnknown(OrgId org);
    error OrganisationNotActive(OrgId org, OrgStatus status);
    error OrganisationCodeMissing();
    error OrganisationCodeTaken(bytes32 codeHash, OrgId org);
    error OrganisationTransitionRefused(OrgId org, OrgStatus from, OrgStatus to);
    error SignatoryUnknown(address account);
    error SignatoryTaken(address account, OrgId org);
    error SignatoriesFull(OrgId org, uint256 max);
    error RoleTermInvalid(uint40 from, uint40 until, uint40 latest);
    error RoleMissing(address account, Role role);
    error RoleNotYetValid(address account, Role role, uint40 from);
    error RoleExpired(address account, Role role, uint40 until);
    error RoleListenerFixed(Role role, address listener);
    error RoleListenerInvalid(address listener);

    /// @notice Admits an organisation. `codeHash` is the hash of its USCC or LEI; one organisation per code.
    /// @dev Registrar.
    function admit(bytes32 codeHash) external returns (OrgId org);

    /// @notice Stops everything an organisation's signatories may do, at once. Its assets stay where they are.
    /// @dev Guardian.
    function suspend(OrgId org) external;

    /// @notice Ends a suspension; the signatories' unexpired terms count again.
    /// @dev Registrar.
    function reinstate(OrgId org) external;

    /// @notice Ends a membership for good.
    /// @dev Registrar.
    function exit(OrgId org) external;

    /// @notice Lets an account act for an organisation. By itself that allows what every signatory of an owner may do.
    /// @dev Registrar. At most `MAX_SIGNATORIES` for an organisation; an account once removed cannot be added again.
    /// Works while the organisation is suspended, so that a lost key can be replaced before the return.
    function addSignatory(OrgId org, address account) external;

    /// @notice Ends what an account may do for its organisation, and all its roles, for good.
    /// @dev Registrar.
    function removeSignatory(address account) external;

    /// @notice Grants or renews a role; the new term replaces the old one and ends at most `MAX_TERM` from now.
    /// @dev Registrar. The organisation must be active. `from` may lie ahead, or in the past.
    function grantRole(address account, Role role, uint40 from, uint40 until) external;

    /// @notice Gives up one of the caller's own roles, for instance when its key may have leaked.
    /// @dev The signatory itself; also while its organisation is suspended.
    function forfeit(Role role) external;

    /// @notice Takes a role away at once.
    /// @dev Guardian.
    function revokeRole(address account, Role role) external;

    /// @notice Names the contract that is told of every change of a role's terms.
    /// @dev Administrator. Once for a role, and before its first grant: a listener that missed a grant, or one that
    /// was replaced and kept what it knew, would differ from this contract.
    function setRoleListener(Role role, IRoleListener listener) external;

    /// @notice The organisation an account is a signatory of; 0 for a stranger or a removed signatory.
    function orgOf(address account) external view returns (OrgId);

    /// @notice The caller's right in one look-up: returns the organisation, or reverts with the reason.
    function requireRole(address account, Role role) external view returns (OrgId org);

    /// @notice The organisation an account may act for in a role now, or 0: `requireRole` that does not revert.
    function actsFor(address account, Role role) external view returns (OrgId);

    /// @notice Whether `requireRole` would return.
    function hasRole(address account, Role role) external view returns (bool);

    /// @notice The term that counts now: zero while the organisation is not active or the account is removed.
    function termOf(address account, Role role) external view returns (Term memory);

    /// @notice Where an organisation stands; `None` for an unknown one.
    function statusOf(OrgId org) external view returns (OrgStatus);

    /// @notice Reverts unless the organisation is active.
    function requireActive(OrgId org) external view;

    /// @notice The organisation admitted under the hash of a USCC or LEI, or 0.
    function orgOfCode(bytes32 codeHash) external view returns (OrgId);

    /// @notice The present signatories, in no particular order.
    function signatoriesOf(OrgId org) external view returns (address[] memory);

    /// @notice The contract that is told of a role's changes, or zero.
    function listenerOf(Role role) external view returns (IRoleListener);

    /// @notice The longest time a role may reach into the future, in seconds.
    function MAX_TERM() external view returns (uint40);

    /// @notice The most signatories an organisation may have at a time.
    function MAX_SIGNATORIES() external view returns (uint256);
}

/// @notice A contract that keeps the terms of one role folded into its own storage word, because asking the
/// consortium in every call would cost it 10,000 gas. The consortium tells it of every change, so the two cannot differ.
interface IRoleListener {
    /// @notice Takes over the term of one account.
    /// @param term The term that counts from now on; zero when the role ended.
    /// @dev Only the consortium may call. Must not revert for it: that would stop a revocation.
    function onRoleChanged(OrgId org, address account, Role role, Term calldata term) external;
}
