import type { Interface, Log } from "ethers";
import type { Hex } from "../bytes.js";
import type { DeviceKey } from "../frame/key.js";
import { IDeviceRegistry__factory } from "../generated/typechain/index.js";
import { eventIn, type FoundEvent } from "../logs.js";
import { enums } from "../revert.js";
import type {
  DeviceAccessChange,
  DeviceEngagement,
  DeviceKeyChange,
  DeviceOffer,
  DeviceOfferEnd,
  DeviceRevocation,
  DeviceStatus,
  DeviceStatusChange,
  DeviceTransfer,
  EpochEvent,
  RegisteredDevice,
} from "./model.js";

/** Untyped: methods and events are named by the callers' tables. */
export const registryAbi: Interface = IDeviceRegistry__factory.createInterface();

/** Decodes one event that a transaction must have emitted. Throws `EventMissing`. */
export function decoding<T>(event: string, read: (found: FoundEvent) => T): (logs: Log[]) => T {
  return (logs) => read(eventIn(logs, registryAbi, event));
}

export function keyOfArgs(key: { curve: bigint; x: string; y: string }): DeviceKey {
  return { curve: Number(key.curve) as DeviceKey["curve"], x: key.x as Hex, y: key.y as Hex };
}

/** The event as the beginning of an epoch; undefined for any other. */
export function epochEvent(found: FoundEvent): EpochEvent | undefined {
  const read = epochReaders[found.event.name];
  return read?.(found);
}

export function registeredDevice({ event, at }: FoundEvent): RegisteredDevice {
  const { device, owner, manufacturer, key, parametersHash, certificateHash } = event.args;
  return {
    kind: "registered",
    id: device,
    epoch: 1,
    owner,
    manufacturer: Number(manufacturer),
    key: keyOfArgs(key),
    parametersHash,
    certificateHash,
    at,
  };
}

export function deviceTransfer({ event, at }: FoundEvent): DeviceTransfer {
  const { device, from, to, epoch, previousBlock, cause } = event.args;
  return {
    kind: "transferred",
    id: device,
    epoch: Number(epoch),
    from,
    to,
    cause: enums.TransferCause[Number(cause)]!,
    previousBlock: Number(previousBlock),
    at,
  };
}

export function deviceKeyChange({ event, at }: FoundEvent): DeviceKeyChange {
  const { device, keyId, key, epoch, previousBlock } = event.args;
  return {
    kind: "rotated",
    id: device,
    epoch: Number(epoch),
    key: keyOfArgs(key),
    keyId,
    previousBlock: Number(previousBlock),
    at,
  };
}

export function deviceRevocation({ event, at }: FoundEvent): DeviceRevocation {
  const { device, epoch, previousBlock } = event.args;
  return { kind: "revoked", id: device, epoch: Number(epoch), previousBlock: Number(previousBlock), at };
}

const epochReaders: Record<string, (found: FoundEvent) => EpochEvent> = {
  DeviceRegistered: registeredDevice,
  DeviceTransferred: deviceTransfer,
  DeviceKeyRotated: deviceKeyChange,
  DeviceRevoked: deviceRevocation,
};

export function statusChange({ event, at }: FoundEvent): DeviceStatusChange {
  const { device, from, to, by } = event.args;
  return { id: device, from: statusName(from), to: statusName(to), by, at };
}

export function deviceOffer({ event, at }: FoundEvent): DeviceOffer {
  const { device, from, to, until, by } = event.args;
  return { id: device, from: Number(from), to: Number(to), until: Number(until), by, at };
}

export function deviceOfferEnd({ event, at }: FoundEvent): DeviceOfferEnd {
  const { device, to, by } = event.args;
  return { id: device, to: Number(to), by, at };
}

export function deviceEngagement({ event, at }: FoundEvent): DeviceEngagement {
  const { device, owner, epoch } = event.args;
  return { id: device, owner, epoch: Number(epoch), at };
}

export function accessChange({ event, at }: FoundEvent): DeviceAccessChange {
  const { device, by } = event.args;
  return { id: device, stopped: event.name === "DeviceAccessStopped", by, at };
}

function statusName(status: bigint): DeviceStatus {
  return enums.DeviceStatus[Number(status)] as DeviceStatus;
}
