// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManaged } from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { EncumbranceId, OrderId, OrgId } from "../common/Ids.sol";
import { IConsortium, Role } from "./IConsortium.sol";
import { Encumbrance, EncumbranceKind, IEncumberable, IEncumbrances } from "./IEncumbrances.sol";
import { IOrders, OrderRecord, OrderScope, OrderStatus } from "./IOrders.sol";
import { PausableActions } from "./PausableActions.sol";
import { PlaceWord, PlaceWords } from "./PlaceWord.sol";

/// @title Encumbrances
/// @notice What binds the assets of any module, and their lock bits. See {IEncumbrances}.
/// @dev Not upgradeable. Every act writes its own state and emits before it calls a module's `onEncumbered`, and trusts
/// no answer of a module about anything but the module's own assets: re-entering finds the act done.
contract Encumbrances is IEncumbrances, PausableActions {
    /// @dev The role is never None once the module was admitted.
    struct Module {
        bool admitted;
        Role keeperRole;
    }

    struct Binder {
        bool admitted;
        uint16 number;
    }

    /// @inheritdoc IEncumbrances
    uint40 public constant MAX_ENCUMBRANCE_TERM = 7305 days;

    /// @inheritdoc IEncumbrances
    uint8 public constant MAX_RANKS = 8;

    /// @inheritdoc IEncumbrances
    IConsortium public immutable CONSORTIUM;

    /// @inheritdoc IEncumbrances
    IOrders public immutable ORDERS;

    /// @dev Places are filled from the first without a hole. What belongs to the asset lies in its first place and stays
    /// there, so that the first encumbrance of an asset costs one new slot, every later one at that place none, and a
    /// number is never used twice.
    mapping(bytes32 assetKey => PlaceWord[MAX_RANKS] line) private _lines;
    mapping(OrderId order => bool stands) private _holds;
    mapping(address module => Module word) private _modules;
    mapping(address binder => Binder word) private _binders;
    address[] private _numbered; // binder number 1 is the first

    constructor(
        IConsortium consortium,
        address authority,
        IOrders orders
    ) AccessManaged(authority) EIP712("Tenon Encumbrances", "1") {
        CONSORTIUM = consortium;
        ORDERS = orders;
    }

    // ---------------------------------------------------------------- modules and binders

    /// @inheritdoc IEncumbrances
    function admitModule(IEncumberable module) external restricted {
        Module storage word = _modules[address(module)];
        if (word.admitted || address(module).code.length == 0) revert ModuleInvalid(address(module));
        Role keeperRole = word.keeperRole == Role.None ? module.keeperRole() : word.keeperRole;
        if (keeperRole == Role.None) revert ModuleInvalid(address(module));

        _modules[address(module)] = Module({ admitted: true, keeperRole: keeperRole });
        emit ModuleAdmitted(address(module), keeperRole);
    }

    /// @inheritdoc IEncumbrances
    function dismissModule(IEncumberable module) external restricted {
        Module storage word = _modules[address(module)];
        if (!word.admitted) revert ModuleNotAdmitted(address(module));

        word.admitted = false;
        emit ModuleDismissed(address(module));
    }

    /// @inheritdoc IEncumbrances
    function admitBinder(address binder) external restricted {
        Binder storage word = _binders[binder];
        if (word.admitted || binder.code.length == 0) revert BinderInvalid(binder);

        if (word.number == 0) {
            _numbered.push(binder);
            word.number = SafeCast.toUint16(_numbered.length);
        }
        word.admitted = true;
        emit BinderAdmitted(binder, word.number);
    }

    /// @inheritdoc IEncumbrances
    function dismissBinder(address binder) external restricted {
        Binder storage word = _binders[binder];
        if (!word.admitted) revert BinderNotAdmitted(binder);

        word.admitted = false;
        emit BinderDismissed(binder);
    }

    // ---------------------------------------------------------------- encumbrances

    /// @inheritdoc IEncumbrances
    function place(
        address module,
        bytes32 asset,
        EncumbranceKind kind,
        OrgId beneficiary,
        uint8 rank,
        uint40 until
    ) external returns (EncumbranceId id) {
        _requireOpen(this.place.selector);
        uint16 binder = _requirePlacer(module, asset, beneficiary);
        _requireTerm(until);
        PlaceWord[MAX_RANKS] storage line = _lineOf(module, asset);
        PlaceWord first = line[0];
        _requireNextRank(module, asset, rank, first.count());

        id = EncumbranceId.wrap(first.last() + 1);
        PlaceWord placed = PlaceWords.create(id, kind, beneficiary, until, binder);
        if (rank == 1) first = first.holding(placed);
        else line[rank - 1] = placed;
        line[0] = first.counting(rank).numbering(EncumbranceId.unwrap(id));
        emit EncumbrancePlaced(module, asset, beneficiary, id, kind, rank, until, _msgSender());
        if (rank == 1 && first.holds() == 0) IEncumberable(module).onEncumbered(asset, true);
    }

    /// @inheritdoc IEncumbrances
    function release(address module, bytes32 asset, EncumbranceId id) external {
        address by = _msgSender();
        PlaceWord[MAX_RANKS] storage line = _lineOf(module, asset);
        uint256 index = _find(module, asset, line, id);
        if (!_mayRelease(line[index], by)) revert ReleaseRefused(module, asset, id, by);

        _remove(module, asset, line, index, OrderId.wrap(0));
    }

    /// @inheritdoc IEncumbrances
    function strike(address module, bytes32 asset, EncumbranceId id, OrderId order) external {
        PlaceWord[MAX_RANKS] storage line = _lineOf(module, asset);
        uint256 index = _find(module, asset, line, id);
        ORDERS.consume(order, keccak256(abi.encode(module, asset, id)));

        _remove(module, asset, line, index, order);
    }

    // ---------------------------------------------------------------- holds

    /// @inheritdoc IEncumbrances
    function hold(address module, bytes32 asset, OrderId order) external {
        if (_modules[module].keeperRole == Role.None) revert ModuleNotAdmitted(module);
        if (IEncumberable(module).holderOf(asset) == address(0)) revert AssetUnknown(module, asset);
        ORDERS.requireActive(order, OrderScope.Hold, module, asset);
        if (_holds[order]) revert HoldTaken(order);
        PlaceWord[MAX_RANKS] storage line = _lineOf(module, asset);
        PlaceWord first = line[0];

        _holds[order] = true;
        line[0] = first.held(first.holds() + 1);
        emit HoldPlaced(module, asset, order, _msgSender());
        if (!first.isBound()) IEncumberable(module).onEncumbered(asset, true);
    }

    /// @inheritdoc IEncumbrances
    function releaseHold(address module, bytes32 asset, OrderId order) external {
        OrderRecord memory paper = ORDERS.orderOf(order);
        if (!_holds[order] || paper.module != module || paper.subject != asset) revert HoldUnknown(order);
        if (paper.status == OrderStatus.Active) revert HoldStands(order);
        PlaceWord[MAX_RANKS] storage line = _lineOf(module, asset);
        PlaceWord first = line[0].held(line[0].holds() - 1);

        delete _holds[order];
        line[0] = first;
        emit HoldReleased(module, asset, order, _msgSender());
        if (!first.isBound()) IEncumberable(module).onEncumbered(asset, false);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IEncumbrances
    function isEncumbered(address module, bytes32 asset) external view returns (bool) {
        return _lineOf(module, asset)[0].isBound();
    }

    /// @inheritdoc IEncumbrances
    function encumbrancesOf(
        address module,
        bytes32 asset
    ) external view returns (Encumbrance[] memory encumbrances) {
        PlaceWord[MAX_RANKS] storage line = _lineOf(module, asset);
        encumbrances = new Encumbrance[](line[0].count());
        for (uint256 i = 0; i < encumbrances.length; ++i) encumbrances[i] = _encumbrance(line, i);
    }

    /// @inheritdoc IEncumbrances
    function encumbranceOf(
        address module,
        bytes32 asset,
        EncumbranceId id
    ) external view returns (Encumbrance memory encumbrance) {
        PlaceWord[MAX_RANKS] storage line = _lineOf(module, asset);
        uint256 count = line[0].count();
        for (uint256 i = 0; i < count; ++i) if (line[i].id() == id) encumbrance = _encumbrance(line, i);
    }

    /// @inheritdoc IEncumbrances
    function holdsOf(address module, bytes32 asset) external view returns (uint16) {
        return _lineOf(module, asset)[0].holds();
    }

    /// @inheritdoc IEncumbrances
    function isHeld(OrderId order) external view returns (bool) {
        return _holds[order];
    }

    /// @inheritdoc IEncumbrances
    function moduleOf(address module) external view returns (bool admitted, Role keeperRole) {
        Module memory word = _modules[module];
        return (word.admitted, word.keeperRole);
    }

    /// @inheritdoc IEncumbrances
    function binderOf(address binder) external view returns (bool admitted, uint16 number) {
        Binder memory word = _binders[binder];
        return (word.admitted, word.number);
    }

    // ---------------------------------------------------------------- inner parts

    /// @dev Whoever may bind the asset for its holder, and whom it is bound to: the number of the binder, or 0 for the
    /// holder's keeper.
    function _requirePlacer(
        address module,
        bytes32 asset,
        OrgId beneficiary
    ) private view returns (uint16 binder) {
        Module memory word = _modules[module];
        if (!word.admitted) revert ModuleNotAdmitted(module);
        address holder = IEncumberable(module).holderOf(asset);
        if (holder == address(0)) revert AssetUnknown(module, asset);
        address by = _msgSender();
        OrgId org = CONSORTIUM.actsFor(by, word.keeperRole);
        if (OrgId.unwrap(org) == 0 || org.holder() != holder) {
            binder = _requireBinder(module, asset, by, word.keeperRole);
        }
        CONSORTIUM.requireActive(beneficiary);
        if (beneficiary.holder() == holder) revert BeneficiaryIsHolder(module, asset, beneficiary);
    }

    /// @dev A stranger learns from the consortium what it lacks.
    function _requireBinder(
        address module,
        bytes32 asset,
        address by,
        Role keeperRole
    ) private view returns (uint16) {
        Binder memory word = _binders[by];
        if (word.admitted) return word.number;
        CONSORTIUM.requireRole(by, keeperRole);
        revert AssetKeeperRefused(module, asset, by);
    }

    function _requireTerm(uint40 until) private view {
        uint40 latest = uint40(block.timestamp) + MAX_ENCUMBRANCE_TERM;
        if (until <= block.timestamp || until > latest) revert EncumbranceTermInvalid(until, latest);
    }

    function _requireNextRank(address module, bytes32 asset, uint8 rank, uint8 count) private pure {
        if (count == MAX_RANKS) revert RanksFull(module, asset);
        if (rank != count + 1) revert RankTaken(module, asset, rank, count + 1);
    }

    function _find(
        address module,
        bytes32 asset,
        PlaceWord[MAX_RANKS] storage line,
        EncumbranceId id
    ) private view returns (uint256) {
        uint256 count = line[0].count();
        for (uint256 i = 0; i < count; ++i) if (line[i].id() == id) return i;
        revert EncumbranceUnknown(module, asset, id);
    }

    function _mayRelease(PlaceWord found, address by) private view returns (bool) {
        if (block.timestamp >= found.until()) return true;
        if (found.binder() != 0 && _numbered[found.binder() - 1] == by) return true;
        return CONSORTIUM.actsFor(by, Role.Treasurer) == found.beneficiary();
    }

    /// @dev Those behind move up by one place; what belongs to the asset stays in the first.
    function _remove(
        address module,
        bytes32 asset,
        PlaceWord[MAX_RANKS] storage line,
        uint256 index,
        OrderId order
    ) private {
        PlaceWord removed = line[index];
        PlaceWord first = line[0];
        uint8 left = first.count() - 1;

        if (index == 0) first = first.holding(left == 0 ? PlaceWord.wrap(0) : line[++index]);
        for (; index < left; ++index) line[index] = line[index + 1];
        if (left != 0) line[left] = PlaceWord.wrap(0);
        first = first.counting(left);
        line[0] = first;
        emit EncumbranceReleased(module, asset, removed.beneficiary(), removed.id(), order, _msgSender());
        if (!first.isBound()) IEncumberable(module).onEncumbered(asset, false);
    }

    function _encumbrance(
        PlaceWord[MAX_RANKS] storage line,
        uint256 index
    ) private view returns (Encumbrance memory) {
        PlaceWord found = line[index];
        uint16 binder = found.binder();
        return
            Encumbrance({
                id: found.id(),
                rank: uint8(index + 1),
                kind: found.kind(),
                beneficiary: found.beneficiary(),
                until: found.until(),
                binder: binder == 0 ? address(0) : _numbered[binder - 1]
            });
    }

    function _lineOf(address module, bytes32 asset) private view returns (PlaceWord[MAX_RANKS] storage) {
        return _lines[keccak256(abi.encode(module, asset))];
    }

    // ---------------------------------------------------------------- what may be paused

    /// @dev Holds and releases can never be stopped.
    function _entries() internal pure override returns (bytes4[] memory actions) {
        actions = new bytes4[](1);
        actions[0] = this.place.selector;
    }

    function _pausable() internal pure override returns (bytes4[] memory) {}
}
