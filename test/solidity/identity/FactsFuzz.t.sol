// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId } from "../../../contracts/common/Ids.sol";
import { DeviceCertificates } from "../../../contracts/identity/DeviceCertificates.sol";
import { DeviceFirmware } from "../../../contracts/identity/DeviceFirmware.sol";
import { KeyProof } from "../../../contracts/identity/DeviceTypes.sol";
import {
    AuthorityId,
    AuthorityKind,
    Binding,
    Certificate,
    CertificateReason
} from "../../../contracts/identity/IDeviceCertificates.sol";
import { FirmwareReason, Installation, ReleaseId } from "../../../contracts/identity/IDeviceFirmware.sol";
import { FactsBase } from "./FactsBase.sol";

/// @notice Certificates and firmware with random contents.
contract FactsFuzz is FactsBase {
    DeviceCertificates private _certificates;
    DeviceFirmware private _firmware;

    function setUp() external {
        _certificates = new DeviceCertificates(REGISTRY, _AUTHORITY);
        _firmware = new DeviceFirmware(REGISTRY);
    }

    function testFuzz_certificateCountsUntilTheFirstOfItsEnds(
        bytes32 hash,
        uint256 deviceSeed,
        uint40 authorityLife,
        uint40 life,
        uint40 later
    ) external {
        vm.assume(hash != 0);
        (uint40 now_, DeviceId device) = (uint40(block.timestamp), deviceAt(deviceSeed));
        uint40 authorityUntil = now_ + 1 + (authorityLife % 1000 days);
        uint40 until = now_ + 1 + (life % 1000 days);
        _certificates.admitAuthority("authority", MAKER, AuthorityKind.Factory, authorityUntil);
        Binding[] memory bindings = new Binding[](1);
        bindings[0] = Binding(device, hash, until);
        vm.prank(certifierOf(MAKER));
        _certificates.bind(AuthorityId.wrap(1), bindings);

        uint256 time = now_ + (later % 1200 days);
        vm.warp(time);
        CertificateReason reason = _certificates.explain(device, hash);
        check((reason == CertificateReason.Good) == (time < until && time < authorityUntil), "another end");
        Certificate memory word = _certificates.certificate(hash);
        check(word.deviceTail == uint160(uint256(DeviceId.unwrap(device))), "another device");
        check(word.until == until && AuthorityId.unwrap(word.authority) == 1, "another word");
    }

    function testFuzz_anotherDeviceHasNoCertificate(bytes32 hash, bytes32 other) external {
        vm.assume(hash != 0 && other != DeviceId.unwrap(deviceAt(0)));
        _certificates.admitAuthority("authority", MAKER, AuthorityKind.Factory, type(uint40).max);
        Binding[] memory bindings = new Binding[](1);
        bindings[0] = Binding(deviceAt(0), hash, type(uint40).max);
        vm.prank(certifierOf(MAKER));
        _certificates.bind(AuthorityId.wrap(1), bindings);
        // The tail alone is compared first; the registry knows no device with another head.
        bytes32 twin = bytes32(
            (uint256(other) << 160) | uint256(uint160(uint256(DeviceId.unwrap(deviceAt(0)))))
        );
        vm.assume(twin != DeviceId.unwrap(deviceAt(0)));
        check(_reason(other, hash) == CertificateReason.OtherDevice, "another id");
        check(_reason(twin, hash) == CertificateReason.OtherDevice, "another id with the same tail");
    }

    function testFuzz_onlyTheDeviceAttests(uint256 secret, uint256 deviceSeed, uint64 sequence) external {
        vm.assume(sequence != 0);
        DeviceId device = deviceAt(deviceSeed);
        secret = scalar(secret);
        bool own = secret == _secretOf[device];
        vm.prank(address(0x3001));
        ReleaseId release = _firmware.publish("model", sequence, "image", "manifest");
        bytes32 digest = _firmware.installationDigest(device, release, 1, type(uint256).max);
        KeyProof memory foreign = _proof(secret, digest);
        try _firmware.install(device, release, foreign.key, type(uint256).max, foreign.r, foreign.s) {
            check(own, "a stranger attested");
        } catch {
            check(!own, "the device was refused");
        }
        KeyProof memory right = _proof(_secretOf[device], _digest(device, release));
        _firmware.install(device, release, right.key, type(uint256).max, right.r, right.s);
        check(_firmware.installationOf(device).sequence == sequence, "another number");
    }

    function testFuzz_numbersOnlyRise(uint64 first, uint64 second) external {
        vm.assume(first != 0);
        vm.prank(address(0x3001));
        _firmware.publish("model", first, "image", "manifest");
        vm.prank(address(0x3001));
        try _firmware.publish("model", second, "image", "manifest 2") {
            check(second > first, "fell or stood");
        } catch {
            check(second <= first, "a rise refused");
        }
    }

    function testFuzz_rollbackIsExactlyALowerNumber(uint64 low, uint64 high) external {
        vm.assume(low != 0 && low < high);
        DeviceId device = deviceAt(0);
        vm.prank(address(0x3001));
        ReleaseId old = _firmware.publish("model", low, "image", "manifest");
        vm.prank(address(0x3001));
        ReleaseId latest = _firmware.publish("model", high, "image", "manifest 2");
        check(_firmware.explain(device, old) == FirmwareReason.Installable, "the first refused");
        KeyProof memory proof = _proof(_secretOf[device], _digest(device, latest));
        _firmware.install(device, latest, proof.key, type(uint256).max, proof.r, proof.s);
        check(_firmware.explain(device, old) == FirmwareReason.Rollback, "went back");
        check(_firmware.explain(device, latest) == FirmwareReason.Installable, "the same refused");
        Installation memory last = _firmware.installationOf(device);
        check(last.sequence == high && last.count == 1, "another word");
    }

    function _digest(DeviceId device, ReleaseId release) private view returns (bytes32) {
        return _firmware.installationDigest(device, release, 1, type(uint256).max);
    }

    function _reason(bytes32 device, bytes32 hash) private view returns (CertificateReason) {
        return _certificates.explain(DeviceId.wrap(device), hash);
    }

    function _onEpoch(DeviceId) internal override {}
}
