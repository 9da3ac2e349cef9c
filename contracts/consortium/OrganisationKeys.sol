// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { P256 } from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import { OrgId } from "../common/Ids.sol";
import { IConsortium, OrgStatus, Role } from "./IConsortium.sol";
import { IOrganisationKeys, KeyUse, OrganisationKey } from "./IOrganisationKeys.sol";
import { SignedActs } from "./SignedActs.sol";

/// @title OrganisationKeys
/// @notice Public P-256 keys of organisations, by use and version. See {IOrganisationKeys}.
/// @dev Not upgradeable and without administration: everything it allows follows from {IConsortium}.
contract OrganisationKeys is IOrganisationKeys, SignedActs {
    struct Key {
        bytes32 x;
        bytes32 y;
        address publisher;
        uint40 since;
    }

    /// @inheritdoc IOrganisationKeys
    uint256 public constant MAX_DISCLOSERS = 16;

    /// @inheritdoc IOrganisationKeys
    IConsortium public immutable CONSORTIUM;

    mapping(OrgId org => mapping(KeyUse use => Key[] versions)) private _keys;
    OrgId[] private _disclosers;

    constructor(IConsortium consortium) EIP712("Tenon OrganisationKeys", "1") {
        CONSORTIUM = consortium;
    }

    // ---------------------------------------------------------------- keys

    /// @inheritdoc IOrganisationKeys
    function publish(KeyUse use, bytes32 x, bytes32 y) external returns (uint32 version) {
        address by = _msgSender();
        OrgId org = CONSORTIUM.requireRole(by, _roleFor(use));
        if (!P256.isValidPublicKey(x, y)) revert KeyPointInvalid(x, y);

        if (use == KeyUse.Disclosure) _list(org);
        version = _push(org, use, Key({ x: x, y: y, publisher: by, since: uint40(block.timestamp) }));
        emit KeyPublished(org, use, version, x, y, by);
    }

    /// @inheritdoc IOrganisationKeys
    function withdraw(KeyUse use) external returns (uint32 version) {
        address by = _msgSender();
        OrgId org = CONSORTIUM.requireRole(by, _roleFor(use));
        OrganisationKey memory present = _keyOf(org, use);
        if (!_isThere(present)) revert KeyMissing(org, use);

        version = _push(org, use, Key({ x: 0, y: 0, publisher: by, since: uint40(block.timestamp) }));
        emit KeyWithdrawn(org, use, present.version, by);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IOrganisationKeys
    function keyOf(OrgId org, KeyUse use) external view returns (OrganisationKey memory) {
        return _keyOf(org, use);
    }

    /// @inheritdoc IOrganisationKeys
    function keyAt(OrgId org, KeyUse use, uint32 version) external view returns (OrganisationKey memory) {
        return _keyAt(org, use, version);
    }

    /// @inheritdoc IOrganisationKeys
    function disclosureKeys() external view returns (OrganisationKey[] memory keys) {
        keys = new OrganisationKey[](_disclosers.length);
        uint256 found = 0;
        for (uint256 i = 0; i < keys.length; ++i) {
            OrganisationKey memory key = _keyOf(_disclosers[i], KeyUse.Disclosure);
            if (_isThere(key) && CONSORTIUM.hasRole(key.publisher, Role.Regulator)) keys[found++] = key;
        }
        assembly ("memory-safe") {
            mstore(keys, found)
        }
    }

    // ---------------------------------------------------------------- inner parts

    function _roleFor(KeyUse use) private pure returns (Role) {
        return use == KeyUse.Disclosure ? Role.Regulator : Role.DeviceManager;
    }

    function _push(OrgId org, KeyUse use, Key memory key) private returns (uint32) {
        Key[] storage versions = _keys[org][use];
        versions.push(key);
        return uint32(versions.length);
    }

    /// @dev Puts a regulator on the list, in the place of one that has left for good when there is no other.
    function _list(OrgId org) private {
        if (_keys[org][KeyUse.Disclosure].length != 0) return;
        if (_disclosers.length < MAX_DISCLOSERS) return _disclosers.push(org);
        for (uint256 i = 0; i < MAX_DISCLOSERS; ++i) {
            if (CONSORTIUM.statusOf(_disclosers[i]) != OrgStatus.Exited) continue;
            _disclosers[i] = org;
            return;
        }
        revert DisclosersFull(MAX_DISCLOSERS);
    }

    function _keyOf(OrgId org, KeyUse use) private view returns (OrganisationKey memory) {
        return _keyAt(org, use, uint32(_keys[org][use].length));
    }

    function _keyAt(
        OrgId org,
        KeyUse use,
        uint32 version
    ) private view returns (OrganisationKey memory found) {
        (found.org, found.use) = (org, use);
        Key[] storage versions = _keys[org][use];
        if (version == 0 || version > versions.length) return found;
        Key memory key = versions[version - 1];
        (found.version, found.since, found.publisher) = (version, key.since, key.publisher);
        (found.x, found.y) = (key.x, key.y);
    }

    /// @dev The zero point is on no curve, so it can stand for a withdrawal.
    function _isThere(OrganisationKey memory key) private pure returns (bool) {
        return key.x != 0 || key.y != 0;
    }
}
