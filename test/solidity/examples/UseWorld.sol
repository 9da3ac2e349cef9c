// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import { P256 } from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import { DeviceId, OrgId, StreamId } from "../../../contracts/common/Ids.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { Role } from "../../../contracts/consortium/IConsortium.sol";
import { ExampleCash } from "../../../contracts/examples/ExampleCash.sol";
import { Account, PayPerUse } from "../../../contracts/examples/PayPerUse.sol";
import { DeviceRegistry } from "../../../contracts/identity/DeviceRegistry.sol";
import { DeviceKey, Registration } from "../../../contracts/identity/DeviceTypes.sol";
import { AnchorLog } from "../../../contracts/telemetry/AnchorLog.sol";
import { FrameReader } from "../../../contracts/telemetry/FrameReader.sol";
import { Anchor } from "../../../contracts/telemetry/IAnchorLog.sol";
import { FrameProof } from "../../../contracts/telemetry/IFrameReader.sol";
import { deployRegistry } from "../identity/Deployed.sol";
import { Reference } from "../common/Reference.sol";
import { Fields, FrameBuilder } from "../telemetry/FrameBuilder.sol";
import { TestBase } from "../TestBase.sol";

/// @notice A machine that counts, an oracle that anchors, a tenant that pays and strangers that try: random settlements
/// beside a model that knows which of them should succeed.
contract UseWorld is TestBase {
    struct Reading {
        uint32 epoch;
        uint64 seq;
        int64 value;
        bytes frame;
        Anchor anchor;
    }

    uint256 public constant ACCOUNTS = 2;
    uint256 public constant MONEY = 1e12;
    address public constant TENANT = address(0x7E4A47);
    address private constant _MAKER = address(0x3A3E6);
    uint256 private constant _SECRET = 7;

    Consortium public immutable CONSORTIUM;
    AnchorLog public immutable LOG;
    ExampleCash public immutable CASH;
    PayPerUse public immutable USE;
    address public immutable OWNER;
    DeviceRegistry public immutable REGISTRY;
    DeviceId public immutable DEVICE;
    bytes32 private immutable _X;
    bytes32 private immutable _Y;

    Reading[] private _readings;
    mapping(uint256 id => uint256 reading) public startOf;
    mapping(uint256 id => uint256 reading) public lastOf;
    uint256[] public price = [0, 3, 250];

    constructor() {
        vm.warp(1_800_000_000);
        address authority = address(new AccessManager(address(this)));
        CONSORTIUM = new Consortium(authority);
        REGISTRY = deployRegistry(CONSORTIUM, authority);
        LOG = new AnchorLog(CONSORTIUM, authority);
        FrameReader reader = new FrameReader(LOG, REGISTRY);
        CASH = new ExampleCash(CONSORTIUM, address(this));
        USE = new PayPerUse(reader, REGISTRY, CASH, CONSORTIUM);

        CONSORTIUM.setRoleListener(Role.Anchor, LOG);
        OrgId org = CONSORTIUM.admit("lessor", 0);
        OWNER = org.holder();
        _enrol(org, _MAKER, Role.Manufacturer);
        _enrol(org, address(this), Role.Anchor);
        LOG.openStream(address(this));
        (uint256 x, uint256 y) = vm.publicKeyP256(_SECRET);
        (_X, _Y) = (bytes32(x), bytes32(y));
        DEVICE = _register(org, DeviceKey(1, bytes32(x), bytes32(y)));

        _count(1, 1, 1_000);
        CASH.mint(TENANT, MONEY);
        vm.prank(TENANT);
        CASH.approve(address(USE), MONEY);
        bytes32 start = Reference.leaf(_readings[0].frame);
        for (uint256 id = 1; id <= ACCOUNTS; ++id) {
            vm.prank(TENANT);
            USE.open(DEVICE, uint64(price[id]), "engine", "s", start);
        }
    }

    // ---------------------------------------------------------------- acts

    function pass(uint256 time) external {
        vm.warp(block.timestamp + within(time, 1, 5 days));
    }

    /// @notice The machine counts on; now and then it loses its place, as a faulty one might.
    function count(uint256 by, uint256 fault) external {
        Reading storage last = _readings[_readings.length - 1];
        if (fault % 16 == 0) _count(last.epoch + 1, 1, 0);
        else if (fault % 16 == 1)
            _count(last.epoch, last.seq + 1, last.value - int64(uint64(within(by, 1, 50))));
        else if (fault % 16 == 2) _count(last.epoch, last.seq, last.value + 1);
        else _count(last.epoch, last.seq + 1, last.value + int64(uint64(within(by, 0, 5_000))));
    }

    /// @notice Anybody settles from any reading to any other, mostly from the right one.
    function settle(uint256 idSeed, uint256 fromSeed, uint256 toSeed) external {
        uint256 id = idAt(idSeed);
        uint256 from = fromSeed % 4 == 0 ? fromSeed % _readings.length : lastOf[id];
        uint256 to = toSeed % _readings.length;
        bool expected = _payable(id, from, to);
        try USE.settle(id, proofOf(from), proofOf(to), _X, _Y) {
            check(expected, "settled against the rules");
            lastOf[id] = to;
        } catch {
            check(!expected, "settlement refused");
        }
    }

    /// @notice Somebody forges a reading and the proof around it.
    function settleForged(uint256 idSeed, uint64 seq, int64 value) external {
        uint256 id = idAt(idSeed);
        FrameProof memory forged = proofOf(lastOf[id]);
        forged.frame = frameOf(1, seq == 0 ? 1 : seq, value);
        if (keccak256(forged.frame) == keccak256(_readings[lastOf[id]].frame)) return;
        try USE.settle(id, proofOf(lastOf[id]), forged, _X, _Y) {
            check(false, "paid on a forged reading");
        } catch {}
    }

    /// @notice The oracle anchors a reading that it invented: all is right but the device's signature.
    function settleInvented(uint256 idSeed, uint256 by, bytes32 r, bytes32 s) external {
        uint256 id = idAt(idSeed);
        Reading storage last = _readings[lastOf[id]];
        Fields memory f = _fields(last.epoch, last.seq + 1, last.value + int64(uint64(within(by, 0, 5_000))));
        (f.r, f.s) = (r, s);
        FrameProof memory invented = proofOf(0);
        invented.frame = FrameBuilder.build(f);
        invented.anchor = _anchor(invented.frame);
        try USE.settle(id, proofOf(lastOf[id]), invented, _X, _Y) {
            check(false, "paid on the oracle's word");
        } catch {}
    }

    function deposit(uint256 idSeed, uint256 amount) external {
        amount = within(amount, 0, MONEY / 10);
        bool expected = amount <= CASH.balanceOf(TENANT) && amount <= CASH.allowance(TENANT, address(USE));
        vm.prank(TENANT);
        try USE.deposit(idAt(idSeed), amount) {
            check(expected, "deposited more than there is");
        } catch {
            check(!expected, "deposit refused");
        }
    }

    function announceRefund(uint256 idSeed, uint256 amount) external {
        vm.prank(TENANT);
        USE.announceRefund(idAt(idSeed), amount);
    }

    function refund(uint256 idSeed, bool stranger) external {
        Account memory a = USE.account(idAt(idSeed));
        bool expected = !stranger && a.announced > 0 && block.timestamp >= a.refundableAt;
        vm.prank(stranger ? _MAKER : TENANT);
        try USE.refund(idAt(idSeed)) {
            check(expected, "refunded against the rules");
        } catch {
            check(!expected, "refund refused");
        }
    }

    // ---------------------------------------------------------------- the model

    function idAt(uint256 seed) public pure returns (uint256) {
        return 1 + (seed % ACCOUNTS);
    }

    function valueAt(uint256 reading) external view returns (int64) {
        return _readings[reading].value;
    }

    function proofOf(uint256 reading) public view returns (FrameProof memory proof) {
        Reading storage r = _readings[reading];
        proof.frame = r.frame;
        proof.stream = StreamId.wrap(1);
        proof.anchor = r.anchor;
    }

    /// @notice A meter frame as the device signs it; the reader takes either half of `s`.
    function frameOf(uint32 epoch, uint64 seq, int64 value) public view returns (bytes memory) {
        Fields memory f = _fields(epoch, seq, value);
        (f.r, f.s) = vm.signP256(_SECRET, FrameBuilder.signedHash(f, address(REGISTRY)));
        return FrameBuilder.build(f);
    }

    function _fields(uint32 epoch, uint64 seq, int64 value) private view returns (Fields memory f) {
        f.device = DeviceId.unwrap(DEVICE);
        (f.epoch, f.seq, f.value) = (epoch, seq, value);
        (f.name, f.unit, f.meterTime) = ("engine", "s", uint64(block.timestamp));
    }

    function _payable(uint256 id, uint256 from, uint256 to) private view returns (bool) {
        Reading storage a = _readings[from];
        Reading storage b = _readings[to];
        if (from != lastOf[id] || a.epoch != b.epoch || b.seq <= a.seq || b.value < a.value) return false;
        return uint64(b.value - a.value) * price[id] <= USE.account(id).balance;
    }

    function _count(uint32 epoch, uint64 seq, int64 value) private {
        Reading storage r = _readings.push();
        (r.epoch, r.seq, r.value, r.frame) = (epoch, seq, value, frameOf(epoch, seq, value));
        r.anchor = _anchor(r.frame);
    }

    function _anchor(bytes memory frame) private returns (Anchor memory anchored) {
        uint32 batch = LOG.head(StreamId.wrap(1)).next;
        uint40 time = uint40(block.timestamp);
        anchored = Anchor(batch, batch, 1, time, time, Reference.leaf(frame), 0, 0);
        _renew();
        LOG.anchor(StreamId.wrap(1), anchored);
    }

    function _renew() private {
        uint40 until = uint40(block.timestamp + 300 days);
        CONSORTIUM.grantRole(address(this), Role.Anchor, until, 0);
    }

    function _enrol(OrgId org, address account, Role role) private {
        CONSORTIUM.addSignatory(org, account);
        CONSORTIUM.grantRole(account, role, uint40(block.timestamp + 300 days), type(uint128).max);
    }

    function _register(OrgId org, DeviceKey memory key) private returns (DeviceId) {
        Registration memory q = Registration(org, key, 0, 0, type(uint256).max, 0, 0);
        (q.r, q.s) = vm.signP256(_SECRET, REGISTRY.registrationDigest(q));
        if (uint256(q.s) > P256.N / 2) q.s = bytes32(P256.N - uint256(q.s));
        vm.prank(_MAKER);
        return REGISTRY.register(q);
    }
}
