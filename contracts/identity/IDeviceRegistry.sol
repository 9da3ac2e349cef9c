// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// The types are imported so that users of the interface find them here.
import {
    DeviceActor,
    DeviceKey,
    DeviceRecord,
    DeviceStatus,
    FactoryList,
    KeyProof,
    ListProof,
    Maker,
    Offer,
    PartySignature,
    Recovery,
    Registration,
    TransferCause,
    Voucher
} from "./DeviceTypes.sol";
import { IDeviceKeys } from "./IDeviceKeys.sol";
import { IDeviceOwnership } from "./IDeviceOwnership.sol";
import { IDeviceRecords } from "./IDeviceRecords.sol";
import { IDeviceRegistration } from "./IDeviceRegistration.sol";
import { IDeviceStates } from "./IDeviceStates.sol";

/// @notice The registry of device identities (the DID). A device enters with a proof made by its own key, changes hands by
/// the consent of both sides, may get a new key, and leaves the active state for ever when it is revoked.
///
/// Powers and their limits:
/// - a manufacturer's signatory registers devices, up to its quota. Cannot register a device that did not sign for
///   exactly this owner, these parameters and this certificate, on this chain and contract; cannot register one twice.
/// - the owner's device manager activates, offers, accepts, hands over, rotates keys, revokes, allows access.
/// - any signatory of the owner suspends, resumes what the owner suspended, stops access, cancels a recovery.
/// - the device authority suspends, resumes and revokes any device. Cannot change an owner by itself.
/// - manufacturer and authority together recover a lost device, after a delay in which the owner may say no.
/// - an enforcer moves a device on a confirmed order, once for each order.
/// - guardian, registrar, administrator: see {PausableActions}; none of them touches a device.
/// - nobody brings a revoked device back, or moves an encumbered one without an order.
///
/// Every act may be sent by its author or relayed with its author's signature (see {SignedActs}). A registry that has a
/// successor takes no more entries; a device moves there by registering anew, with a proof for that contract.
interface IDeviceRegistry is
    IDeviceRecords,
    IDeviceRegistration,
    IDeviceStates,
    IDeviceOwnership,
    IDeviceKeys
{}
