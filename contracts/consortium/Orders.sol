// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { OrderId, OrgId } from "../common/Ids.sol";
import { IConsortium, Role } from "./IConsortium.sol";
import { IOrders, OrderRecord, OrderScope, OrderStatus } from "./IOrders.sol";
import { SignedActs } from "./SignedActs.sol";

/// @title Orders
/// @notice Orders of courts and regulators, and what became of them. See {IOrders}.
/// @dev Not upgradeable and without administration: everything it allows follows from {IConsortium}.
contract Orders is IOrders, SignedActs {
    /// @dev Five words: who and until when, the second person, and the three things an order is about.
    struct Order {
        address issuer;
        uint40 issuedAt;
        uint40 until;
        OrderScope scope;
        bool lifted;
        address confirmer;
        OrgId org;
        bool consumed;
        address module;
        bytes32 subject;
        bytes32 documentHash;
    }

    /// @inheritdoc IOrders
    uint40 public constant MAX_ORDER_TERM = 1096 days;

    /// @inheritdoc IOrders
    IConsortium public immutable CONSORTIUM;

    /// @inheritdoc IOrders
    uint64 public orders;

    mapping(OrderId id => Order order) private _orders;

    constructor(IConsortium consortium) EIP712("Tenon Orders", "1") {
        CONSORTIUM = consortium;
    }

    // ---------------------------------------------------------------- life of an order

    /// @inheritdoc IOrders
    function issue(
        bytes32 documentHash,
        OrderScope scope,
        address module,
        bytes32 subject,
        uint40 until
    ) external returns (OrderId id) {
        address issuer = _msgSender();
        OrgId org = CONSORTIUM.requireRole(issuer, Role.Regulator);
        if (documentHash == 0) revert OrderDocumentMissing();
        if (module.code.length == 0) revert OrderModuleInvalid(module);
        uint40 latest = uint40(block.timestamp) + MAX_ORDER_TERM;
        if (until <= block.timestamp || until > latest) revert OrderTermInvalid(until, latest);

        id = OrderId.wrap(++orders);
        _orders[id] = Order({
            issuer: issuer,
            issuedAt: uint40(block.timestamp),
            until: until,
            scope: scope,
            lifted: false,
            confirmer: address(0),
            org: org,
            consumed: false,
            module: module,
            subject: subject,
            documentHash: documentHash
        });
        emit OrderIssued(id, scope, module, subject, documentHash, until, org, issuer);
    }

    /// @inheritdoc IOrders
    function confirm(OrderId id) external {
        address confirmer = _msgSender();
        OrgId org = CONSORTIUM.requireRole(confirmer, Role.Enforcer);
        Order storage order = _known(id);
        OrderStatus status = _statusOf(order);
        if (status != OrderStatus.Unconfirmed) revert OrderConfirmationRefused(id, order.scope, status);
        if (confirmer == order.issuer) revert OrderSecondPersonRequired(id, confirmer);

        order.confirmer = confirmer;
        emit OrderConfirmed(id, org, confirmer);
    }

    /// @inheritdoc IOrders
    function lift(OrderId id) external {
        address by = _msgSender();
        OrgId org = CONSORTIUM.requireRole(by, Role.Regulator);
        Order storage order = _known(id);
        if (org != order.org) revert OrderLiftRefused(id, org, order.org);
        OrderStatus status = _statusOf(order);
        if (status != OrderStatus.Active && status != OrderStatus.Unconfirmed) {
            revert OrderNotActive(id, status);
        }

        order.lifted = true;
        emit OrderLifted(id, by);
    }

    /// @inheritdoc IOrders
    function consume(OrderId id, bytes32 subject) external {
        address module = _msgSender();
        _requireActive(id, OrderScope.Force, module, subject);

        _orders[id].consumed = true;
        emit OrderConsumed(id, module);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IOrders
    function requireActive(
        OrderId id,
        OrderScope scope,
        address module,
        bytes32 subject
    ) external view returns (uint40 until) {
        return _requireActive(id, scope, module, subject);
    }

    /// @inheritdoc IOrders
    function isActive(
        OrderId id,
        OrderScope scope,
        address module,
        bytes32 subject
    ) external view returns (bool) {
        Order storage order = _orders[id];
        return _statusOf(order) == OrderStatus.Active && _isAbout(order, scope, module, subject);
    }

    /// @inheritdoc IOrders
    function statusOf(OrderId id) external view returns (OrderStatus) {
        return _statusOf(_orders[id]);
    }

    /// @inheritdoc IOrders
    function orderOf(OrderId id) external view returns (OrderRecord memory) {
        Order memory order = _orders[id];
        return
            OrderRecord({
                org: order.org,
                scope: order.scope,
                issuedAt: order.issuedAt,
                until: order.until,
                module: order.module,
                subject: order.subject,
                documentHash: order.documentHash,
                issuer: order.issuer,
                confirmer: order.confirmer,
                status: _statusOf(_orders[id])
            });
    }

    // ---------------------------------------------------------------- inner parts

    function _requireActive(
        OrderId id,
        OrderScope scope,
        address module,
        bytes32 subject
    ) private view returns (uint40) {
        Order storage order = _known(id);
        if (!_isAbout(order, scope, module, subject)) revert OrderMismatch(id, scope, module, subject);
        OrderStatus status = _statusOf(order);
        if (status != OrderStatus.Active) revert OrderNotActive(id, status);
        return order.until;
    }

    function _known(OrderId id) private view returns (Order storage order) {
        order = _orders[id];
        if (order.issuer == address(0)) revert OrderUnknown(id);
    }

    function _isAbout(
        Order storage order,
        OrderScope scope,
        address module,
        bytes32 subject
    ) private view returns (bool) {
        return order.scope == scope && order.module == module && order.subject == subject;
    }

    /// @dev The only place that says where an order stands: time ends it, a person lifts it, its act uses it up.
    function _statusOf(Order storage order) private view returns (OrderStatus) {
        if (order.issuer == address(0)) return OrderStatus.None;
        if (order.consumed) return OrderStatus.Consumed;
        if (order.lifted) return OrderStatus.Lifted;
        if (block.timestamp >= order.until) return OrderStatus.Expired;
        if (order.scope == OrderScope.Force && order.confirmer == address(0)) return OrderStatus.Unconfirmed;
        return OrderStatus.Active;
    }
}
