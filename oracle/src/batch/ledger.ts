import type { DatabaseSync } from "node:sqlite";
import { concatBytes, equalBytes, type Hex, toHex } from "@tenon/sdk/bytes";
import { TenonError } from "@tenon/sdk/errors";
import { decodeFrame, frameHash } from "@tenon/sdk/frame/index";
import { headsTree } from "@tenon/sdk/proof/heads";
import { leafHash, sizedRoot } from "@tenon/sdk/proof/merkle";
import { encodeReject } from "@tenon/sdk/proof/rejects";
import { failpoint } from "../failpoint.js";
import type { SegmentLog } from "../log/log.js";
import {
  BATCH,
  type BatchRecord,
  FRAME,
  type FrameRecord,
  type LogRecord,
  REJECT,
  type RejectRecord,
} from "../log/record.js";
import { HEADER_SIZE } from "../log/segment.js";
import { DeviceTracker } from "../state/tracker.js";
import type { ClosedBatch, DeviceDirectory, Lane, LogPosition } from "../state/types.js";
import { OpenBatch } from "./batcher.js";
import { BatchStore, type RejectRow } from "./store.js";

/** A frame that passed every check and is not in the log yet. */
export interface AcceptedFrame {
  num: number;
  device: Hex;
  epoch: number;
  seq: bigint;
  hash: Uint8Array;
  prev: Uint8Array;
  leaf: Uint8Array;
  raw: Uint8Array;
  lane: Lane;
  receivedAt: number;
}

/** Input that was refused and is not in the log yet. */
export interface RefusedInput {
  reason: string;
  source: string;
  /** What of it the log keeps: all or nothing. */
  raw: Uint8Array;
  rawLength: number;
  rawHash: Uint8Array;
  lane: Lane;
  receivedAt: number;
}

export type Entry = { frame: AcceptedFrame } | { refused: RefusedInput };

/** Reject rows that wait for the next batch in memory; beyond, they are written early. */
const PENDING_ROWS = 1_000;

/**
 * The durable half of the data path: the segment log, the state derived from it, and the open batch. An entry counts
 * once it is in the log; state follows in log order, so that `restore` ends where a crash interrupted. The end of a
 * batch is a record of the log too: all of the database about frames can be rebuilt from the log alone.
 */
export class Ledger {
  readonly #log: SegmentLog;
  readonly #db: DatabaseSync;
  readonly #directory: DeviceDirectory;
  readonly #aad: Uint8Array;
  readonly #store: BatchStore;
  #rows: RejectRow[] = [];
  tracker!: DeviceTracker;
  open!: OpenBatch;

  /** @param aad From `frameAad`. Call `restore` before anything else. */
  constructor(log: SegmentLog, db: DatabaseSync, directory: DeviceDirectory, aad: Uint8Array) {
    this.#log = log;
    this.#db = db;
    this.#directory = directory;
    this.#aad = aad;
    this.#store = new BatchStore(db);
  }

  /**
   * Loads the state of the last saved batch and replays the log from there.
   * @returns The batches that the log had closed and the database did not know, now saved; and the devices replayed.
   * @throws TenonError BatchRebuildMismatch, LogBehindState, LogCorrupt, DeviceNotInDirectory
   */
  restore(): { closed: ClosedBatch[]; touched: { num: number; epoch: number }[] } {
    this.tracker = new DeviceTracker(this.#db, (index) => this.#readLogged(index));
    this.#rows = [];
    const last = this.#store.last();
    this.open = nextBatch(last?.closed);
    const touched = new Map<string, { num: number; epoch: number }>();
    const closed: ClosedBatch[] = [];
    for (const { record, end } of this.#log.replay(last?.end ?? { segment: 0, offset: HEADER_SIZE })) {
      if (record.type === BATCH) closed.push(this.#replayBatch(record, end));
      else if (record.type === REJECT) this.#takeReject(record);
      else {
        const frame = this.#decode(record);
        touched.set(`${frame.num}:${frame.epoch}`, frame);
        this.#takeFrame(frame, record.index);
      }
    }
    return { closed, touched: [...touched.values()] };
  }

  /**
   * Makes the entries durable in this order, then takes them into the state.
   * @throws TenonError LogUnwritable: nothing of them counts for sure; `restore` says what does.
   */
  async commit(entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return;
    let [frameIndex, rejectIndex] = [this.#log.nextFrame, this.#log.nextReject];
    const records = entries.map((entry): FrameRecord | RejectRecord => {
      if ("refused" in entry) return { type: REJECT, index: rejectIndex++, ...entry.refused };
      const { lane, receivedAt, raw } = entry.frame;
      return { type: FRAME, index: frameIndex++, receivedAt, lane, source: "", raw };
    });
    await this.#log.append(records);
    entries.forEach((entry, i) => {
      const record = records[i]!;
      if ("frame" in entry) this.#takeFrame(entry.frame, record.index);
      else if (record.type === REJECT) this.#takeReject(record);
    });
    if (this.#rows.length > PENDING_ROWS) this.#rows = this.#store.saveRejects(this.#rows);
  }

  /** Closes the open batch: its record in the log first, then all it changed in one transaction. */
  async close(closedAt: number): Promise<ClosedBatch> {
    const closed = this.#seal(closedAt);
    const { batch, first, count, rejectFirst, rejectCount, framesRoot, headsRoot, rejectsRoot } = closed;
    const roots = { framesRoot, headsRoot, rejectsRoot };
    const place = { type: BATCH, index: batch, receivedAt: closedAt, lane: "telemetry", source: "" } as const;
    const record: BatchRecord = { ...place, first, count, rejectFirst, rejectCount, ...roots };
    await this.#log.append([record satisfies LogRecord]);
    failpoint("batch-close");
    this.#save(closed, this.#log.end);
    failpoint("checkpoint");
    return closed;
  }

  #seal(closedAt: number): ClosedBatch {
    const { batch, first, frames, rejects, rejectFirst, minTime, maxTime, touched } = this.open;
    const heads = headsTree([...touched].map((num) => this.tracker.newestHead(num)!));
    return {
      batch,
      first,
      count: frames.size,
      minTime: Math.floor(minTime / 1_000),
      maxTime: Math.floor(maxTime / 1_000),
      framesRoot: frames.root(),
      headsRoot: heads.root,
      rejectsRoot: sizedRoot(rejects.root(), rejects.size),
      heads: concatBytes(...heads.entries),
      rejectFirst,
      rejectCount: rejects.size,
      closedAt,
    };
  }

  #save(closed: ClosedBatch, end: LogPosition): void {
    this.#store.saveBatch(closed, end, this.#rows, this.tracker);
    this.tracker.saved();
    this.#rows = [];
    this.open = nextBatch(closed);
  }

  /** A batch that the log closed and the database missed: it must come out as it was. */
  #replayBatch(record: BatchRecord, end: LogPosition): ClosedBatch {
    const closed = this.#seal(record.receivedAt);
    const same =
      closed.batch === record.index &&
      closed.first === record.first &&
      closed.count === record.count &&
      closed.rejectFirst === record.rejectFirst &&
      closed.rejectCount === record.rejectCount &&
      equalBytes(closed.framesRoot, record.framesRoot) &&
      equalBytes(closed.headsRoot, record.headsRoot) &&
      equalBytes(closed.rejectsRoot, record.rejectsRoot);
    if (!same) {
      throw new TenonError(
        "BatchRebuildMismatch",
        "A batch rebuilt from the log is not the one that was closed.",
        {
          args: {
            batch: record.index,
            framesRoot: toHex(closed.framesRoot),
            closedAs: toHex(record.framesRoot),
          },
          remedy: "Run `verify`: log or state database are damaged. Nothing was changed.",
        },
      );
    }
    this.#save(closed, end);
    return closed;
  }

  #takeFrame(frame: AcceptedFrame, index: number): void {
    const { num, device, epoch, seq, hash, prev, leaf, lane, receivedAt } = frame;
    this.tracker.record({ num, device, epoch, seq, hash, prev, index, receivedAt });
    this.open.addFrame({ leaf, bytes: frame.raw.length, num, lane, receivedAt, now: performance.now() });
  }

  #takeReject(record: RejectRecord): void {
    const { reason, source, rawLength: length, rawHash: hash } = record;
    const [index, receivedAt] = [BigInt(record.index), BigInt(record.receivedAt)];
    this.open.rejects.append(leafHash(encodeReject({ index, receivedAt, reason, source, length, hash })));
    this.#rows.push({ index: record.index, receivedAt: record.receivedAt, reason, source, length, hash });
  }

  #decode(record: FrameRecord): AcceptedFrame {
    const frame = decodeFrame(record.raw);
    const { device, epoch, seq, prev } = frame.header;
    const entry = this.#directory.get(device);
    if (entry === undefined) {
      throw new TenonError(
        "DeviceNotInDirectory",
        "The log holds a frame of a device the directory does not know.",
        {
          args: { device, logIndex: record.index },
          remedy: "Let the directory catch up with the registry before the data path starts.",
        },
      );
    }
    const { raw, lane, receivedAt } = record;
    const hash = frameHash(frame, this.#aad);
    return { num: entry.num, device, epoch, seq, hash, prev, leaf: leafHash(raw), raw, lane, receivedAt };
  }

  #readLogged(index: number): { prev: Uint8Array; receivedAt: number } {
    const { raw, receivedAt } = this.#log.frame(index);
    return { prev: decodeFrame(raw).header.prev, receivedAt };
  }
}

function nextBatch(last: ClosedBatch | undefined): OpenBatch {
  if (last === undefined) return new OpenBatch(0, 0, 0);
  return new OpenBatch(last.batch + 1, last.first + last.count, last.rejectFirst + last.rejectCount);
}
