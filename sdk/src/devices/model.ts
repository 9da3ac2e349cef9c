import type { Hex } from "../bytes.js";
import type { DeviceKey } from "../frame/key.js";
import type { LogPosition } from "../logs.js";
import type { enums } from "../revert.js";
import type { Activation } from "./list.js";
import type { OwnedRegistration } from "./registration.js";
import type { DeviceVoucher } from "./voucher.js";

export type DeviceStatus = Exclude<(typeof enums.DeviceStatus)[number], "None">;

/** A device as the registry holds it now, or held it in an earlier epoch. Numbers of organisations beside addresses. */
export interface Device {
  readonly id: Hex;
  /** Holder of record: the address of organisation `organisation`. */
  readonly owner: string;
  readonly organisation: number;
  /** The organisation that brought the device in. */
  readonly maker: number;
  /** When the epoch began, seconds since 1970. */
  readonly since: number;
  readonly status: DeviceStatus;
  /** Of the key in force. */
  readonly curve: DeviceKey["curve"];
  /** Rises with every change of owner or key; grants of an older epoch no longer count. */
  readonly epoch: number;
  /** Block in which the epoch began: it has the event of the owner or the key in force. */
  readonly block: number;
  /** The device itself has signed for this owner, or was born with it. */
  readonly engaged: boolean;
  /** Encumbered: does not change hands. */
  readonly locked: boolean;
  /** The owner's emergency stop. */
  readonly accessStopped: boolean;
  /** The key in force is not the birth key. */
  readonly rotated: boolean;
}

/** A device's signature over one of its messages. `s` may be high: it is put in the lower half. */
export interface RegistrationProof {
  readonly r: Hex;
  readonly s: Hex;
}

/** What the client needs to know to prepare a registration; the rest comes from the deployment. */
export interface RegistrationRequest {
  /** Number of the organisation that will own the device. */
  readonly owner: number;
  /** Last second, inclusive, at which the device's proof counts. */
  readonly deadline: bigint | number;
  /** Default: 32 zero bytes. */
  readonly parametersHash?: Hex;
  /** SHA-256 of the factory certificate in DER. Default: 32 zero bytes, for none. */
  readonly certificateHash?: Hex;
}

/** A device that asks to be entered, with its own proof, and on whose word if no manufacturer sends it. */
export interface Application {
  readonly key: DeviceKey;
  readonly registration: OwnedRegistration;
  readonly proof: RegistrationProof;
  /** Its place in a factory list: then a device manager of the owner sends it. */
  readonly activation?: Activation;
  /** The maker's voucher: then a device manager of the owner sends it. */
  readonly voucher?: DeviceVoucher;
}

/** What the registry said when a device entered: the full key stands only here. */
export interface RegisteredDevice {
  readonly kind: "registered";
  readonly id: Hex;
  readonly epoch: 1;
  readonly owner: string;
  /** Number of the organisation that registered it. */
  readonly manufacturer: number;
  readonly key: DeviceKey;
  readonly parametersHash: Hex;
  readonly certificateHash: Hex;
  readonly at: LogPosition;
}

export interface DeviceTransfer {
  readonly kind: "transferred";
  readonly id: Hex;
  readonly epoch: number;
  /** Holder addresses. */
  readonly from: string;
  readonly to: string;
  readonly cause: (typeof enums.TransferCause)[number];
  /** Block in which the epoch before began. */
  readonly previousBlock: number;
  readonly at: LogPosition;
}

export interface DeviceKeyChange {
  readonly kind: "rotated";
  readonly id: Hex;
  readonly epoch: number;
  readonly key: DeviceKey;
  readonly keyId: Hex;
  readonly previousBlock: number;
  readonly at: LogPosition;
}

export interface DeviceRevocation {
  readonly kind: "revoked";
  readonly id: Hex;
  readonly epoch: number;
  readonly previousBlock: number;
  readonly at: LogPosition;
}

/** What began an epoch. A recovery that changes owner and key begins one epoch with two of them. */
export type EpochEvent = RegisteredDevice | DeviceTransfer | DeviceKeyChange | DeviceRevocation;

export interface DeviceStatusChange {
  readonly id: Hex;
  readonly from: DeviceStatus;
  readonly to: DeviceStatus;
  /** The account that asked. */
  readonly by: string;
  readonly at: LogPosition;
}

export interface DeviceOffer {
  readonly id: Hex;
  /** Numbers of organisations. */
  readonly from: number;
  readonly to: number;
  /** No acceptance from this second on. */
  readonly until: number;
  readonly by: string;
  readonly at: LogPosition;
}

/** An offer that was taken back or turned down. */
export interface DeviceOfferEnd {
  readonly id: Hex;
  readonly to: number;
  readonly by: string;
  readonly at: LogPosition;
}

export interface DeviceEngagement {
  readonly id: Hex;
  readonly owner: string;
  readonly epoch: number;
  readonly at: LogPosition;
}

export interface DeviceAccessChange {
  readonly id: Hex;
  readonly stopped: boolean;
  readonly by: string;
  readonly at: LogPosition;
}

/** A manufacturer's account as the registry counts it. */
export interface MakerTerm {
  readonly organisation: number;
  /** End of the Manufacturer role, seconds; 0 is no role. */
  readonly until: number;
  /** Devices in the account's whole life; undefined is no limit. */
  readonly quota: bigint | undefined;
  readonly used: bigint;
}
