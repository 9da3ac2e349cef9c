import type { KeyObject } from "node:crypto";
import { concatBytes, fromHex, type Hex, toHex, uintBytes } from "../bytes.js";
import { sha256 } from "../sha256.js";
import { CborReader, CborWriter, Major } from "./cbor.js";
import { readSign1, type SignedParts, toBeSigned, verifySignature, writeSign1 } from "./cose.js";
import { FrameError } from "./error.js";
import { type Algorithm, type DeviceKey, deviceIdOf, ES256, ES256K, importDeviceKey } from "./key.js";
import { countPack, type Meter, parseMeter } from "./senml.js";

/** The deployment a frame is made for: it is signed into the frame and never sent. */
export interface FrameDomain {
  chainId: bigint;
  /** Address of the DeviceRegistry. */
  registry: string;
}

export const CONTENT_SENML = 112;
export const CONTENT_OPAQUE = 42;

const CLOCKS = ["unset", "free-running", "synced"] as const;
export type Clock = (typeof CLOCKS)[number];

/** The newest anchor a device had seen when it made the frame: the frame is not older. */
export interface Beacon {
  batch: number;
  /** First 8 bytes of that batch's framesRoot. */
  root8: Uint8Array;
}

/** What a frame's protected header says. Ranges are in docs/frame.md. */
export interface FrameHeader {
  algorithm: Algorithm;
  /** 112: SenML-CBOR; 42: a salted commitment or ciphertext, which is not parsed. */
  contentType: typeof CONTENT_SENML | typeof CONTENT_OPAQUE;
  device: Hex;
  epoch: number;
  /** From 1 in each epoch, one more each frame, over all lanes. */
  seq: bigint;
  /** Frame hash of the device's frame before this one; 32 zero bytes when there is none. */
  prev: Uint8Array;
  /** Device clock, milliseconds since 1970; 0 when the clock is unset. */
  time: bigint;
  clock: Clock;
  /** Milliseconds since the device started. */
  uptime: bigint;
  beacon: Beacon | null;
}

/** A decoded frame. All byte arrays are views of `bytes`: copy them before changing or reusing that memory. */
export interface Frame {
  bytes: Uint8Array;
  header: FrameHeader;
  protectedBytes: Uint8Array;
  payload: Uint8Array;
  signature: Uint8Array;
  /** Records in the SenML pack; 0 for an opaque payload. */
  readings: number;
}

export const MAX_FRAME = 65_535;
const LABEL_HEADER = -65_537n;
const VERSION = 1;
const MAX_UINT32 = 0xffff_ffff;

/** The external AAD (66 bytes): a frame verifies in the deployment it was made for and in no other. */
export function frameAad(domain: FrameDomain): Uint8Array {
  return domainAad("tenon-frame-v1", domain);
}

/** Tag (ASCII) ‖ chain id (32 bytes, big-endian) ‖ DeviceRegistry address (20). */
export function domainAad(tag: string, domain: FrameDomain): Uint8Array {
  return concatBytes(Buffer.from(tag, "ascii"), uintBytes(domain.chainId, 32), fromHex(domain.registry, 20));
}

/**
 * Reads a frame strictly: size first, then every byte of it against the profile, without allocating for any declared length.
 * Does not check the signature.
 * @throws FrameError
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.length > MAX_FRAME) {
    throw new FrameError("FrameTooLarge", "The frame is too large", {
      bytes: bytes.length,
      limit: MAX_FRAME,
    });
  }
  const view =
    bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const { protectedBytes, payload, signature, protectedOffset, payloadOffset } = readSign1(view, "the frame");
  const header = readHeader(new CborReader(view, protectedOffset, protectedOffset + protectedBytes.length));
  const senml = header.contentType === CONTENT_SENML;
  const readings = senml ? countPack(view, payloadOffset, payloadOffset + payload.length) : 0;
  return { bytes: view, header, protectedBytes, payload, signature, readings };
}

function readHeader(reader: CborReader): FrameHeader {
  reader.exact(Major.map, 4, "a protected header of four entries");
  readLabel(reader, 1n);
  const algorithm = readAlgorithm(reader);
  readLabel(reader, 3n);
  const contentType = readContentType(reader);
  readLabel(reader, 4n);
  reader.byteString("device id", 32, 32);
  const device = toHex(reader.slice());
  readLabel(reader, LABEL_HEADER);
  reader.exact(Major.array, 8, "an array of 8");
  readVersion(reader);
  const epoch = reader.uintWithin("epoch", 1, MAX_UINT32);
  const seq = readSeq(reader);
  reader.byteString("prev", 32, 32);
  const prev = reader.slice();
  const { time, clock } = readTime(reader);
  reader.uint("uptime");
  const uptime = reader.asBigInt();
  const beacon = readBeacon(reader);
  reader.finish("the protected header");
  return { algorithm, contentType, device, epoch, seq, prev, time, clock, uptime, beacon };
}

const LABELS = [1n, 3n, 4n, LABEL_HEADER];

function readLabel(reader: CborReader, expected: bigint): void {
  const offset = reader.position;
  reader.int("label");
  const label = reader.asBigInt();
  if (label === expected) return;
  if (LABELS.includes(label)) {
    throw new FrameError("FrameNotCanonical", "A header label is out of order or stands twice", {
      offset,
      label,
    });
  }
  throw new FrameError("FrameMalformed", "Not a header label of this profile", { offset, label, expected });
}

function readAlgorithm(reader: CborReader): Algorithm {
  reader.int("algorithm");
  const algorithm = Number(reader.asBigInt());
  if (algorithm === ES256 || algorithm === ES256K) return algorithm;
  throw new FrameError("FrameAlgorithmUnsupported", "Not an algorithm of this profile", { algorithm });
}

function readContentType(reader: CborReader): FrameHeader["contentType"] {
  reader.uint("content type");
  const contentType = reader.asNumber();
  if (contentType === CONTENT_SENML || contentType === CONTENT_OPAQUE) return contentType;
  throw new FrameError("FrameContentTypeUnsupported", "Not a content type of this profile", { contentType });
}

function readVersion(reader: CborReader): void {
  reader.uint("version");
  const version = reader.asNumber();
  if (version !== VERSION)
    throw new FrameError("FrameVersionUnsupported", "Unknown frame version", { version });
}

function readSeq(reader: CborReader): bigint {
  const offset = reader.position;
  reader.uint("seq");
  const seq = reader.asBigInt();
  if (seq === 0n) throw new FrameError("FrameValueOutOfRange", "seq starts at 1", { offset, found: seq });
  return seq;
}

function readTime(reader: CborReader): { time: bigint; clock: Clock } {
  const offset = reader.position;
  reader.uint("time");
  const time = reader.asBigInt();
  const clock = CLOCKS[reader.uintWithin("clock", 0, CLOCKS.length - 1)]!;
  if (clock === "unset" && time !== 0n) {
    throw new FrameError("FrameValueOutOfRange", "A device without a clock gives time 0", {
      offset,
      found: time,
    });
  }
  return { time, clock };
}

function readBeacon(reader: CborReader): Beacon | null {
  if (reader.isNull()) return null;
  reader.exact(Major.array, 2, "a beacon: null or an array of 2");
  const batch = reader.uintWithin("beacon batch", 0, MAX_UINT32);
  reader.byteString("beacon root", 8, 8);
  return { batch, root8: reader.slice() };
}

/** The protected header's bytes, deterministic. */
export function encodeProtected(header: FrameHeader): Uint8Array {
  const writer = new CborWriter().head(Major.map, 4);
  writer.int(1).int(header.algorithm).int(3).int(header.contentType).int(4).bytes(fromHex(header.device, 32));
  writer
    .int(LABEL_HEADER)
    .head(Major.array, 8)
    .int(VERSION)
    .int(header.epoch)
    .int(header.seq)
    .bytes(header.prev);
  writer.int(header.time).int(CLOCKS.indexOf(header.clock)).int(header.uptime);
  if (header.beacon === null) writer.null();
  else writer.head(Major.array, 2).int(header.beacon.batch).bytes(header.beacon.root8);
  return writer.finish();
}

/**
 * Makes a signed frame. What it returns passes `decodeFrame`; the signature is as good as the signer.
 * @param sign Returns r‖s (64 bytes) of ECDSA over SHA-256 of its argument, see `signerOf`.
 * @throws FrameError when header or payload do not fit the profile.
 */
export function encodeFrame(
  header: FrameHeader,
  payload: Uint8Array,
  aad: Uint8Array,
  sign: (toBeSigned: Uint8Array) => Uint8Array,
): Uint8Array {
  const bytes = writeSign1({ protectedBytes: encodeProtected(header), payload }, aad, sign);
  decodeFrame(bytes);
  return bytes;
}

/**
 * SHA-256 of what was signed: a frame's identity for `prev`, duplicates and equivocation. The signature is not in it,
 * because a relayer can replace s by n − s without the key.
 */
export function frameHash(frame: SignedParts, aad: Uint8Array): Uint8Array {
  return sha256(toBeSigned(frame, aad));
}

/**
 * Whether the device's key signed this frame for this deployment. A `DeviceKey` must also hash to the frame's
 * device id; with a KeyObject the caller vouches for that (after a key rotation the id stays, and the key differs).
 */
export function verifyFrame(frame: Frame, aad: Uint8Array, key: DeviceKey | KeyObject): boolean {
  if (!("curve" in key))
    return verifySignature(toBeSigned(frame, aad), frame.signature, frame.header.algorithm, key);
  return deviceIdOf(key) === frame.header.device && verifyFrame(frame, aad, importDeviceKey(key));
}

/** Readings in a frame; an opaque one counts none. */
export function countReadings(frame: Frame): number {
  return frame.readings;
}

/** @throws FrameError FrameNotMeter unless the frame is a meter frame. */
export function readMeter(frame: Frame): Meter {
  if (frame.header.contentType === CONTENT_SENML) return parseMeter(frame.payload);
  throw new FrameError("FrameNotMeter", "The payload is opaque", { contentType: frame.header.contentType });
}
