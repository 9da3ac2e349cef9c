// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrderId, OrgId } from "../common/Ids.sol";
import { Role } from "../consortium/IConsortium.sol";
import { IOrders } from "../consortium/IOrders.sol";
import { DeviceRecords } from "./DeviceRecords.sol";
import { DeviceStatus, KeyProof, Offer, PartySignature, TransferCause } from "./DeviceTypes.sol";
import { DeviceWord, ENGAGED } from "./DeviceWord.sol";
import { IDeviceOwnership } from "./IDeviceOwnership.sol";
import { PartySignatures } from "./PartySignatures.sol";

/// @title DeviceOwnership
/// @notice Offer, acceptance, signed transfer, transfer by order, engagement. See {IDeviceOwnership}.
abstract contract DeviceOwnership is IDeviceOwnership, DeviceRecords {
    /// @notice Where orders of courts and regulators are kept.
    IOrders public immutable ORDERS;

    /// @inheritdoc IDeviceOwnership
    uint40 public constant MAX_OFFER = 400 days;

    bytes32 private constant _TRANSFER = keccak256(
        "Transfer(bytes32 device,uint32 from,uint32 to,uint32 epoch,uint256 deadline)"
    );
    bytes32 private constant _ENGAGEMENT = keccak256(
        "Engagement(bytes32 device,uint32 epoch,address owner,uint256 deadline)"
    );

    constructor(IOrders orders) {
        ORDERS = orders;
    }

    // ---------------------------------------------------------------- offered, accepted

    /// @inheritdoc IDeviceOwnership
    function offer(DeviceId device, OrgId to, uint40 until) external {
        _requireOpen(IDeviceOwnership.offer.selector);
        DeviceWord word = _movable(device);
        _requireManager(device, word.owner());
        if (to == word.owner()) revert DeviceOwnerUnchanged(device, to);
        uint256 latest = block.timestamp + MAX_OFFER;
        if (until <= block.timestamp || until > latest) revert DeviceOfferTermInvalid(until, latest);
        CONSORTIUM.requireActive(to);

        _words[device] = word.withOffer(to, until);
        emit DeviceOffered(device, word.owner(), to, until, _msgSender());
    }

    /// @inheritdoc IDeviceOwnership
    function cancelOffer(DeviceId device) external {
        DeviceWord word = _known(device);
        _endOffer(device, word, word.owner());
    }

    /// @inheritdoc IDeviceOwnership
    function rejectOffer(DeviceId device) external {
        DeviceWord word = _known(device);
        _endOffer(device, word, word.offered().to);
    }

    /// @inheritdoc IDeviceOwnership
    function acceptOffer(DeviceId device) external {
        _requireOpen(IDeviceOwnership.acceptOffer.selector);
        DeviceWord word = _movable(device);
        Offer memory open = word.offered();
        if (OrgId.unwrap(open.to) == 0) revert DeviceOfferMissing(device);
        _requireManager(device, open.to);
        if (block.timestamp >= open.until) revert DeviceOfferExpired(device, open.until);
        CONSORTIUM.requireActive(word.owner());

        _transfer(device, word, open.to, TransferCause.Accepted);
    }

    // ---------------------------------------------------------------- in one transaction

    /// @inheritdoc IDeviceOwnership
    function transfer(
        DeviceId device,
        OrgId to,
        uint256 deadline,
        PartySignature calldata owner,
        PartySignature calldata recipient
    ) external {
        _requireOpen(IDeviceOwnership.transfer.selector);
        DeviceWord word = _movable(device);
        if (to == word.owner()) revert DeviceOwnerUnchanged(device, to);
        if (block.timestamp > deadline) revert DeviceTransferExpired(device, deadline, block.timestamp);
        bytes32 digest = _transferDigest(device, word, to, deadline);
        _requireParty(device, word.owner(), digest, owner);
        _requireParty(device, to, digest, recipient);

        _transfer(device, word, to, TransferCause.Signed);
    }

    /// @inheritdoc IDeviceOwnership
    function forceTransfer(DeviceId device, OrgId to, OrderId order) external {
        CONSORTIUM.requireRole(_msgSender(), Role.Enforcer);
        DeviceWord word = _living(device);
        if (to == word.owner()) revert DeviceOwnerUnchanged(device, to);
        CONSORTIUM.requireActive(to);

        ORDERS.consume(order, keccak256(abi.encode(device, to)));
        _transfer(device, word, to, TransferCause.Forced);
    }

    // ---------------------------------------------------------------- engaged

    /// @inheritdoc IDeviceOwnership
    function engage(DeviceId device, KeyProof calldata present, uint256 deadline) external {
        DeviceWord word = _living(device);
        if (word.engaged()) revert DeviceAlreadyEngaged(device, word.epoch());
        address holder = word.owner().holder();
        bytes32 hash = keccak256(abi.encode(_ENGAGEMENT, device, word.epoch(), holder, deadline));
        _requireInForce(device, word, present.key);
        _requireProof(device, present.key, hash, deadline, present.r, present.s);

        _words[device] = word.withFlag(ENGAGED, true);
        emit DeviceEngaged(device, holder, word.epoch());
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IDeviceOwnership
    function offerOf(DeviceId device) external view returns (Offer memory) {
        return _words[device].offered();
    }

    /// @inheritdoc IDeviceOwnership
    function transferDigest(DeviceId device, OrgId to, uint256 deadline) external view returns (bytes32) {
        return _transferDigest(device, _known(device), to, deadline);
    }

    // ---------------------------------------------------------------- inner parts

    /// @dev Another owner, the same key.
    function _transfer(
        DeviceId device,
        DeviceWord word,
        OrgId to,
        TransferCause cause
    ) internal {
        DeviceWord fresh = word.next(to);
        _beginEpoch(device, word, fresh);
        _announceTransfer(device, word, fresh, cause);
    }

    function _announceTransfer(
        DeviceId device,
        DeviceWord word,
        DeviceWord fresh,
        TransferCause cause
    ) internal {
        emit DeviceTransferred(
            device,
            word.owner().holder(),
            fresh.owner().holder(),
            fresh.epoch(),
            uint32(word.blockNumber()),
            cause
        );
    }

    function _endOffer(DeviceId device, DeviceWord word, OrgId by) private {
        OrgId to = word.offered().to;
        if (OrgId.unwrap(to) == 0) revert DeviceOfferMissing(device);
        _requireManager(device, by);

        _words[device] = word.withOffer(OrgId.wrap(0), 0);
        emit DeviceOfferEnded(device, to, _msgSender());
    }

    function _movable(DeviceId device) private view returns (DeviceWord word) {
        word = _living(device);
        if (word.locked() || word.status() == DeviceStatus.SuspendedByAuthority) {
            revert DeviceImmovable(device, word.status(), word.locked());
        }
    }

    function _requireParty(
        DeviceId device,
        OrgId org,
        bytes32 digest,
        PartySignature calldata party
    ) private view {
        if (CONSORTIUM.requireRole(party.signer, Role.DeviceManager) != org) {
            revert DeviceActorRefused(device, party.signer);
        }
        if (!PartySignatures.isValid(party.signer, digest, party.signature)) {
            revert DeviceTransferSignatureInvalid(device, party.signer, digest);
        }
    }

    function _transferDigest(
        DeviceId device,
        DeviceWord word,
        OrgId to,
        uint256 deadline
    ) private view returns (bytes32) {
        return
            _hashTypedDataV4(
                keccak256(abi.encode(_TRANSFER, device, word.owner(), to, word.epoch(), deadline))
            );
    }
}
