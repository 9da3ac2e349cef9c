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
    error OrganisationCodeTaken(bytes32 codeHash, OrgId org);
    error OrganisationTransitionRefused(OrgId org, OrgStatus from, OrgStatus to);
    error SignatoryUnknown(address account);
    error SignatoryTaken(address account, OrgId org);
    error SignatoriesFull(OrgId org, uint256 max);
    error RoleTermInvalid(uint40 from, uint40 until, uint40 latest);
    error RoleMissing(address account, Role role);
    error RoleNotYetValid(address account, Role role, uint40 from);
    error RoleExpired(address account, Role role, uint40 until);

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

    /// @dev Registrar. At most `MAX_SIGNATORIES` for an organisation; an account once removed cannot be added again.
    function addSignatory(OrgId org, address account) external;

    /// @dev Registrar. Every role of the account ends with it.
    function removeSignatory(address account) external;

    /// @notice Grants or renews a role for a term of at most `MAX_TERM` seconds from now.
    /// @dev Registrar.
    function grantRole(address account, Role role, uint40 from, uint40 until) external;

    /// @notice Gives up one of the caller's own roles, for instance when its key may have leaked.
    function forfeit(Role role) external;

    /// @notice Takes a role away at once.
    /// @dev Guardian.
    function revokeRole(address account, Role role) external;

    /// @notice The organisation an account is a signatory of; 0 for a stranger or a removed signatory.
    function orgOf(address account) external view returns (OrgId);

    /// @notice The caller's right in one look-up: returns the organisation, or reverts with the reason.
    function requireRole(address account, Role role) external view returns (OrgId org);

    function hasRole(address account, Role role) external view returns (bool);

    /// @notice The term that counts now: zero while the organisation is not active or the account is removed.
    function termOf(address account, Role role) external view returns (Term memory);

    function statusOf(OrgId org) external view returns (OrgStatus);

    /// @notice Reverts unless the organisation is active.
    function requireActive(OrgId org) external view;
}

/// @notice A contract that keeps the terms of one role folded into its own storage word, because asking the
/// consortium in every call would cost it 5,500 gas. The consortium tells it of every change, so the two cannot differ.
interface IRoleListener {
    /// @param term The term that counts from now on; zero when the role ended.
    /// @dev Only the consortium may call.
    function onRoleChanged(OrgId org, address account, Role role, Term calldata term) external;
}
