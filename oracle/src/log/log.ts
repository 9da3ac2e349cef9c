import { createHash } from "node:crypto";
import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { TenonError } from "@tenon/sdk/errors";
import type { LogPosition } from "../state/types.js";
import { FrameIndex, frameUnknown } from "./frame-index.js";
import {
  BATCH,
  FRAME,
  type FrameRecord,
  type LogRecord,
  REJECT,
  type RejectRecord,
  recordSize,
  writeRecord,
} from "./record.js";
import { cutTornTail, makeDurable, scanOpenSegment, type TornTail } from "./recovery.js";
import {
  HEADER_SIZE,
  logCorrupt,
  parseHeader,
  RecordReader,
  readAt,
  readFooter,
  type Segment,
  STRIDE,
} from "./segment.js";
import { SegmentWriter } from "./writer.js";

export interface LogOptions {
  /** A segment is sealed when the next commit would make it longer. Default 64 MiB. */
  segmentBytes?: number;
  /** What is known to be durable; a log that ends before it is refused. */
  durable?: { frames: number; rejects: number };
  /** For commands that read beside a running oracle: cuts nothing, writes nothing. */
  readOnly?: boolean;
}

const OPEN_FILES = 64;

/**
 * The oracle's append-only log: every frame and every reject, byte for byte, in the order they were committed.
 * Records live in files of a fixed size; a full one is sealed with a footer that holds its counts, its SHA-256 and
 * a sparse index. One writer; any number of readers in other processes.
 */
export class SegmentLog {
  readonly #dir: string;
  readonly #segmentBytes: number;
  readonly #readOnly: boolean;
  readonly #segments: Segment[] = [];
  readonly #files = new Map<string, number>();
  readonly #index = new FrameIndex();
  #commit = 0;
  #writer: SegmentWriter | undefined;
  #failed: unknown;
  /** The unsealed segment as it was found, if its tail is torn. */
  #torn: Buffer | undefined;
  /** What `open` cut, if anything: report it. */
  torn: TornTail | undefined;

  private constructor(dir: string, options: LogOptions) {
    this.#dir = dir;
    this.#segmentBytes = options.segmentBytes ?? 64 << 20;
    this.#readOnly = options.readOnly ?? false;
  }

  /**
   * Opens or creates the log in `dir`. A torn tail is cut, kept in a file beside the segment and reported in `torn`.
   * @throws TenonError LogCorrupt, LogBehindState, LogVersion
   */
  static async open(dir: string, options: LogOptions = {}): Promise<SegmentLog> {
    const log = new SegmentLog(dir, options);
    try {
      if (!log.#readOnly) mkdirSync(dir, { recursive: true });
      log.#load();
      log.#requireDurable(options.durable);
      if (!log.#readOnly) await log.#openLast();
      return log;
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /** Log index of the next frame: the number of frames in the log. */
  get nextFrame(): number {
    const last = this.#segments.at(-1);
    return last === undefined ? 0 : last.firstFrame + last.frames;
  }

  /** Number of the next reject. */
  get nextReject(): number {
    const last = this.#segments.at(-1);
    return last === undefined ? 0 : last.firstReject + last.rejects;
  }

  /** Where the next record goes. */
  get end(): LogPosition {
    const last = this.#segments.at(-1);
    return last === undefined
      ? { segment: 0, offset: HEADER_SIZE }
      : { segment: last.number, offset: last.size };
  }

  /** What the segments hold, oldest first. */
  get segments(): readonly Readonly<Segment>[] {
    return this.#segments;
  }

  /**
   * Appends the records and returns once they are durable. Their indices must follow the log's.
   * On an error a first part of them may be durable, whole segments at a time: call `recover`, then replay the end.
   * @throws TenonError LogUnwritable
   */
  async append(records: LogRecord[]): Promise<void> {
    if (this.#failed !== undefined) throw unwritable(this.#dir, this.#failed);
    try {
      for (let from = 0; from < records.length; ) from = await this.#appendRun(records, from);
    } catch (error) {
      this.#failed = error;
      throw unwritable(this.#dir, error);
    }
  }

  /** After a failed append: takes the file back to what was durable. @throws TenonError LogUnwritable */
  async recover(): Promise<void> {
    if (this.#failed === undefined) return;
    try {
      await this.#writer?.rollBack();
      this.#failed = undefined;
    } catch (error) {
      this.#failed = error;
      throw unwritable(this.#dir, error);
    }
  }

  /** The frame at a log index. @throws TenonError LogIndexUnknown, LogCorrupt */
  frame(index: number): FrameRecord {
    const holds = ({ firstFrame, frames }: Segment) => index >= firstFrame && index < firstFrame + frames;
    const segment = this.#segments.findLast(holds);
    if (segment === undefined) throw frameUnknown(index, this.nextFrame);
    return this.#index.read(this.#file(segment.path), segment, index);
  }

  /** The frames [first, first + count), as far as the log has them. @throws TenonError LogCorrupt */
  *frames(first: number, count: number): Generator<FrameRecord> {
    const until = first + count;
    for (const segment of this.#segments) {
      const end = segment.firstFrame + segment.frames;
      if (end <= first || segment.frames === 0) continue;
      if (segment.firstFrame >= until) return;
      const from = Math.max(first, segment.firstFrame);
      const offset = segment.offsets[Math.floor((from - segment.firstFrame) / STRIDE)] ?? HEADER_SIZE;
      for (const { record } of this.#records(segment, offset)) {
        if (record.type !== FRAME || record.index < from) continue;
        if (record.index >= until) return;
        yield record;
      }
    }
  }

  /** The rejects [first, first + count), as far as the log has them. @throws TenonError LogCorrupt */
  *rejects(first = 0, count = Number.MAX_SAFE_INTEGER): Generator<RejectRecord> {
    for (const segment of this.#segments) {
      if (segment.firstReject + segment.rejects <= first || segment.rejects === 0) continue;
      for (const { record } of this.#records(segment, HEADER_SIZE)) {
        if (record.type !== REJECT || record.index < first) continue;
        if (record.index >= first + count) return;
        yield record;
      }
    }
  }

  /** Every record from a position on, with where each ends. @throws TenonError LogCorrupt, LogBehindState */
  *replay(from: LogPosition): Generator<{ record: LogRecord; end: LogPosition }> {
    const { segment: last, offset } = this.end;
    if (from.segment > last || (from.segment === last && from.offset > offset)) {
      throw behindState(this.#dir, { segment: last, offset }, from);
    }
    for (const segment of this.#segments) {
      if (segment.number < from.segment) continue;
      const start = segment.number === from.segment ? from.offset : HEADER_SIZE;
      for (const { record, end } of this.#records(segment, start)) {
        yield { record, end: { segment: segment.number, offset: end } };
      }
    }
  }

  /** Checks a segment in full: each record's CRC, the counts, and the SHA-256 if it is sealed. @throws TenonError LogCorrupt */
  check(number: number): { frames: number; rejects: number; bytes: number } {
    const segment = this.#segments.find((candidate) => candidate.number === number);
    if (segment === undefined)
      throw new TenonError("LogSegmentUnknown", "No such segment.", { args: { number } });
    let [frames, rejects] = [0, 0];
    for (const { record, offset } of this.#records(segment, HEADER_SIZE)) {
      if (record.type === BATCH) continue;
      const expected =
        record.type === FRAME ? segment.firstFrame + frames++ : segment.firstReject + rejects++;
      if (record.index !== expected)
        throw logCorrupt(segment.path, offset, `index ${record.index}, not ${expected}`);
    }
    if (frames !== segment.frames || rejects !== segment.rejects) {
      throw logCorrupt(segment.path, segment.size, "the counts of the footer do not hold");
    }
    if (segment.sealed) this.#checkHash(segment);
    return { frames, rejects, bytes: segment.size };
  }

  async close(): Promise<void> {
    for (const fd of this.#files.values()) closeSync(fd);
    this.#files.clear();
    await this.#writer?.close();
    this.#writer = undefined;
  }

  #load(): void {
    const names = readdirSync(this.#dir).filter((name) => /^\d{8}\.seg$/.test(name));
    names.sort().forEach((name, i) => {
      const path = join(this.#dir, name);
      const segment = this.#loadSegment(path, i === names.length - 1);
      if (segment === undefined) return;
      const wrongStart = segment.firstFrame !== this.nextFrame || segment.firstReject !== this.nextReject;
      if (segment.number !== i || wrongStart)
        throw logCorrupt(path, 12, "does not follow the segment before it");
      this.#segments.push(segment);
    });
  }

  #loadSegment(path: string, last: boolean): Segment | undefined {
    const fd = openSync(path, "r");
    let segment: Segment | undefined;
    let footer: ReturnType<typeof readFooter>;
    try {
      segment = parseHeader(path, readAt(fd, 0, HEADER_SIZE));
      footer = readFooter(fd, fstatSync(fd).size);
    } finally {
      closeSync(fd);
    }
    if (segment === undefined) {
      if (!last) throw logCorrupt(path, 0, "no segment header");
      this.#dropUnfinished(path);
      return undefined;
    }
    if (footer !== undefined) {
      const { start: size, frames, rejects, offsets } = footer;
      this.#commit = footer.commit;
      return { ...segment, size, frames, rejects, offsets, sealed: true };
    }
    if (!last) throw logCorrupt(path, HEADER_SIZE, "a sealed segment without its footer");
    const bytes = readFileSync(path);
    const scan = scanOpenSegment(segment, bytes);
    this.#commit = scan.commit;
    if (scan.torn) this.#torn = bytes;
    return segment;
  }

  /** A crash while the next segment was made leaves a file shorter than a header; anything longer is data. */
  #dropUnfinished(path: string): void {
    const bytes = readFileSync(path);
    if (bytes.length > HEADER_SIZE) throw logCorrupt(path, 0, "no segment header");
    if (!this.#readOnly) rmSync(path);
  }

  async #openLast(): Promise<void> {
    const last = this.#segments.at(-1);
    if (last === undefined || last.sealed) return;
    if (this.#torn === undefined) makeDurable(last);
    else this.torn = cutTornTail(last, this.#torn);
    this.#torn = undefined;
    this.#writer = await SegmentWriter.open(last);
  }

  #requireDurable(durable: LogOptions["durable"]): void {
    if (durable === undefined) return;
    const has = { frames: this.nextFrame, rejects: this.nextReject };
    if (has.frames < durable.frames || has.rejects < durable.rejects)
      throw behindState(this.#dir, has, durable);
  }

  /** Writes as many records as fit the segment, in one write and one fdatasync; returns where to go on. */
  async #appendRun(records: LogRecord[], from: number): Promise<number> {
    const room = await this.#roomFor(recordSize(records[from]!));
    let [to, bytes] = [from, 0];
    for (; to < records.length; to++) {
      const size = recordSize(records[to]!);
      if (to > from && bytes + size > room) break;
      bytes += size;
    }
    const segment = this.#segments.at(-1)!;
    const buffer = Buffer.allocUnsafe(bytes);
    const starts: number[] = [];
    let [at, frames, rejects] = [0, 0, 0];
    for (let i = from; i < to; i++) {
      const record = records[i]!;
      this.#requireNext(record, frames, rejects);
      if (record.type === FRAME && (segment.frames + frames++) % STRIDE === 0) starts.push(segment.size + at);
      if (record.type === REJECT) rejects++;
      at = writeRecord(buffer, at, record, this.#commit + 1, i === to - 1);
    }
    await this.#writer!.append(buffer);
    this.#commit++;
    segment.frames += frames;
    segment.rejects += rejects;
    segment.offsets.push(...starts);
    return to;
  }

  #requireNext(record: LogRecord, frames: number, rejects: number): void {
    if (record.type === BATCH) return;
    const expected = record.type === FRAME ? this.nextFrame + frames : this.nextReject + rejects;
    if (record.index !== expected) {
      throw new TenonError("LogIndexWrong", "Record out of order.", {
        args: { index: record.index, expected },
      });
    }
  }

  async #roomFor(size: number): Promise<number> {
    const last = this.#segments.at(-1);
    const room = last === undefined ? 0 : this.#segmentBytes - last.size;
    const empty = last?.size === HEADER_SIZE;
    if (last !== undefined && !last.sealed && (room >= size || empty)) return room;
    if (last !== undefined && !last.sealed) {
      await this.#writer!.seal(this.#commit);
      this.#writer = undefined;
    }
    await this.#addSegment();
    return this.#segmentBytes - HEADER_SIZE;
  }

  async #addSegment(): Promise<void> {
    const number = this.#segments.length;
    const path = join(this.#dir, `${String(number).padStart(8, "0")}.seg`);
    const segment: Segment = {
      number,
      path,
      firstFrame: this.nextFrame,
      frames: 0,
      firstReject: this.nextReject,
      rejects: 0,
      firstCommit: this.#commit + 1,
      size: HEADER_SIZE,
      sealed: false,
      offsets: [],
    };
    this.#writer = await SegmentWriter.create(segment);
    this.#segments.push(segment);
  }

  *#records(segment: Segment, offset: number) {
    const reader = new RecordReader(() => this.#file(segment.path), segment, offset);
    for (let placed = reader.next(); placed !== undefined; placed = reader.next()) yield placed;
  }

  #checkHash(segment: Segment): void {
    const fd = this.#file(segment.path);
    const footer = readFooter(fd, fstatSync(fd).size);
    const hash = createHash("sha256")
      .update(readAt(fd, 0, segment.size))
      .digest();
    if (footer === undefined || !hash.equals(footer.sha256)) {
      throw logCorrupt(segment.path, 0, "the SHA-256 of the footer does not hold");
    }
  }

  /** Keeps the files read last open. */
  #file(path: string): number {
    const fd = this.#files.get(path) ?? openSync(path, "r");
    this.#files.delete(path);
    this.#files.set(path, fd);
    for (const [oldest, oldFd] of this.#files) {
      if (this.#files.size <= OPEN_FILES) break;
      closeSync(oldFd);
      this.#files.delete(oldest);
    }
    return fd;
  }
}

function unwritable(dir: string, cause: unknown): TenonError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TenonError("LogUnwritable", "The segment log cannot be written.", {
    args: { dir, why },
    remedy: "Free or repair the disk; the oracle takes up its work by itself.",
    cause,
  });
}

function behindState(dir: string, has: unknown, needs: unknown): TenonError {
  return new TenonError(
    "LogBehindState",
    "The segment log ends before what the state database says is durable.",
    {
      args: { dir, has: JSON.stringify(has), needs: JSON.stringify(needs) },
      remedy:
        "Restore the newest copy of the log: indices that were given out once must never be given again.",
    },
  );
}
