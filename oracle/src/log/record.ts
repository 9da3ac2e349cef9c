import { TenonError } from "@tenon/sdk/errors";
import { LANES, type Lane } from "../state/types.js";
import { crc32c, type RangeCrc } from "./crc32c.js";

/**
 * A record of the segment log, big-endian:
 *
 * ```
 * u32 length of what follows the first 8 bytes   u32 CRC-32C of it
 * u8 type (1 frame, 2 reject, 3 batch, 4 footer) u8 lane, +128 on the last record of a commit
 * u32 commit   u48 index   u48 time, ms          u8 length ‖ source, UTF-8
 * frame:  raw bytes
 * reject: u8 length ‖ reason   u32 raw length   32 SHA-256(raw)   raw bytes, all or none
 * batch:  u48 first   u32 count   u48 first reject   u48 rejects   3 × 32 roots (frames, heads, rejects)
 * ```
 *
 * `index` is the log index of a frame, the number of a reject or of a batch. A commit is what one fdatasync made
 * durable. The source of a frame is empty: it is the device in its own header.
 */
export const FRAME = 1;
export const REJECT = 2;
export const BATCH = 3;
export const FOOTER = 4;

interface Common {
  /** Log index of a frame, number of a reject or of a batch. */
  index: number;
  /** When it was received (or the batch closed), ms since 1970. */
  receivedAt: number;
  lane: Lane;
  /** Who sent it, at most 255 bytes of UTF-8. */
  source: string;
}

export interface FrameRecord extends Common {
  type: typeof FRAME;
  raw: Uint8Array;
}

export interface RejectRecord extends Common {
  type: typeof REJECT;
  reason: string;
  rawLength: number;
  rawHash: Uint8Array;
  /** What was refused; empty when its source had used up its share of the log. */
  raw: Uint8Array;
}

/** Where a batch ends, so that the log alone says what each batch holds. */
export interface BatchRecord extends Common {
  type: typeof BATCH;
  first: number;
  count: number;
  rejectFirst: number;
  rejectCount: number;
  framesRoot: Uint8Array;
  headsRoot: Uint8Array;
  rejectsRoot: Uint8Array;
}

export type LogRecord = FrameRecord | RejectRecord | BatchRecord;

/** A record as read, with what the log needs to know of its place. */
export interface Placed {
  record: LogRecord;
  commit: number;
  last: boolean;
  offset: number;
  end: number;
}

const PREFIX = 8;
const HEAD = 19;
const LAST = 0x80;
/** Longest body that is believed: a reject of 256 KiB, or a footer. */
export const MAX_BODY = 8 << 20;

/** Bytes the record takes in a segment. */
export function recordSize(record: LogRecord): number {
  const base = PREFIX + HEAD + Buffer.byteLength(record.source);
  if (record.type === FRAME) return base + record.raw.length;
  if (record.type === REJECT) return base + 1 + Buffer.byteLength(record.reason) + 36 + record.raw.length;
  return base + 22 + 96;
}

/** Writes the record at `at` and returns where it ends. `into` must have room for `recordSize`. */
export function writeRecord(
  into: Buffer,
  at: number,
  record: LogRecord,
  commit: number,
  last: boolean,
): number {
  let to = at + PREFIX;
  to = into.writeUInt8(record.type, to);
  to = into.writeUInt8(LANES.indexOf(record.lane) | (last ? LAST : 0), to);
  to = into.writeUInt32BE(commit, to);
  to = into.writeUIntBE(record.index, to, 6);
  to = into.writeUIntBE(record.receivedAt, to, 6);
  to = writeString(into, record.source, to);
  if (record.type === FRAME) {
    into.set(record.raw, to);
    to += record.raw.length;
  } else if (record.type === REJECT) {
    to = writeString(into, record.reason, to);
    to = into.writeUInt32BE(record.rawLength, to);
    into.set(record.rawHash, to);
    into.set(record.raw, to + 32);
    to += 32 + record.raw.length;
  } else {
    to = into.writeUIntBE(record.first, to, 6);
    to = into.writeUInt32BE(record.count, to);
    to = into.writeUIntBE(record.rejectFirst, to, 6);
    to = into.writeUIntBE(record.rejectCount, to, 6);
    for (const root of [record.framesRoot, record.headsRoot, record.rejectsRoot]) {
      into.set(root, to);
      to += 32;
    }
  }
  finishRecord(into, at, to);
  return to;
}

/** Fills in length and checksum of the record whose body ends at `end`. */
export function finishRecord(into: Buffer, at: number, end: number): void {
  into.writeUInt32BE(end - at - PREFIX, at);
  into.writeUInt32BE(crc32c(into, at + PREFIX, end), at + 4);
}

/**
 * End of the record at `at` if it is whole and its checksum holds, else -1.
 * @param crc For many places of one buffer.
 */
export function recordEnd(bytes: Buffer, at: number, crc?: RangeCrc): number {
  if (at + PREFIX > bytes.length) return -1;
  const length = bytes.readUInt32BE(at);
  const end = at + PREFIX + length;
  if (length < HEAD || length > MAX_BODY || end > bytes.length) return -1;
  const found = crc === undefined ? crc32c(bytes, at + PREFIX, end) : crc.of(at + PREFIX, end);
  return found === bytes.readUInt32BE(at + 4) ? end : -1;
}

export function recordType(bytes: Buffer, at: number): number {
  return bytes.readUInt8(at + PREFIX);
}

export function recordCommit(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at + PREFIX + 2);
}

/**
 * Decodes a record whose checksum held. The bytes are copied.
 * @param base Offset of `bytes` in the segment.
 * @throws TenonError `LogRecordUnknown` for one that this version did not write.
 */
export function readRecord(bytes: Buffer, at: number, end: number, base: number): Placed {
  try {
    return decodeRecord(bytes, at, end, base);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw recordUnknown({ offset: base + at, why: "it is too short for what it says" });
  }
}

function decodeRecord(bytes: Buffer, at: number, end: number, base: number): Placed {
  const body = bytes.subarray(at + PREFIX, end);
  const type = body.readUInt8(0);
  const flags = body.readUInt8(1);
  const source = readString(body, 18);
  const common = {
    index: body.readUIntBE(6, 6),
    receivedAt: body.readUIntBE(12, 6),
    lane: LANES[flags & ~LAST] ?? "telemetry",
    source: source.text,
  };
  return {
    record: readBody(type, common, body, source.end),
    commit: body.readUInt32BE(2),
    last: (flags & LAST) !== 0,
    offset: base + at,
    end: base + end,
  };
}

function readBody(type: number, common: Common, body: Buffer, from: number): LogRecord {
  if (type === FRAME) return { type, ...common, raw: new Uint8Array(body.subarray(from)) };
  if (type === REJECT) {
    const reason = readString(body, from);
    return {
      type,
      ...common,
      reason: reason.text,
      rawLength: body.readUInt32BE(reason.end),
      rawHash: new Uint8Array(body.subarray(reason.end + 4, reason.end + 36)),
      raw: new Uint8Array(body.subarray(reason.end + 36)),
    };
  }
  if (type === BATCH) {
    const root = (n: number) => new Uint8Array(body.subarray(from + 22 + 32 * n, from + 54 + 32 * n));
    return {
      type,
      ...common,
      first: body.readUIntBE(from, 6),
      count: body.readUInt32BE(from + 6),
      rejectFirst: body.readUIntBE(from + 10, 6),
      rejectCount: body.readUIntBE(from + 16, 6),
      framesRoot: root(0),
      headsRoot: root(1),
      rejectsRoot: root(2),
    };
  }
  throw recordUnknown({ type, index: common.index });
}

function recordUnknown(args: Record<string, unknown>): TenonError {
  return new TenonError("LogRecordUnknown", "The segment log holds a record of an unknown form.", {
    args,
    remedy: "Read the log with the version of the oracle that wrote it.",
  });
}

function writeString(into: Buffer, text: string, at: number): number {
  const length = into.write(text, at + 1, "utf8");
  into.writeUInt8(length, at);
  return at + 1 + length;
}

function readString(body: Buffer, at: number): { text: string; end: number } {
  const end = at + 1 + body.readUInt8(at);
  return { text: body.toString("utf8", at + 1, end), end };
}
