// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import { P256 } from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import { DeviceId, OrgId } from "../../../contracts/common/Ids.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { Role } from "../../../contracts/consortium/IConsortium.sol";
import { DeviceRegistry } from "../../../contracts/identity/DeviceRegistry.sol";
import {
    DeviceKey,
    DeviceRecord,
    DeviceStatus,
    KeyProof,
    PartySignature,
    Registration,
    Voucher
} from "../../../contracts/identity/DeviceTypes.sol";
import { TestBase } from "../TestBase.sol";
import { deployRegistry } from "./Deployed.sol";

/// @notice Devices that are registered, sold, given new keys, pledged, stopped and revoked at random, and beside them a
/// plain model. Every act is tried whatever the state, and must succeed exactly when the model says so.
contract DeviceWorld is TestBase {
    struct Model {
        uint256 key; // secret of the key in force
        uint32 owner;
        uint32 epoch;
        DeviceStatus status;
        bool engaged;
        bool locked;
        bool stopped;
        uint32 offeredTo;
        uint256 offeredUntil;
    }

    struct Epoch {
        uint32 owner;
        uint256 since;
        uint256 key;
    }

    struct Spent {
        address by;
        bytes data;
    }

    uint256 public constant ORGS = 3;
    uint256 public constant KEYS = 7;
    uint256 private constant _LATER = type(uint256).max;
    uint64 public constant QUOTA = 9;

    DeviceRegistry public immutable REGISTRY;
    address public immutable MAKER = address(0x3A4E5);
    address public immutable AUTHORITY = address(0xA07);
    bytes32 private immutable _DOMAIN;

    uint64 public used;
    mapping(uint256 secret => Model) private _models;
    mapping(uint256 secret => Epoch[]) private _epochs;
    mapping(uint256 secret => bool) public taken;
    mapping(uint256 secret => DeviceKey) private _keys;
    Spent[] private _spent;
    uint256 public replays;

    constructor() {
        vm.warp(1_800_000_000);
        address authority = address(new AccessManager(address(this)));
        Consortium consortium = new Consortium(authority);
        REGISTRY = deployRegistry(consortium, authority);
        for (uint256 i = 0; i < ORGS; ++i) {
            OrgId org = consortium.admit(bytes32(i + 1), 0);
            _enrol(consortium, org, managerOf(i + 1), Role.DeviceManager, 0);
        }
        _enrol(consortium, OrgId.wrap(1), MAKER, Role.Manufacturer, QUOTA);
        _enrol(consortium, consortium.admit("authority", 0), AUTHORITY, Role.DeviceAuthority, 0);
        for (uint256 secret = 1; secret <= KEYS; ++secret) {
            (uint256 x, uint256 y) = vm.publicKeyP256(secret);
            _keys[secret] = DeviceKey(1, bytes32(x), bytes32(y));
        }
        _DOMAIN = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Tenon DeviceRegistry"),
                keccak256("1"),
                block.chainid,
                address(REGISTRY)
            )
        );
        for (uint256 secret = 1; secret <= 3; ++secret) register(0, secret, secret);
    }

    // ---------------------------------------------------------------- acts

    function pass(uint256 time) external {
        // The roles last 300 days, and a run has a hundred acts.
        vm.warp(block.timestamp + within(time, 0, 1 days));
    }

    /// @notice One of the ways in that take one device: by the manufacturer, in a batch, by voucher.
    function register(uint256 way, uint256 orgSeed, uint256 keySeed) public {
        (uint256 secret, uint32 owner) = (within(keySeed, 1, KEYS), uint32(within(orgSeed, 1, ORGS)));
        Registration memory q = _registration(secret, owner);
        bytes memory data = abi.encodeCall(REGISTRY.register, q);
        if (way % 3 == 1) {
            Registration[] memory batch = new Registration[](1);
            batch[0] = q;
            data = abi.encodeCall(REGISTRY.registerBatch, batch);
        }
        if (way % 3 == 2) {
            // Signed by the maker only when the maker is an account with a key: here it is none.
            data = abi.encodeCall(
                REGISTRY.registerByVoucher,
                (q, Voucher(MAKER, OrgId.wrap(0), type(uint40).max, ""))
            );
            check(!_do(managerOf(owner), data), "a voucher that nobody signed");
            return;
        }
        bool expected = !taken[secret] && used < QUOTA;
        if (_expect(MAKER, data, expected, "registration")) {
            ++used;
            taken[secret] = true;
            _models[secret] = Model(secret, owner, 0, DeviceStatus.Active, true, false, false, 0, 0);
            _begin(secret, owner, secret);
        }
    }

    function openList(uint256 countSeed, bytes32 root) external {
        uint32 count = uint32(within(countSeed, 1, 3));
        bytes memory data = abi.encodeCall(REGISTRY.openList, (root, count, type(uint40).max, OrgId.wrap(0)));
        bool expected = used + count <= QUOTA && REGISTRY.factoryListOf(OrgId.wrap(1), root).count == 0;
        if (_expect(MAKER, data, expected, "list")) used += count;
    }

    function offer(uint256 keySeed, uint256 bySeed, uint256 toSeed, uint256 time) external {
        uint256 secret = within(keySeed, 1, KEYS);
        (uint32 by, uint32 to) = (_mostlyOwner(secret, bySeed), uint32(within(toSeed, 1, ORGS)));
        uint40 until = uint40(block.timestamp + within(time, 0, 3 days));
        Model storage m = _models[secret];
        bool expected = _movable(m) && by == m.owner && to != by && until > block.timestamp;
        bytes memory data = abi.encodeCall(REGISTRY.offer, (idOf(secret), OrgId.wrap(to), until));
        if (_expect(managerOf(by), data, expected, "offer")) (m.offeredTo, m.offeredUntil) = (to, until);
    }

    function endOffer(uint256 keySeed, uint256 bySeed, bool reject) external {
        uint256 secret = within(keySeed, 1, KEYS);
        uint32 by = uint32(within(bySeed, 1, ORGS));
        Model storage m = _models[secret];
        bool expected = m.offeredTo != 0 && by == (reject ? m.offeredTo : m.owner);
        bytes memory data =
            reject
                ? abi.encodeCall(REGISTRY.rejectOffer, idOf(secret))
                : abi.encodeCall(REGISTRY.cancelOffer, idOf(secret));
        if (_expect(managerOf(by), data, expected, "end of an offer")) m.offeredTo = 0;
    }

    function accept(uint256 keySeed, uint256 bySeed) external {
        uint256 secret = within(keySeed, 1, KEYS);
        Model storage m = _models[secret];
        uint32 by = bySeed % 4 == 0 || m.offeredTo == 0 ? uint32(within(bySeed >> 2, 1, ORGS)) : m.offeredTo;
        bool expected = _movable(m) && m.offeredTo == by && block.timestamp < m.offeredUntil;
        bytes memory data = abi.encodeCall(REGISTRY.acceptOffer, idOf(secret));
        if (_expect(managerOf(by), data, expected, "acceptance")) _begin(secret, by, m.key);
    }

    /// @notice A transfer that one of three pairs signed, now and then for an older epoch.
    function transfer(uint256 keySeed, uint256 fromSeed, uint256 toSeed, uint256 fault) external {
        uint256 secret = within(keySeed, 1, KEYS);
        Model storage m = _models[secret];
        (uint32 from, uint32 to) = (_mostlyOwner(secret, fromSeed), uint32(within(toSeed, 1, ORGS)));
        uint32 epoch = fault % 4 == 0 && m.epoch > 1 ? m.epoch - 1 : m.epoch;
        bytes32 hash = keccak256(
            abi.encode(
                keccak256("Transfer(bytes32 device,uint32 from,uint32 to,uint32 epoch,uint256 deadline)"),
                idOf(secret),
                from,
                to,
                epoch,
                _LATER
            )
        );
        bool expected = _movable(m) && from == m.owner && to != from && epoch == m.epoch;
        bytes memory data = abi.encodeCall(
            REGISTRY.transfer,
            (idOf(secret), OrgId.wrap(to), _LATER, _party(from, hash), _party(to, hash))
        );
        if (_expect(address(0x57A6), data, expected, "transfer")) _begin(secret, to, m.key);
    }

    function rotate(uint256 keySeed, uint256 bySeed, uint256 oldSeed, uint256 newSeed) external {
        uint256 secret = within(keySeed, 1, KEYS);
        Model storage m = _models[secret];
        uint256 old = oldSeed % 4 == 0 || m.key == 0 ? within(oldSeed >> 2, 1, KEYS) : m.key;
        (uint32 by, uint256 fresh) = (_mostlyOwner(secret, bySeed), within(newSeed, 1, KEYS));
        bytes32 hash = keccak256(
            abi.encode(
                keccak256(
                    "Rotation(bytes32 device,uint32 epoch,uint8 curve,bytes32 x,bytes32 y,uint256 deadline)"
                ),
                idOf(secret),
                m.epoch,
                _keys[fresh],
                _LATER
            )
        );
        bool expected = _living(m) && by == m.owner && old == m.key && !taken[fresh];
        bytes memory data = abi.encodeCall(
            REGISTRY.rotateKey,
            (idOf(secret), _proof(old, hash), _proof(fresh, hash), _LATER)
        );
        if (!_expect(managerOf(by), data, expected, "rotation")) return;
        taken[fresh] = true;
        bool engaged = m.engaged;
        _begin(secret, m.owner, fresh);
        m.engaged = engaged;
    }

    /// @notice Any key that ever was tries to engage, mostly the one in force.
    function engage(uint256 keySeed, uint256 bySeed) external {
        uint256 secret = within(keySeed, 1, KEYS);
        Model storage m = _models[secret];
        uint256 by = bySeed % 3 == 0 || m.key == 0 ? within(bySeed >> 2, 1, KEYS) : m.key;
        bytes32 hash = keccak256(
            abi.encode(
                keccak256("Engagement(bytes32 device,uint32 epoch,address owner,uint256 deadline)"),
                idOf(secret),
                m.epoch,
                OrgId.wrap(m.owner).holder(),
                _LATER
            )
        );
        bool expected = _living(m) && !m.engaged && by == m.key;
        bytes memory data = abi.encodeCall(REGISTRY.engage, (idOf(secret), _proof(by, hash), _LATER));
        if (_expect(address(0x57A6), data, expected, "engagement")) m.engaged = true;
    }

    function stop(uint256 keySeed, uint256 bySeed, bool on) external {
        uint256 secret = within(keySeed, 1, KEYS);
        uint32 by = _mostlyOwner(secret, bySeed);
        Model storage m = _models[secret];
        bool expected = _living(m) && by == m.owner && m.stopped != on;
        bytes memory data =
            on
                ? abi.encodeCall(REGISTRY.stopAccess, idOf(secret))
                : abi.encodeCall(REGISTRY.allowAccess, idOf(secret));
        if (_expect(managerOf(by), data, expected, "access stop")) m.stopped = on;
    }

    /// @notice The table of states has a world of its own; here the authority suspends, resumes and, of a few, revokes.
    function status(uint256 keySeed, uint256 verb) external {
        uint256 secret = within(keySeed, 1, KEYS);
        Model storage m = _models[secret];
        bool suspended = m.status == DeviceStatus.SuspendedByAuthority;
        if (verb % 8 < 4) {
            bytes memory data = abi.encodeCall(REGISTRY.suspend, idOf(secret));
            bool expected = _living(m) && !suspended;
            if (_expect(AUTHORITY, data, expected, "suspension"))
                m.status = DeviceStatus.SuspendedByAuthority;
        } else if (verb % 8 < 7 || secret < KEYS) {
            bytes memory data = abi.encodeCall(REGISTRY.resume, idOf(secret));
            if (_expect(AUTHORITY, data, _living(m) && suspended, "return")) m.status = DeviceStatus.Active;
        } else if (
            _expect(AUTHORITY, abi.encodeCall(REGISTRY.revoke, idOf(secret)), _living(m), "revocation")
        ) {
            bool engaged = m.engaged;
            _begin(secret, m.owner, m.key);
            (m.status, m.engaged) = (DeviceStatus.Revoked, engaged);
        }
    }

    /// @notice The encumbrances turn the lock; a stranger that tries changes nothing.
    function lock(uint256 keySeed, bool on, bool stranger) external {
        uint256 secret = within(keySeed, 1, KEYS);
        Model storage m = _models[secret];
        address by = stranger ? MAKER : address(REGISTRY.ENCUMBRANCES());
        bytes memory data = abi.encodeCall(REGISTRY.onEncumbered, (DeviceId.unwrap(idOf(secret)), on));
        if (_expect(by, data, !stranger && m.epoch != 0, "lock")) m.locked = on;
    }

    /// @notice What the recovery contract decided, or somebody who pretends to be it.
    function reassign(uint256 keySeed, uint256 toSeed, uint256 newSeed, bool forced, bool stranger) external {
        uint256 secret = within(keySeed, 1, KEYS);
        Model storage m = _models[secret];
        uint32 to = uint32(within(toSeed, 1, ORGS));
        uint256 fresh = newSeed % 2 == 0 ? 0 : within(newSeed >> 1, 1, KEYS);
        bool expected = !stranger && _living(m) && (to == m.owner || forced || !m.locked);
        expected = expected && (fresh == 0 || !taken[fresh]);
        address by = stranger ? AUTHORITY : REGISTRY.RECOVERY();
        bytes memory data = abi.encodeCall(
            REGISTRY.reassign,
            (idOf(secret), OrgId.wrap(to), _keys[fresh], forced)
        );
        if (!_expect(by, data, expected, "reassignment")) return;
        bool engaged = fresh != 0 || (to == m.owner && m.engaged);
        if (fresh != 0) taken[fresh] = true;
        _begin(secret, to, fresh == 0 ? m.key : fresh);
        m.engaged = engaged;
    }

    /// @notice Whatever succeeded once with a signature is sent again, by whoever sent it.
    function replay(uint256 seed) external {
        if (_spent.length == 0) return;
        Spent storage spent = _spent[seed % _spent.length];
        vm.prank(spent.by);
        (bool done, ) = address(REGISTRY).call(spent.data);
        check(!done, "a signature counted twice");
        ++replays;
    }

    // ---------------------------------------------------------------- the model

    function idOf(uint256 secret) public view returns (DeviceId) {
        return REGISTRY.deviceIdOf(_keys[secret]);
    }

    function modelOf(uint256 secret) external view returns (Model memory) {
        return _models[secret];
    }

    function epochsOf(uint256 secret) external view returns (Epoch[] memory) {
        return _epochs[secret];
    }

    function managerOf(uint256 org) public pure returns (address) {
        return vm.addr(0xB000 + org);
    }

    function _begin(uint256 secret, uint32 owner, uint256 key) private {
        Model storage m = _models[secret];
        if (m.epoch != 0 && owner != m.owner) (m.stopped, m.engaged) = (false, false);
        (m.owner, m.key, m.offeredTo) = (owner, key, 0);
        ++m.epoch;
        _epochs[secret].push(Epoch(owner, block.timestamp, key));
    }

    function _living(Model storage m) private view returns (bool) {
        return m.epoch != 0 && m.status != DeviceStatus.Revoked;
    }

    function _movable(Model storage m) private view returns (bool) {
        return _living(m) && !m.locked && m.status != DeviceStatus.SuspendedByAuthority;
    }

    function _mostlyOwner(uint256 secret, uint256 seed) private view returns (uint32) {
        uint32 owner = _models[secret].owner;
        return seed % 4 == 0 || owner == 0 ? uint32(within(seed >> 2, 1, ORGS)) : owner;
    }

    // ---------------------------------------------------------------- sending and signing

    function _expect(
        address by,
        bytes memory data,
        bool expected,
        string memory what
    ) private returns (bool done) {
        done = _do(by, data);
        check(done == expected, string.concat(what, done ? ": done against the rules" : ": refused"));
    }

    function _do(address by, bytes memory data) private returns (bool done) {
        vm.prank(by);
        (done, ) = address(REGISTRY).call(data);
        bytes4 selector = bytes4(data);
        bool signed = selector == REGISTRY.transfer.selector || selector == REGISTRY.rotateKey.selector;
        signed = signed || selector == REGISTRY.engage.selector || selector == REGISTRY.register.selector;
        if (done && signed) _spent.push(Spent(by, data));
    }

    function _enrol(Consortium consortium, OrgId org, address account, Role role, uint128 limit) private {
        consortium.addSignatory(org, account);
        consortium.grantRole(account, role, uint40(block.timestamp) + 300 days, limit);
    }

    function _registration(uint256 secret, uint32 owner) private view returns (Registration memory q) {
        (q.owner, q.key, q.deadline) = (OrgId.wrap(owner), _keys[secret], _LATER);
        (q.r, q.s) = _low(secret, REGISTRY.registrationDigest(q));
    }

    function _proof(uint256 secret, bytes32 hash) private view returns (KeyProof memory proof) {
        proof.key = _keys[secret];
        (proof.r, proof.s) = _low(secret, sha256(abi.encodePacked(hex"1901", _DOMAIN, hash)));
    }

    function _low(uint256 secret, bytes32 digest) private pure returns (bytes32 r, bytes32 s) {
        (r, s) = vm.signP256(secret, digest);
        if (uint256(s) > P256.N / 2) s = bytes32(P256.N - uint256(s));
    }

    function _party(uint32 org, bytes32 hash) private view returns (PartySignature memory) {
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", _DOMAIN, hash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(0xB000 + org, digest);
        return PartySignature(managerOf(org), abi.encodePacked(r, s, v));
    }
}
