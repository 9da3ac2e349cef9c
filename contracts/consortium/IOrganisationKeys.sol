// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { OrgId } from "../common/Ids.sol";
import { IConsortium } from "./IConsortium.sol";

/// @notice What an organisation's key is for. Append only.
/// - DeviceFacing: signs what devices check without a network (P-256, ECDSA), such as offline passes.
/// - Encryption: others seal to it what only this organisation shall read (P-256, HPKE).
/// - Disclosure: the same for a regulator; every sealed secret goes to these keys too.
enum KeyUse {
    DeviceFacing,
    Encryption,
    Disclosure
}

/// @notice One version of an organisation's key.
struct OrganisationKey {
    OrgId org;
    KeyUse use;
    uint32 version; // from 1; 0 when there is none
    uint40 since;
    address publisher;
    bytes32 x; // zero, as y, when the key before it was withdrawn and none took its place
    bytes32 y;
}

/// @notice Public P-256 keys of organisations, by use and version. Signatories sign transactions with keys of their own;
/// these are for what happens off the chain: devices that verify, and secrets that are sealed.
///
/// Old versions stay readable, because what was signed or sealed under them does. No proof of possession is asked for:
/// who publishes a key it does not hold locks out nobody but its own organisation.
///
/// Powers and their limits:
/// - DeviceManager (a role): publishes and withdraws its organisation's DeviceFacing and Encryption keys.
/// - Regulator (a role): its organisation's Disclosure key.
interface IOrganisationKeys {
    event KeyPublished(
        OrgId indexed org,
        KeyUse indexed use,
        uint32 version,
        bytes32 x,
        bytes32 y,
        address by
    );
    event KeyWithdrawn(OrgId indexed org, KeyUse indexed use, uint32 version, address by);

    error KeyPointInvalid(bytes32 x, bytes32 y);
    error KeyMissing(OrgId org, KeyUse use);
    error DisclosersFull(uint256 max);

    /// @notice Publishes a key; it replaces the one before.
    /// @dev DeviceManager, for Disclosure a Regulator. Reverts: the consortium's reason; `KeyPointInvalid` (not a point of
    /// P-256); `DisclosersFull` when it is one more regulator than `MAX_DISCLOSERS`, and none of them has left.
    function publish(KeyUse use, bytes32 x, bytes32 y) external returns (uint32 version);

    /// @notice Says that the present key must not be used any more, for instance because it may have leaked.
    /// @dev As `publish`. Reverts: the consortium's reason; `KeyMissing`.
    function withdraw(KeyUse use) external returns (uint32 version);

    /// @notice The key in force; version 0 when none was ever published, x and y zero when the last was withdrawn.
    /// @dev Never reverts.
    function keyOf(OrgId org, KeyUse use) external view returns (OrganisationKey memory);

    /// @notice One version of a key; all but organisation and use zero for an unknown one. Never reverts.
    function keyAt(OrgId org, KeyUse use, uint32 version) external view returns (OrganisationKey memory);

    /// @notice The keys that every secret is to be sealed to besides its readers: the Disclosure keys in force whose
    /// publishers are regulators now. Never reverts.
    function disclosureKeys() external view returns (OrganisationKey[] memory);

    /// @notice The most organisations with Disclosure keys.
    function MAX_DISCLOSERS() external view returns (uint256);

    /// @notice Where roles are looked up.
    function CONSORTIUM() external view returns (IConsortium);
}
