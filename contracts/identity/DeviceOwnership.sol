// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";
import { DeviceRecords } from "./DeviceRecords.sol";
import { DeviceStatus, KeyProof, Offer, PartySignature, TransferCause } from "./DeviceTypes.sol";
import { DeviceWord, ENGAGED } from "./DeviceWord.sol";
import { IDeviceOwnership } from "./IDeviceOwnership.sol";
import { PartySignatures } from "./PartySignatures.sol";

/// @title DeviceOwnership
/// @notice Offer, acceptance, signed transfer, engagement. See {IDeviceOwnership}.
abstract contract DeviceOwnership is DeviceRecords {
    /// @inheritdoc IDeviceOwnership
    uint40 public constant MAX_OFFER = 400 days;

    bytes32 private constant _TRANSFER = keccak256(
        "Transfer(bytes32 device,uint32 from,uint32 to,uint32 epoch,uint256 deadline)"
    );
    bytes32 private constant _ENGAGEMENT = keccak256(
        "Engagement(bytes32 device,uint32 epoch,address owner,uint256 deadline)"
    );

    // ---------------------------------------------------------------- offered, accepted

    /// @inheritdoc IDeviceOwnership
    function offer(DeviceId device, OrgId to, uint40 until) external {
        _requireOpen(IDeviceOwnership.offer.selector);
        DeviceWord word = _movable(device);
        _requireManager(device, _msgSender(), word.owner());
        if (to == word.owner()) revert DeviceOwnerUnchanged(device, to);
        uint256 latest = block.timestamp + MAX_OFFER;
        if (until <= block.timestamp || until > latest) revert DeviceOfferTermInvalid(until, latest);
        _requireActiveOrg(to);

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
        _requireManager(device, _msgSender(), open.to);
        if (block.timestamp >= open.until) revert DeviceOfferExpired(device, open.until);
        _requireActiveOrg(word.owner());

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
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(_TRANSFER, device, word.owner(), to, word.epoch(), deadline))
        );
        _requireParty(device, word.owner(), digest, owner);
        _requireParty(device, to, digest, recipient);

        _transfer(device, word, to, TransferCause.Signed);
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

    // ---------------------------------------------------------------- inner parts

    /// @dev Another owner, the same key.
    function _transfer(DeviceId device, DeviceWord word, OrgId to, TransferCause cause) internal {
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
        _requireManager(device, _msgSender(), by);

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
        _requireManager(device, party.signer, org);
        if (!PartySignatures.isValid(party.signer, digest, party.signature)) {
            revert DeviceTransferSignatureInvalid(device, party.signer, digest);
        }
    }
}
