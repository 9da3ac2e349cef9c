// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { OrderId, OrgId } from "../common/Ids.sol";
import { IConsortium, IOrgListener, OrgStatus } from "./IConsortium.sol";
import { EligibilityReason, EligibilityRecord, IEligibility } from "./IEligibility.sol";
import { IOrders, OrderRecord, OrderScope, OrderStatus } from "./IOrders.sol";

/// @title Eligibility
/// @notice Who may hold which class of asset, one word for each holder. See {IEligibility}.
/// @dev Not upgradeable. Whether an organisation is active is pushed here by the consortium, so that a transfer reads
/// one slot for each party.
contract Eligibility is IEligibility, IOrgListener, AccessManaged {
    /// @inheritdoc IEligibility
    uint40 public constant MAX_ELIGIBILITY = 400 days;

    /// @inheritdoc IEligibility
    uint256 public constant MAX_FREEZES = 16;

    /// @inheritdoc IEligibility
    IConsortium public immutable CONSORTIUM;

    /// @inheritdoc IEligibility
    IOrders public immutable ORDERS;

    mapping(address holder => EligibilityRecord word) private _records;
    mapping(address holder => OrderId[] orders) private _freezes;

    constructor(IConsortium consortium, address authority, IOrders orders) AccessManaged(authority) {
        CONSORTIUM = consortium;
        ORDERS = orders;
    }

    // ---------------------------------------------------------------- classes

    /// @inheritdoc IEligibility
    function set(OrgId org, uint32 classes, uint40 until) external restricted {
        CONSORTIUM.requireActive(org);
        uint40 latest = uint40(block.timestamp) + MAX_ELIGIBILITY;
        if (until <= block.timestamp || until > latest) revert EligibilityTermInvalid(until, latest);

        address holder = org.holder();
        EligibilityRecord storage word = _records[holder];
        (word.org, word.active, word.classes, word.until) = (org, true, classes, until);
        emit EligibilitySet(org, holder, classes, until, _msgSender());
    }

    /// @inheritdoc IOrgListener
    function onOrganisationChanged(OrgId org, OrgStatus status) external {
        if (msg.sender != address(CONSORTIUM)) revert OrganisationSourceRefused(msg.sender);
        EligibilityRecord storage word = _records[org.holder()];
        if (word.org == org) word.active = status == OrgStatus.Active;
    }

    // ---------------------------------------------------------------- freezes

    /// @inheritdoc IEligibility
    function freeze(OrderId order) external {
        address holder = address(uint160(uint256(ORDERS.orderOf(order).subject)));
        bytes32 subject = bytes32(uint256(uint160(holder)));
        uint40 until = ORDERS.requireActive(order, OrderScope.Freeze, address(this), subject);
        if (_isIn(_freezes[holder], order)) revert FreezeTaken(order);
        _drop(holder);
        if (_freezes[holder].length >= MAX_FREEZES) revert FreezesFull(holder, MAX_FREEZES);

        _freezes[holder].push(order);
        if (until > _records[holder].frozenUntil) _records[holder].frozenUntil = until;
        emit HolderFrozen(holder, order, until, _msgSender());
    }

    /// @inheritdoc IEligibility
    function unfreeze(OrderId order) external {
        OrderRecord memory paper = ORDERS.orderOf(order);
        address holder = address(uint160(uint256(paper.subject)));
        if (!_isIn(_freezes[holder], order)) revert FreezeUnknown(order);
        if (paper.status == OrderStatus.Active) revert FreezeStands(order);

        _drop(holder);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IEligibility
    function explain(address holder, uint8 assetClass) external view returns (EligibilityReason) {
        return _explainTaking(holder, assetClass);
    }

    /// @inheritdoc IEligibility
    function requireEligible(address holder, uint8 assetClass) external view {
        EligibilityReason reason = _explainTaking(holder, assetClass);
        if (reason != EligibilityReason.Eligible) revert HolderRefused(holder, assetClass, reason);
    }

    /// @inheritdoc IEligibility
    function explainPair(
        address from,
        address to,
        uint8 assetClass
    ) external view returns (address party, EligibilityReason reason) {
        return _explainPair(from, to, assetClass);
    }

    /// @inheritdoc IEligibility
    function checkPair(address from, address to, uint8 assetClass) external view {
        (address party, EligibilityReason reason) = _explainPair(from, to, assetClass);
        if (reason != EligibilityReason.Eligible) revert HolderRefused(party, assetClass, reason);
    }

    /// @inheritdoc IEligibility
    function recordOf(address holder) external view returns (EligibilityRecord memory) {
        return _records[holder];
    }

    /// @inheritdoc IEligibility
    function freezesOf(address holder) external view returns (OrderId[] memory) {
        return _freezes[holder];
    }

    // ---------------------------------------------------------------- inner parts

    function _explainPair(
        address from,
        address to,
        uint8 assetClass
    ) private view returns (address, EligibilityReason) {
        EligibilityReason reason = _explainBeing(_records[from]);
        if (reason != EligibilityReason.Eligible) return (from, reason);
        reason = _explainTaking(to, assetClass);
        return (reason == EligibilityReason.Eligible ? address(0) : to, reason);
    }

    /// @dev Whether a holder may take part at all.
    function _explainBeing(EligibilityRecord memory word) private view returns (EligibilityReason) {
        if (OrgId.unwrap(word.org) == 0) return EligibilityReason.HolderUnknown;
        if (!word.active) return EligibilityReason.OrganisationNotActive;
        return block.timestamp < word.frozenUntil ? EligibilityReason.Frozen : EligibilityReason.Eligible;
    }

    /// @dev Whether a holder may take on an asset of a class. A class above 31 shifts every bit out.
    function _explainTaking(address holder, uint8 assetClass) private view returns (EligibilityReason) {
        EligibilityRecord memory word = _records[holder];
        EligibilityReason reason = _explainBeing(word);
        if (reason != EligibilityReason.Eligible) return reason;
        if ((word.classes >> assetClass) & 1 == 0) return EligibilityReason.ClassMissing;
        return block.timestamp < word.until ? EligibilityReason.Eligible : EligibilityReason.Expired;
    }

    /// @dev Drops the orders that ended; what is left says until when the holder is frozen.
    function _drop(address holder) private {
        OrderId[] storage list = _freezes[holder];
        uint40 frozenUntil = 0;
        for (uint256 i = list.length; i > 0; --i) {
            OrderRecord memory paper = ORDERS.orderOf(list[i - 1]);
            if (paper.status != OrderStatus.Active || paper.until <= frozenUntil) continue;
            frozenUntil = paper.until;
        }
        for (uint256 i = list.length; i > 0; --i) {
            OrderId order = list[i - 1];
            if (ORDERS.statusOf(order) == OrderStatus.Active) continue;
            list[i - 1] = list[list.length - 1];
            list.pop();
            emit HolderUnfrozen(holder, order, frozenUntil, _msgSender());
        }
        if (_records[holder].frozenUntil != frozenUntil) _records[holder].frozenUntil = frozenUntil;
    }

    function _isIn(OrderId[] storage list, OrderId order) private view returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) if (list[i] == order) return true;
        return false;
    }
}
