// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { OrderId, OrgId } from "../common/Ids.sol";
import { IConsortium, Role } from "../consortium/IConsortium.sol";
import { IEligibility } from "../consortium/IEligibility.sol";
import { IEncumberable, IEncumbrances } from "../consortium/IEncumbrances.sol";
import { IOrders } from "../consortium/IOrders.sol";

/// @title ExampleGoods
/// @notice A register of goods in a warehouse, and all that a contract has to do so that its assets can be pledged, held
/// by a court, refused to those who may not hold them, and moved by force with two persons.
contract ExampleGoods is IEncumberable {
    /// @dev One word: the lock comes along with the holder for free.
    struct Good {
        address holder;
        bool locked;
    }

    /// @notice The class of assets that {IEligibility} is asked about: machines.
    uint8 public constant CLASS = 4;

    IConsortium public immutable CONSORTIUM;
    IEligibility public immutable ELIGIBILITY;
    IEncumbrances public immutable ENCUMBRANCES;
    IOrders public immutable ORDERS;

    mapping(bytes32 id => Good word) private _goods;

    event GoodsMoved(bytes32 indexed id, address indexed from, address indexed to);

    error GoodsTaken(bytes32 id);
    error GoodsLocked(bytes32 id);
    error GoodsKeeperRefused(bytes32 id, address caller);
    error LockSourceRefused(address caller);

    constructor(IEligibility eligibility, IEncumbrances encumbrances) {
        CONSORTIUM = encumbrances.CONSORTIUM();
        ORDERS = encumbrances.ORDERS();
        ELIGIBILITY = eligibility;
        ENCUMBRANCES = encumbrances;
    }

    /// @notice Enters goods for the keeper's organisation.
    function store(bytes32 id) external {
        OrgId org = CONSORTIUM.requireRole(msg.sender, Role.DeviceManager);
        if (_goods[id].holder != address(0)) revert GoodsTaken(id);

        _goods[id].holder = org.holder();
        emit GoodsMoved(id, address(0), org.holder());
    }

    /// @notice Moves goods to an organisation that may hold them, unless anything binds them.
    function move(bytes32 id, OrgId to) external {
        Good memory good = _goods[id];
        OrgId org = CONSORTIUM.requireRole(msg.sender, Role.DeviceManager);
        if (org.holder() != good.holder) revert GoodsKeeperRefused(id, msg.sender);
        if (good.locked) revert GoodsLocked(id);
        ELIGIBILITY.checkPair(good.holder, to.holder(), CLASS);

        _goods[id].holder = to.holder();
        emit GoodsMoved(id, good.holder, to.holder());
    }

    /// @notice Moves goods by an order of force; what binds them goes along.
    /// @dev Enforcer. The order's subject is `keccak256(abi.encode(id, to))`.
    function forceMove(bytes32 id, OrgId to, OrderId order) external {
        CONSORTIUM.requireRole(msg.sender, Role.Enforcer);
        ORDERS.consume(order, keccak256(abi.encode(id, to)));
        address from = _goods[id].holder;

        _goods[id].holder = to.holder();
        emit GoodsMoved(id, from, to.holder());
    }

    /// @inheritdoc IEncumberable
    function onEncumbered(bytes32 id, bool locked) external {
        if (msg.sender != address(ENCUMBRANCES)) revert LockSourceRefused(msg.sender);
        _goods[id].locked = locked;
    }

    /// @inheritdoc IEncumberable
    function holderOf(bytes32 id) external view returns (address) {
        return _goods[id].holder;
    }

    /// @notice Whether anything binds goods.
    function isLocked(bytes32 id) external view returns (bool) {
        return _goods[id].locked;
    }

    /// @inheritdoc IEncumberable
    function keeperRole() external pure returns (Role) {
        return Role.DeviceManager;
    }
}
