// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { DeviceKey, FactoryList, ListProof, Maker, Registration, Voucher } from "./DeviceTypes.sol";

/// @notice Four ways into the registry. In each the device proves with its own key that it wants exactly this entry:
/// without that anybody could put a foreign machine's key under his own name.
///
/// The device signs the EIP-712 message
/// `Registration(uint8 curve,bytes32 x,bytes32 y,address owner,bytes32 parametersHash,bytes32 certificateHash,uint256 deadline)`
/// in the domain (`Tenon DeviceRegistry`, `1`, chain id, this contract). The device id is the nonce: it registers once.
/// A secp256k1 key signs the usual Keccak digest; a P-256 key signs SHA-256 of the same 66 bytes
/// `0x1901 ‖ domain ‖ struct`, because secure elements have no Keccak. `s` must be in the lower half.
///
/// Every way draws on the quota that the consortium gave the manufacturer's account (`Term.limit` of its role), counted
/// over the account's whole life: one for each device, a factory list with all its devices when it is opened.
///
/// Every way reverts, after its own reasons, with: `DeviceAlreadyRegistered`, `DeviceKeyTaken` (rotated in elsewhere),
/// `DeviceProofMissing` (`r` and `s` zero), `DeviceProofExpired`, `DeviceCurveUnsupported`, `DeviceKeyInvalid` (zero or
/// off the curve), `DeviceProofHighS`, `DeviceProofInvalid`. All ways are entries: they can be paused, and end with a
/// successor.
interface IDeviceRegistration {
    event DeviceRegistered(
        DeviceId indexed device,
        address indexed owner,
        OrgId manufacturer,
        DeviceKey key,
        bytes32 parametersHash,
        bytes32 certificateHash
    );
    event FactoryListOpened(
        OrgId indexed maker,
        bytes32 indexed root,
        uint32 count,
        uint40 until,
        OrgId buyer,
        address by
    );
    event FactoryListClosed(OrgId indexed maker, bytes32 indexed root, address by);

    error DeviceAlreadyRegistered(DeviceId device);
    error RegistrationsMissing();
    error RegistrationOwnerRefused(OrgId owner, OrgId org);
    error ManufacturerRefused(address account, uint40 until);
    error ManufacturerQuotaExceeded(address account, uint64 quota, uint64 used, uint256 asked);
    error FactoryListTaken(OrgId maker, bytes32 root);
    error FactoryListInvalid(bytes32 root, uint32 count, uint40 until);
    error FactoryListUnknown(OrgId maker, bytes32 root);
    error FactoryListEnded(OrgId maker, bytes32 root, uint40 until, bool closed);
    error FactoryListBuyerRefused(OrgId buyer, OrgId org);
    error FactoryListProofInvalid(OrgId maker, bytes32 root, uint32 index);
    error VoucherExpired(uint40 until, uint256 time);
    error VoucherBuyerRefused(OrgId buyer, OrgId org);
    error VoucherSignatureInvalid(address maker, bytes32 digest);
    error RoleSourceRefused(address caller);

    /// @notice Registers one device.
    /// @dev Manufacturer, for itself or for any active organisation. Reverts first with `ManufacturerRefused`,
    /// `ManufacturerQuotaExceeded`, or the consortium's reason when the owner is not active.
    function register(Registration calldata registration) external returns (DeviceId device);

    /// @notice Registers many devices, all or none.
    /// @dev Manufacturer. As `register`, and `RegistrationsMissing` for an empty batch. About 440 devices fit under the
    /// gas limit of one transaction (2^24).
    function registerBatch(Registration[] calldata registrations) external;

    /// @notice Announces a whole production run by one root; each device enters when its first owner activates it.
    /// @dev Manufacturer. The tree is RFC 9162 (SHA-256) over the entries `abi.encode(deviceId, parametersHash,
    /// certificateHash)`, 96 bytes each, `count` of them. A path proves the position, so no more than `count` devices
    /// can come out of a root, and the quota is drawn here. A root is a maker's own: another maker who copies it opens
    /// another list. It cannot be opened twice. Reverts with `ManufacturerRefused`, `ManufacturerQuotaExceeded`,
    /// `FactoryListInvalid` (no devices, or already over), `FactoryListTaken`, or the consortium's reason when the buyer is
    /// not active.
    /// @param until No activation from this second on.
    /// @param buyer The organisation that alone may activate; 0 is whoever holds the device.
    function openList(bytes32 root, uint32 count, uint40 until, OrgId buyer) external;

    /// @notice Ends activation from a list; what was activated stays. The quota it drew is spent.
    /// @dev A manufacturer of the same organisation, or the device authority. Cannot be undone. The list does not need
    /// its maker's role after opening, so whoever takes a role away because of a leaked key closes its lists too.
    function closeList(OrgId maker, bytes32 root) external;

    /// @notice Registers a device of a factory list.
    /// @dev A device manager of the owner. Reverts first with the consortium's reason, `RegistrationOwnerRefused` (the
    /// caller acts for another organisation), `FactoryListUnknown`, `FactoryListEnded`, `FactoryListBuyerRefused`,
    /// `FactoryListProofInvalid`.
    function activate(
        Registration calldata registration,
        ListProof calldata proof
    ) external returns (DeviceId device);

    /// @notice Registers a device on its manufacturer's signed word; nothing was sent at the factory.
    /// @dev A device manager of the owner. The signer's Manufacturer role must hold now, so vouchers end with the role
    /// and come back with its renewal. The device id is the voucher's nonce. Reverts first with the consortium's reason,
    /// `RegistrationOwnerRefused`, `VoucherExpired`, `VoucherBuyerRefused`, `ManufacturerRefused`,
    /// `ManufacturerQuotaExceeded`, `VoucherSignatureInvalid`.
    function registerByVoucher(
        Registration calldata registration,
        Voucher calldata voucher
    ) external returns (DeviceId device);

    /// @notice The folded copy of `CONSORTIUM.termOf(account, Role.Manufacturer)`, and what was used of the quota.
    function manufacturerOf(address account) external view returns (Maker memory);

    /// @notice A factory list; `count` is 0 for one that was never opened.
    function factoryListOf(OrgId maker, bytes32 root) external view returns (FactoryList memory);

    /// @notice What the device signs: the Keccak digest for secp256k1, the SHA-256 digest for P-256. `r` and `s` do not
    /// matter.
    function registrationDigest(Registration calldata registration) external view returns (bytes32);
}
