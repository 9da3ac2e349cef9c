// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId } from "../../../contracts/common/Ids.sol";
import { KeyProof } from "../../../contracts/identity/DeviceTypes.sol";
import { DeviceFirmware } from "../../../contracts/identity/DeviceFirmware.sol";
import { FirmwareReason, ReleaseId } from "../../../contracts/identity/IDeviceFirmware.sol";
import { FactsBase } from "./FactsBase.sol";

/// @notice Releases and installations under random use, beside a plain model of both.
contract FirmwareWorld is FactsBase {
    struct Published {
        uint256 model;
        uint64 sequence;
        bool withdrawn;
    }

    DeviceFirmware public immutable FIRMWARE;
    Published[] public releases;
    uint64[2] private _highest;
    mapping(DeviceId device => uint256 release) public runs; // number from 1
    mapping(DeviceId device => uint64 sequence) public highestOf;
    mapping(DeviceId device => uint32) public countOf;

    constructor() {
        FIRMWARE = new DeviceFirmware(REGISTRY);
        publish(0, 1);
        publish(1, 1);
    }

    // ---------------------------------------------------------------- acts

    function publish(uint256 modelSeed, uint64 step) public {
        uint256 model = modelSeed % 2;
        uint64 sequence = _highest[model] + (step % 3);
        bool expected = sequence > _highest[model];
        vm.prank(address(0x3001));
        try FIRMWARE.publish(bytes32(model + 1), sequence, "image", "manifest") {
            check(expected, "a number twice");
            _highest[model] = sequence;
            releases.push(Published(model, sequence, false));
        } catch {
            check(!expected, "release refused");
        }
    }

    /// @dev One in four may go, or nothing would be left to install.
    function withdraw(uint256 seed) external {
        uint256 index = (seed % (releases.length + 1)) & ~uint256(3);
        bool expected = index < releases.length && !releases[index].withdrawn;
        vm.prank(address(0x3001));
        try FIRMWARE.withdraw(ReleaseId.wrap(uint32(index + 1)), 0) {
            check(expected, "withdrawn against the rules");
            releases[index].withdrawn = true;
        } catch {
            check(!expected, "withdrawal refused");
        }
    }

    /// @dev By the device's right key or, sometimes, by a wrong one.
    function install(uint256 deviceSeed, uint256 releaseSeed, bool wrongKey) external {
        DeviceId device = deviceAt(deviceSeed);
        uint256 index = releaseSeed % (releases.length + 1);
        ReleaseId release = ReleaseId.wrap(uint32(index + 1));
        bool allowed = reasonFor(device, index) == FirmwareReason.Installable;
        uint256 secret = wrongKey ? 9_999 : _secretOf[device];
        KeyProof memory proof = _proof(
            secret,
            FIRMWARE.installationDigest(device, release, 1, type(uint256).max)
        );
        try FIRMWARE.install(device, release, proof.key, type(uint256).max, proof.r, proof.s) {
            check(allowed && !wrongKey, "installed against the rules");
            (runs[device], highestOf[device]) = (index + 1, releases[index].sequence);
            ++countOf[device];
        } catch {
            check(!allowed || wrongKey, "installation refused");
        }
    }

    // ---------------------------------------------------------------- the model

    function releaseCount() external view returns (uint256) {
        return releases.length;
    }

    /// @notice What {DeviceFirmware.explain} should say of the release at an index.
    function reasonFor(DeviceId device, uint256 index) public view returns (FirmwareReason) {
        if (index >= releases.length) return FirmwareReason.ReleaseUnknown;
        Published memory release = releases[index];
        if (release.withdrawn) return FirmwareReason.ReleaseWithdrawn;
        if (_isRevoked(device)) return FirmwareReason.DeviceRevoked;
        if (runs[device] == 0) return FirmwareReason.Installable;
        if (releases[runs[device] - 1].model != release.model) return FirmwareReason.OtherModel;
        return release.sequence < highestOf[device] ? FirmwareReason.Rollback : FirmwareReason.Installable;
    }

    function _onEpoch(DeviceId) internal override {}
}
