// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DeviceId, OrgId } from "../common/Ids.sol";

/// @dev Append only.
enum DeviceStatus {
    None,
    Active,
    SuspendedByOwner,
    SuspendedByAuthority,
    Revoked
}

/// @notice Who asks for a change of status.
enum DeviceActor {
    Owner,
    Authority
}

/// @notice By which way a device came to another owner. Append only.
enum TransferCause {
    Accepted, // an offer, accepted by the new owner
    Signed, // one transaction with the signatures of both
    Recovered, // manufacturer and authority, after a delay
    Forced // an order of a court or a regulator
}

/// @notice What the registry says of a device in one epoch; the present one, unless another was asked for.
struct DeviceRecord {
    address owner; // holder of record: the address of organisation `org`
    uint40 since; // beginning of the epoch, seconds
    DeviceStatus status; // of a past epoch: as it was when the epoch ended, and so with all that follow
    uint8 curve; // of the key in force
    uint32 epoch; // starts at 1; grants and frames of an older epoch no longer count
    uint32 blockNumber; // in which the epoch began: that block has the event of the owner or the key in force
    bool engaged; // the device itself signed for this owner in this epoch, or was born with it
    bool locked; // encumbered: does not change hands
    bool accessStopped; // the owner's emergency stop
    bool rotated; // the key in force is not the birth key: `keyIdAt` names it
    OrgId org; // the owner's number
    OrgId maker; // organisation that brought the device in
}

/// @notice A public key. `curve` is the COSE number: 1 is P-256, 8 is secp256k1.
struct DeviceKey {
    uint8 curve;
    bytes32 x;
    bytes32 y;
}

/// @notice A device key and its signature over the message of the function that takes it. `s` must be in the lower half.
struct KeyProof {
    DeviceKey key;
    bytes32 r;
    bytes32 s;
}

/// @notice A device that is to be entered, and its own proof.
struct Registration {
    OrgId owner; // will hold the device
    DeviceKey key; // the birth key; the id is its hash
    bytes32 parametersHash; // salted hash of make, model, serial and what else the parties agreed to fix
    bytes32 certificateHash; // SHA-256 of the factory certificate in DER, or zero when there is none
    uint256 deadline; // last second, inclusive, at which the proof counts
    bytes32 r;
    bytes32 s; // in the lower half
}

/// @notice Where a device stands in a factory list.
struct ListProof {
    OrgId maker; // who opened the list
    bytes32 root;
    uint32 index;
    bytes32[] path; // RFC 9162, from the leaf up
}

/// @notice A production run, open for activation.
struct FactoryList {
    uint32 count; // number of devices; zero for a list that was never opened
    uint40 until; // no activation from this second on
    OrgId buyer; // who alone may activate; 0 is whoever holds the device
    bool closed;
}

/// @notice The manufacturer's word that one device may enter: EIP-712
/// `Voucher(bytes32 device,bytes32 parametersHash,bytes32 certificateHash,uint32 buyer,uint40 until)`.
struct Voucher {
    address maker; // signatory whose Manufacturer role counts
    OrgId buyer; // who alone may use it; 0 is whoever holds the device
    uint40 until; // not from this second on
    bytes signature;
}

/// @notice An EIP-712 signature by a person or a contract (ERC-1271).
struct PartySignature {
    address signer;
    bytes signature;
}

/// @notice A manufacturer's account as the registry keeps it: told by the consortium, counted here.
struct Maker {
    OrgId org;
    uint40 until; // end of the Manufacturer role; 0 is no role
    uint64 quota; // devices in the account's whole life; the largest number is no limit
    uint64 used;
}

/// @notice A device that lost its key or its owner, on its way back.
struct Recovery {
    uint32 epoch; // of the device when it was proposed; in another epoch the proposal is void
    OrgId newOwner;
    uint8 curve; // of the new key; 0 when the key stays
    uint40 readyAt; // 0 until the authority confirms
    bytes32 newKeyId; // 0 when the key stays
}

/// @notice An offer of a device to another organisation.
struct Offer {
    OrgId to; // 0 when there is none
    uint40 until; // no acceptance from this second on
}
