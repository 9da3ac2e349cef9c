// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import { P256 } from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import { DeviceId, OrgId } from "../../../contracts/common/Ids.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { OrgStatus, Role, Term } from "../../../contracts/consortium/IConsortium.sol";
import { DeviceRegistry } from "../../../contracts/identity/DeviceRegistry.sol";
import {
    DeviceKey,
    DeviceRecord,
    DeviceStatus,
    Registration
} from "../../../contracts/identity/DeviceTypes.sol";
import { IDeviceStates } from "../../../contracts/identity/IDeviceStates.sol";
import { TestBase } from "../TestBase.sol";
import { deployRegistry } from "./Deployed.sol";

/// @notice A consortium and a device registry under random use, and beside them a plain model of what they should
/// be. Every act is tried whatever the state, and must succeed exactly when the model says so.
/// @dev This contract holds every office; whom the offices are opened to is tested in TypeScript.
contract World is TestBase {
    struct Member {
        OrgId org; // the first and only one
        bool removed;
    }

    uint256 public constant ACCOUNTS = 6;
    uint256 public constant ORGS = 3;
    uint256 public constant KEYS = 4;
    uint256 public constant ROLES = 3; // those that matter here

    Consortium public immutable CONSORTIUM;
    DeviceRegistry public immutable REGISTRY;

    mapping(address account => Member) public memberOf;
    mapping(address account => mapping(Role role => Term)) public granted;
    mapping(OrgId org => OrgStatus) public statusOf;
    mapping(DeviceId device => DeviceRecord) private _births;
    mapping(DeviceId device => DeviceStatus) public deviceStatus;

    constructor() {
        vm.warp(1_800_000_000);
        address authority = address(new AccessManager(address(this)));
        CONSORTIUM = new Consortium(authority);
        REGISTRY = deployRegistry(CONSORTIUM, authority);
        for (uint256 i = 0; i < ORGS; ++i) {
            statusOf[CONSORTIUM.admit(bytes32(i + 1), 0)] = OrgStatus.Active;
            addSignatory(i, i);
        }
        for (uint256 i = 0; i < 2; ++i) grant(i, 0, 300 days);
        grant(2, 1, 300 days);
        grant(1, 2, 300 days);
        for (uint256 secret = 1; secret < KEYS; ++secret) register(1, 1, secret - 1);
    }

    // ---------------------------------------------------------------- acts

    function pass(uint256 time) external {
        vm.warp(block.timestamp + within(time, 1, 20 days));
    }

    function suspend(uint256 orgSeed) external {
        OrgId org = orgAt(orgSeed);
        bool expected = statusOf[org] == OrgStatus.Active;
        try CONSORTIUM.suspend(org) {
            statusOf[org] = OrgStatus.Suspended;
            check(expected, "suspended from another state");
        } catch {
            check(!expected, "suspension refused");
        }
    }

    /// @dev Takes the next suspended organisation, if there is one: most runs should go on.
    function reinstate(uint256 orgSeed) external {
        OrgId org = orgAt(orgSeed);
        for (uint256 i = 0; i < ORGS && statusOf[org] == OrgStatus.Active; ++i)
            org = orgAt((orgSeed % ORGS) + i);
        bool expected = statusOf[org] == OrgStatus.Suspended;
        try CONSORTIUM.reinstate(org) {
            statusOf[org] = OrgStatus.Active;
            check(expected, "reinstated from another state");
        } catch {
            check(!expected, "return refused");
        }
    }

    /// @dev One organisation in three may leave, or every run would end with none.
    function exit() external {
        OrgId org = orgAt(ORGS - 1);
        bool expected = statusOf[org] != OrgStatus.Exited;
        try CONSORTIUM.exit(org) {
            statusOf[org] = OrgStatus.Exited;
            check(expected, "left twice");
        } catch {
            check(!expected, "exit refused");
        }
    }

    function addSignatory(uint256 orgSeed, uint256 accountSeed) public {
        (OrgId org, address account) = (orgAt(orgSeed), accountAt(accountSeed));
        bool expected = OrgId.unwrap(memberOf[account].org) == 0 && statusOf[org] != OrgStatus.Exited;
        try CONSORTIUM.addSignatory(org, account) {
            memberOf[account].org = org;
            check(expected, "added against the rules");
        } catch {
            check(!expected, "signatory refused");
        }
    }

    /// @dev Half of the accounts are never removed, or every run would end with none.
    function removeSignatory(uint256 accountSeed) external {
        address account = accountAt((accountSeed % (ACCOUNTS / 2)) + ACCOUNTS / 2);
        bool expected = isMember(account);
        try CONSORTIUM.removeSignatory(account) {
            memberOf[account].removed = true;
            for (uint256 i = 0; i < ROLES; ++i) delete granted[account][roleAt(i)];
            check(expected, "removed a stranger");
        } catch {
            check(!expected, "removal refused");
        }
    }

    function grant(uint256 accountSeed, uint256 roleSeed, uint256 length) public {
        (address account, Role role) = (accountAt(accountSeed), roleAt(roleSeed));
        uint40 until = uint40(block.timestamp + within(length, 0, 410 days));
        bool expected = isMember(account) && statusOf[memberOf[account].org] == OrgStatus.Active;
        expected = expected && block.timestamp < until && until <= block.timestamp + CONSORTIUM.MAX_TERM();
        bool excluded =
            role == Role.DeviceAuthority
                ? _runs(account, Role.Manufacturer) || _runs(account, Role.DeviceManager)
                : _runs(account, Role.DeviceAuthority);
        expected = expected && !excluded;
        try CONSORTIUM.grantRole(account, role, until, uint128(length)) {
            granted[account][role] = Term(until, uint128(length));
            check(expected, "granted against the rules");
        } catch {
            check(!expected, "grant refused");
        }
    }

    function forfeit(uint256 accountSeed, uint256 roleSeed) external {
        (address account, Role role) = (accountAt(accountSeed), roleAt(roleSeed));
        bool expected = granted[account][role].until != 0;
        vm.prank(account);
        try CONSORTIUM.forfeit(role) {
            delete granted[account][role];
            check(expected, "forfeited nothing");
        } catch {
            check(!expected, "forfeit refused");
        }
    }

    function revokeRole(uint256 accountSeed, uint256 roleSeed) external {
        (address account, Role role) = (accountAt(accountSeed), roleAt(roleSeed));
        bool expected = granted[account][role].until != 0;
        try CONSORTIUM.revokeRole(account, role) {
            delete granted[account][role];
            check(expected, "revoked nothing");
        } catch {
            check(!expected, "revocation refused");
        }
    }

    /// @dev Somebody tells the registry that it is a manufacturer.
    function pretend(uint256 accountSeed) external {
        address account = accountAt(accountSeed);
        Term memory term = Term(type(uint40).max, type(uint128).max);
        OrgId org = memberOf[account].org;
        vm.prank(account);
        try REGISTRY.onRoleChanged(org, account, Role.Manufacturer, term) {
            check(false, "believed a stranger");
        } catch {}
    }

    function register(uint256 accountSeed, uint256 orgSeed, uint256 keySeed) public {
        (address account, OrgId owner) = (accountAt(accountSeed), orgAt(orgSeed));
        uint256 secret = within(keySeed, 1, KEYS);
        DeviceKey memory key = keyOf(secret);
        DeviceId device = REGISTRY.deviceIdOf(key);
        bool expected = holds(account, Role.Manufacturer);
        expected = expected && statusOf[owner] == OrgStatus.Active;
        expected = expected && deviceStatus[device] == DeviceStatus.None;
        Registration memory registration = _registration(secret, owner);
        vm.prank(account);
        try REGISTRY.register(registration) {
            deviceStatus[device] = DeviceStatus.Active;
            _births[device] = REGISTRY.record(device);
            check(expected, "registered against the rules");
        } catch {
            check(!expected, "registration refused");
        }
    }

    function suspendDevice(uint256 accountSeed, uint256 keySeed) external {
        _changeDevice(accountSeed, keySeed, 0);
    }

    function resumeDevice(uint256 accountSeed, uint256 keySeed) external {
        _changeDevice(accountSeed, keySeed, 1);
    }

    /// @dev Half of the devices are never revoked, or every run would end with none.
    function revokeDevice(uint256 accountSeed, uint256 keySeed) external {
        _changeDevice(accountSeed, (keySeed % (KEYS / 2)) + KEYS / 2, 2);
    }

    // ---------------------------------------------------------------- the model

    function accountAt(uint256 seed) public pure returns (address) {
        return address(uint160(0xA000 + (seed % ACCOUNTS)));
    }

    function orgAt(uint256 seed) public pure returns (OrgId) {
        return OrgId.wrap(uint32(1 + (seed % ORGS)));
    }

    function roleAt(uint256 seed) public pure returns (Role) {
        return [Role.Manufacturer, Role.DeviceAuthority, Role.DeviceManager][seed % ROLES];
    }

    function deviceAt(uint256 seed) public view returns (DeviceId) {
        return REGISTRY.deviceIdOf(keyOf(within(seed, 1, KEYS)));
    }

    function birthOf(DeviceId device) external view returns (DeviceRecord memory) {
        return _births[device];
    }

    function isMember(address account) public view returns (bool) {
        Member memory member = memberOf[account];
        return OrgId.unwrap(member.org) != 0 && !member.removed;
    }

    /// @notice Whether a role counts now, by the model.
    function holds(address account, Role role) public view returns (bool) {
        if (!isMember(account) || statusOf[memberOf[account].org] != OrgStatus.Active) return false;
        return block.timestamp < granted[account][role].until;
    }

    function keyOf(uint256 secret) public pure returns (DeviceKey memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(secret);
        return DeviceKey({ curve: 1, x: bytes32(x), y: bytes32(y) });
    }

    function _registration(uint256 secret, OrgId owner) private view returns (Registration memory q) {
        (q.owner, q.key, q.deadline) = (owner, keyOf(secret), type(uint256).max);
        (q.r, q.s) = vm.signP256(secret, REGISTRY.registrationDigest(q));
        if (uint256(q.s) > P256.N / 2) q.s = bytes32(P256.N - uint256(q.s));
    }

    /// @dev Half of the time the caller is the account that began as the device authority, or the owner's.
    function _changeDevice(uint256 accountSeed, uint256 keySeed, uint256 verb) private {
        address account = accountAt(accountSeed % 2 == 0 ? accountSeed >> 1 : 1 + ((accountSeed >> 1) % 2));
        DeviceId device = deviceAt(keySeed);
        DeviceStatus to = _allowed(account, device, verb);
        vm.prank(account);
        (bool done, ) = address(REGISTRY).call(abi.encodeWithSelector(_selector(verb), device));
        check(done == (to != DeviceStatus.None), done ? "a step not in the table" : "a step refused");
        if (done) deviceStatus[device] = to;
    }

    /// @dev The table of device states again, written as sentences: the state a verb leads to, or None.
    function _allowed(address account, DeviceId device, uint256 verb) private view returns (DeviceStatus) {
        DeviceStatus from = deviceStatus[device];
        if (from == DeviceStatus.None || from == DeviceStatus.Revoked) return DeviceStatus.None;
        bool authority = holds(account, Role.DeviceAuthority);
        if (!authority && !_actsForOwner(account, device)) return DeviceStatus.None;
        if (verb == 0) {
            if (authority && from != DeviceStatus.SuspendedByAuthority) {
                return DeviceStatus.SuspendedByAuthority;
            }
            if (!authority && from == DeviceStatus.Active) return DeviceStatus.SuspendedByOwner;
            return DeviceStatus.None;
        }
        if (verb == 1) {
            bool own = from == DeviceStatus.SuspendedByOwner;
            bool others = from == DeviceStatus.SuspendedByAuthority;
            return own || (authority && others) ? DeviceStatus.Active : DeviceStatus.None;
        }
        return authority || holds(account, Role.DeviceManager) ? DeviceStatus.Revoked : DeviceStatus.None;
    }

    function _runs(address account, Role role) private view returns (bool) {
        return block.timestamp < granted[account][role].until;
    }

    function _actsForOwner(address account, DeviceId device) private view returns (bool) {
        OrgId org = memberOf[account].org;
        bool active = isMember(account) && statusOf[org] == OrgStatus.Active;
        return active && org.holder() == _births[device].owner;
    }

    function _selector(uint256 verb) private pure returns (bytes4) {
        if (verb == 0) return IDeviceStates.suspend.selector;
        return verb == 1 ? IDeviceStates.resume.selector : IDeviceStates.revoke.selector;
    }
}
