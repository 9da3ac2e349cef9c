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
/// - DeviceManager: dispose of the organisation's devices: activate, offer, accept, grant access, revoke.
/// - Regulator: issue orders, read what is in scope.
/// - Enforcer: confirm orders of force, as the second person, and carry them out.
/// - Certifier: certify devices.
enum Role {
    None,
    Manufacturer,
    DeviceAuthority,
    Anchor,
    Treasurer,
    DeviceManager,
    Regulator,
    Enforcer,
    Certifier
}

/// @notice How long a role holds and up to what amount. `until == 0` is no role.
struct Term {
    uint40 until; // holds while block.timestamp < until, seconds
    uint128 limit; // fen for roles that move money, devices for Manufacturer; the greatest number is no limit
}

/// @notice A role as it was granted, whether or not it counts now.
struct Grant {
    Role role;
    Term term;
}

/// @notice The consent of a second person to one act.
struct Countersignature {
    address by;
    Role role;
    uint40 until;
}

/// @notice Member organisations, the people and services that act for them, and roles that end by themselves.
///
/// The holder of every asset is the organisation's address (`OrgId.holder()`), which no key controls; the hand that
/// moves it is a signatory. An account is a signatory of at most one organisation for its whole life.
///
/// Powers and their limits:
/// - registrar (through AccessManager, with a delay): admits, reinstates and exits organisations, adds and replaces
///   signatories, grants roles. Cannot grant a role for longer than `MAX_TERM`, nor two that exclude each other, nor to a
///   stranger, nor act as one.
/// - guardian (through AccessManager, at once): suspends organisations, removes signatories, revokes roles. Can only
///   take away.
/// - every signatory: forfeits its own roles or leaves, at once; countersigns acts of its colleagues in a role it holds.
///   Can never get anything back by itself.
///
/// Duties that exclude each other, so that no account ever holds both: Regulator and Enforcer, Manufacturer and
/// DeviceAuthority, DeviceManager and DeviceAuthority, Manufacturer and Certifier.
interface IConsortium {
    event OrganisationAdmitted(
        OrgId indexed org,
        address indexed holder,
        bytes32 codeHash,
        bytes32 controlGroup
    );
    event OrganisationStatusChanged(OrgId indexed org, OrgStatus from, OrgStatus to);
    event ControlGroupSet(OrgId indexed org, bytes32 previous, bytes32 controlGroup);
    event SignatoryAdded(OrgId indexed org, address indexed account);
    event SignatoryRemoved(OrgId indexed org, address indexed account);
    event SignatoryReplaced(OrgId indexed org, address indexed lost, address indexed replacement);
    event RoleGranted(
        OrgId indexed org,
        address indexed account,
        Role indexed role,
        uint40 until,
        uint128 limit
    );
    event RoleForfeited(OrgId indexed org, address indexed account, Role indexed role);
    event RoleRevoked(OrgId indexed org, address indexed account, Role indexed role, address by);
    event ActCountersigned(
        OrgId indexed org,
        bytes32 indexed actHash,
        Role indexed role,
        address by,
        uint40 until
    );
    event RoleListenerSet(Role indexed role, address previous, address listener);
    event OrgListenerSet(address listener);

    error OrganisationUnknown(OrgId org);
    error OrganisationNotActive(OrgId org, OrgStatus status);
    error OrganisationCodeMissing();
    error OrganisationCodeTaken(bytes32 codeHash, OrgId org);
    error OrganisationTransitionRefused(OrgId org, OrgStatus from, OrgStatus to);
    error SignatoryUnknown(address account);
    error SignatoryTaken(address account, OrgId org);
    error SignatoriesFull(OrgId org, uint256 max);
    error RoleTermInvalid(uint40 until, uint40 latest);
    error RoleMissing(address account, Role role);
    error RoleExpired(address account, Role role, uint40 until);
    error RoleConflict(address account, Role role, Role held);
    error RolesFull(address account, uint256 max);
    error RoleLimitExceeded(address account, Role role, uint128 limit, uint256 amount, bytes32 actHash);
    error CountersignatureEmpty();
    error CountersignatureTermInvalid(uint40 until, uint40 latest);
    error RoleListenerFixed(Role role, address listener);
    error RoleListenerInvalid(address listener);
    error OrgListenerFixed(address listener);

    /// @notice Admits an organisation. `codeHash` is the hash of its USCC or LEI; one organisation per code.
    /// @dev Registrar.
    /// @param controlGroup Hash that names who controls it, the same for all under one control; 0 when nobody is known.
    function admit(bytes32 codeHash, bytes32 controlGroup) external returns (OrgId org);

    /// @notice Says anew under whose control an organisation is; 0 for nobody's.
    /// @dev Registrar.
    function setControlGroup(OrgId org, bytes32 controlGroup) external;

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
    /// @dev Guardian: it only takes away, and a stolen key cannot wait for a delay.
    function removeSignatory(address account) external;

    /// @notice Puts a fresh account in the place of one whose key is lost: roles, terms and limits move over, the lost
    /// one is removed for good. A key that was stolen is removed first, which ends its roles: then add and grant anew.
    /// @dev Registrar. Works while the organisation is suspended. What a contract counts for an account (a manufacturer's
    /// used quota) begins anew for the replacement: grant it the rest.
    function replaceSignatory(address lost, address replacement) external;

    /// @notice Ends the caller's own service and all its roles, for good.
    /// @dev The signatory itself.
    function resign() external;

    /// @notice Grants or renews a role from now on; the new term and limit replace the old ones. A term ends at most
    /// `MAX_TERM` from now. Reverts with `RoleConflict` while the account holds a role that excludes this one, and with
    /// `RolesFull` while it holds `MAX_ROLES` others.
    /// @dev Registrar. The organisation must be active.
    /// @param limit The most an act may be worth without a second person: fen for roles that move money. For
    /// Manufacturer the number of devices in the account's whole life. `type(uint128).max` for none.
    function grantRole(address account, Role role, uint40 until, uint128 limit) external;

    /// @notice Gives up one of the caller's own roles, for instance when its key may have leaked.
    /// @dev The signatory itself; also while its organisation is suspended.
    function forfeit(Role role) external;

    /// @notice Takes a role away at once.
    /// @dev Guardian.
    function revokeRole(address account, Role role) external;

    /// @notice Consents, as the second person, to one act above a colleague's limit; replaces an earlier consent.
    /// `until == 0` takes it back.
    /// @dev A signatory that holds the role; whoever does the act must be another. Reverts with `CountersignatureEmpty`
    /// for no act and `CountersignatureTermInvalid` for a term that is over or ends later than
    /// `MAX_COUNTERSIGNATURE` from now.
    /// @param actHash Names the act, as the contract it is done on computes it: with that contract and a number that
    /// makes it unique, because a consent is not used up here.
    function countersign(bytes32 actHash, Role role, uint40 until) external;

    /// @notice Names the contract that is told of every change of a role's terms.
    /// @dev Administrator. Once for a role, and before its first grant: a listener that missed a grant, or one that
    /// was replaced and kept what it knew, would differ from this contract.
    function setRoleListener(Role role, IRoleListener listener) external;

    /// @notice Names the contract that is told of every change of an organisation's status.
    /// @dev Administrator. Once, and before the first admission.
    function setOrgListener(IOrgListener listener) external;

    /// @notice The organisation an account is a signatory of; 0 for a stranger or a removed signatory.
    function orgOf(address account) external view returns (OrgId);

    /// @notice The caller's right in one look-up: returns the organisation, or reverts with the reason
    /// (`SignatoryUnknown`, `OrganisationNotActive`, `RoleMissing`, `RoleExpired`).
    function requireRole(address account, Role role) external view returns (OrgId org);

    /// @notice `requireRole` for an act that is worth `amount`: above the account's limit it needs the consent of a second
    /// person of the same organisation, who holds the role now. Otherwise reverts with `RoleLimitExceeded`.
    /// @param actHash What the second person names in `countersign`. Must be unique to the act: see there.
    function requireRoleFor(
        address account,
        Role role,
        uint256 amount,
        bytes32 actHash
    ) external view returns (OrgId org);

    /// @notice The organisation an account may act for in a role now, or 0: `requireRole` that does not revert.
    function actsFor(address account, Role role) external view returns (OrgId);

    /// @notice Whether `requireRole` would return.
    function hasRole(address account, Role role) external view returns (bool);

    /// @notice The term that counts now: zero while the organisation is not active or the account is removed.
    function termOf(address account, Role role) external view returns (Term memory);

    /// @notice Every role granted to an account and not ended since, also expired ones and those of a suspended
    /// organisation.
    function grantsOf(address account) external view returns (Grant[] memory);

    /// @notice The consent given to an act by somebody of an organisation; all zero when there is none. It counts while its
    /// giver holds the role and its time is not over.
    function countersignatureOf(OrgId org, bytes32 actHash) external view returns (Countersignature memory);

    /// @notice Whether two roles exclude each other.
    function conflicting(Role a, Role b) external pure returns (bool);

    /// @notice Where an organisation stands; `None` for an unknown one.
    function statusOf(OrgId org) external view returns (OrgStatus);

    /// @notice Reverts unless the organisation is active.
    function requireActive(OrgId org) external view;

    /// @notice The organisation admitted under the hash of a USCC or LEI, or 0.
    function orgOfCode(bytes32 codeHash) external view returns (OrgId);

    /// @notice The hash that names who controls an organisation, or 0.
    function controlGroupOf(OrgId org) external view returns (bytes32);

    /// @notice Whether two organisations are one, or under one control.
    function sameControl(OrgId a, OrgId b) external view returns (bool);

    /// @notice How many organisations were ever admitted; the newest has this number.
    function organisationCount() external view returns (uint32);

    /// @notice The present signatories, in no particular order.
    function signatoriesOf(OrgId org) external view returns (address[] memory);

    /// @notice The contract that is told of a role's changes, or zero.
    function listenerOf(Role role) external view returns (IRoleListener);

    /// @notice The contract that is told of changes of organisations, or zero.
    function orgListener() external view returns (IOrgListener);

    /// @notice The longest time a role may reach into the future, in seconds.
    function MAX_TERM() external view returns (uint40);

    /// @notice The longest time a second person's consent may reach into the future, in seconds.
    function MAX_COUNTERSIGNATURE() external view returns (uint40);

    /// @notice The most signatories an organisation may have at a time.
    function MAX_SIGNATORIES() external view returns (uint256);

    /// @notice The most roles an account may hold at a time.
    function MAX_ROLES() external view returns (uint256);
}

/// @notice A contract that keeps the terms of one role folded into its own storage word, because asking the
/// consortium in every call would cost it thousands of gas. The consortium tells it of every change, so the two cannot
/// differ.
interface IRoleListener {
    /// @notice Takes over the term of one account.
    /// @param term The term that counts from now on; zero when the role ended.
    /// @dev Only the consortium may call. Must not revert for it: that would stop a revocation.
    function onRoleChanged(OrgId org, address account, Role role, Term calldata term) external;
}

/// @notice A contract that keeps an organisation's status folded into its own storage words.
interface IOrgListener {
    /// @notice Takes over the status of one organisation; `Active` at its admission.
    /// @dev Only the consortium may call. Must not revert for it: that would stop a suspension.
    function onOrganisationChanged(OrgId org, OrgStatus status) external;
}
