import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Hex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { FileLock } from "./lock.js";
import { readEpochMark, writeEpochMark } from "./mark.js";
import { loadSegments, type Recovery } from "./recovery.js";
import {
  type EpochRun,
  frameRecord,
  type JournalFrame,
  type JournalState,
  receiptRecord,
} from "./segment.js";
import { SegmentFile } from "./segment-file.js";

export interface JournalOptions {
  /** Folder of the journal; made when absent. Its epoch mark is the file `<dir>.epoch` beside it. */
  dir: string;
  device: Hex;
  /** Bytes of frames without a receipt at which new readings are refused. Default 64 MiB. */
  maxBytes?: number;
  /** Size at which a new segment file begins. Default 1 MiB. */
  segmentBytes?: number;
  /** The device's epoch in the registry: the journal never uses an earlier one. Default 1. */
  epochAtLeast?: number;
  /** Set damaged parts aside and go on in a new epoch, instead of refusing to open. */
  repair?: boolean;
}

/** What opening found and did; all empty after an orderly stop. */
export type { Recovery } from "./recovery.js";

/** Where the next frame goes in the device's chain. */
export interface ChainPosition {
  epoch: number;
  seq: bigint;
  /** Hash of the frame before it, 32 zero bytes when there is none. */
  prev: Uint8Array;
}

/**
 * The device's memory: every frame it made, on disk before it is sent, until a signed receipt covers it.
 *
 * - A sequence number is never used for two frames. When the counter may have been lost (journal gone, older copy
 *   restored, a damaged tail) a new epoch begins, found by the epoch mark kept beside the journal.
 * - Nothing is dropped: at `maxBytes` without a receipt, new frames are refused (`JournalFull`) and the old ones stay.
 * - One process at a time (`FileLocked`). Only frames before {@link durable} may be sent: `append` writes, and one
 *   `flush` puts all that was written on disk, so a power cut takes back no number that anybody saw.
 */
export class FrameJournal {
  /** What opening had to mend. */
  readonly recovery: Recovery;
  readonly #dir: string;
  readonly #maxBytes: number;
  readonly #segmentBytes: number;
  readonly #lock: FileLock;
  readonly #segments: SegmentFile[];
  readonly #state: JournalState;
  #pendingBytes = 0;
  #durable: number;
  #syncing: Promise<void> | undefined;
  #broken: unknown;
  #closed = false;

  private constructor(options: JournalOptions, lock: FileLock) {
    this.#dir = options.dir;
    this.#maxBytes = options.maxBytes ?? 64 << 20;
    this.#segmentBytes = options.segmentBytes ?? 1 << 20;
    this.#lock = lock;
    const loaded = loadSegments(options.dir, options.device, options.repair ?? false);
    this.#segments = loaded.segments;
    this.#state = loaded.state;
    this.recovery = loaded.recovery;
    this.#beginNeededEpoch(options.epochAtLeast ?? 1);
    this.#pendingBytes = this.#countPendingBytes();
    // What a killed process had written may not be on disk yet.
    this.#active().syncNow();
    this.#durable = this.end;
    this.#trim();
  }

  /**
   * @throws TenonError `FileLocked`, `JournalForeign` (another device's), or `JournalDamaged` when frames that were
   * on disk can no longer be read.
   */
  static open(options: JournalOptions): FrameJournal {
    mkdirSync(options.dir, { recursive: true });
    const lock = FileLock.acquire(join(options.dir, "lock"));
    try {
      return new FrameJournal(options, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  next(): ChainPosition {
    const { epoch, nextSeq } = this.#run();
    return { epoch, seq: nextSeq, prev: this.#state.head };
  }

  /** Number of frames ever made; positions run from 0 and are the order of sending. */
  get end(): number {
    return this.#state.position;
  }

  /** Positions before this one are on disk and may be sent. */
  get durable(): number {
    return this.#durable;
  }

  get pendingFrames(): number {
    return this.#state.runs.reduce((sum, run) => sum + Number(run.nextSeq - run.receipted) - 1, 0);
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** The last receipt accepted, bytes as received. */
  get lastReceipt(): Uint8Array | undefined {
    return this.#state.receipt.length === 0 ? undefined : this.#state.receipt;
  }

  /**
   * Writes the next frame of the chain. It may be sent once it is {@link durable}, see {@link flush}.
   * @throws TenonError `JournalFull`, `JournalWriteFailed` (nothing changed) or `JournalBroken` (reopen it).
   */
  append(frame: JournalFrame): void {
    this.#usable();
    const run = this.#run();
    if (frame.epoch !== run.epoch || frame.seq !== run.nextSeq) {
      throw new TenonError("JournalOutOfOrder", "The frame is not the next of the chain", {
        args: { epoch: frame.epoch, seq: frame.seq, expectedEpoch: run.epoch, expectedSeq: run.nextSeq },
      });
    }
    const record = frameRecord(frame);
    this.#refuseWhenFull(record.length);
    if (this.#active().size >= this.#segmentBytes) this.#roll();
    this.#durably(() => this.#active().append(record, true));
    run.nextSeq += 1n;
    this.#state.head = frame.hash;
    this.#state.position += 1;
    this.#pendingBytes += record.length;
  }

  /**
   * Resolves when every frame appended so far is on disk; one sync serves all who wait.
   * @throws TenonError `JournalBroken` when the disk failed: nobody knows what it holds, open the journal again.
   */
  async flush(): Promise<void> {
    const target = this.end;
    while (this.#durable < target) {
      this.#usable();
      this.#syncing ??= this.#sync();
      await this.#syncing;
    }
  }

  /** The frame at a position, which must be {@link isPending}. */
  read(position: number): JournalFrame {
    return this.#segmentOf(position).readFrame(position);
  }

  /** The first position at or after `from` whose frame has no receipt yet; undefined when there is none. */
  pendingFrom(from: number): number | undefined {
    for (const run of this.#state.runs) {
      const first = Math.max(from, firstPending(run));
      if (first < endOf(run)) return first;
    }
    return undefined;
  }

  isPending(position: number): boolean {
    return this.pendingFrom(position) === position;
  }

  /** Hash of a frame that has no receipt yet; undefined when it is covered already or unknown. */
  hashOf(epoch: number, seq: bigint): Uint8Array | undefined {
    const run = this.#state.runs.find((one) => one.epoch === epoch);
    if (run === undefined || seq <= run.receipted || seq >= run.nextSeq) return undefined;
    return this.read(run.firstPosition + Number(seq - run.firstSeq)).hash;
  }

  /** Sequence numbers the journal stands at in an epoch; undefined when it knows nothing of it any more. */
  progress(epoch: number): Readonly<EpochRun> | undefined {
    return this.#state.runs.find((run) => run.epoch === epoch);
  }

  /** Records an accepted receipt and frees the frames it covers. Returns how many they were. */
  cover(epoch: number, seqUpTo: bigint, receipt: Uint8Array): number {
    this.#usable();
    const run = this.progress(epoch) as EpochRun | undefined;
    if (run === undefined || seqUpTo <= run.receipted || seqUpTo >= run.nextSeq) return 0;
    // Not synced: when it is lost the oracle repeats the receipt.
    this.#durably(() => this.#active().append(receiptRecord(epoch, seqUpTo, receipt), false));
    const covered = Number(seqUpTo - run.receipted);
    this.#pendingBytes -= this.#bytesBetween(firstPending(run), firstPending(run) + covered);
    run.receipted = seqUpTo;
    this.#state.receipt = receipt;
    this.#dropSettledRuns();
    this.#durably(() => this.#trim());
    return covered;
  }

  /** Starts a new epoch at sequence number 1, because the old counter can no longer be trusted. */
  beginEpoch(epoch: number, reason: string): void {
    this.#usable();
    writeEpochMark(this.#dir, epoch);
    const before = this.#state.runs;
    const first = { epoch, firstPosition: this.end, firstSeq: 1n, receipted: 0n, nextSeq: 1n };
    this.#state.runs = [...before, first];
    this.#dropSettledRuns();
    try {
      this.#roll();
    } catch (error) {
      // The old counter is in doubt and there is no new one: no number is used until the journal is opened again.
      this.#state.runs = before;
      this.#broken = error;
      throw error;
    }
    this.recovery.epochsBegun.push({ epoch, reason });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#broken === undefined && this.#durable < this.end) this.#active().syncNow();
    for (const segment of this.#segments) segment.close();
    this.#lock.release();
  }

  #beginNeededEpoch(atLeast: number): void {
    const mark = readEpochMark(this.#dir);
    const present = this.#state.runs.at(-1)?.epoch ?? 0;
    const lost =
      this.recovery.counterDoubtful ??
      (mark > present ? "the journal is older than its epoch mark" : undefined);
    const needed = Math.max(atLeast, lost === undefined ? present : Math.max(mark, present) + 1);
    if (needed > present) {
      this.beginEpoch(needed, lost ?? (present === 0 ? "first use" : "the registry's epoch is later"));
    } else if (mark < present) {
      writeEpochMark(this.#dir, present);
    }
  }

  #run(): EpochRun {
    return this.#state.runs.at(-1)!;
  }

  #active(): SegmentFile {
    return this.#segments.at(-1)!;
  }

  #segmentOf(position: number): SegmentFile {
    const segment = this.#segments.findLast((one) => one.first <= position);
    if (segment === undefined || position >= this.end) {
      throw new TenonError("JournalNoFrame", "No such frame in the journal", { args: { position } });
    }
    return segment;
  }

  #refuseWhenFull(length: number): void {
    if (this.#pendingBytes + length <= this.#maxBytes) return;
    throw new TenonError("JournalFull", "The journal is full of frames that have no receipt yet", {
      args: { pendingBytes: this.#pendingBytes, maxBytes: this.#maxBytes, pendingFrames: this.pendingFrames },
      remedy: "Connect the device so that the oracle can take them, or give the journal more room.",
    });
  }

  #usable(): void {
    if (this.#broken !== undefined || this.#closed) {
      throw new TenonError("JournalBroken", "The journal cannot be written any more", {
        args: { reason: this.#closed ? "closed" : String(this.#broken) },
        remedy: "Mend the disk and open the journal again.",
        cause: this.#broken,
      });
    }
  }

  /** After a failed write the old end must be restored; after a failed sync nobody knows what is on disk. */
  #durably(write: () => void): void {
    try {
      write();
    } catch (cause) {
      if (this.#segments.at(-1)?.intact === false) this.#broken = cause;
      throw new TenonError("JournalWriteFailed", "The journal could not be written; nothing was recorded", {
        args: { dir: this.#dir, reason: (cause as Error).message },
        remedy: "Check the disk's space and health.",
        cause,
      });
    }
  }

  async #sync(): Promise<void> {
    const end = this.end;
    try {
      await this.#active().sync();
      this.#durable = Math.max(this.#durable, end);
    } catch (cause) {
      this.#broken = cause;
    } finally {
      this.#syncing = undefined;
    }
  }

  #roll(): void {
    this.#durably(() => {
      this.#segments.at(-1)?.syncNow();
      this.#segments.push(SegmentFile.create(this.#dir, this.#state));
    });
    this.#durable = this.end;
  }

  #trim(): void {
    const keepFrom = this.pendingFrom(0) ?? this.end;
    if (this.#segments.length < 2 || this.#segments[1]!.first > keepFrom) return;
    // The receipt must be on disk before what it covers is gone: without it the journal would look for the frames.
    this.#active().syncNow();
    while (this.#segments.length > 1 && this.#segments[1]!.first <= keepFrom) {
      this.#segments.shift()!.remove();
    }
  }

  #dropSettledRuns(): void {
    const runs = this.#state.runs;
    this.#state.runs = runs.filter((run, i) => i === runs.length - 1 || run.receipted + 1n < run.nextSeq);
  }

  #bytesBetween(from: number, to: number): number {
    let sum = 0;
    for (let position = from; position < to; position++) sum += this.#segmentOf(position).lengthOf(position);
    return sum;
  }

  #countPendingBytes(): number {
    return this.#state.runs.reduce((sum, run) => sum + this.#bytesBetween(firstPending(run), endOf(run)), 0);
  }
}

function firstPending(run: EpochRun): number {
  return run.firstPosition + Number(run.receipted + 1n - run.firstSeq);
}

function endOf(run: EpochRun): number {
  return run.firstPosition + Number(run.nextSeq - run.firstSeq);
}
