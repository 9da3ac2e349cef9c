import type { KeyObject } from "node:crypto";
import type { Hex } from "@tenon/sdk/bytes";
import { TenonError } from "@tenon/sdk/errors";
import {
  type DeviceKey,
  decodeFrame,
  type Frame,
  frameHash,
  importDeviceKey,
  verifyFrame,
} from "@tenon/sdk/frame/index";
import { leafHash } from "@tenon/sdk/proof/merkle";
import type { RejectReason } from "../state/types.js";

/** Who a frame must be from, by its topic and the registry. */
export interface Signer {
  device: Hex;
  key: DeviceKey;
  /** In which the key came in: an earlier one is stale. */
  epoch: number;
}

/** Many frames for a worker, packed so that they are moved and not copied. */
export interface Chunk {
  /** The frames one after another. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Where each ends. */
  ends: Uint32Array<ArrayBuffer>;
  /** Each frame's place in `signers`. */
  signer: Uint32Array<ArrayBuffer>;
  signers: Signer[];
}

/** Per frame: why it is refused ("" if it holds) and, if it holds, what the commit needs of it. */
export interface Verdicts {
  reasons: (RejectReason | "")[];
  epochs: Uint32Array<ArrayBuffer>;
  seqs: BigUint64Array<ArrayBuffer>;
  readings: Uint32Array<ArrayBuffer>;
  /** Frame hash, prev and leaf hash, 32 bytes each. */
  hashes: Uint8Array<ArrayBuffer>;
}

/** What a thread says once it has loaded. */
export const READY = "ready";

const HASHES = 96;
const MAX_KEYS = 10_000;
const keys = new Map<string, KeyObject>();

/** Decodes and checks every frame of a chunk; never throws for what a frame contains. */
export function verifyChunk(chunk: Chunk, aad: Uint8Array): Verdicts {
  const count = chunk.ends.length;
  const verdicts: Verdicts = {
    reasons: new Array<RejectReason | "">(count),
    epochs: new Uint32Array(count),
    seqs: new BigUint64Array(count),
    readings: new Uint32Array(count),
    hashes: new Uint8Array(HASHES * count),
  };
  let from = 0;
  for (let i = 0; i < count; i++) {
    const bytes = chunk.bytes.subarray(from, chunk.ends[i]!);
    verdicts.reasons[i] = verifyOne(bytes, chunk.signers[chunk.signer[i]!]!, aad, verdicts, i);
    from = chunk.ends[i]!;
  }
  return verdicts;
}

/** The cheap checks come first, the signature last. */
function verifyOne(
  bytes: Uint8Array,
  signer: Signer,
  aad: Uint8Array,
  into: Verdicts,
  i: number,
): RejectReason | "" {
  let frame: Frame;
  try {
    frame = decodeFrame(bytes);
  } catch (error) {
    if (error instanceof TenonError) return `malformed:${error.code}`;
    throw error;
  }
  const { device, epoch, seq, prev } = frame.header;
  if (device !== signer.device) return "wrong-topic";
  if (epoch < signer.epoch) return "epoch-stale";
  if (!verifyFrame(frame, aad, keyOf(signer))) return "bad-signature";
  into.epochs[i] = epoch;
  into.seqs[i] = seq;
  into.readings[i] = frame.readings;
  into.hashes.set(frameHash(frame, aad), HASHES * i);
  into.hashes.set(prev, HASHES * i + 32);
  into.hashes.set(leafHash(bytes), HASHES * i + 64);
  return "";
}

/** Keys stay imported; the coordinates are in the name because a device's key may be rotated. */
function keyOf({ key }: Signer): KeyObject {
  const name = `${key.curve}${key.x}${key.y}`;
  const known = keys.get(name);
  if (known !== undefined) return known;
  if (keys.size >= MAX_KEYS) keys.clear();
  const imported = importDeviceKey(key);
  keys.set(name, imported);
  return imported;
}
