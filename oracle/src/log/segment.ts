import { readSync } from "node:fs";
import { TenonError } from "@tenon/sdk/errors";
import { crc32c } from "./crc32c.js";
import { FOOTER, finishRecord, MAX_BODY, type Placed, readRecord, recordEnd, recordType } from "./record.js";

/** One file of the log. `[firstFrame, firstFrame + frames)` are in it, and the rejects between them. */
export interface Segment {
  number: number;
  path: string;
  firstFrame: number;
  frames: number;
  firstReject: number;
  rejects: number;
  firstCommit: number;
  /** Durable bytes, footer not included. */
  size: number;
  sealed: boolean;
  /** Offset of every STRIDE-th frame. */
  offsets: number[];
}

/** Every which frame's offset is kept. */
export const STRIDE = 256;
export const HEADER_SIZE = 36;
const MAGIC = Buffer.from("TENONLOG");
const VERSION = 1;
const SEAL = Buffer.from("TNLF");
const FOOTER_BODY = 27;
const WINDOW = 1 << 20;

export function logCorrupt(path: string, offset: number, why: string): TenonError {
  return new TenonError("LogCorrupt", "The segment log is damaged.", {
    args: { segment: path, offset, why },
    remedy: "Restore this segment from a replica or a backup; nothing was changed.",
  });
}

/** `magic 8, u32 version, u32 number, u32 first commit, u48 first frame, u48 first reject, u32 CRC-32C` */
export function segmentHeader(segment: Segment): Buffer {
  const header = Buffer.alloc(HEADER_SIZE);
  MAGIC.copy(header);
  header.writeUInt32BE(VERSION, 8);
  header.writeUInt32BE(segment.number, 12);
  header.writeUInt32BE(segment.firstCommit, 16);
  header.writeUIntBE(segment.firstFrame, 20, 6);
  header.writeUIntBE(segment.firstReject, 26, 6);
  header.writeUInt32BE(crc32c(header, 0, 32), 32);
  return header;
}

/** Undefined when these are not the bytes of a header: a file that was just being made. */
export function parseHeader(path: string, bytes: Buffer): Segment | undefined {
  if (bytes.length < HEADER_SIZE || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
  if (bytes.readUInt32BE(32) !== crc32c(bytes, 0, 32)) return undefined;
  if (bytes.readUInt32BE(8) !== VERSION) {
    throw new TenonError("LogVersion", "The segment log was written by another version of the oracle.", {
      args: { segment: path, version: bytes.readUInt32BE(8), expected: VERSION },
      remedy: "Read it with the version of the oracle that wrote it.",
    });
  }
  return {
    number: bytes.readUInt32BE(12),
    path,
    firstFrame: bytes.readUIntBE(20, 6),
    frames: 0,
    firstReject: bytes.readUIntBE(26, 6),
    rejects: 0,
    firstCommit: bytes.readUInt32BE(16),
    size: HEADER_SIZE,
    sealed: false,
    offsets: [],
  };
}

/**
 * The footer is a record of its own: `u32 frames, u32 rejects, SHA-256 of all bytes before it, u32 n, n × u32
 * offset of every 256th frame, u32 offset of the footer, "TNLF"`. It ends the file.
 */
export function segmentFooter(segment: Segment, commit: number, sha256: Uint8Array): Buffer {
  const footer = Buffer.alloc(FOOTER_BODY + 52 + 4 * segment.offsets.length);
  footer.writeUInt8(FOOTER, 8);
  footer.writeUInt32BE(commit, 10);
  footer.writeUIntBE(segment.number, 14, 6);
  let at = footer.writeUInt32BE(segment.frames, FOOTER_BODY);
  at = footer.writeUInt32BE(segment.rejects, at);
  footer.set(sha256, at);
  at = footer.writeUInt32BE(segment.offsets.length, at + 32);
  for (const offset of segment.offsets) at = footer.writeUInt32BE(offset, at);
  at = footer.writeUInt32BE(segment.size, at);
  SEAL.copy(footer, at);
  finishRecord(footer, 0, footer.length);
  return footer;
}

export interface Footer {
  commit: number;
  frames: number;
  rejects: number;
  sha256: Uint8Array;
  offsets: number[];
  /** Where it starts: the end of the records. */
  start: number;
}

/** Reads the footer of a file of `size` bytes; undefined when it has none that holds. */
export function readFooter(fd: number, size: number): Footer | undefined {
  if (size < HEADER_SIZE + FOOTER_BODY + 52) return undefined;
  const tail = readAt(fd, size - 8, 8);
  const start = tail.readUInt32BE(0);
  if (!tail.subarray(4).equals(SEAL) || start < HEADER_SIZE || size - start > MAX_BODY) return undefined;
  if (start > size - FOOTER_BODY - 52) return undefined;
  const bytes = readAt(fd, start, size - start);
  if (recordEnd(bytes, 0) !== bytes.length || recordType(bytes, 0) !== FOOTER) return undefined;
  const n = bytes.readUInt32BE(FOOTER_BODY + 40);
  const offsets = Array.from({ length: n }, (_, i) => bytes.readUInt32BE(FOOTER_BODY + 44 + 4 * i));
  return {
    commit: bytes.readUInt32BE(10),
    frames: bytes.readUInt32BE(FOOTER_BODY),
    rejects: bytes.readUInt32BE(FOOTER_BODY + 4),
    sha256: new Uint8Array(bytes.subarray(FOOTER_BODY + 8, FOOTER_BODY + 40)),
    offsets,
    start,
  };
}

/** Reads exactly `length` bytes, or what the file still has. */
export function readAt(fd: number, offset: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(length);
  let have = 0;
  while (have < length) {
    const read = readSync(fd, buffer, have, length - have, offset + have);
    if (read === 0) break;
    have += read;
  }
  return buffer.subarray(0, have);
}

/** Walks the durable records of one segment and checks each one's CRC. */
export class RecordReader {
  readonly #fd: () => number;
  readonly #segment: Segment;
  #window: Buffer = Buffer.alloc(0);
  #base: number;
  #at = 0;

  /** @param fd Asked before each read: the owner may have closed the file in between. */
  constructor(fd: () => number, segment: Segment, offset: number) {
    this.#fd = fd;
    this.#segment = segment;
    this.#base = offset;
  }

  /** The next record, or undefined at the end. @throws TenonError LogCorrupt */
  next(): Placed | undefined {
    const offset = this.#base + this.#at;
    if (offset >= this.#segment.size) return undefined;
    let end = recordEnd(this.#window, this.#at);
    if (end < 0) {
      this.#refill(offset);
      end = recordEnd(this.#window, 0);
    }
    if (end < 0) throw logCorrupt(this.#segment.path, offset, "the checksum of the record does not hold");
    const placed = readRecord(this.#window, this.#at, end, this.#base);
    this.#at = end;
    return placed;
  }

  #refill(offset: number): void {
    const left = this.#segment.size - offset;
    const head = readAt(this.#fd(), offset, Math.min(left, WINDOW));
    const wanted = head.length < 8 ? 0 : 8 + head.readUInt32BE(0);
    const more = wanted > head.length && wanted <= Math.min(left, MAX_BODY + 8);
    this.#window = more ? readAt(this.#fd(), offset, wanted) : head;
    this.#base = offset;
    this.#at = 0;
  }
}
