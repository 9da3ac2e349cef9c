// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { DeviceId, OrgId } from "../common/Ids.sol";
import { IConsortium, Role } from "../consortium/IConsortium.sol";
import { IOrganisationKeys, KeyUse } from "../consortium/IOrganisationKeys.sol";
import { SignedActs } from "../consortium/SignedActs.sol";
import { CodeStorage } from "./CodeStorage.sol";
import { DeviceRecord, DeviceStatus } from "./DeviceTypes.sol";
import {
    IDeviceDocuments,
    Moment,
    OrganisationResolution,
    Publication,
    Resolution
} from "./IDeviceDocuments.sol";
import { IDeviceRecords } from "./IDeviceRecords.sol";
import { IDeviceRegistry } from "./IDeviceRegistry.sol";

/// @title DeviceDocuments
/// @notice Published documents and the resolution of `did:tenon`. See {IDeviceDocuments}.
/// @dev Histories are ordered by block and by time alike, so every question is a binary search: what a resolution costs
/// grows with the logarithm of the history.
contract DeviceDocuments is IDeviceDocuments, SignedActs {
    /// @inheritdoc IDeviceDocuments
    IDeviceRegistry public immutable REGISTRY;

    /// @inheritdoc IDeviceDocuments
    IOrganisationKeys public immutable KEYS;

    /// @inheritdoc IDeviceDocuments
    uint256 public constant MAX_DOCUMENT = 8192;

    mapping(DeviceId device => Publication[] words) private _publications;

    constructor(IDeviceRegistry registry, IOrganisationKeys keys) EIP712("Tenon DeviceDocuments", "1") {
        REGISTRY = registry;
        KEYS = keys;
    }

    /// @inheritdoc IDeviceDocuments
    function publish(DeviceId device, bytes calldata document) external returns (uint256 number) {
        DeviceRecord memory record = REGISTRY.record(device);
        if (record.status == DeviceStatus.None) revert IDeviceRecords.DeviceUnknown(device);
        if (record.status == DeviceStatus.Revoked) revert DocumentRevoked(device);
        if (document.length > MAX_DOCUMENT) revert DocumentTooLong(device, document.length, MAX_DOCUMENT);
        OrgId caller = REGISTRY.CONSORTIUM().requireRole(_msgSender(), Role.DeviceManager);
        if (caller != record.org) revert DocumentOwnerRefused(device, record.org, caller);
        Publication[] storage words = _publications[device];
        number = words.length + 1;

        uint256 previousBlock = number == 1 ? 0 : words[number - 2].blockNumber;
        address pointer =
            document.length == 0
                ? address(0)
                : CodeStorage.write(document, keccak256(abi.encode(device, number)));
        words.push(
            Publication({
                pointer: pointer,
                blockNumber: uint32(block.number),
                time: uint32(block.timestamp),
                epoch: record.epoch
            })
        );
        emit DocumentPublished(
            device,
            caller,
            number,
            record.epoch,
            keccak256(document),
            previousBlock,
            _msgSender()
        );
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IDeviceDocuments
    function resolve(DeviceId device) external view returns (Resolution memory) {
        return _resolve(device, block.number, block.timestamp);
    }

    /// @inheritdoc IDeviceDocuments
    function resolveAtBlock(DeviceId device, uint256 blockNumber) external view returns (Resolution memory) {
        return _resolve(device, Math.min(blockNumber, block.number), block.timestamp);
    }

    /// @inheritdoc IDeviceDocuments
    function resolveAtTime(DeviceId device, uint256 time) external view returns (Resolution memory) {
        return _resolve(device, block.number, Math.min(time, block.timestamp));
    }

    /// @inheritdoc IDeviceDocuments
    function resolveOrganisation(OrgId org) external view returns (OrganisationResolution memory resolution) {
        IConsortium consortium = REGISTRY.CONSORTIUM();
        resolution.status = consortium.statusOf(org);
        resolution.signatories = consortium.signatoriesOf(org);
        resolution.deviceFacing = KEYS.keyOf(org, KeyUse.DeviceFacing);
        resolution.encryption = KEYS.keyOf(org, KeyUse.Encryption);
        resolution.disclosure = KEYS.keyOf(org, KeyUse.Disclosure);
    }

    /// @inheritdoc IDeviceDocuments
    function publicationOf(
        DeviceId device,
        uint256 number
    ) external view returns (Publication memory publication, bytes memory document) {
        uint256 count = _publications[device].length;
        if (number == 0 || number > count) revert DocumentUnknown(device, number, count);
        publication = _publications[device][number - 1];
        document = _contentOf(publication);
    }

    /// @inheritdoc IDeviceDocuments
    function publicationCount(DeviceId device) external view returns (uint256) {
        return _publications[device].length;
    }

    // ---------------------------------------------------------------- inner parts

    /// @dev The state after the last change that is neither after block `blockNumber` nor after second `time`; one of the
    /// two is the present.
    function _resolve(
        DeviceId device,
        uint256 blockNumber,
        uint256 time
    ) private view returns (Resolution memory resolution) {
        resolution.head = Moment(uint40(block.number), uint40(block.timestamp));
        DeviceRecord memory present = REGISTRY.record(device);
        if (present.status == DeviceStatus.None) return resolution;
        uint32 epoch =
            time == block.timestamp
                ? REGISTRY.epochAtBlock(device, blockNumber)
                : REGISTRY.epochAt(device, time);
        if (epoch == 0) return resolution;

        DeviceRecord memory record = epoch == present.epoch ? present : REGISTRY.recordOfEpoch(device, epoch);
        resolution.record = record;
        resolution.created = _beginning(epoch == 1 ? record : REGISTRY.recordOfEpoch(device, 1));
        resolution.version = _beginning(record);
        if (epoch < present.epoch) {
            resolution.next = _beginning(REGISTRY.recordOfEpoch(device, epoch + 1));
        }
        resolution.deactivated = epoch == present.epoch && record.status == DeviceStatus.Revoked;
        (resolution.keyId, resolution.keyBlock) = _keyAt(device, record);
        _addPublication(resolution, device, blockNumber, time);
    }

    /// @dev Adds the publication in force, and moves version and next change to publications that are nearer.
    function _addPublication(
        Resolution memory resolution,
        DeviceId device,
        uint256 blockNumber,
        uint256 time
    ) private view {
        Publication[] storage words = _publications[device];
        uint256 count = _publicationsAt(words, blockNumber, time);
        resolution.publications = count;
        if (count < words.length) {
            Publication memory following = words[count];
            uint256 nextBlock = resolution.next.blockNumber;
            if (nextBlock == 0 || following.blockNumber < nextBlock) {
                resolution.next = Moment(following.blockNumber, following.time);
            }
        }
        if (count == 0) return;
        Publication memory last = words[count - 1];
        if (last.epoch != resolution.record.epoch) return;
        resolution.version = Moment(last.blockNumber, last.time);
        resolution.document = _contentOf(last);
    }

    /// @dev How many publications had been made.
    function _publicationsAt(
        Publication[] storage words,
        uint256 blockNumber,
        uint256 time
    ) private view returns (uint256 low) {
        uint256 high = words.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            Publication memory word = words[middle];
            if (word.blockNumber > blockNumber || word.time > time) high = middle;
            else low = middle + 1;
        }
    }

    /// @dev The key in force and the block of its event: the beginning of the first epoch that has it. A key serves one
    /// device and once, so its epochs are neighbours.
    function _keyAt(
        DeviceId device,
        DeviceRecord memory record
    ) private view returns (bytes32 keyId, uint256 blockNumber) {
        keyId = REGISTRY.keyIdAt(device, record.epoch);
        uint256 low = 1;
        uint256 high = record.epoch;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (REGISTRY.keyIdAt(device, uint32(middle)) == keyId) high = middle;
            else low = middle + 1;
        }
        blockNumber = REGISTRY.recordOfEpoch(device, uint32(low)).blockNumber;
    }

    function _beginning(DeviceRecord memory record) private pure returns (Moment memory) {
        return Moment(record.blockNumber, record.since);
    }

    function _contentOf(Publication memory publication) private view returns (bytes memory) {
        if (publication.pointer == address(0)) return "";
        return CodeStorage.read(publication.pointer);
    }
}
