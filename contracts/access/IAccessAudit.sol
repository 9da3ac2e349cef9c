// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrderId, OrgId } from "../common/Ids.sol";
import { IConsortium } from "../consortium/IConsortium.sol";
import { IOrders } from "../consortium/IOrders.sol";
import { IDeviceRegistry } from "../identity/IDeviceRegistry.sol";
import { AccessReason } from "./IDeviceAccess.sol";

/// @notice One access that was decided off chain, by a device or its gateway.
struct AuditEntry {
    address requester; // whose key was proven
    uint40 permissions; // what was asked for
    uint40 time; // when, seconds, by the clock of who decided
    AccessReason outcome;
}

/// @notice How far a hash chain of accesses is anchored.
struct AuditChain {
    uint64 next; // number of the first entry that is not anchored yet
    uint64 blockNumber; // of the last anchoring; 0: none
}

/// @notice What was accessed where no transaction was made for each: entries in batches, hash chains by their roots, and
/// what regulators read.
///
/// An entry is the word of the organisation that wrote it, under its name and for ever. The decisions of
/// {IDeviceAccess} are events there and are not repeated here.
///
/// Powers and their limits:
/// - a signatory of an organisation writes about the devices its organisation owns now, and anchors chains in its
///   organisation's name. Cannot change or take back what was written, nor leave a gap in a chain unseen.
/// - a Regulator logs what it read. Cannot claim an order that does not cover it.
interface IAccessAudit {
    /// @dev Followed in the same transaction by `count` times `AccessRecorded`.
    event BatchRecorded(
        DeviceId indexed device,
        OrgId indexed org,
        address indexed by,
        uint256 count,
        bytes32 detailsRoot
    );
    event AccessRecorded(
        DeviceId indexed device,
        address indexed requester,
        uint40 permissions,
        uint40 time,
        AccessReason outcome
    );
    event ChainAnchored(
        OrgId indexed org,
        bytes32 indexed chain,
        uint64 from,
        uint64 to,
        bytes32 head,
        bytes32 root,
        uint64 previousBlock
    );
    event ReadingLogged(
        OrgId indexed org,
        OrderId indexed order,
        bytes32 indexed subject,
        bytes32 contentHash,
        address by
    );

    error AuditRefused(DeviceId device, address account, OrgId owner);
    error AuditEmpty(DeviceId device);
    error AuditTimeAhead(DeviceId device, uint256 index, uint40 time, uint256 present);
    error ChainGap(OrgId org, bytes32 chain, uint64 from, uint64 expected);
    error ChainEmpty(bytes32 chain, uint64 from, uint64 to);
    error ReadingSubjectMissing();

    /// @notice Writes down accesses to one device, each as an event.
    /// @dev A signatory of the active organisation that owns the device. Reverts with `DeviceUnknown`, the
    /// consortium's reason, `AuditRefused`, `AuditEmpty`, `AuditTimeAhead`.
    /// @param detailsRoot Root over what was done in each access, kept by the writer; or zero.
    function record(DeviceId device, AuditEntry[] calldata entries, bytes32 detailsRoot) external;

    /// @notice Anchors the entries `from` to `to`, inclusive, of a hash chain that is kept off chain.
    /// @dev A signatory of an active organisation, for a chain of that organisation. `from` is where the last
    /// anchoring stopped: a chain has neither gaps nor forks. Reverts with the consortium's reason, `ChainEmpty`,
    /// `ChainGap`.
    /// @param chain A device's id, or the hash of a gateway's name.
    /// @param head The hash of the last entry, which chains to all before.
    /// @param root Root of the tree over the entries of this range, to prove one without the others.
    function anchorChain(bytes32 chain, uint64 from, uint64 to, bytes32 head, bytes32 root) external;

    /// @notice Says that a regulator opened something it had the key to.
    /// @dev Regulator. With an order, it must be active, of scope Disclose, for this contract and this subject; order 0
    /// is general supervision. Reverts with the consortium's reason, `ReadingSubjectMissing`, or that of the orders.
    /// @param subject What was read about: a device's id, or the hash of whatever the order names.
    /// @param contentHash Hash of what exactly was opened.
    function logReading(OrderId order, bytes32 subject, bytes32 contentHash) external;

    /// @notice How far a chain of an organisation is anchored.
    function chainOf(OrgId org, bytes32 chain) external view returns (AuditChain memory);

    /// @notice Where organisations and roles are kept.
    function CONSORTIUM() external view returns (IConsortium);

    /// @notice Where devices are kept.
    function REGISTRY() external view returns (IDeviceRegistry);

    /// @notice Where orders are kept.
    function ORDERS() external view returns (IOrders);
}
