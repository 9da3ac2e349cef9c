import { fromHex, type Hex, toHex } from "../bytes.js";
import { CborReader, CborWriter, Major } from "../frame/cbor.js";
import type { DeviceKey } from "../frame/key.js";
import { sha256 } from "../sha256.js";
import {
  type AccessDomain,
  type AccessSigner,
  putKey,
  readHash,
  reading,
  readKey,
  readSigned,
  type SignedMessage,
  writeSigned,
} from "./signed.js";

/** Who commands a device off chain: an organisation and the key by which it signs passes. */
export interface DeviceOwner {
  readonly organisation: number;
  /** The organisation's device-facing key, P-256. */
  readonly key: DeviceKey;
}

/**
 * One entry of a device's ownership voucher: the owner of `fromEpoch` signs who commands from `toEpoch` on. Each entry
 * holds the hash of the one before it, as in FIDO Device Onboard. A rotated device key also begins an epoch: the owner
 * then hands over to itself.
 */
export interface HandOver {
  readonly device: Hex;
  readonly fromEpoch: number;
  readonly toEpoch: number;
  readonly to: DeviceOwner;
  /** When it was signed, seconds since 1970. */
  readonly issuedAt: number;
  /** SHA-256 of the entry before, 32 zero bytes for the first since the device was commissioned. */
  readonly previous: Hex;
}

/** What an owner tells a device that has no network: whoever comes by carries it. */
export interface OwnerNotice {
  readonly device: Hex;
  readonly epoch: number;
  /** Higher than in any notice before; a higher one replaces all before it. */
  readonly serial: number;
  readonly issuedAt: number;
  /** True: nobody gets access until a later notice says otherwise. */
  readonly stopped: boolean;
  /** Passes below these revisions no longer count, whatever their expiry. */
  readonly revisions: readonly { readonly grantee: Hex; readonly rev: number }[];
}

const MAX_UINT32 = 0xffff_ffff;
const MAX_TIME = 0xff_ffff_ffff;
export const MAX_REVISIONS = 256;

export function writeHandOver(domain: AccessDomain, handOver: HandOver, signer: AccessSigner): Uint8Array {
  const { device, fromEpoch, toEpoch, to, issuedAt, previous } = handOver;
  const writer = new CborWriter().head(Major.array, 7).bytes(fromHex(device, 32)).int(fromEpoch).int(toEpoch);
  putKey(writer.int(to.organisation), to.key).int(issuedAt).bytes(fromHex(previous, 32));
  return writeSigned("handOver", domain, writer.finish(), signer);
}

/** @throws TenonError `AccessMessageMalformed`. */
export function readHandOver(bytes: Uint8Array): HandOver & { readonly message: SignedMessage } {
  const message = readSigned("handOver", bytes);
  return reading("a hand-over", () => {
    const reader = new CborReader(message.payload);
    reader.exact(Major.array, 7, "an array of 7");
    const device = readHash(reader, "device");
    const fromEpoch = reader.uintWithin("fromEpoch", 1, MAX_UINT32);
    const toEpoch = reader.uintWithin("toEpoch", 1, MAX_UINT32);
    const organisation = reader.uintWithin("organisation", 1, MAX_UINT32);
    const key = readKey(reader);
    const issuedAt = reader.uintWithin("issuedAt", 0, MAX_TIME);
    const previous = readHash(reader, "previous");
    reader.finish("the hand-over");
    return { device, fromEpoch, toEpoch, to: { organisation, key }, issuedAt, previous, message };
  });
}

/** What the next entry of a voucher names as `previous`. */
export function handOverHash(bytes: Uint8Array): Hex {
  return toHex(sha256(bytes));
}

export function writeNotice(domain: AccessDomain, notice: OwnerNotice, signer: AccessSigner): Uint8Array {
  const { device, epoch, serial, issuedAt, stopped, revisions } = notice;
  const writer = new CborWriter().head(Major.array, 6).bytes(fromHex(device, 32)).int(epoch).int(serial);
  writer.int(issuedAt).boolean(stopped).head(Major.array, revisions.length);
  for (const { grantee, rev } of revisions) writer.head(Major.array, 2).bytes(fromHex(grantee, 32)).int(rev);
  return writeSigned("notice", domain, writer.finish(), signer);
}

/** @throws TenonError `AccessMessageMalformed`. */
export function readNotice(bytes: Uint8Array): OwnerNotice & { readonly message: SignedMessage } {
  const message = readSigned("notice", bytes);
  return reading("an owner's notice", () => {
    const reader = new CborReader(message.payload);
    reader.exact(Major.array, 6, "an array of 6");
    const device = readHash(reader, "device");
    const epoch = reader.uintWithin("epoch", 1, MAX_UINT32);
    const serial = reader.uintWithin("serial", 1, MAX_UINT32);
    const issuedAt = reader.uintWithin("issuedAt", 0, MAX_TIME);
    const stopped = reader.boolean("stopped");
    const count = reader.count(Major.array, 0, MAX_REVISIONS, "revisions");
    const revisions = Array.from({ length: count }, () => {
      reader.exact(Major.array, 2, "grantee and revision");
      return { grantee: readHash(reader, "grantee"), rev: reader.uintWithin("rev", 0, MAX_UINT32) };
    });
    reader.finish("the notice");
    return { device, epoch, serial, issuedAt, stopped, revisions, message };
  });
}
