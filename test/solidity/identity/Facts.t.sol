// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId } from "../../../contracts/common/Ids.sol";
import { DeviceCertificates } from "../../../contracts/identity/DeviceCertificates.sol";
import { DeviceComposition } from "../../../contracts/identity/DeviceComposition.sol";
import { DeviceFirmware } from "../../../contracts/identity/DeviceFirmware.sol";
import { Certificate, CertificateReason } from "../../../contracts/identity/IDeviceCertificates.sol";
import { Installation, Release, ReleaseId } from "../../../contracts/identity/IDeviceFirmware.sol";
import { TestBase } from "../TestBase.sol";
import { CertificatesWorld } from "./CertificatesWorld.sol";
import { CompositionWorld } from "./CompositionWorld.sol";
import { FirmwareWorld } from "./FirmwareWorld.sol";

/// @notice The named invariants of device certificates, after every act of {CertificatesWorld}.
contract CertificateInvariants is TestBase {
    CertificatesWorld private _world;
    DeviceCertificates private _certificates;

    function setUp() external {
        _world = new CertificatesWorld();
        _certificates = _world.CERTIFICATES_CONTRACT();
        target(address(_world));
    }

    /// @notice CRT-1
    function invariant_explainSaysWhatHappened() external view {
        for (uint256 i = 0; i < _world.CERTIFICATES(); ++i) {
            for (uint256 j = 0; j < _world.DEVICES(); ++j) {
                DeviceId device = _world.deviceAt(j);
                CertificateReason reason = _certificates.explain(device, _world.hashAt(i));
                check(reason == _world.reasonFor(device, i), "another reason");
                try _certificates.requireGood(device, _world.hashAt(i)) {
                    check(reason == CertificateReason.Good, "required against explain");
                } catch {
                    check(reason != CertificateReason.Good, "refused against explain");
                }
            }
        }
    }

    /// @notice CRT-2
    function invariant_endedAuthorityVouchesForNothing() external view {
        for (uint256 i = 0; i < _world.CERTIFICATES(); ++i) {
            (DeviceId device, uint32 authority, , , ) = _world.boundAt(i);
            if (DeviceId.unwrap(device) == 0 || _world.isAuthorityGood(authority)) continue;
            bool good = _certificates.explain(device, _world.hashAt(i)) == CertificateReason.Good;
            check(!good, "a certificate of an authority that ended");
        }
    }

    /// @notice CRT-3
    function invariant_certificateHasOneDeviceForEver() external view {
        for (uint256 i = 0; i < _world.CERTIFICATES(); ++i) {
            (DeviceId device, , uint40 until, , bool revoked) = _world.boundAt(i);
            Certificate memory word = _certificates.certificate(_world.hashAt(i));
            check(word.deviceTail == uint160(uint256(DeviceId.unwrap(device))), "another device");
            check(word.until == until && word.revoked == revoked, "another term");
        }
    }
}

/// @notice The named invariants of machines and parts, after every act of {CompositionWorld}.
contract CompositionInvariants is TestBase {
    CompositionWorld private _world;
    DeviceComposition private _composition;

    function setUp() external {
        _world = new CompositionWorld();
        _composition = _world.COMPOSITION();
        target(address(_world));
    }

    /// @notice CMP-1
    function invariant_noDeviceIsPartOfItself() external view {
        for (uint256 i = 0; i < _world.DEVICES(); ++i) {
            DeviceId device = _world.deviceAt(i);
            check(!_composition.isPartOf(device, device), "a part of itself");
            DeviceId step = device;
            for (uint256 climbed = 0; DeviceId.unwrap(step) != 0; ++climbed) {
                check(climbed < _composition.MAX_LEVELS(), "deeper than allowed, or in a circle");
                DeviceId next = _composition.machineOf(step);
                if (DeviceId.unwrap(next) == 0) check(_composition.rootOf(device) == step, "another root");
                step = next;
            }
        }
    }

    /// @notice CMP-2
    function invariant_partHasOneMachineOfItsOwner() external view {
        for (uint256 i = 0; i < _world.DEVICES(); ++i) {
            DeviceId part = _world.deviceAt(i);
            DeviceId machine = _composition.machineOf(part);
            check(machine == _world.machineOf(part), "another machine");
            if (DeviceId.unwrap(machine) == 0) continue;
            bool same = _world.REGISTRY().ownerOf(part) == _world.REGISTRY().ownerOf(machine);
            check(same, "a machine of another owner");
        }
    }

    /// @notice CMP-3
    function invariant_isPartOfIsTheClimb() external view {
        for (uint256 i = 0; i < _world.DEVICES(); ++i) {
            for (uint256 j = 0; j < _world.DEVICES(); ++j) {
                (DeviceId part, DeviceId machine) = (_world.deviceAt(i), _world.deviceAt(j));
                bool above = _world.isAbove(machine, part);
                check(_composition.isPartOf(part, machine) == above, "isPartOf differs");
            }
        }
    }

    /// @notice CMP-4
    function invariant_countIsTheRecordedLinks() external view {
        for (uint256 i = 0; i < _world.DEVICES(); ++i) {
            DeviceId machine = _world.deviceAt(i);
            check(_composition.partsOf(machine) == _world.countOf(machine), "another count");
        }
    }
}

/// @notice The named invariants of firmware, after every act of {FirmwareWorld}.
contract FirmwareInvariants is TestBase {
    FirmwareWorld private _world;
    DeviceFirmware private _firmware;

    function setUp() external {
        _world = new FirmwareWorld();
        _firmware = _world.FIRMWARE();
        target(address(_world));
    }

    /// @notice FRM-1: the model's number only rises, because it refuses any other installation.
    function invariant_sequenceNeverFalls() external view {
        for (uint256 i = 0; i < _world.DEVICES(); ++i) {
            DeviceId device = _world.deviceAt(i);
            Installation memory last = _firmware.installationOf(device);
            check(last.sequence == _world.highestOf(device), "another number");
            check(last.count == _world.countOf(device), "another count");
            check(ReleaseId.unwrap(last.release) == _world.runs(device), "another release");
        }
    }

    /// @notice FRM-2
    function invariant_explainSaysWhatMayBeInstalled() external view {
        uint256 count = _world.releaseCount();
        for (uint256 i = 0; i < _world.DEVICES(); ++i) {
            DeviceId device = _world.deviceAt(i);
            for (uint256 j = 0; j <= count; ++j) {
                ReleaseId release = ReleaseId.wrap(uint32(j + 1));
                check(_firmware.explain(device, release) == _world.reasonFor(device, j), "another reason");
            }
        }
    }

    /// @notice FRM-3
    function invariant_releaseStaysWhatItWas() external view {
        for (uint256 i = 0; i < _world.releaseCount(); ++i) {
            (, uint64 sequence, bool withdrawn) = _world.releases(i);
            Release memory release = _firmware.releaseOf(ReleaseId.wrap(uint32(i + 1)));
            check(release.sequence == sequence, "another number");
            check((release.withdrawnAt != 0) == withdrawn, "another standing");
        }
    }
}
