import type { DatabaseSync } from "node:sqlite";
import { transaction } from "../state/db.js";
import type { DeviceTracker } from "../state/tracker.js";
import type { ClosedBatch, LogPosition } from "../state/types.js";

/** A row of the table `rejects`. */
export interface RejectRow {
  index: number;
  receivedAt: number;
  reason: string;
  source: string;
  length: number;
  hash: Uint8Array;
}

/** The tables of batches and rejects. */
export class BatchStore {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** The newest batch and where the log goes on after it. */
  last(): { closed: ClosedBatch; end: LogPosition } | undefined {
    const row = this.#db.prepare("SELECT * FROM batches ORDER BY batch DESC LIMIT 1").get();
    if (row === undefined) return undefined;
    const end = { segment: row.log_segment as number, offset: row.log_offset as number };
    return { closed: closedBatchOf(row), end };
  }

  /** Frames and rejects that the log must hold: those of the closed batches. */
  durable(): { frames: number; rejects: number } {
    const last = this.last()?.closed;
    if (last === undefined) return { frames: 0, rejects: 0 };
    return { frames: last.first + last.count, rejects: last.rejectFirst + last.rejectCount };
  }

  /** Everything a closed batch changed, in one transaction. */
  saveBatch(closed: ClosedBatch, end: LogPosition, rejects: RejectRow[], tracker: DeviceTracker): void {
    transaction(this.#db, () => {
      tracker.save();
      this.#insertRejects(rejects);
      const { batch, first, count, minTime, maxTime, framesRoot, headsRoot, rejectsRoot, heads } = closed;
      const { rejectFirst, rejectCount, closedAt } = closed;
      const window = [batch, first, count, minTime, maxTime];
      const roots = [framesRoot, headsRoot, rejectsRoot, heads];
      const rest = [rejectFirst, rejectCount, closedAt, end.segment, end.offset];
      const insert = "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
      this.#db.prepare(insert).run(...window, ...roots, ...rest);
    });
  }

  /** Writes rejects before their batch closes; returns what is left to write: nothing. */
  saveRejects(rejects: RejectRow[]): RejectRow[] {
    transaction(this.#db, () => this.#insertRejects(rejects));
    return [];
  }

  #insertRejects(rejects: RejectRow[]): void {
    // A replay may write again what was written early.
    const insert = this.#db.prepare("INSERT OR REPLACE INTO rejects VALUES (?, ?, ?, ?, ?, ?)");
    for (const { index, receivedAt, reason, source, length, hash } of rejects) {
      insert.run(index, receivedAt, reason, source, length, hash);
    }
  }
}

/** A row of the table `batches`. */
export function closedBatchOf(row: Record<string, unknown>): ClosedBatch {
  return {
    batch: row.batch as number,
    first: row.first as number,
    count: row.count as number,
    minTime: row.min_time as number,
    maxTime: row.max_time as number,
    framesRoot: row.frames_root as Uint8Array,
    headsRoot: row.heads_root as Uint8Array,
    rejectsRoot: row.rejects_root as Uint8Array,
    heads: row.heads as Uint8Array,
    rejectFirst: row.reject_first as number,
    rejectCount: row.reject_count as number,
    closedAt: row.closed_at as number,
  };
}
