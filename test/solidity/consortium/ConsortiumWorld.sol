// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import { OrgId } from "../../../contracts/common/Ids.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import {
    Grant,
    IOrgListener,
    IRoleListener,
    OrgStatus,
    Role,
    Term
} from "../../../contracts/consortium/IConsortium.sol";
import { TestBase } from "../TestBase.sol";

/// @notice Writes down what the consortium tells its listeners.
contract Listeners is IRoleListener, IOrgListener {
    mapping(address account => mapping(Role role => Term)) private _terms;
    mapping(OrgId org => OrgStatus) public statusOf;

    function onRoleChanged(OrgId, address account, Role role, Term calldata term) external {
        _terms[account][role] = term;
    }

    function onOrganisationChanged(OrgId org, OrgStatus status) external {
        statusOf[org] = status;
    }

    function termOf(address account, Role role) external view returns (Term memory) {
        return _terms[account][role];
    }
}

/// @notice A consortium under random use, and beside it a plain model of what it should be. Every act is tried whatever
/// the state, and must succeed exactly when the model says so. What a signatory does by itself it does by a call or by a
/// signature that somebody brings.
/// @dev This contract holds every office; whom the offices are opened to is tested in TypeScript.
contract ConsortiumWorld is TestBase {
    struct Member {
        OrgId org; // the first and only one
        bool removed;
    }
    struct Consent {
        address by;
        Role role;
        uint40 until;
    }
    struct SignedAct {
        address signer;
        bytes call;
        uint256 nonce;
        uint256 deadline;
        bytes signature;
    }

    uint256 public constant ACCOUNTS = 8;
    uint256 public constant ORGS = 3;
    uint256 public constant ROLES = uint256(type(Role).max);
    uint256 public constant ACTS = 3; // hashes that are countersigned
    bytes32 private constant _ACT = keccak256(
        "Act(address signer,bytes call,uint256 nonce,uint256 deadline)"
    );

    Consortium public immutable CONSORTIUM;
    Listeners public immutable LISTENERS;

    mapping(address account => Member) public memberOf;
    mapping(address account => mapping(Role role => Term)) public granted;
    mapping(OrgId org => OrgStatus) public statusOf;
    mapping(OrgId org => mapping(bytes32 actHash => Consent)) public consentOf;
    mapping(address account => mapping(uint192 key => uint64)) public actsOf;
    SignedAct[] private _relayed;
    uint256 private _salt;

    constructor() {
        vm.warp(1_800_000_000);
        CONSORTIUM = new Consortium(address(new AccessManager(address(this))));
        LISTENERS = new Listeners();
        CONSORTIUM.setOrgListener(LISTENERS);
        for (uint256 i = 0; i < ROLES; ++i) CONSORTIUM.setRoleListener(roleAt(i), LISTENERS);
        for (uint256 i = 0; i < ORGS; ++i) {
            statusOf[CONSORTIUM.admit(bytes32(i + 1), 0)] = OrgStatus.Active;
            addSignatory(i, i);
        }
        addSignatory(0, 3);
        grant(0, uint256(Role.Treasurer) - 1, 300 days, 101);
        grant(3, uint256(Role.Treasurer) - 1, 300 days, 101);
    }

    // ---------------------------------------------------------------- acts of the offices

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

    function removeSignatory(uint256 accountSeed) external {
        address account = _spendable(accountSeed);
        bool expected = isMember(account);
        try CONSORTIUM.removeSignatory(account) {
            _forget(account);
            check(expected, "removed a stranger");
        } catch {
            check(!expected, "removal refused");
        }
    }

    function replaceSignatory(uint256 lostSeed, uint256 freshSeed) external {
        (address lost, address fresh) = (_spendable(lostSeed), accountAt(freshSeed));
        OrgId org = memberOf[lost].org;
        bool expected = isMember(lost) && statusOf[org] != OrgStatus.Exited;
        expected = expected && OrgId.unwrap(memberOf[fresh].org) == 0;
        try CONSORTIUM.replaceSignatory(lost, fresh) {
            memberOf[fresh].org = org;
            for (uint256 i = 0; i < ROLES; ++i) granted[fresh][roleAt(i)] = granted[lost][roleAt(i)];
            _forget(lost);
            check(expected, "replaced against the rules");
        } catch {
            check(!expected, "replacement refused");
        }
    }

    function grant(uint256 accountSeed, uint256 roleSeed, uint256 length, uint128 limit) public {
        (address account, Role role) = (accountAt(accountSeed), roleAt(roleSeed));
        uint40 until = uint40(block.timestamp + within(length, 0, 410 days));
        if (limit % 4 == 0) limit = type(uint128).max;
        bool expected = isMember(account) && statusOf[memberOf[account].org] == OrgStatus.Active;
        expected = expected && block.timestamp < until && until <= block.timestamp + CONSORTIUM.MAX_TERM();
        expected = expected && _fits(account, role);
        try CONSORTIUM.grantRole(account, role, until, limit) {
            granted[account][role] = Term(until, limit);
            _dropEvicted(account);
            check(expected, "granted against the rules");
        } catch {
            check(!expected, "grant refused");
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

    // ---------------------------------------------------------------- acts of signatories

    function forfeit(uint256 accountSeed, uint256 roleSeed, uint256 way) external {
        (address account, Role role) = (accountAt(accountSeed), roleAt(roleSeed));
        bool done = _do(account, abi.encodeCall(Consortium.forfeit, (role)), way);
        check(done == (granted[account][role].until != 0), "forfeit");
        if (done) delete granted[account][role];
    }

    function resign(uint256 accountSeed, uint256 way) external {
        address account = _spendable(accountSeed);
        bool done = _do(account, abi.encodeCall(Consortium.resign, ()), way);
        check(done == isMember(account), "resign");
        if (done) _forget(account);
    }

    function countersign(
        uint256 accountSeed,
        uint256 roleSeed,
        uint256 act,
        uint256 length,
        uint256 way
    ) external {
        (address account, Role role) = (accountAt(accountSeed), roleAt(roleSeed));
        if (roleSeed % 3 != 0) role = Role.Treasurer;
        uint40 until = uint40(block.timestamp + within(length, 0, 31 days));
        if (length % 8 == 0) until = 0;
        bool good = until == 0 || (block.timestamp < until && until <= block.timestamp + 30 days);
        bytes memory call = abi.encodeCall(Consortium.countersign, (actAt(act), role, until));
        bool done = _do(account, call, way);
        check(done == (good && holds(account, role)), "countersign");
        OrgId org = memberOf[account].org;
        if (done && until != 0) consentOf[org][actAt(act)] = Consent(account, role, until);
        if (done && until == 0) delete consentOf[org][actAt(act)];
    }

    /// @notice Brings an act that was relayed before once more.
    function replay(uint256 seed) external {
        if (_relayed.length == 0) return;
        check(!_relay(_relayed[seed % _relayed.length]), "a signature worked twice");
    }

    /// @notice Brings a good signature with one thing changed, or too late.
    function relayWrongly(uint256 accountSeed, uint256 roleSeed, uint256 fault) external {
        address account = accountAt(accountSeed);
        SignedAct memory a = _sign(account, abi.encodeCall(Consortium.forfeit, (roleAt(roleSeed))), fault);
        fault = fault % 6;
        if (fault == 0) a.signer = accountAt((accountSeed % ACCOUNTS) + 1);
        if (fault == 1) a.call = abi.encodeCall(Consortium.resign, ());
        if (fault == 2) a = _signUntil(account, a.call, a.nonce + 1, a.deadline);
        if (fault == 3) a.deadline += 1;
        if (fault == 4) a.signature[7] ^= 0x01;
        if (fault == 5) a = _signUntil(account, a.call, a.nonce, block.timestamp - 1);
        check(!_relay(a), "a signature worked for something else");
    }

    // ---------------------------------------------------------------- the model

    function accountAt(uint256 seed) public pure returns (address) {
        return vm.addr(_keyAt(seed));
    }

    function orgAt(uint256 seed) public pure returns (OrgId) {
        return OrgId.wrap(uint32(1 + (seed % ORGS)));
    }

    function roleAt(uint256 seed) public pure returns (Role) {
        return Role(1 + (seed % ROLES));
    }

    function actAt(uint256 seed) public pure returns (bytes32) {
        return keccak256(abi.encode("act", seed % ACTS));
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

    /// @notice Whether an account may do an act worth `amount`, by the model.
    function mayAct(
        address account,
        Role role,
        uint256 amount,
        bytes32 actHash
    ) external view returns (bool) {
        if (!holds(account, role)) return false;
        uint128 limit = granted[account][role].limit;
        if (amount <= limit || limit == type(uint128).max) return true;
        Consent memory consent = consentOf[memberOf[account].org][actHash];
        bool runs = block.timestamp < consent.until && consent.role == role;
        return runs && consent.by != account && holds(consent.by, role);
    }

    /// @notice The pairs that exclude each other, as sentences.
    function excluded(Role a, Role b) public pure returns (bool) {
        if (a > b) (a, b) = (b, a);
        if (a == Role.Regulator) return b == Role.Enforcer;
        if (a == Role.Manufacturer) return b == Role.DeviceAuthority || b == Role.Certifier;
        return a == Role.DeviceAuthority && b == Role.DeviceManager;
    }

    function _keyAt(uint256 seed) private pure returns (uint256) {
        return 0xA000 + (seed % ACCOUNTS);
    }

    /// @dev Half of the accounts are never removed, or every run would end with none.
    function _spendable(uint256 seed) private pure returns (address) {
        return accountAt((seed % (ACCOUNTS / 2)) + ACCOUNTS / 2);
    }

    function _forget(address account) private {
        memberOf[account].removed = true;
        for (uint256 i = 0; i < ROLES; ++i) delete granted[account][roleAt(i)];
    }

    function _fits(address account, Role role) private view returns (bool) {
        uint256 others;
        for (uint256 i = 0; i < ROLES; ++i) {
            Role held = roleAt(i);
            if (held == role || block.timestamp >= granted[account][held].until) continue;
            if (excluded(held, role)) return false;
            ++others;
        }
        return others < 5;
    }

    /// @dev A role that has expired may be put out of its slot by another; none that runs may.
    function _dropEvicted(address account) private {
        Grant[] memory grants = CONSORTIUM.grantsOf(account);
        for (uint256 i = 0; i < ROLES; ++i) {
            Term memory term = granted[account][roleAt(i)];
            bool there;
            for (uint256 j = 0; j < grants.length; ++j) there = there || grants[j].role == roleAt(i);
            if (term.until == 0 || there) continue;
            check(term.until <= block.timestamp, "a running role was put out");
            delete granted[account][roleAt(i)];
        }
    }

    // ---------------------------------------------------------------- calls and signatures

    /// @dev By a call of its own, or by a signature that somebody brings.
    function _do(address account, bytes memory call, uint256 way) private returns (bool done) {
        if (way % 2 == 0) {
            vm.prank(account);
            (done, ) = address(CONSORTIUM).call(call);
            return done;
        }
        SignedAct memory a = _sign(account, call, way);
        done = _relay(a);
        if (!done) return false;
        ++actsOf[account][uint192(a.nonce >> 64)];
        _relayed.push(a);
    }

    /// @dev With the next nonce of one of three keys.
    function _sign(address account, bytes memory call, uint256 seed) private view returns (SignedAct memory) {
        uint192 key = uint192((seed >> 1) % 3);
        uint256 nonce = (uint256(key) << 64) | actsOf[account][key];
        return _signUntil(account, call, nonce, block.timestamp);
    }

    function _signUntil(
        address account,
        bytes memory call,
        uint256 nonce,
        uint256 deadline
    ) private view returns (SignedAct memory) {
        bytes32 content = keccak256(abi.encode(_ACT, account, keccak256(call), nonce, deadline));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", _domain(), content));
        uint256 key;
        for (uint256 i = 0; i < ACCOUNTS; ++i) if (accountAt(i) == account) key = _keyAt(i);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return SignedAct(account, call, nonce, deadline, abi.encodePacked(r, s, v));
    }

    function _domain() private view returns (bytes32) {
        bytes32 form = keccak256(
            "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
        );
        return
            keccak256(
                abi.encode(form, keccak256("Tenon Consortium"), keccak256("1"), block.chainid, CONSORTIUM)
            );
    }

    function _relay(SignedAct memory a) private returns (bool) {
        vm.prank(address(uint160(0xB000 + (++_salt % 3))));
        try CONSORTIUM.act(a.signer, a.call, a.nonce, a.deadline, a.signature) {
            return true;
        } catch {
            return false;
        }
    }
}
