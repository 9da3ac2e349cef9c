import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { TenonError } from "@tenon/sdk/errors";
import { RangeCrc } from "../log/crc32c.js";
import {
  FOOTER,
  FRAME,
  type FrameRecord,
  type LogRecord,
  readRecord,
  recordEnd,
  recordType,
} from "../log/record.js";
import { HEADER_SIZE, parseHeader, readAt, readFooter, type Segment } from "../log/segment.js";

/** Something about the files themselves that is wrong. */
export interface LogFault {
  message: string;
  /** Log index of the frame at which it was found. */
  logIndex: number;
}

const SEGMENT = 2 ** 32;

/**
 * Reads a segment log that may be damaged. Unlike the oracle, which refuses such a log, it goes on behind a damaged
 * record at the next one whose checksum holds, so that every fault can be named.
 */
export class LogWalk {
  readonly #dir: string;
  readonly #onFault: (fault: LogFault) => void;
  /** Segment and offset of each frame that was read. */
  readonly #places = new Map<number, number>();
  #next = 0;

  constructor(dir: string, onFault: (fault: LogFault) => void) {
    this.#dir = dir;
    this.#onFault = onFault;
  }

  /** Every record that can be read, in order. */
  *records(): Generator<LogRecord> {
    const names = readdirSync(this.#dir)
      .filter((name) => /^\d{8}\.seg$/.test(name))
      .sort();
    let expected = 0;
    for (const name of names) {
      const number = Number.parseInt(name, 10);
      for (; expected < number; expected++) this.#fault(`segment ${expected} is missing`);
      expected = number + 1;
      yield* this.#segment(join(this.#dir, name), number, name === names.at(-1));
    }
  }

  /** A frame that was read before. */
  frame(index: number): FrameRecord {
    const place = this.#places.get(index);
    if (place === undefined)
      throw new TenonError("LogIndexUnknown", "The log has no frame of that index", { args: { index } });
    const path = join(this.#dir, `${String(Math.floor(place / SEGMENT)).padStart(8, "0")}.seg`);
    const fd = openSync(path, "r");
    try {
      const head = readAt(fd, place % SEGMENT, 8);
      const bytes = readAt(fd, place % SEGMENT, 8 + head.readUInt32BE(0));
      return readRecord(bytes, 0, bytes.length, 0).record as FrameRecord;
    } finally {
      closeSync(fd);
    }
  }

  *#segment(path: string, number: number, last: boolean): Generator<LogRecord> {
    const bytes = readFileSync(path);
    const header = parseHeader(path, bytes);
    if (header === undefined) {
      if (!last || bytes.length > HEADER_SIZE) this.#fault(`${basename(path)} has no segment header`);
      return;
    }
    if (header.number !== number) this.#fault(`${basename(path)} is segment ${header.number}`);
    const end = this.#sealedEnd(path, bytes, header, last);
    let lost: number | undefined;
    let crc: RangeCrc | undefined;
    for (let at = HEADER_SIZE; at < end; ) {
      const recordAt = at;
      at = recordEnd(bytes, at);
      if (at < 0) {
        lost = recordAt;
        crc ??= new RangeCrc(bytes, recordAt);
        at = nextRecord(bytes, recordAt, end, crc);
        // Without anything behind it, it is the tail of a commit that a crash interrupted and nobody was promised.
        if (at < end || !last)
          this.#fault(`${basename(path)}, byte ${lost}: the checksum of a record does not hold`);
        continue;
      }
      if (recordType(bytes, recordAt) === FOOTER) break;
      const record = this.#decode(path, bytes, recordAt, at);
      if (record === undefined) continue;
      if (record.type === FRAME) {
        this.#places.set(record.index, number * SEGMENT + recordAt);
        this.#next = record.index + 1;
      }
      yield record;
    }
  }

  /** A record whose checksum holds may still have been forged. */
  #decode(path: string, bytes: Buffer, at: number, end: number): LogRecord | undefined {
    try {
      return readRecord(bytes, at, end, 0).record;
    } catch (error) {
      if (!(error instanceof TenonError)) throw error;
      this.#fault(`${basename(path)}, byte ${at}: a record of an unknown form`);
      return undefined;
    }
  }

  /** Where the records end; checks the footer of a sealed segment. */
  #sealedEnd(path: string, bytes: Buffer, header: Segment, last: boolean): number {
    const fd = openSync(path, "r");
    try {
      const footer = readFooter(fd, fstatSync(fd).size);
      if (footer === undefined) {
        if (!last) this.#fault(`${basename(path)} was sealed and has lost its footer`);
        return bytes.length;
      }
      const sha256 = createHash("sha256").update(bytes.subarray(0, footer.start)).digest();
      if (!sha256.equals(footer.sha256)) {
        this.#fault(`segment ${header.number} does not have the SHA-256 it was sealed with`);
      }
      return footer.start;
    } finally {
      closeSync(fd);
    }
  }

  #fault(message: string): void {
    this.#onFault({ message, logIndex: this.#next });
  }
}

/** The next place behind a damaged record where a whole one begins, or `end`. */
function nextRecord(bytes: Buffer, damaged: number, end: number, crc: RangeCrc): number {
  for (let at = damaged + 1; at < end; at++) {
    if (bytes[at] === 0 && recordEnd(bytes, at, crc) > 0) return at;
  }
  return end;
}
