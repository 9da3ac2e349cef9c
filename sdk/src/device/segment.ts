import { crc32 } from "node:zlib";
import { type Hex, toHex } from "../bytes.js";
import { LANES, type Lane } from "./topics.js";

/*
 * A segment is a file of records: length (u32), length complemented (u32), CRC-32 of the body (u32), body.
 * All integers are little-endian. The complement tells a record cut short by a crash from a damaged length.
 */

/** Bytes in front of each record's body. */
export const RECORD_HEADER = 12;
/** No body is longer: a frame is at most 65,535 bytes, a state record smaller. */
const MAX_BODY = 1 << 20;

enum Kind {
  State = 1,
  Frame = 2,
  Receipt = 3,
}

/** A signed frame as the journal keeps it. */
export interface JournalFrame {
  lane: Lane;
  epoch: number;
  seq: bigint;
  hash: Uint8Array;
  /** When the device recorded it by its own clock, ms since 1970. */
  recordedAt: number;
  bytes: Uint8Array;
}

/** Consecutive sequence numbers of one epoch and how far signed receipts cover them. */
export interface EpochRun {
  epoch: number;
  /** Number of the run's first frame in the journal, counted over its whole life. */
  firstPosition: number;
  firstSeq: bigint;
  /** Highest sequence number covered by a receipt, `firstSeq - 1` when none is. */
  receipted: bigint;
  nextSeq: bigint;
}

/** What a segment starts with, so that older segments can be deleted. */
export interface JournalState {
  device: Hex;
  /** Hash of the last frame made, 32 zero bytes before the first. */
  head: Uint8Array;
  /** Position of the next frame. */
  position: number;
  /** Epochs that still have frames without a receipt, and the present one last. */
  runs: EpochRun[];
  /** The last receipt accepted, bytes as received; empty when there is none. It is evidence against the oracle. */
  receipt: Uint8Array;
}

export type JournalRecord =
  | { kind: "state"; state: JournalState }
  | { kind: "frame"; frame: JournalFrame }
  | { kind: "receipt"; epoch: number; seqUpTo: bigint; receipt: Uint8Array };

/** Adds the record header to a body. */
function seal(body: Buffer): Buffer {
  const header = Buffer.alloc(RECORD_HEADER);
  header.writeUInt32LE(body.length, 0);
  header.writeUInt32LE(~body.length >>> 0, 4);
  header.writeUInt32LE(crc32(body), 8);
  return Buffer.concat([header, body]);
}

export function frameRecord(frame: JournalFrame): Buffer {
  const head = Buffer.alloc(22);
  head.writeUInt8(Kind.Frame, 0);
  head.writeUInt8(LANES.indexOf(frame.lane), 1);
  head.writeUInt32LE(frame.epoch, 2);
  head.writeBigUInt64LE(frame.seq, 6);
  head.writeDoubleLE(frame.recordedAt, 14);
  return seal(Buffer.concat([head, frame.hash, frame.bytes]));
}

export function receiptRecord(epoch: number, seqUpTo: bigint, receipt: Uint8Array): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt8(Kind.Receipt, 0);
  head.writeUInt32LE(epoch, 1);
  head.writeBigUInt64LE(seqUpTo, 5);
  return seal(Buffer.concat([head, receipt]));
}

export function stateRecord(state: JournalState): Buffer {
  const head = Buffer.alloc(11);
  head.writeUInt8(Kind.State, 0);
  head.writeDoubleLE(state.position, 1);
  head.writeUInt16LE(state.runs.length, 9);
  const runs = state.runs.map((run) => {
    const entry = Buffer.alloc(36);
    entry.writeUInt32LE(run.epoch, 0);
    entry.writeDoubleLE(run.firstPosition, 4);
    entry.writeBigUInt64LE(run.firstSeq, 12);
    entry.writeBigUInt64LE(run.receipted, 20);
    entry.writeBigUInt64LE(run.nextSeq, 28);
    return entry;
  });
  const device = Buffer.from(state.device.slice(2), "hex");
  return seal(Buffer.concat([head, device, state.head, ...runs, state.receipt]));
}

function parseBody(body: Buffer): JournalRecord | undefined {
  if (body[0] === Kind.Frame && body.length > 54) return { kind: "frame", frame: parseFrame(body) };
  if (body[0] === Kind.State && body.length >= 75) return { kind: "state", state: parseState(body) };
  if (body[0] !== Kind.Receipt || body.length < 13) return undefined;
  return {
    kind: "receipt",
    epoch: body.readUInt32LE(1),
    seqUpTo: body.readBigUInt64LE(5),
    receipt: new Uint8Array(body.subarray(13)),
  };
}

function parseFrame(body: Buffer): JournalFrame {
  return {
    lane: LANES[body.readUInt8(1)] ?? "telemetry",
    epoch: body.readUInt32LE(2),
    seq: body.readBigUInt64LE(6),
    recordedAt: body.readDoubleLE(14),
    hash: new Uint8Array(body.subarray(22, 54)),
    bytes: new Uint8Array(body.subarray(54)),
  };
}

function parseState(body: Buffer): JournalState {
  const count = body.readUInt16LE(9);
  const runs = Array.from({ length: count }, (_, i) => {
    const at = 75 + 36 * i;
    return {
      epoch: body.readUInt32LE(at),
      firstPosition: body.readDoubleLE(at + 4),
      firstSeq: body.readBigUInt64LE(at + 12),
      receipted: body.readBigUInt64LE(at + 20),
      nextSeq: body.readBigUInt64LE(at + 28),
    };
  });
  return {
    device: toHex(body.subarray(11, 43)),
    head: new Uint8Array(body.subarray(43, 75)),
    position: body.readDoubleLE(1),
    runs,
    receipt: new Uint8Array(body.subarray(75 + 36 * count)),
  };
}

/** The record at an offset, or why there is none. */
export type Slice =
  | { ok: true; record: JournalRecord; end: number }
  /** `cut`: the file ends inside the record, as after a crash while writing. `damaged`: the bytes are wrong. */
  | { ok: false; reason: "end" | "cut" | "damaged" };

export function readRecord(data: Buffer, offset: number): Slice {
  const left = data.length - offset;
  if (left === 0) return { ok: false, reason: "end" };
  if (left < RECORD_HEADER) return { ok: false, reason: "cut" };
  const length = data.readUInt32LE(offset);
  if (~length >>> 0 !== data.readUInt32LE(offset + 4) || length === 0 || length > MAX_BODY) {
    return { ok: false, reason: "damaged" };
  }
  const end = offset + RECORD_HEADER + length;
  if (end > data.length) return { ok: false, reason: "cut" };
  const body = data.subarray(offset + RECORD_HEADER, end);
  if (crc32(body) !== data.readUInt32LE(offset + 8)) return { ok: false, reason: "damaged" };
  const record = parseBody(body);
  return record === undefined ? { ok: false, reason: "damaged" } : { ok: true, record, end };
}

/** True when an intact record starts anywhere after `offset`: what lies between was not cut off by a crash. */
export function hasRecordAfter(data: Buffer, offset: number): boolean {
  for (let at = offset + 1; at < data.length - RECORD_HEADER; at++) {
    const length = data.readUInt32LE(at);
    if (~length >>> 0 === data.readUInt32LE(at + 4) && readRecord(data, at).ok) return true;
  }
  return false;
}
