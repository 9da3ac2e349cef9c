// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EncumbranceId, OrderId, OrgId } from "../../../contracts/common/Ids.sol";
import { Eligibility } from "../../../contracts/consortium/Eligibility.sol";
import { Encumbrances } from "../../../contracts/consortium/Encumbrances.sol";
import { EligibilityReason } from "../../../contracts/consortium/IEligibility.sol";
import { Encumbrance } from "../../../contracts/consortium/IEncumbrances.sol";
import { OrderRecord, OrderScope, OrderStatus } from "../../../contracts/consortium/IOrders.sol";
import { Orders } from "../../../contracts/consortium/Orders.sol";
import { ExampleGoods } from "../../../contracts/examples/ExampleGoods.sol";
import { TestBase } from "../TestBase.sol";
import { AssetsWorld } from "./AssetsWorld.sol";

/// @notice The named invariants of orders, encumbrances and eligibility (docs/invariants.md), after every act of
/// {AssetsWorld}.
contract AssetsInvariants is TestBase {
    AssetsWorld private _world;
    Orders private _orders;
    Encumbrances private _encumbrances;
    Eligibility private _eligibility;
    ExampleGoods private _register;

    function setUp() external {
        _world = new AssetsWorld();
        (_orders, _encumbrances) = (_world.orders(), _world.encumbrances());
        (_eligibility, _register) = (_world.eligibility(), _world.register());
        target(address(_world));
    }

    /// @notice ENC-1: the lock bit pushed into the module is set exactly while an encumbrance or a hold stands.
    function invariant_lockBitSaysWhetherAnythingStands() external view {
        for (uint256 i = 0; i < _world.GOODS(); ++i) {
            bytes32 good = _world.goodAt(i);
            bool bound = _world.isBound(good);
            check(_register.isLocked(good) == bound, "the pushed bit");
            check(_encumbrances.isEncumbered(address(_register), good) == bound, "isEncumbered");
            check(
                _encumbrances.holdsOf(address(_register), good) == _world.holdsOf(good).length,
                "number of holds"
            );
        }
    }

    /// @notice ENC-2: encumbrances stand in the order in which they came, ranks from 1 without a hole, one of each.
    function invariant_ranksAreTheOrderOfComing() external view {
        for (uint256 i = 0; i < _world.GOODS(); ++i) {
            bytes32 good = _world.goodAt(i);
            AssetsWorld.Bond[] memory model = _world.lineOf(good);
            Encumbrance[] memory line = _encumbrances.encumbrancesOf(address(_register), good);
            check(line.length == model.length && line.length <= 8, "length of the line");
            for (uint256 j = 0; j < line.length; ++j) {
                check(line[j].rank == j + 1, "rank");
                check(line[j].id == model[j].id, "number");
                check(line[j].beneficiary == model[j].beneficiary, "beneficiary");
                check(line[j].until == model[j].until, "end");
                check(
                    j == 0 || EncumbranceId.unwrap(line[j - 1].id) < EncumbranceId.unwrap(line[j].id),
                    "order of coming"
                );
                _checkFound(good, line[j]);
            }
        }
    }

    /// @notice ENC-3: what is bound changes its holder only by an order of force.
    function invariant_holderIsTheModels() external view {
        for (uint256 i = 0; i < _world.GOODS(); ++i) {
            bytes32 good = _world.goodAt(i);
            check(_register.holderOf(good) == _world.holderOf(good).holder(), "holder");
        }
    }

    /// @notice ORD-1: an order stands where the model says, and authorises exactly what it names while it is active.
    function invariant_onlyActiveOrdersAuthorise() external {
        check(_orders.orders() == _world.issued(), "number of orders");
        for (uint64 id = 0; id <= _world.issued() + 1; ++id) {
            OrderStatus status = _world.statusOf(id);
            check(_orders.statusOf(OrderId.wrap(id)) == status, "status");
            if (status == OrderStatus.None) {
                check(_orders.orderOf(OrderId.wrap(id)).issuer == address(0), "an order that nobody issued");
                continue;
            }
            AssetsWorld.Paper memory paper = _world.paperOf(id);
            bool active = status == OrderStatus.Active;
            check(_allows(id, paper.scope, paper.module, paper.subject) == active, "its own act");
            check(!_allows(id, paper.scope, paper.module, ~paper.subject), "another subject");
            check(!_allows(id, paper.scope, address(this), paper.subject), "another module");
            OrderScope other = OrderScope((uint8(paper.scope) + 1) % 4);
            check(!_allows(id, other, paper.module, paper.subject), "another scope");
        }
    }

    /// @notice ORD-2: nothing is done by force but once for an order, and with two persons.
    function invariant_forceTakesTwoPersonsAndHappensOnce() external view {
        for (uint64 id = 1; id <= _world.issued(); ++id) {
            AssetsWorld.Paper memory paper = _world.paperOf(id);
            OrderRecord memory order = _orders.orderOf(OrderId.wrap(id));
            check(paper.acts <= 1, "an order used twice");
            check(paper.acts == 0 || order.scope == OrderScope.Force, "force without an order of force");
            check(paper.acts == 0 || order.confirmer != address(0), "force by one person");
            check(order.confirmer != order.issuer, "one person twice");
            check(order.issuer == paper.issuer && order.confirmer == paper.confirmer, "other persons");
        }
    }

    /// @notice ELG-1: `explain` names a reason exactly when `require` refuses, for one holder and for pairs, for the reason
    /// of the model.
    function invariant_explainIsRequire() external view {
        for (uint256 i = 0; i < _world.ORGS(); ++i) {
            for (uint256 class = 3; class < 6; ++class) {
                OrgId org = _world.orgAt(i);
                bool may = _eligibility.explain(org.holder(), uint8(class)) == EligibilityReason.Eligible;
                check(may == _world.mayTake(org, class), "explain");
                check(may == _takes(org, class), "requireEligible");
                _checkPair(org, _world.orgAt(i + class), class);
            }
        }
    }

    function _checkPair(OrgId from, OrgId to, uint256 class) private view {
        (address party, EligibilityReason reason) = _eligibility.explainPair(
            from.holder(),
            to.holder(),
            uint8(class)
        );
        bool may = reason == EligibilityReason.Eligible;
        check(may == (_world.mayTakePart(from) && _world.mayTake(to, class)), "explainPair");
        check(may == (party == address(0)), "party");
        check(may || party == (_world.mayTakePart(from) ? to : from).holder(), "the other party");
        try _eligibility.checkPair(from.holder(), to.holder(), uint8(class)) {
            check(may, "checkPair passed");
        } catch {
            check(!may, "checkPair refused");
        }
    }

    function _takes(OrgId org, uint256 class) private view returns (bool) {
        try _eligibility.requireEligible(org.holder(), uint8(class)) {
            return true;
        } catch {
            return false;
        }
    }

    function _checkFound(bytes32 good, Encumbrance memory expected) private view {
        Encumbrance memory found = _encumbrances.encumbranceOf(address(_register), good, expected.id);
        check(keccak256(abi.encode(found)) == keccak256(abi.encode(expected)), "encumbranceOf");
    }

    /// @dev What the order allows, by the three ways to ask; they must agree.
    function _allows(
        uint64 id,
        OrderScope scope,
        address module,
        bytes32 subject
    ) private returns (bool allowed) {
        allowed = _orders.isActive(OrderId.wrap(id), scope, module, subject);
        try _orders.requireActive(OrderId.wrap(id), scope, module, subject) returns (uint40 until) {
            check(allowed && until == _world.paperOf(id).until, "requireActive");
        } catch {
            check(!allowed, "requireActive refused");
        }
        // Nobody but the module can use an order up, whatever it is about.
        try _orders.consume(OrderId.wrap(id), subject) {
            check(false, "a stranger used an order up");
        } catch {}
    }
}
