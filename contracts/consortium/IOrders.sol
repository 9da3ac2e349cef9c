// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { OrderId, OrgId } from "../common/Ids.sol";
import { IConsortium } from "./IConsortium.sol";

/// @notice What an order is for. Append only.
/// - Hold: one asset stays where it is. `module` is the asset's contract, `subject` its id there.
/// - Freeze: one holder neither gives nor takes. `module` is {IEligibility}, `subject` the holder's address.
/// - Force: one act against the owner's will, done once. `module` does it; it says what its subjects are made of.
/// - Disclose: a regulator may read what `subject` names. `module` keeps the record of the reading.
enum OrderScope {
    Hold,
    Freeze,
    Force,
    Disclose
}

/// @notice Where an order stands. Only an order that is `Active` authorises anything.
enum OrderStatus {
    None,
    Unconfirmed,
    Active,
    Lifted,
    Expired,
    Consumed
}

/// @notice An order as it was issued, and what became of it.
struct OrderRecord {
    OrgId org; // of the regulator that issued it
    OrderScope scope;
    uint40 issuedAt;
    uint40 until; // the first second at which it authorises nothing more
    address module;
    bytes32 subject;
    bytes32 documentHash;
    address issuer;
    address confirmer; // the second person of a Force order, or zero
    OrderStatus status; // now
}

/// @notice Orders of courts and regulators: the paper that stands behind every act against an owner's will.
///
/// An order names one contract and one thing in it; it authorises nothing else. It ends by itself, and the regulator
/// that issued it can lift it. An act by force needs a second person and happens once. This contract moves nothing:
/// the contract that an order names asks here before it does.
///
/// Powers and their limits:
/// - Regulator (a role): issues orders and lifts its own organisation's. Cannot confirm what it issued.
/// - Enforcer (a role): confirms Force orders, as another person than the issuer. Cannot issue or change one.
/// - the module named in a Force order: consumes it, once.
interface IOrders {
    event OrderIssued(
        OrderId indexed id,
        OrderScope indexed scope,
        address indexed module,
        bytes32 subject,
        bytes32 documentHash,
        uint40 until,
        OrgId org,
        address issuer
    );
    event OrderConfirmed(OrderId indexed id, OrgId org, address confirmer);
    event OrderLifted(OrderId indexed id, address by);
    event OrderConsumed(OrderId indexed id, address indexed module);

    error OrderUnknown(OrderId id);
    error OrderDocumentMissing();
    error OrderModuleInvalid(address module);
    error OrderTermInvalid(uint40 until, uint40 latest);
    error OrderNotActive(OrderId id, OrderStatus status);
    error OrderMismatch(OrderId id, OrderScope scope, address module, bytes32 subject);
    error OrderConfirmationRefused(OrderId id, OrderScope scope, OrderStatus status);
    error OrderSecondPersonRequired(OrderId id, address issuer);
    error OrderLiftRefused(OrderId id, OrgId org, OrgId issuedBy);

    /// @notice Issues an order; a Force order counts only when it is confirmed.
    /// @dev Regulator. Reverts, in this order: the consortium's reason; `OrderDocumentMissing`; `OrderModuleInvalid`
    /// (no contract there); `OrderTermInvalid` (over already, or more than `MAX_ORDER_TERM` ahead).
    /// @param documentHash Salted hash of the order on paper.
    /// @param module The contract that acts on it.
    /// @param subject What it is about, in the words of `module`.
    /// @param until The first second at which it authorises nothing more.
    function issue(
        bytes32 documentHash,
        OrderScope scope,
        address module,
        bytes32 subject,
        uint40 until
    ) external returns (OrderId id);

    /// @notice Confirms a Force order as its second person.
    /// @dev Enforcer, another account than the issuer. Reverts, in this order: the consortium's reason;
    /// `OrderUnknown`; `OrderConfirmationRefused` (of another scope, or no longer waiting for one);
    /// `OrderSecondPersonRequired`.
    function confirm(OrderId id) external;

    /// @notice Ends an order. What was done on it stays done; what lasts under it (a hold, a freeze) anyone may end now.
    /// @dev Regulator of the organisation that issued it. Reverts, in this order: the consortium's reason;
    /// `OrderUnknown`; `OrderLiftRefused`; `OrderNotActive` (lifted, expired or consumed already).
    function lift(OrderId id) external;

    /// @notice Uses a Force order up: it must be active, for the caller and for this subject.
    /// @dev The module that the order names, in the transaction in which it acts. Reverts as `requireActive` does.
    function consume(OrderId id, bytes32 subject) external;

    /// @notice Reverts unless the order authorises this now; returns the second at which it ends.
    /// @dev Reverts, in this order: `OrderUnknown`; `OrderMismatch` (it is about something else); `OrderNotActive`.
    function requireActive(
        OrderId id,
        OrderScope scope,
        address module,
        bytes32 subject
    ) external view returns (uint40 until);

    /// @notice Whether `requireActive` would return. Never reverts.
    function isActive(
        OrderId id,
        OrderScope scope,
        address module,
        bytes32 subject
    ) external view returns (bool);

    /// @notice Where an order stands now. Never reverts; `None` for an unknown one.
    function statusOf(OrderId id) external view returns (OrderStatus);

    /// @notice The order; all zero for an unknown one. Never reverts.
    function orderOf(OrderId id) external view returns (OrderRecord memory);

    /// @notice How many orders were issued; they are numbered from 1 without gaps.
    function orders() external view returns (uint64);

    /// @notice The longest time an order may reach into the future, in seconds: three years.
    function MAX_ORDER_TERM() external view returns (uint40);

    /// @notice Where roles are looked up.
    function CONSORTIUM() external view returns (IConsortium);
}
