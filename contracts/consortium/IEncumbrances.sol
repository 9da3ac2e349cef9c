// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EncumbranceId, OrderId, OrgId } from "../common/Ids.sol";
import { IConsortium, Role } from "./IConsortium.sol";
import { IOrders } from "./IOrders.sol";

/// @notice A contract that keeps assets which can be encumbered: devices, notes, shares, lots. It is admitted by the
/// administrator and keeps one bit for each asset, the lock, which only {IEncumbrances} turns.
/// @dev A locked asset must not change its holder except by force. An answer of the module can bind or free only the
/// module's own assets.
interface IEncumberable {
    /// @notice The holder of record of an asset: an organisation's address (`OrgId.holder()`), zero for an unknown one.
    function holderOf(bytes32 id) external view returns (address);

    /// @notice The role whose signatories dispose of an asset for its holder. Asked once, at admission.
    function keeperRole() external view returns (Role);

    /// @notice Turns the lock: `true` at the first encumbrance or hold of an asset, `false` after its last.
    /// @dev Only {IEncumbrances} may call. Must not revert for it: an encumbrance could not be released.
    function onEncumbered(bytes32 id, bool locked) external;
}

/// @notice Why an asset is bound. Append only.
enum EncumbranceKind {
    Pledge,
    Lease,
    Sale,
    Other
}

/// @notice One encumbrance of an asset.
struct Encumbrance {
    EncumbranceId id;
    uint8 rank; // now; it improves when an earlier one is released
    EncumbranceKind kind;
    OrgId beneficiary;
    uint40 until; // from this second on anyone may release it
    address binder; // the contract that placed it, or zero when the holder's keeper did
}

/// @notice What binds the assets of any module, in one register: pledges, leases and sales by rank, and holds by order
/// of a court or regulator.
///
/// An asset is a module's address and an id in it. Its encumbrances stand in a line: the first has the first rank,
/// a new one goes to the end, and when one is released those behind it move up. Holds have no rank and cannot
/// be crowded out. While anything stands, the asset is locked in its own module.
///
/// Powers and their limits:
/// - administrator (through AccessManager, with a delay): admits and dismisses modules and binders. Touches no
///   encumbrance; a dismissed one's can still be released.
/// - the holder's keeper (the module's role), or an admitted binder: places. Can never release.
/// - the beneficiary's treasurer, or the binder that placed it: releases. Anyone, when it has expired.
/// - anyone with an active Hold order: places its hold; once the order has ended, anyone lifts it.
/// - anyone with an active Force order: strikes the encumbrance it names.
interface IEncumbrances {
    event ModuleAdmitted(address indexed module, Role keeperRole);
    event ModuleDismissed(address indexed module);
    event BinderAdmitted(address indexed binder, uint16 number);
    event BinderDismissed(address indexed binder);
    event EncumbrancePlaced(
        address indexed module,
        bytes32 indexed asset,
        OrgId indexed beneficiary,
        EncumbranceId id,
        EncumbranceKind kind,
        uint8 rank,
        uint40 until,
        address by
    );
    event EncumbranceReleased(
        address indexed module,
        bytes32 indexed asset,
        OrgId indexed beneficiary,
        EncumbranceId id,
        OrderId order,
        address by
    );
    event HoldPlaced(address indexed module, bytes32 indexed asset, OrderId indexed order, address by);
    event HoldReleased(address indexed module, bytes32 indexed asset, OrderId indexed order, address by);

    error ModuleInvalid(address module);
    error ModuleNotAdmitted(address module);
    error BinderInvalid(address binder);
    error BinderNotAdmitted(address binder);
    error AssetUnknown(address module, bytes32 asset);
    error AssetKeeperRefused(address module, bytes32 asset, address caller);
    error BeneficiaryIsHolder(address module, bytes32 asset, OrgId beneficiary);
    error RankTaken(address module, bytes32 asset, uint8 rank, uint8 next);
    error RanksFull(address module, bytes32 asset);
    error EncumbranceTermInvalid(uint40 until, uint40 latest);
    error EncumbranceUnknown(address module, bytes32 asset, EncumbranceId id);
    error ReleaseRefused(address module, bytes32 asset, EncumbranceId id, address caller);
    error HoldTaken(OrderId order);
    error HoldUnknown(OrderId order);
    error HoldStands(OrderId order);

    /// @notice Lets assets of a contract be encumbered.
    /// @dev Administrator. `ModuleInvalid` when it is admitted already, is no {IEncumberable} or names no role.
    function admitModule(IEncumberable module) external;

    /// @notice Takes no new encumbrances for a module's assets; those that stand stay and can be released. Courts are
    /// not stopped: holds go on.
    /// @dev Administrator.
    function dismissModule(IEncumberable module) external;

    /// @notice Lets a contract place encumbrances for holders, who agreed to that in it.
    /// @dev Administrator. `BinderInvalid` when it is admitted already or no contract. A binder keeps its number for ever.
    function admitBinder(address binder) external;

    /// @notice Lets a binder place nothing more; what it placed it can still release.
    /// @dev Administrator.
    function dismissBinder(address binder) external;

    /// @notice Places an encumbrance at the end of the asset's line, and locks the asset if it is the first.
    /// @dev The holder's keeper, or an admitted binder. Reverts, in this order: `ModuleNotAdmitted`; `AssetUnknown`;
    /// for a keeper the consortium's reason, then `AssetKeeperRefused` (another organisation's); the consortium's reason
    /// when the beneficiary is not active; `BeneficiaryIsHolder`; `EncumbranceTermInvalid` (over already, or more than
    /// `MAX_ENCUMBRANCE_TERM` ahead); `RanksFull`; `RankTaken` (not the next free).
    /// @param rank The rank that the beneficiary counts on, from 1; must be the next free one.
    /// @param until From this second on anyone may release it.
    function place(
        address module,
        bytes32 asset,
        EncumbranceKind kind,
        OrgId beneficiary,
        uint8 rank,
        uint40 until
    ) external returns (EncumbranceId id);

    /// @notice Takes an encumbrance away; those behind it move up; after the last the asset is unlocked.
    /// @dev The beneficiary's treasurer, the binder that placed it, or anyone once it has expired.
    /// Reverts: `EncumbranceUnknown`; `ReleaseRefused`.
    function release(address module, bytes32 asset, EncumbranceId id) external;

    /// @notice Takes an encumbrance away by force, for instance when its beneficiary no longer exists.
    /// @dev Anyone, with an active Force order for this contract and the subject
    /// `keccak256(abi.encode(module, asset, id))`, which it uses up. Reverts: `EncumbranceUnknown`; the order's reason.
    function strike(address module, bytes32 asset, EncumbranceId id, OrderId order) external;

    /// @notice Puts an order's hold on an asset, and locks the asset if nothing else does.
    /// @dev Anyone, with an active Hold order for this module and asset. Once for an order. Reverts, in this order:
    /// `ModuleNotAdmitted` (never admitted); `AssetUnknown`; the order's reason; `HoldTaken`.
    function hold(address module, bytes32 asset, OrderId order) external;

    /// @notice Ends the hold of an order that has been lifted or has expired.
    /// @dev Anyone. Reverts: `HoldUnknown` (never placed, ended already, or on another asset); `HoldStands`.
    function releaseHold(address module, bytes32 asset, OrderId order) external;

    /// @notice Whether anything stands on an asset: what its module's lock bit must be. Never reverts.
    function isEncumbered(address module, bytes32 asset) external view returns (bool);

    /// @notice An asset's encumbrances in the order of their ranks. Never reverts.
    function encumbrancesOf(address module, bytes32 asset) external view returns (Encumbrance[] memory);

    /// @notice One encumbrance; all zero when it does not stand. Never reverts.
    function encumbranceOf(
        address module,
        bytes32 asset,
        EncumbranceId id
    ) external view returns (Encumbrance memory);

    /// @notice How many holds stand on an asset. Never reverts.
    function holdsOf(address module, bytes32 asset) external view returns (uint16);

    /// @notice Whether the hold of an order stands. Never reverts.
    function isHeld(OrderId order) external view returns (bool);

    /// @notice Whether a module is admitted, and the role of its keepers; the role stays after a dismissal.
    function moduleOf(address module) external view returns (bool admitted, Role keeperRole);

    /// @notice Whether a binder is admitted, and its number; the number stays after a dismissal.
    function binderOf(address binder) external view returns (bool admitted, uint16 number);

    /// @notice The longest time an encumbrance may reach into the future, in seconds: twenty years.
    function MAX_ENCUMBRANCE_TERM() external view returns (uint40);

    /// @notice The most ranks of an asset.
    function MAX_RANKS() external view returns (uint8);

    /// @notice Where roles are looked up.
    function CONSORTIUM() external view returns (IConsortium);

    /// @notice Where orders are kept.
    function ORDERS() external view returns (IOrders);
}
