// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { DeviceStatus, KeyProof, Offer, PartySignature, TransferCause } from "./DeviceTypes.sol";

/// @notice How a device comes to another owner: offered, accepted, engaged. Nobody is made an owner without his consent,
/// except by order of a court or a regulator, and nobody loses a device without his, except by such an order or by the
/// recovery of {IDeviceKeys}. The owner stands in this registry and nowhere else.
///
/// A transfer begins an epoch, and so ends every grant of access and every frame number of the old one. The new owner is
/// owner at once; the device follows when it signs for him (*engaged*), which anybody may bring.
///
/// A device that is encumbered, or suspended by the authority, does not change hands (`DeviceImmovable`); nor does a
/// revoked one (`DeviceEnded`).
interface IDeviceOwnership {
    event DeviceOffered(
        DeviceId indexed device,
        OrgId indexed from,
        OrgId indexed to,
        uint40 until,
        address by
    );
    event DeviceOfferEnded(DeviceId indexed device, OrgId indexed to, address by);
    event DeviceTransferred(
        DeviceId indexed device,
        address indexed from,
        address indexed to,
        uint32 epoch,
        uint32 previousBlock,
        TransferCause cause
    );
    event DeviceEngaged(DeviceId indexed device, address indexed owner, uint32 epoch);

    error DeviceImmovable(DeviceId device, DeviceStatus status, bool locked);
    error DeviceOwnerUnchanged(DeviceId device, OrgId owner);
    error DeviceOfferTermInvalid(uint40 until, uint256 latest);
    error DeviceOfferMissing(DeviceId device);
    error DeviceOfferExpired(DeviceId device, uint40 until);
    error DeviceTransferExpired(DeviceId device, uint256 deadline, uint256 time);
    error DeviceTransferSignatureInvalid(DeviceId device, address signer, bytes32 digest);
    error DeviceAlreadyEngaged(DeviceId device, uint32 epoch);

    /// @notice Offers a device to another organisation, in place of an earlier offer.
    /// @dev A device manager of the owner. Reverts with `DeviceOwnerUnchanged` (offered to itself),
    /// `DeviceOfferTermInvalid` (over already, or further ahead than `MAX_OFFER`), or the consortium's reason when `to` is
    /// not active.
    /// @param until No acceptance from this second on.
    function offer(DeviceId device, OrgId to, uint40 until) external;

    /// @notice Takes an offer back.
    /// @dev A device manager of the owner.
    function cancelOffer(DeviceId device) external;

    /// @notice Turns an offer down.
    /// @dev A device manager of the organisation it was made to.
    function rejectOffer(DeviceId device) external;

    /// @notice Takes an offered device over.
    /// @dev A device manager of the organisation it was offered to. Reverts with `DeviceOfferMissing`,
    /// `DeviceOfferExpired`, or the consortium's reason when the one who offered is no longer active.
    function acceptOffer(DeviceId device) external;

    /// @notice Hands a device over in one transaction, when both parties signed.
    /// @dev Anyone may send it. Both sign the EIP-712 message
    /// `Transfer(bytes32 device,uint32 from,uint32 to,uint32 epoch,uint256 deadline)`; the epoch is the nonce. Each signer
    /// must be a device manager of its side now; a contract may sign (ERC-1271).
    /// @param deadline Last second, inclusive.
    function transfer(
        DeviceId device,
        OrgId to,
        uint256 deadline,
        PartySignature calldata owner,
        PartySignature calldata recipient
    ) external;

    /// @notice Records that the device itself follows its owner of this epoch.
    /// @dev Anyone. The key in force signs `Engagement(bytes32 device,uint32 epoch,address owner,uint256 deadline)` as it
    /// signed its registration. Devices are born engaged.
    function engage(DeviceId device, KeyProof calldata present, uint256 deadline) external;

    /// @notice The open offer of a device, expired or not.
    function offerOf(DeviceId device) external view returns (Offer memory);

    /// @notice The furthest an offer may reach into the future, in seconds.
    function MAX_OFFER() external view returns (uint40);
}
