// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { AccessManager } from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import { DeviceId, OrgId } from "../../../contracts/common/Ids.sol";
import { Consortium } from "../../../contracts/consortium/Consortium.sol";
import { Role } from "../../../contracts/consortium/IConsortium.sol";
import { DeviceRegistry } from "../../../contracts/identity/DeviceRegistry.sol";
import { DeviceSignature } from "../../../contracts/identity/DeviceSignature.sol";
import { DeviceRecord, DeviceStatus, Registration } from "../../../contracts/identity/DeviceTypes.sol";
import { deployRegistry } from "./Deployed.sol";
import { TestKeys } from "./TestKeys.sol";

/// @notice Registration with random contents: what the device signed registers, anything else does not.
contract RegistrationFuzz is TestKeys {
    DeviceRegistry private _registry;
    OrgId private _own;
    OrgId private _other;

    function setUp() external {
        vm.warp(1_800_000_000);
        address authority = address(new AccessManager(address(this)));
        Consortium consortium = new Consortium(authority);
        _registry = deployRegistry(consortium, authority);
        (_own, _other) = (consortium.admit("own", 0), consortium.admit("other", 0));
        consortium.addSignatory(_own, address(this));
        uint40 until = uint40(block.timestamp) + 300 days;
        consortium.grantRole(address(this), Role.Manufacturer, until, type(uint128).max);
    }

    function testFuzz_whatTheDeviceSignedRegistersOnce(
        uint256 secret,
        bool k1,
        bool forOther,
        bytes32 parametersHash,
        bytes32 certificateHash,
        uint256 margin
    ) external {
        Registration memory q = _signed(secret, k1, forOther, parametersHash, certificateHash, margin);
        DeviceId device = _send(q);
        DeviceRecord memory word = _registry.record(device);
        check(word.owner == q.owner.holder(), "owner");
        check(word.since == block.timestamp && word.epoch == 1, "since or epoch");
        check(word.status == DeviceStatus.Active && word.curve == q.key.curve, "status or curve");
        check(device == _registry.deviceIdOf(q.key), "id");
        check(!_trySend(q), "registered twice");
    }

    function testFuzz_anyOtherContentIsRefused(
        uint256 secret,
        bool k1,
        bytes32 parametersHash,
        uint8 field,
        uint8 bit
    ) external {
        Registration memory q = _signed(secret, k1, false, parametersHash, ~parametersHash, 0);
        bytes32 flip = bytes32(1 << bit);
        field = field % 8;
        if (field == 0) q.owner = _other;
        if (field == 1) q.key.x ^= flip;
        if (field == 2) q.key.y ^= flip;
        if (field == 3) q.parametersHash ^= flip;
        if (field == 4) q.certificateHash ^= flip;
        if (field == 5) q.deadline ^= uint256(flip);
        if (field == 6) q.r ^= flip;
        if (field == 7) q.s ^= flip;
        check(!_trySend(q), "registered what was not signed");
        check(_registry.record(_registry.deviceIdOf(q.key)).status == DeviceStatus.None, "left a trace");
    }

    function testFuzz_theProofOfAnotherRegistryIsRefused(uint256 secret, bool k1) external {
        Registration memory q = _signed(secret, k1, false, 0, 0, 0);
        DeviceRegistry first = _registry;
        this.setUp();
        check(address(first) != address(_registry), "the same registry");
        check(!_trySend(q), "took the proof of another registry");
    }

    function testFuzz_theProofOfAnotherChainIsRefused(uint256 secret, bool k1, uint64 chainId) external {
        vm.assume(chainId != 0 && chainId != block.chainid);
        Registration memory q = _signed(secret, k1, false, 0, 0, 0);
        vm.chainId(chainId);
        check(!_trySend(q), "took the proof of another chain");
        q = _signed(secret, k1, false, 0, 0, 0);
        check(_trySend(q), "the domain did not follow the chain");
    }

    function _signed(
        uint256 secret,
        bool k1,
        bool forOther,
        bytes32 parametersHash,
        bytes32 certificateHash,
        uint256 margin
    ) private view returns (Registration memory q) {
        secret = scalar(secret);
        q.owner = forOther ? _other : _own;
        q.key = keyOf(secret, k1);
        (q.parametersHash, q.certificateHash) = (parametersHash, certificateHash);
        q.deadline = block.timestamp + within(margin, 0, type(uint64).max);
        bytes32 digest = _registry.registrationDigest(q);
        (q.r, q.s) = rawSign(secret, k1, digest);
        q.s = DeviceSignature.lowerS(q.key.curve, q.s);
    }

    function _send(Registration memory q) private returns (DeviceId) {
        return _registry.register(q);
    }

    function _trySend(Registration memory q) private returns (bool) {
        try _registry.register(q) {
            return true;
        } catch {
            return false;
        }
    }
}
