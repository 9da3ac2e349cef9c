// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { OrgStatus } from "../consortium/IConsortium.sol";
import { IOrganisationKeys, OrganisationKey } from "../consortium/IOrganisationKeys.sol";
import { IDeviceRegistry } from "./IDeviceRegistry.sol";
import { DeviceRecord } from "./DeviceTypes.sol";

/// @notice One storage word per publication.
struct Publication {
    address pointer; // account whose code holds the document; zero when the publication withdrew everything
    uint32 blockNumber;
    uint32 time;
    uint32 epoch; // of the device; in any other epoch the publication does not count
}

/// @notice A place in a device's history: the block and its time in seconds. Zero is nowhere.
struct Moment {
    uint40 blockNumber;
    uint40 time;
}

/// @notice Everything a resolver needs for one version of a device's DID document, except the coordinates of its key:
/// those are in a log of block `keyBlock`, and `keyId` proves them.
struct Resolution {
    Moment head; // the block this was read at
    Moment created; // the device's registration; nowhere while the version asked for does not exist
    Moment version; // the last change up to and with the moment asked for
    Moment next; // the change after it; nowhere when there is none yet
    bool deactivated; // the device was revoked by then
    DeviceRecord record; // in the epoch of the version; its status is the latest of that epoch
    bytes32 keyId; // hash of the key in force
    uint256 keyBlock; // the block whose log holds that key
    uint256 publications; // how many there were by then
    bytes document; // what the owner published in this epoch; empty for nothing
}

/// @notice Everything a resolver needs for an organisation's DID document.
struct OrganisationResolution {
    OrgStatus status; // None for a number that was never given
    address[] signatories;
    OrganisationKey deviceFacing; // x and y are zero where there is no key
    OrganisationKey encryption;
    OrganisationKey disclosure;
}

/// @notice What owners publish about their devices for the DID document (docs/did-method.md): interfaces, further
/// keys, other names. And the one view from which a resolver builds any version of the document.
///
/// A publication belongs to the epoch of the device it was made in. Whatever ends the epoch (another owner, another
/// key, recovery, revocation) ends the publication with it: nobody answers for what an earlier owner said.
///
/// Acts may be direct or relayed ({SignedActs}). Immutable, without administration.
interface IDeviceDocuments {
    event DocumentPublished(
        DeviceId indexed device,
        OrgId indexed owner,
        uint256 number,
        uint32 epoch,
        bytes32 documentHash,
        uint256 previousBlock,
        address by
    );

    error DocumentTooLong(DeviceId device, uint256 length, uint256 max);
    error DocumentRevoked(DeviceId device);
    error DocumentOwnerRefused(DeviceId device, OrgId owner, OrgId caller);
    error DocumentUnknown(DeviceId device, uint256 number, uint256 count);

    /// @notice Publishes a document in place of the one before; an empty one withdraws it. All stay readable.
    /// @dev A DeviceManager of the owner, also while the device is suspended. Reverts with `DeviceUnknown`,
    /// `DocumentRevoked`, `DocumentTooLong`, the consortium's reason, or `DocumentOwnerRefused`. The contract does not
    /// read the document: resolvers refuse what is malformed.
    /// @param document JSON as docs/did-method.md says, at most `MAX_DOCUMENT` bytes.
    /// @return number Of this publication among the device's, from 1.
    function publish(DeviceId device, bytes calldata document) external returns (uint256 number);

    /// @notice The newest version. All zero but for `head` when the device is not registered.
    function resolve(DeviceId device) external view returns (Resolution memory);

    /// @notice The version at the end of a block, so after every change in it.
    function resolveAtBlock(DeviceId device, uint256 blockNumber) external view returns (Resolution memory);

    /// @notice The version at the end of a second.
    function resolveAtTime(DeviceId device, uint256 time) external view returns (Resolution memory);

    /// @notice The present of an organisation. Never reverts.
    function resolveOrganisation(OrgId org) external view returns (OrganisationResolution memory);

    /// @notice A publication by its number, also one that no longer counts. Reverts with `DocumentUnknown`.
    function publicationOf(
        DeviceId device,
        uint256 number
    ) external view returns (Publication memory publication, bytes memory document);

    /// @notice How many publications a device has.
    function publicationCount(DeviceId device) external view returns (uint256);

    /// @notice The registry of the devices.
    function REGISTRY() external view returns (IDeviceRegistry);

    /// @notice Where organisations publish keys.
    function KEYS() external view returns (IOrganisationKeys);

    /// @notice The most bytes a document may have.
    function MAX_DOCUMENT() external view returns (uint256);
}
