// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { DeviceId, OrderId, OrgId } from "../common/Ids.sol";
import { IConsortium, Role } from "../consortium/IConsortium.sol";
import { IOrders, OrderScope } from "../consortium/IOrders.sol";
import { SignedActs } from "../consortium/SignedActs.sol";
import { DeviceRecord, DeviceStatus, IDeviceRegistry } from "../identity/IDeviceRegistry.sol";
import { IDeviceRecords } from "../identity/IDeviceRecords.sol";
import { AuditChain, AuditEntry, IAccessAudit } from "./IAccessAudit.sol";

/// @title AccessAudit
/// @notice What was accessed outside the chain, and what regulators read. See {IAccessAudit}.
/// @dev Not upgradeable and without administration. Writes events, and one word for each chain.
contract AccessAudit is IAccessAudit, SignedActs {
    /// @inheritdoc IAccessAudit
    IConsortium public immutable CONSORTIUM;

    /// @inheritdoc IAccessAudit
    IDeviceRegistry public immutable REGISTRY;

    /// @inheritdoc IAccessAudit
    IOrders public immutable ORDERS;

    mapping(OrgId org => mapping(bytes32 chain => AuditChain word)) private _chains;

    constructor(
        IConsortium consortium,
        IDeviceRegistry registry,
        IOrders orders
    ) EIP712("Tenon AccessAudit", "1") {
        CONSORTIUM = consortium;
        REGISTRY = registry;
        ORDERS = orders;
    }

    /// @inheritdoc IAccessAudit
    function record(DeviceId device, AuditEntry[] calldata entries, bytes32 detailsRoot) external {
        address by = _msgSender();
        DeviceRecord memory word = REGISTRY.record(device);
        if (word.status == DeviceStatus.None) revert IDeviceRecords.DeviceUnknown(device);
        if (_requireSignatory(by) != word.org) revert AuditRefused(device, by, word.org);
        if (entries.length == 0) revert AuditEmpty(device);

        emit BatchRecorded(device, word.org, by, entries.length, detailsRoot);
        for (uint256 i = 0; i < entries.length; ++i) _record(device, entries[i], i);
    }

    /// @inheritdoc IAccessAudit
    function anchorChain(bytes32 chain, uint64 from, uint64 to, bytes32 head, bytes32 root) external {
        OrgId org = _requireSignatory(_msgSender());
        if (from > to || to == type(uint64).max || head == 0 || root == 0) revert ChainEmpty(chain, from, to);
        AuditChain memory word = _chains[org][chain];
        if (from != word.next) revert ChainGap(org, chain, from, word.next);

        _chains[org][chain] = AuditChain({ next: to + 1, blockNumber: uint64(block.number) });
        emit ChainAnchored(org, chain, from, to, head, root, word.blockNumber);
    }

    /// @inheritdoc IAccessAudit
    function logReading(OrderId order, bytes32 subject, bytes32 contentHash) external {
        address by = _msgSender();
        OrgId org = CONSORTIUM.requireRole(by, Role.Regulator);
        if (subject == 0) revert ReadingSubjectMissing();
        if (OrderId.unwrap(order) != 0) {
            ORDERS.requireActive(order, OrderScope.Disclose, address(this), subject);
        }

        emit ReadingLogged(org, order, subject, contentHash, by);
    }

    /// @inheritdoc IAccessAudit
    function chainOf(OrgId org, bytes32 chain) external view returns (AuditChain memory) {
        return _chains[org][chain];
    }

    function _record(DeviceId device, AuditEntry memory entry, uint256 i) private {
        if (entry.time > block.timestamp) revert AuditTimeAhead(device, i, entry.time, block.timestamp);
        emit AccessRecorded(device, entry.requester, entry.permissions, entry.time, entry.outcome);
    }

    /// @dev The active organisation of an account.
    function _requireSignatory(address account) private view returns (OrgId org) {
        org = CONSORTIUM.orgOf(account);
        if (OrgId.unwrap(org) == 0) revert IConsortium.SignatoryUnknown(account);
        CONSORTIUM.requireActive(org);
    }
}
