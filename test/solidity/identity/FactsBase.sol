// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import { P256 } from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import { DeviceId, OrgId } from "../../../contracts/common/Ids.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { Role } from "../../../contracts/consortium/IConsortium.sol";
import { DeviceRegistry } from "../../../contracts/identity/DeviceRegistry.sol";
import { DeviceKey, DeviceRecord, KeyProof, Registration } from "../../../contracts/identity/DeviceTypes.sol";
import { TestKeys } from "./TestKeys.sol";
import { deployRegistry } from "./Deployed.sol";

/// @notice A registry with devices that are sold to and fro between two owners, get new keys, and are sometimes revoked:
/// what the contracts beside the registry must follow. Organisation 1 made the devices.
abstract contract FactsBase is TestKeys {
    uint256 public constant DEVICES = 6;
    OrgId internal constant MAKER = OrgId.wrap(1);

    Consortium public immutable CONSORTIUM;
    DeviceRegistry public immutable REGISTRY;
    address internal immutable _AUTHORITY;

    DeviceId[] private _devices;
    mapping(DeviceId device => uint256 secret) internal _secretOf;
    uint256 private _secrets = DEVICES;

    constructor() {
        vm.warp(1_800_000_000);
        _AUTHORITY = address(new AccessManager(address(this)));
        CONSORTIUM = new Consortium(_AUTHORITY);
        REGISTRY = deployRegistry(CONSORTIUM, _AUTHORITY);
        for (uint256 i = 1; i <= 3; ++i) {
            OrgId org = CONSORTIUM.admit(bytes32(i), 0);
            _hire(org, managerOf(org), Role.DeviceManager);
            _hire(org, certifierOf(org), Role.Certifier);
        }
        _hire(MAKER, address(0x3001), Role.Manufacturer);
        for (uint256 secret = 1; secret <= DEVICES; ++secret) _register(secret, ownerAt(secret));
    }

    // ---------------------------------------------------------------- what happens to devices

    /// @notice Sells a device to the other owner.
    function sell(uint256 seed) external {
        DeviceId device = deviceAt(seed);
        OrgId from = REGISTRY.record(device).org;
        if (_isRevoked(device)) return;
        OrgId to = from == ownerAt(0) ? ownerAt(1) : ownerAt(0);
        vm.prank(managerOf(from));
        REGISTRY.offer(device, to, uint40(block.timestamp + 1 days));
        vm.prank(managerOf(to));
        REGISTRY.acceptOffer(device);
        _onEpoch(device);
    }

    /// @notice Gives a device a new key.
    function rotate(uint256 seed) external {
        DeviceId device = deviceAt(seed);
        DeviceRecord memory held = REGISTRY.record(device);
        if (_isRevoked(device)) return;
        uint256 next = ++_secrets;
        DeviceKey memory key = keyOf(next, false);
        bytes32 digest = _rotationDigest(device, held.epoch, key);
        KeyProof memory present = _proof(_secretOf[device], digest);
        KeyProof memory fresh = _proof(next, digest);
        vm.prank(managerOf(held.org));
        REGISTRY.rotateKey(device, present, fresh, type(uint256).max);
        _secretOf[device] = next;
        _onEpoch(device);
    }

    /// @notice Revokes the last device, the only one that may end: the others go on.
    function end() external {
        DeviceId device = deviceAt(DEVICES - 1);
        OrgId org = REGISTRY.record(device).org;
        if (_isRevoked(device)) return;
        vm.prank(managerOf(org));
        REGISTRY.revoke(device);
        _onEpoch(device);
    }

    // ---------------------------------------------------------------- who is who

    function deviceAt(uint256 seed) public view returns (DeviceId) {
        return _devices[seed % DEVICES];
    }

    function ownerAt(uint256 seed) public pure returns (OrgId) {
        return OrgId.wrap(uint32(2 + (seed % 2)));
    }

    function managerOf(OrgId org) public pure returns (address) {
        return address(uint160(0x1000 + OrgId.unwrap(org)));
    }

    function certifierOf(OrgId org) public pure returns (address) {
        return address(uint160(0x2000 + OrgId.unwrap(org)));
    }

    /// @dev The model's side of a new epoch.
    function _onEpoch(DeviceId device) internal virtual;

    function _isRevoked(DeviceId device) internal view returns (bool) {
        return uint8(REGISTRY.record(device).status) == 4;
    }

    function _proof(uint256 secret, bytes32 digest) internal view returns (KeyProof memory proof) {
        proof.key = keyOf(secret, false);
        (proof.r, proof.s) = rawSign(secret, false, digest);
        if (uint256(proof.s) > P256.N / 2) proof.s = bytes32(P256.N - uint256(proof.s));
    }

    function _hire(OrgId org, address account, Role role) private {
        CONSORTIUM.addSignatory(org, account);
        CONSORTIUM.grantRole(account, role, uint40(block.timestamp + 399 days), type(uint128).max);
    }

    function _register(uint256 secret, OrgId owner) private {
        Registration memory q;
        (q.owner, q.key, q.deadline) = (owner, keyOf(secret, false), type(uint256).max);
        KeyProof memory proof = _proof(secret, REGISTRY.registrationDigest(q));
        (q.r, q.s) = (proof.r, proof.s);
        vm.prank(address(0x3001));
        DeviceId device = REGISTRY.register(q);
        _devices.push(device);
        _secretOf[device] = secret;
    }

    function _rotationDigest(
        DeviceId device,
        uint32 epoch,
        DeviceKey memory key
    ) private view returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Rotation(bytes32 device,uint32 epoch,uint8 curve,bytes32 x,bytes32 y,uint256 deadline)"
                ),
                device,
                epoch,
                key.curve,
                key.x,
                key.y,
                type(uint256).max
            )
        );
        bytes32 domain = keccak256(
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
        return sha256(abi.encodePacked(hex"1901", domain, structHash));
    }
}
