// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import { EncumbranceId, OrderId, OrgId } from "../../../contracts/common/Ids.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { Eligibility } from "../../../contracts/consortium/Eligibility.sol";
import { Encumbrances } from "../../../contracts/consortium/Encumbrances.sol";
import { Role } from "../../../contracts/consortium/IConsortium.sol";
import { EncumbranceKind, IEncumberable } from "../../../contracts/consortium/IEncumbrances.sol";
import { OrderScope, OrderStatus } from "../../../contracts/consortium/IOrders.sol";
import { Orders } from "../../../contracts/consortium/Orders.sol";
import { ExampleGoods } from "../../../contracts/examples/ExampleGoods.sol";
import { TestBase } from "../TestBase.sol";
import { HostileModule, Mischief } from "./HostileModule.sol";

/// @notice Orders, encumbrances and eligibility under random use, and beside them a plain model of what they should be.
/// Every act is tried whatever the state, and must succeed exactly when the model says so.
/// @dev This contract holds every office. Organisation 1 is the regulator's; 2, 3 and 4 hold goods.
contract AssetsWorld is TestBase {
    struct Paper {
        OrderScope scope;
        address module;
        bytes32 subject;
        uint256 until;
        address issuer;
        address confirmer;
        bool lifted;
        uint256 acts; // what was done by force on it
    }

    struct Bond {
        EncumbranceId id;
        OrgId beneficiary;
        uint256 until;
    }

    struct Standing {
        bool active;
        bool known;
        uint32 classes;
        uint256 until;
    }

    uint256 public constant ORGS = 4;
    uint256 public constant GOODS = 2;

    Consortium public consortium;
    Orders public orders;
    Encumbrances public encumbrances;
    Eligibility public eligibility;
    ExampleGoods public register;
    HostileModule public hostile;

    Paper[] internal _papers; // order n is at n - 1
    mapping(bytes32 asset => Bond[] line) internal _bonds;
    mapping(bytes32 asset => uint64[] orders) internal _holds;
    mapping(bytes32 asset => uint32 last) public lastId;
    mapping(bytes32 asset => OrgId holder) public holderOf;
    mapping(OrgId org => Standing) public standing;
    mapping(OrgId org => uint64[] orders) internal _freezes;

    constructor() {
        vm.warp(1_800_000_000);
        AccessManager manager = new AccessManager(address(this));
        consortium = new Consortium(address(manager));
        orders = new Orders(consortium);
        encumbrances = new Encumbrances(consortium, address(manager), orders);
        eligibility = new Eligibility(consortium, address(manager), orders);
        consortium.setOrgListener(eligibility);
        register = new ExampleGoods(eligibility, encumbrances);
        for (uint256 i = 0; i < ORGS; ++i) {
            OrgId org = consortium.admit(bytes32(i + 1), 0);
            standing[org].active = true;
            for (uint256 j = 0; j < 2; ++j) _enrol(org, accountAt(2 * i + j), roleAt(2 * i + j));
        }
        for (uint256 i = 2 * ORGS; i < accounts(); ++i) _enrol(orgAt(0), accountAt(i), roleAt(i));
        hostile = new HostileModule(orgAt(1).holder());
        encumbrances.admitModule(register);
        encumbrances.admitModule(IEncumberable(hostile));
        for (uint256 i = 0; i < GOODS; ++i) {
            vm.prank(accountAt(2));
            register.store(goodAt(i));
            holderOf[goodAt(i)] = orgAt(1);
        }
        for (uint256 i = 1; i < ORGS; ++i) setClasses(i, 16, 300 days);
    }

    // ---------------------------------------------------------------- acts: time and organisations

    function pass(uint256 time) external {
        vm.warp(block.timestamp + within(time, 1, 3 days));
    }

    function suspend(uint256 orgSeed) external {
        OrgId org = orgAt(orgSeed);
        if (!standing[org].active) return consortium.reinstate(_reinstated(org));
        consortium.suspend(org);
        standing[org].active = false;
    }

    function setClasses(uint256 orgSeed, uint32 classes, uint256 length) public {
        OrgId org = orgAt(orgSeed);
        uint256 until = _end(length, 400 days);
        if (length % 4 != 0) classes |= 16; // machines, which are what moves
        bool expected =
            standing[org].active && until > block.timestamp && until <= block.timestamp + 400 days;
        try eligibility.set(org, classes, uint40(until)) {
            check(expected, "classes against the rules");
            Standing storage now_ = standing[org];
            (now_.known, now_.classes, now_.until) = (true, classes, until);
        } catch {
            check(!expected, "classes refused");
        }
    }

    // ---------------------------------------------------------------- acts: orders

    function issue(uint256 by, uint256 scopeSeed, uint256 seed, uint256 length) external {
        OrderScope scope = OrderScope(scopeSeed % 4);
        (address module, bytes32 subject) = _aboutOf(scope, seed);
        _issue(_callerFor(by, Role.Regulator), scope, module, subject, _end(length, 1096 days));
    }

    function confirm(uint256 by, uint256 orderSeed) external {
        _confirm(_callerFor(by, Role.Enforcer), _orderAt(orderSeed));
    }

    function lift(uint256 by, uint256 orderSeed) external {
        uint64 id = _orderAt(orderSeed);
        address caller = _callerFor(by, Role.Regulator);
        OrderStatus status = statusOf(id);
        bool open = status == OrderStatus.Active || status == OrderStatus.Unconfirmed;
        bool done = _try(caller, address(orders), abi.encodeCall(orders.lift, (OrderId.wrap(id))));
        check(done == (open && holds(caller, Role.Regulator)), "lift");
        if (done) _papers[id - 1].lifted = true;
    }

    // ---------------------------------------------------------------- acts: goods

    function move(uint256 by, uint256 goodSeed, uint256 toSeed) external {
        // One that is free, if there is one and not always.
        if (goodSeed % 4 != 0 && isBound(goodAt(goodSeed))) goodSeed = (goodSeed % GOODS) + 1;
        (bytes32 good, OrgId to) = (goodAt(goodSeed), orgAt(toSeed));
        OrgId from = holderOf[good];
        address caller = by % 2 == 0 ? _keeperOf(from) : accountAt(by >> 1);
        bool expected = holds(caller, Role.DeviceManager) && orgOf(caller) == from && !isBound(good);
        expected = expected && mayTakePart(from) && mayTake(to, register.CLASS());
        bool done = _try(caller, address(register), abi.encodeCall(register.move, (good, to)));
        check(done == expected, "move");
        if (done) holderOf[good] = to;
    }

    function forceMove(uint256 by, uint256 orderSeed, uint256 goodSeed, uint256 toSeed) external {
        _forceMove(_callerFor(by, Role.Enforcer), _orderAt(orderSeed), goodAt(goodSeed), orgAt(toSeed));
    }

    /// @dev A whole case, so that what takes three steps is not left to chance; each step is checked as ever.
    function moveByForce(uint256 by, uint256 goodSeed, uint256 toSeed) external {
        (bytes32 good, OrgId to) = (goodAt(goodSeed), orgAt(toSeed));
        uint64 id = _case(OrderScope.Force, address(register), keccak256(abi.encode(good, to)), by);
        _forceMove(_callerFor(by, Role.Enforcer), id, good, to);
        _forceMove(_callerFor(1, Role.Enforcer), id, good, to);
    }

    function _forceMove(address caller, uint64 id, bytes32 good, OrgId to) private {
        bytes32 subject = keccak256(abi.encode(good, to));
        bool expected = authorises(id, OrderScope.Force, address(register), subject);
        bytes memory call = abi.encodeCall(register.forceMove, (good, to, OrderId.wrap(id)));
        bool done = _try(caller, address(register), call);
        check(done == (expected && holds(caller, Role.Enforcer)), "forceMove");
        if (!done) return;
        ++_papers[id - 1].acts;
        holderOf[good] = to;
    }

    // ---------------------------------------------------------------- acts: encumbrances

    /// @dev Several at once: lines of some length are where ranks go wrong.
    function placeSome(uint256 seed, uint256 goodSeed, uint256 length) external {
        for (uint256 i = 0; i <= seed % 4; ++i) place(3 * i + 1, goodSeed, seed / 7 + i, 0, length | 3);
    }

    function place(uint256 by, uint256 goodSeed, uint256 toSeed, uint8 rank, uint256 length) public {
        (bytes32 good, OrgId to) = (goodAt(goodSeed), orgAt(toSeed));
        address caller = by % 4 == 0 ? accountAt(by >> 2) : _keeperOf(holderOf[good]);
        uint256 until = _end(length, 7305 days);
        uint256 next = _bonds[good].length + 1;
        if (by % 3 != 0) rank = uint8(next);
        bool expected = holds(caller, Role.DeviceManager) && orgOf(caller) == holderOf[good];
        expected = expected && standing[to].active && to != holderOf[good] && rank == next && next <= 8;
        expected = expected && until > block.timestamp && until <= block.timestamp + 7305 days;
        EncumbranceKind kind = EncumbranceKind(by % 4);
        bytes memory call = abi.encodeCall(
            encumbrances.place,
            (address(register), good, kind, to, rank, uint40(until))
        );
        bool done = _try(caller, address(encumbrances), call);
        check(done == expected, "place");
        if (done) _bonds[good].push(Bond(EncumbranceId.wrap(++lastId[good]), to, until));
    }

    function release(uint256 by, uint256 goodSeed, uint256 idSeed) external {
        (bytes32 good, EncumbranceId id) = (goodAt(goodSeed), _bondAt(goodAt(goodSeed), idSeed));
        (bool stands, uint256 index) = _find(good, id);
        Bond memory bond = stands ? _bonds[good][index] : Bond(id, orgAt(0), 0);
        address caller = by % 2 == 0 ? accountAt(by >> 1) : _treasurerOf(bond.beneficiary);
        bool mine = holds(caller, Role.Treasurer) && orgOf(caller) == bond.beneficiary;
        bytes memory call = abi.encodeCall(encumbrances.release, (address(register), good, id));
        bool done = _try(caller, address(encumbrances), call);
        check(done == (stands && (mine || block.timestamp >= bond.until)), "release");
        if (done) _dropBond(good, index);
    }

    function strike(uint256 by, uint256 orderSeed, uint256 goodSeed, uint256 idSeed) external {
        bytes32 good = goodAt(goodSeed);
        _strike(accountAt(by), _orderAt(orderSeed), good, _bondAt(good, idSeed));
    }

    /// @dev A whole case: see `moveByForce`.
    function strikeByForce(uint256 by, uint256 goodSeed, uint256 idSeed) external {
        bytes32 good = goodAt(goodSeed);
        EncumbranceId id = _bondAt(good, idSeed);
        bytes32 subject = keccak256(abi.encode(address(register), good, id));
        uint64 order = _case(OrderScope.Force, address(encumbrances), subject, by);
        _strike(accountAt(by), order, good, id);
        _strike(accountAt(by), order, good, id);
    }

    function _strike(address caller, uint64 order, bytes32 good, EncumbranceId id) private {
        (bool stands, uint256 index) = _find(good, id);
        bytes32 subject = keccak256(abi.encode(address(register), good, id));
        bool expected = stands && authorises(order, OrderScope.Force, address(encumbrances), subject);
        bytes memory call = abi.encodeCall(
            encumbrances.strike,
            (address(register), good, id, OrderId.wrap(order))
        );
        bool done = _try(caller, address(encumbrances), call);
        check(done == expected, "strike");
        if (!done) return;
        ++_papers[order - 1].acts;
        _dropBond(good, index);
    }

    function hold(uint256 by, uint256 orderSeed, uint256 goodSeed) external {
        _hold(accountAt(by), _orderAt(orderSeed), goodAt(goodSeed));
    }

    /// @dev A whole case: see `moveByForce`.
    function holdByOrder(uint256 by, uint256 goodSeed) external {
        uint64 id = _case(OrderScope.Hold, address(register), goodAt(goodSeed), by);
        _hold(accountAt(by), id, goodAt(goodSeed));
        _hold(accountAt(by), id, goodAt(goodSeed));
    }

    function _hold(address caller, uint64 id, bytes32 good) private {
        bool expected = authorises(id, OrderScope.Hold, address(register), good) && !_isIn(_holds[good], id);
        bytes memory call = abi.encodeCall(encumbrances.hold, (address(register), good, OrderId.wrap(id)));
        bool done = _try(caller, address(encumbrances), call);
        check(done == expected, "hold");
        if (done) _holds[good].push(id);
    }

    function releaseHold(uint256 by, uint256 orderSeed, uint256 goodSeed) external {
        (bytes32 good, uint64 id) = (goodAt(goodSeed), _orderAt(orderSeed));
        // Mostly one that stands, and then mostly one that has ended.
        uint64[] storage list = _holds[good];
        for (uint256 i = 0; by % 4 != 0 && i < list.length; ++i) {
            id = list[i];
            if (statusOf(id) != OrderStatus.Active) break;
        }
        bool expected = _isIn(list, id) && statusOf(id) != OrderStatus.Active;
        OrderId order = OrderId.wrap(id);
        bytes memory call = abi.encodeCall(encumbrances.releaseHold, (address(register), good, order));
        bool done = _try(accountAt(by), address(encumbrances), call);
        check(done == expected, "releaseHold");
        if (done) _drop(_holds[good], id);
    }

    // ---------------------------------------------------------------- acts: freezes

    function freeze(uint256 by, uint256 orderSeed) external {
        _freeze(accountAt(by), _orderAt(orderSeed));
    }

    /// @dev A whole case: see `moveByForce`.
    function freezeByOrder(uint256 by, uint256 orgSeed) external {
        bytes32 subject = bytes32(uint256(uint160(orgAt(orgSeed).holder())));
        uint64 id = _case(OrderScope.Freeze, address(eligibility), subject, by);
        _freeze(accountAt(by), id);
        _freeze(accountAt(by), id);
    }

    function _freeze(address caller, uint64 id) private {
        OrgId org = _orgOfSubject(id);
        bool expected = OrgId.unwrap(org) != 0 && statusOf(id) == OrderStatus.Active;
        expected = expected && !_isIn(_freezes[org], id);
        bytes memory call = abi.encodeCall(eligibility.freeze, (OrderId.wrap(id)));
        bool done = _try(caller, address(eligibility), call);
        check(done == expected || _activeFreezes(org) >= 16, "freeze");
        if (!done) return;
        _dropEnded(org);
        _freezes[org].push(id);
    }

    function unfreeze(uint256 by, uint256 orderSeed) external {
        uint64 id = _orderAt(orderSeed);
        // Mostly one that was frozen by, and then mostly one that has ended.
        uint64[] storage list = _freezes[orgAt(by)];
        for (uint256 i = 0; by % 8 < 6 && i < list.length; ++i) {
            id = list[i];
            if (statusOf(id) != OrderStatus.Active) break;
        }
        OrgId org = _orgOfSubject(id);
        bool expected = _isIn(_freezes[org], id) && statusOf(id) != OrderStatus.Active;
        bytes memory call = abi.encodeCall(eligibility.unfreeze, (OrderId.wrap(id)));
        bool done = _try(accountAt(by), address(eligibility), call);
        check(done == expected, "unfreeze");
        if (done) _dropEnded(org);
    }

    // ---------------------------------------------------------------- acts: a hostile module

    /// @dev Whatever comes of it: the invariants say that nobody else's assets feel it.
    function misbehave(uint256 by, uint256 mischiefSeed, uint256 what, uint256 goodSeed) external {
        bytes32 good = goodAt(goodSeed);
        bytes memory inner =
            what % 2 == 0
                ? abi.encodeCall(encumbrances.release, (address(register), good, EncumbranceId.wrap(1)))
                : abi.encodeCall(
                    encumbrances.place,
                    (
                        address(register),
                        good,
                        EncumbranceKind.Other,
                        orgAt(2),
                        1,
                        uint40(block.timestamp + 1 days)
                    )
                );
        Mischief mischief = Mischief(mischiefSeed % 6);
        hostile.turn(mischief, holderOf[good].holder(), address(encumbrances), inner);
        // An expired encumbrance anyone may release: then the model could not know whether the module did.
        if (_anyExpired(good)) return;
        address module = address(hostile);
        bytes memory call =
            what % 4 < 2
                ? abi.encodeCall(
                    encumbrances.place,
                    (module, good, EncumbranceKind.Pledge, orgAt(2), 1, uint40(block.timestamp + 1 days))
                )
                : abi.encodeCall(encumbrances.release, (module, good, EncumbranceId.wrap(uint32(what % 9))));
        _try(accountAt(by), address(encumbrances), call);
        check(
            !hostile.attack(address(register), abi.encodeCall(register.onEncumbered, (good, false))),
            "lock"
        );
    }

    // ---------------------------------------------------------------- the model

    function accounts() public pure returns (uint256) {
        return 2 * ORGS + 4;
    }

    /// @notice Two accounts for each organisation, keeper and treasurer; then two regulators, two enforcers.
    function accountAt(uint256 seed) public pure returns (address) {
        return address(uint160(0xA000 + (seed % accounts())));
    }

    function roleAt(uint256 index) public pure returns (Role) {
        if (index < 2 * ORGS) return index % 2 == 0 ? Role.DeviceManager : Role.Treasurer;
        return index < 2 * ORGS + 2 ? Role.Regulator : Role.Enforcer;
    }

    function orgAt(uint256 seed) public pure returns (OrgId) {
        return OrgId.wrap(uint32(1 + (seed % ORGS)));
    }

    function goodAt(uint256 seed) public pure returns (bytes32) {
        return bytes32(1 + (seed % GOODS));
    }

    function orgOf(address account) public pure returns (OrgId) {
        uint256 index = uint160(account) - 0xA000;
        return index < 2 * ORGS ? orgAt(index / 2) : orgAt(0);
    }

    function holds(address account, Role role) public view returns (bool) {
        return roleAt(uint160(account) - 0xA000) == role && standing[orgOf(account)].active;
    }

    function issued() external view returns (uint256) {
        return _papers.length;
    }

    function paperOf(uint64 id) external view returns (Paper memory) {
        return _papers[id - 1];
    }

    function lineOf(bytes32 good) external view returns (Bond[] memory) {
        return _bonds[good];
    }

    function holdsOf(bytes32 good) external view returns (uint64[] memory) {
        return _holds[good];
    }

    function isBound(bytes32 good) public view returns (bool) {
        return _bonds[good].length != 0 || _holds[good].length != 0;
    }

    /// @notice Where an order stands, by the model.
    function statusOf(uint64 id) public view returns (OrderStatus) {
        if (id == 0 || id > _papers.length) return OrderStatus.None;
        Paper memory paper = _papers[id - 1];
        if (paper.acts != 0) return OrderStatus.Consumed;
        if (paper.lifted) return OrderStatus.Lifted;
        if (paper.until <= block.timestamp) return OrderStatus.Expired;
        bool waits = paper.scope == OrderScope.Force && paper.confirmer == address(0);
        return waits ? OrderStatus.Unconfirmed : OrderStatus.Active;
    }

    function authorises(
        uint64 id,
        OrderScope scope,
        address module,
        bytes32 subject
    ) public view returns (bool) {
        if (statusOf(id) != OrderStatus.Active) return false;
        Paper memory paper = _papers[id - 1];
        return paper.scope == scope && paper.module == module && paper.subject == subject;
    }

    /// @notice Until when orders freeze an organisation: the latest end of those that were active when last looked at.
    function isFrozen(OrgId org) public view returns (bool) {
        for (uint256 i = 0; i < _freezes[org].length; ++i) {
            if (block.timestamp < _papers[_freezes[org][i] - 1].until) return true;
        }
        return false;
    }

    function mayTakePart(OrgId org) public view returns (bool) {
        return standing[org].known && standing[org].active && !isFrozen(org);
    }

    function mayTake(OrgId org, uint256 class) public view returns (bool) {
        bool granted = class < 32 && (uint256(standing[org].classes) >> class) % 2 == 1;
        return mayTakePart(org) && granted && block.timestamp < standing[org].until;
    }

    // ---------------------------------------------------------------- inner parts

    /// @dev Issues an order that lasts some days, and confirms one of force; as who may, most of the time.
    function _case(OrderScope scope, address module, bytes32 subject, uint256 seed) private returns (uint64) {
        address issuer = _callerFor(seed | 1, Role.Regulator);
        _issue(issuer, scope, module, subject, block.timestamp + within(seed >> 4, 1, 9 days));
        uint64 id = uint64(_papers.length);
        if (scope == OrderScope.Force && seed % 8 != 0) _confirm(_callerFor(seed | 1, Role.Enforcer), id);
        return id;
    }

    function _issue(address by, OrderScope scope, address module, bytes32 subject, uint256 until) private {
        bool inTime = until > block.timestamp && until <= block.timestamp + 1096 days;
        bytes memory call = abi.encodeCall(orders.issue, ("paper", scope, module, subject, uint40(until)));
        bool done = _try(by, address(orders), call);
        check(done == (inTime && holds(by, Role.Regulator)), "issue");
        if (done) _papers.push(Paper(scope, module, subject, until, by, address(0), false, 0));
    }

    function _confirm(address by, uint64 id) private {
        bool expected = holds(by, Role.Enforcer) && statusOf(id) == OrderStatus.Unconfirmed;
        expected = expected && _papers[id - 1].issuer != by;
        bool done = _try(by, address(orders), abi.encodeCall(orders.confirm, (OrderId.wrap(id))));
        check(done == expected, "confirm");
        if (done) _papers[id - 1].confirmer = by;
    }

    function _enrol(OrgId org, address account, Role role) private {
        consortium.addSignatory(org, account);
        consortium.grantRole(account, role, uint40(block.timestamp + 399 days), type(uint128).max);
    }

    function _reinstated(OrgId org) private returns (OrgId) {
        standing[org].active = true;
        return org;
    }

    /// @dev Mostly a few days ahead, sometimes at a bound or past it.
    function _end(uint256 seed, uint256 most) private view returns (uint256) {
        if (seed % 8 == 0) return block.timestamp + within(seed >> 3, 0, 1);
        if (seed % 8 == 1) return block.timestamp + most + within(seed >> 3, 0, 1);
        return block.timestamp + within(seed >> 3, 1, 20 days);
    }

    /// @dev Half of the time somebody who has the role, else anybody.
    function _callerFor(uint256 seed, Role role) private pure returns (address) {
        if (seed % 2 == 0) return accountAt(seed >> 1);
        return accountAt((role == Role.Regulator ? 2 * ORGS : 2 * ORGS + 2) + ((seed >> 1) % 2));
    }

    function _keeperOf(OrgId org) private pure returns (address) {
        return accountAt(2 * (OrgId.unwrap(org) - 1));
    }

    function _treasurerOf(OrgId org) private pure returns (address) {
        return accountAt(2 * (OrgId.unwrap(org) - 1) + 1);
    }

    /// @dev Mostly one of the last eight orders, sometimes none that exists.
    function _orderAt(uint256 seed) private view returns (uint64) {
        uint256 count = _papers.length;
        if (seed % 8 == 0) return seed % 16 == 0 ? 0 : uint64(count + 1);
        uint256 back = (seed >> 3) % 8;
        return uint64(back < count ? count - back : count);
    }

    /// @dev Mostly one that stands, else any number.
    function _bondAt(bytes32 good, uint256 seed) private view returns (EncumbranceId) {
        uint256 count = _bonds[good].length;
        if (count == 0 || seed % 4 == 0) return EncumbranceId.wrap(uint32(seed >> 2));
        return _bonds[good][(seed >> 2) % count].id;
    }

    function _aboutOf(OrderScope scope, uint256 seed) private view returns (address, bytes32) {
        bytes32 good = goodAt(seed);
        if (scope == OrderScope.Freeze) {
            address holder = orgAt(seed).holder();
            return (address(eligibility), bytes32(uint256(uint160(holder))));
        }
        if (scope != OrderScope.Force) return (address(register), good);
        if (seed % 2 == 0) return (address(register), keccak256(abi.encode(good, orgAt(seed >> 3))));
        EncumbranceId id = _bondAt(good, seed >> 3);
        return (address(encumbrances), keccak256(abi.encode(address(register), good, id)));
    }

    /// @dev The organisation that a Freeze order is about, or 0.
    function _orgOfSubject(uint64 id) private view returns (OrgId) {
        if (id == 0 || id > _papers.length || _papers[id - 1].scope != OrderScope.Freeze)
            return OrgId.wrap(0);
        for (uint256 i = 0; i < ORGS; ++i) {
            if (bytes32(uint256(uint160(orgAt(i).holder()))) == _papers[id - 1].subject) return orgAt(i);
        }
        return OrgId.wrap(0);
    }

    function _activeFreezes(OrgId org) private view returns (uint256 count) {
        for (uint256 i = 0; i < _freezes[org].length; ++i) {
            if (statusOf(_freezes[org][i]) == OrderStatus.Active) ++count;
        }
    }

    function _dropEnded(OrgId org) private {
        uint64[] storage list = _freezes[org];
        for (uint256 i = list.length; i > 0; --i) {
            if (statusOf(list[i - 1]) != OrderStatus.Active) _drop(list, list[i - 1]);
        }
    }

    function _anyExpired(bytes32 good) private view returns (bool) {
        for (uint256 i = 0; i < _bonds[good].length; ++i) {
            if (block.timestamp >= _bonds[good][i].until) return true;
        }
        return false;
    }

    function _find(bytes32 good, EncumbranceId id) private view returns (bool, uint256) {
        for (uint256 i = 0; i < _bonds[good].length; ++i) if (_bonds[good][i].id == id) return (true, i);
        return (false, 0);
    }

    function _dropBond(bytes32 good, uint256 index) private {
        Bond[] storage line = _bonds[good];
        for (uint256 i = index; i + 1 < line.length; ++i) line[i] = line[i + 1];
        line.pop();
    }

    function _drop(uint64[] storage list, uint64 id) private {
        for (uint256 i = 0; i < list.length; ++i) if (list[i] == id) list[i] = list[list.length - 1];
        list.pop();
    }

    function _isIn(uint64[] storage list, uint64 id) private view returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) if (list[i] == id) return true;
        return false;
    }

    function _try(address caller, address to, bytes memory call) private returns (bool done) {
        vm.prank(caller);
        (done, ) = to.call(call);
    }
}
