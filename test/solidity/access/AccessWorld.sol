// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import { P256 } from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import { DeviceAccess } from "../../../contracts/access/DeviceAccess.sol";
import { Grantee, keyGrantee, roleGrantee } from "../../../contracts/access/Grantee.sol";
import { AccessReason, Pass } from "../../../contracts/access/IDeviceAccess.sol";
import { DeviceId, OrgId } from "../../../contracts/common/Ids.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { Role } from "../../../contracts/consortium/IConsortium.sol";
import { DeviceRegistry } from "../../../contracts/identity/DeviceRegistry.sol";
import { DeviceKey, KeyProof, Registration } from "../../../contracts/identity/DeviceTypes.sol";
import { deployRegistry } from "../identity/Deployed.sol";
import { TestBase } from "../TestBase.sol";

/// @notice A device, two owners and five requesters under random use of {DeviceAccess}, and beside them a plain model
/// of every pass, token and strike. Every act is tried whatever the state, and must be allowed exactly when the model
/// says so.
contract AccessWorld is TestBase {
    struct Device {
        uint8 owner; // 0 or 1
        uint32 epoch;
        bool suspended;
        bool stopped;
        bool engaged;
    }

    struct Given {
        uint40 permissions;
        uint40 notBefore;
        uint40 expiry;
        uint32 epoch;
        uint32 rev;
        uint16 minInterval;
        uint8 delegations;
        uint8 parent; // 0: the owner, else the grantee's number plus one
        uint32 parentRev;
        bool barred;
    }

    struct Use {
        bool had;
        uint40 last;
        uint40 blockedUntil;
        uint8 strikes;
        uint256 open; // number of the last token, plus one
    }

    struct Token {
        uint8 device;
        uint8 grantee;
        uint8 requester;
        bool ended; // replaced, or its pass changed, or its requester blocked
        uint40 permissions;
        uint40 until;
        uint32 epoch;
        bytes32 name;
        uint256 spent; // how often
    }

    uint256 public constant DEVICES = 1;
    uint256 public constant GRANTEES = 4; // three keys and a role
    uint256 public constant REQUESTERS = 5; // three keys and two who hold the role
    uint256 public constant ROLE = 3; // the grantee that is the role

    Consortium public immutable CONSORTIUM;
    DeviceRegistry public immutable REGISTRY;
    DeviceAccess public immutable ACCESS;

    Device[DEVICES] public devices;
    bool public firmSuspended;
    mapping(uint256 device => mapping(uint256 grantee => Given)) private _given;
    mapping(uint256 device => mapping(uint256 grantee => mapping(uint256 requester => Use))) private _uses;
    Token[] private _tokens;
    DeviceId[DEVICES] private _ids;

    constructor() {
        vm.warp(1_800_000_000);
        address authority = address(new AccessManager(address(this)));
        CONSORTIUM = new Consortium(authority);
        REGISTRY = deployRegistry(CONSORTIUM, authority);
        ACCESS = new DeviceAccess(CONSORTIUM, REGISTRY, authority);
        for (uint256 i = 0; i < 3; ++i) CONSORTIUM.admit(bytes32(i + 1), 0);
        for (uint256 i = 0; i < 2; ++i) _enrol(i + 1, ownerAt(i));
        for (uint256 i = ROLE; i < REQUESTERS; ++i) _enrol(3, requesterAt(i));
        uint40 until = uint40(block.timestamp + 300 days);
        CONSORTIUM.grantRole(ownerAt(0), Role.Manufacturer, until, type(uint128).max);
        for (uint256 i = 0; i < DEVICES; ++i) {
            Registration memory registration = _registration(i);
            _ids[i] = REGISTRY.deviceIdOf(registration.key);
            vm.prank(ownerAt(0));
            REGISTRY.register(registration);
            devices[i] = Device(0, 1, false, false, true);
        }
        startChain(0);
    }

    // ---------------------------------------------------------------- time, devices, organisations

    function wait(uint256 seed) external {
        vm.warp(block.timestamp + within(seed >> 8, 1, seed % 8 == 0 ? 2 days : 20 minutes));
    }

    /// @dev Suspends or resumes, stops or allows again; brings back twice as often as it takes away.
    function toggle(uint256 seed) external {
        uint256 d = seed % DEVICES;
        Device storage device = devices[d];
        bool suspend = (seed >> 8) % 2 == 0;
        if (!(suspend ? device.suspended : device.stopped) && (seed >> 16) % 2 == 0) return;
        vm.prank(ownerAt(device.owner));
        if (suspend) {
            if (device.suspended) REGISTRY.resume(deviceAt(d));
            else REGISTRY.suspend(deviceAt(d));
            device.suspended = !device.suspended;
        } else {
            if (device.stopped) REGISTRY.allowAccess(deviceAt(d));
            else REGISTRY.stopAccess(deviceAt(d));
            device.stopped = !device.stopped;
        }
    }

    /// @dev One in eight: most runs should keep their passes for a while.
    function handOver(uint256 seed) external {
        uint256 d = seed % DEVICES;
        Device storage device = devices[d];
        if ((seed >> 8) % 8 != 0 || device.suspended) return engage(d);
        uint8 next = 1 - device.owner;
        vm.prank(ownerAt(device.owner));
        REGISTRY.offer(deviceAt(d), OrgId.wrap(next + 1), uint40(block.timestamp + 1 days));
        vm.prank(ownerAt(next));
        REGISTRY.acceptOffer(deviceAt(d));
        (device.owner, device.epoch, device.stopped, device.engaged) = (next, device.epoch + 1, false, false);
    }

    function engage(uint256 seed) public {
        uint256 d = seed % DEVICES;
        Device storage device = devices[d];
        if (device.engaged) return;
        KeyProof memory proof;
        proof.key = keyOf(d);
        bytes32 hash = _engagement(d, device.epoch, OrgId.wrap(device.owner + 1).holder());
        (proof.r, proof.s) = _sign(d, sha256(abi.encodePacked(hex"1901", _domain(), hash)));
        REGISTRY.engage(deviceAt(d), proof, type(uint256).max);
        device.engaged = true;
    }

    function toggleFirm(uint256 seed) external {
        if (firmSuspended) CONSORTIUM.reinstate(OrgId.wrap(3));
        else if (seed % 2 == 0) CONSORTIUM.suspend(OrgId.wrap(3));
        else return;
        firmSuspended = !firmSuspended;
    }

    // ---------------------------------------------------------------- passes

    /// @dev The first key passes on to the second, and that to the third, where nothing is in the way.
    function startChain(uint256 seed) public {
        uint256 d = seed % DEVICES;
        for (uint256 i = 0; i < 3; ++i) {
            Pass memory pass = _passFrom(0, d, i);
            (pass.permissions, pass.expiry) = (7, uint40(block.timestamp + 2 days));
            (pass.minInterval, pass.delegations) = (0, uint8(3 - i));
            if (i == 0) _give(pass, d, i, devices[d].owner);
            else _delegate(pass, d, i, i - 1, i - 1);
        }
    }

    /// @dev Half of the time to the first key, on which others may depend.
    function give(uint256 seed) public {
        (uint256 d, uint256 g) = (seed % DEVICES, (seed >> 9) % 2 == 0 ? 0 : (seed >> 10) % GRANTEES);
        Pass memory pass = _passFrom(seed, d, g);
        _give(pass, d, g, (seed >> 16) % 8 == 1 ? 1 - devices[d].owner : devices[d].owner);
    }

    function delegate(uint256 seed) external {
        (uint256 d, uint256 g) = (seed % DEVICES, (seed >> 8) % GRANTEES);
        uint256 from = (seed >> 16) % GRANTEES;
        uint256 by = from == ROLE || (seed >> 24) % 8 == 0 ? (seed >> 32) % REQUESTERS : from;
        Pass memory pass = _passFrom(seed >> 40, d, g);
        _fit(pass, seed >> 34, _given[d][from]);
        _delegate(pass, d, g, from, by);
    }

    /// @dev Half of the time nothing, or no pass would live long; else by the owner, or by whoever.
    function revoke(uint256 seed) external {
        (uint256 d, uint256 g) = (seed % DEVICES, (seed >> 8) % GRANTEES);
        if ((seed >> 16) % 2 == 0) return;
        uint256 by = (seed >> 24) % REQUESTERS;
        bool byOwner = (seed >> 17) % 2 == 0;
        bool lesser = _isOwnOrGiver(d, g, by);
        vm.prank(byOwner ? ownerAt(devices[d].owner) : requesterAt(by));
        try ACCESS.revoke(deviceAt(d), granteeAt(g)) {
            check(byOwner || lesser, "revoked against the rules");
            _endTokens(d, g);
            Given storage pass = _given[d][g];
            pass.barred = byOwner || (pass.barred && pass.epoch == devices[d].epoch);
            (pass.permissions, pass.parent, pass.rev, pass.epoch) = (0, 0, pass.rev + 1, devices[d].epoch);
        } catch {
            check(!byOwner && !lesser, "revocation refused");
        }
    }

    // ---------------------------------------------------------------- tokens

    function ask(uint256 seed) external {
        (uint256 d, uint256 g) = (seed % DEVICES, (seed >> 8) % GRANTEES);
        uint256 by = g == ROLE || (seed >> 16) % 8 == 0 ? (seed >> 24) % REQUESTERS : g;
        uint40 permissions = (seed >> 32) % 4 == 0 ? uint40((seed >> 40) % 8) : _given[d][g].permissions;
        bytes32 before = _state(d, g);
        AccessReason told = ACCESS.explain(deviceAt(d), granteeAt(g), requesterAt(by), permissions);
        bool expected = mayHaveToken(d, g, by, permissions);
        vm.prank(requesterAt(by));
        (AccessReason reason, bytes32 name) = ACCESS.request(deviceAt(d), granteeAt(g), permissions);
        check(told == reason, "explain and request differ");
        check(
            (reason == AccessReason.Allowed) == expected,
            expected ? "request refused" : "allowed too much"
        );
        check((name != 0) == expected, "a token without access, or none with it");
        if (expected) return _issued(d, g, by, permissions, name);
        check(before == _state(d, g), "a refusal changed a pass or another's use");
        if (reason == AccessReason.TooFrequent || reason == AccessReason.PermissionMissing) _struck(d, g, by);
    }

    /// @dev Any token ever issued, by its requester, the owner or a thief; half of the time one of the newest four.
    function use(uint256 seed) external {
        if (_tokens.length == 0) return;
        uint256 back = seed % 2 == 0 ? (seed >> 8) % 4 : seed >> 8;
        uint256 number = _tokens.length - 1 - (back % _tokens.length);
        uint256 by = (seed >> 64) % 4;
        bool expected = by != 3 && mayRedeem(number);
        AccessReason reason = _redeem(_tokens[number], by);
        check(
            (reason == AccessReason.Allowed) == expected,
            expected ? "redemption refused" : "redeemed too much"
        );
        if (expected) ++_tokens[number].spent;
    }

    // ---------------------------------------------------------------- the model

    function isOpen(uint256 d) public view returns (bool) {
        return devices[d].engaged && !devices[d].suspended && !devices[d].stopped;
    }

    /// @notice Whether a pass counts now, apart from who uses it.
    function isAlive(uint256 d, uint256 g) public view returns (bool) {
        Given memory pass = _given[d][g];
        if (!isOpen(d) || !_isCurrent(d, pass) || block.timestamp < pass.notBefore) return false;
        while (pass.parent != 0) {
            uint256 above = pass.parent - 1;
            uint32 rev = pass.parentRev;
            pass = _given[d][above];
            if (pass.rev != rev || !_isCurrent(d, pass)) return false;
            if (above == ROLE ? firmSuspended : isBlocked(d, above, above)) return false;
        }
        return true;
    }

    function mayActFor(uint256 g, uint256 by) public view returns (bool) {
        return g == ROLE ? by >= ROLE && !firmSuspended : by == g;
    }

    function isBlocked(uint256 d, uint256 g, uint256 by) public view returns (bool) {
        return block.timestamp < _uses[d][g][by].blockedUntil;
    }

    function mayHaveToken(uint256 d, uint256 g, uint256 by, uint40 permissions) public view returns (bool) {
        if (!isAlive(d, g) || !mayActFor(g, by) || isBlocked(d, g, by)) return false;
        Use memory usage = _uses[d][g][by];
        if (usage.had && block.timestamp < usage.last + _given[d][g].minInterval) return false;
        return permissions != 0 && permissions & ~_given[d][g].permissions == 0;
    }

    function mayRedeem(uint256 number) public view returns (bool) {
        Token memory token = _tokens[number];
        if (token.spent != 0 || token.ended || block.timestamp >= token.until) return false;
        return isAlive(token.device, token.grantee) && mayActFor(token.grantee, token.requester);
    }

    function mayDelegate(
        Pass memory pass,
        uint256 d,
        uint256 g,
        uint256 from,
        uint256 by
    ) public view returns (bool) {
        if (!isAlive(d, from) || !mayActFor(from, by) || isBlocked(d, from, by)) return false;
        Given memory above = _given[d][from];
        if (pass.permissions == 0 || pass.permissions & ~above.permissions != 0) return false;
        if (pass.expiry > above.expiry || pass.delegations >= above.delegations) return false;
        Given memory present = _given[d][g];
        if (present.barred && present.epoch == devices[d].epoch) return false;
        bool pending = isOpen(d) && _isCurrent(d, present) && block.timestamp < present.notBefore;
        if ((isAlive(d, g) || pending) && present.parent != from + 1) return false;
        return pass.rev == present.rev + 1 && _isSound(pass, d, g);
    }

    function givenAt(uint256 d, uint256 g) external view returns (Given memory) {
        return _given[d][g];
    }

    function useAt(uint256 d, uint256 g, uint256 by) external view returns (Use memory) {
        return _uses[d][g][by];
    }

    function tokenAt(uint256 number) external view returns (Token memory) {
        return _tokens[number];
    }

    function tokens() external view returns (uint256) {
        return _tokens.length;
    }

    function ownerAt(uint256 i) public pure returns (address) {
        return address(uint160(0xA000 + i));
    }

    function requesterAt(uint256 i) public pure returns (address) {
        return address(uint160(0xC000 + i));
    }

    function granteeAt(uint256 i) public pure returns (Grantee) {
        return i == ROLE ? roleGrantee(OrgId.wrap(3), Role.DeviceManager) : keyGrantee(requesterAt(i));
    }

    function deviceAt(uint256 i) public view returns (DeviceId) {
        return _ids[i];
    }

    function keyOf(uint256 i) public pure returns (DeviceKey memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(i + 1);
        return DeviceKey({ curve: 1, x: bytes32(x), y: bytes32(y) });
    }

    // ---------------------------------------------------------------- inner parts

    function _give(Pass memory pass, uint256 d, uint256 g, uint256 by) private {
        bool expected = by == devices[d].owner && pass.rev == _given[d][g].rev + 1 && _isSound(pass, d, g);
        vm.prank(ownerAt(by));
        try ACCESS.grant(pass, "") {
            check(expected, "gave against the rules");
            _keep(pass, d, g, 0, 0);
        } catch {
            check(!expected, "pass refused");
        }
    }

    function _delegate(Pass memory pass, uint256 d, uint256 g, uint256 from, uint256 by) private {
        bool expected = mayDelegate(pass, d, g, from, by);
        vm.prank(requesterAt(by));
        try ACCESS.delegate(granteeAt(from), pass, "") {
            check(expected, "delegated against the rules");
            _keep(pass, d, g, uint8(from + 1), _given[d][from].rev);
        } catch {
            check(!expected, "delegation refused");
        }
    }

    function _redeem(Token memory token, uint256 by) private returns (AccessReason) {
        address sender = by == 0 ? ownerAt(devices[token.device].owner) : requesterAt(token.requester);
        DeviceId device = deviceAt(token.device);
        vm.prank(by == 3 ? address(0xBAD) : sender);
        return ACCESS.redeem(device, granteeAt(token.grantee), requesterAt(token.requester), token.name);
    }

    function _issued(uint256 d, uint256 g, uint256 by, uint40 permissions, bytes32 name) private {
        Use storage usage = _uses[d][g][by];
        if (usage.open != 0) _tokens[usage.open - 1].ended = true;
        if (usage.had && block.timestamp >= usage.last + 1 days) usage.strikes = 0;
        Token memory token;
        (token.device, token.grantee, token.requester) = (uint8(d), uint8(g), uint8(by));
        (token.permissions, token.epoch, token.name) = (permissions, devices[d].epoch, name);
        token.until = uint40(block.timestamp) + ACCESS.TOKEN_LIFE();
        if (token.until > _given[d][g].expiry) token.until = _given[d][g].expiry;
        _tokens.push(token);
        (usage.had, usage.last, usage.open) = (true, uint40(block.timestamp), _tokens.length);
    }

    function _struck(uint256 d, uint256 g, uint256 by) private {
        Use storage usage = _uses[d][g][by];
        if (++usage.strikes < 3) return;
        if (usage.open != 0) _tokens[usage.open - 1].ended = true;
        (usage.strikes, usage.had, usage.blockedUntil) = (0, false, uint40(block.timestamp + 1 hours));
    }

    function _endTokens(uint256 d, uint256 g) private {
        for (uint256 by = 0; by < REQUESTERS; ++by) {
            uint256 open = _uses[d][g][by].open;
            if (open != 0) _tokens[open - 1].ended = true;
        }
    }

    /// @dev A key's pass that lies ahead begins its interval anew.
    function _keep(Pass memory pass, uint256 d, uint256 g, uint8 parent, uint32 parentRev) private {
        _endTokens(d, g);
        if (g != ROLE && pass.notBefore > block.timestamp) {
            if (!isBlocked(d, g, g)) _uses[d][g][g].had = false;
        }
        Given memory given;
        (given.permissions, given.notBefore, given.expiry) = (pass.permissions, pass.notBefore, pass.expiry);
        (given.epoch, given.rev, given.minInterval) = (pass.epoch, pass.rev, pass.minInterval);
        (given.delegations, given.parent, given.parentRev) = (pass.delegations, parent, parentRev);
        _given[d][g] = given;
    }

    function _isOwnOrGiver(uint256 d, uint256 g, uint256 by) private view returns (bool) {
        Given memory pass = _given[d][g];
        if (g != ROLE && by == g) return true;
        return pass.permissions != 0 && pass.parent != 0 && mayActFor(pass.parent - 1, by);
    }

    function _isCurrent(uint256 d, Given memory pass) private view returns (bool) {
        return pass.permissions != 0 && pass.epoch == devices[d].epoch && block.timestamp < pass.expiry;
    }

    /// @dev Who is blocked gets no pass that begins after the block: it would hide it.
    function _isSound(Pass memory pass, uint256 d, uint256 g) private view returns (bool) {
        bool hides = g != ROLE && isBlocked(d, g, g) && pass.notBefore > _uses[d][g][g].blockedUntil;
        bool term = pass.notBefore < pass.expiry && block.timestamp < pass.expiry;
        return !hides && term && (pass.delegations == 0 || pass.minInterval == 0);
    }

    function _passFrom(uint256 seed, uint256 d, uint256 g) private view returns (Pass memory pass) {
        (pass.device, pass.grantee, pass.deadline) = (deviceAt(d), granteeAt(g), type(uint256).max);
        pass.permissions = uint40(within(seed >> 64, 1, 7));
        pass.expiry = uint40(block.timestamp + within(seed >> 72, 0, 3 days));
        if ((seed >> 96) % 4 == 1) pass.notBefore = uint40(block.timestamp + within(seed >> 104, 0, 2 hours));
        pass.epoch = devices[d].epoch;
        pass.rev = _given[d][g].rev + ((seed >> 128) % 16 == 1 ? 2 : 1);
        if ((seed >> 136) % 4 == 1) pass.minInterval = uint16(within(seed >> 144, 1, 3600));
        else pass.delegations = uint8((seed >> 160) % 4);
    }

    /// @dev Three times in four a part of the pass above.
    function _fit(Pass memory pass, uint256 seed, Given memory above) private pure {
        if (seed % 4 == 0) return;
        if (pass.expiry > above.expiry) pass.expiry = above.expiry;
        if (pass.permissions & above.permissions != 0) pass.permissions &= above.permissions;
        if (above.delegations != 0) pass.delegations %= above.delegations;
    }

    /// @dev Every pass on the device, and every use but that of this grantee's holders.
    function _state(uint256 d, uint256 g) private view returns (bytes32 state) {
        for (uint256 i = 0; i < GRANTEES; ++i) {
            state = keccak256(abi.encode(state, ACCESS.passOf(deviceAt(d), granteeAt(i))));
            if (i == g || i == ROLE) continue;
            state = keccak256(abi.encode(state, ACCESS.usageOf(deviceAt(d), granteeAt(i), requesterAt(i))));
        }
    }

    function _enrol(uint256 org, address account) private {
        CONSORTIUM.addSignatory(OrgId.wrap(uint32(org)), account);
        uint40 until = uint40(block.timestamp + 399 days);
        CONSORTIUM.grantRole(account, Role.DeviceManager, until, type(uint128).max);
    }

    function _registration(uint256 i) private view returns (Registration memory registration) {
        (registration.owner, registration.key) = (OrgId.wrap(1), keyOf(i));
        registration.deadline = type(uint256).max;
        (registration.r, registration.s) = _sign(i, REGISTRY.registrationDigest(registration));
    }

    function _sign(uint256 i, bytes32 digest) private pure returns (bytes32 r, bytes32 s) {
        (r, s) = vm.signP256(i + 1, digest);
        if (uint256(s) > P256.N / 2) s = bytes32(P256.N - uint256(s));
    }

    function _engagement(uint256 d, uint32 epoch, address owner) private view returns (bytes32) {
        bytes32 kind = keccak256("Engagement(bytes32 device,uint32 epoch,address owner,uint256 deadline)");
        return keccak256(abi.encode(kind, deviceAt(d), epoch, owner, type(uint256).max));
    }

    function _domain() private view returns (bytes32) {
        bytes32 kind = keccak256(
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
        );
        bytes32 name = keccak256("Tenon DeviceRegistry");
        return keccak256(abi.encode(kind, name, keccak256("1"), block.chainid, address(REGISTRY)));
    }
}
