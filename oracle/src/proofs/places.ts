import type { DatabaseSync } from "node:sqlite";
import { type Hex, toHex } from "@tenon/sdk/bytes";
import { IntentStore } from "../chain/intents.js";
import type { ClosedBatch } from "../state/types.js";

/** Where a frame stands in the log. */
export interface FramePlace {
  logIndex: number;
  hash: Hex;
}

/** An open gap of a device, or a fork or an equivocation it showed. */
export interface FactRow {
  kind: "gap" | "fork" | "equivocation";
  device: Hex;
  epoch: number;
  /** First and last sequence number; the same for all but gaps. */
  seq: bigint;
  seqTo: bigint;
  /** Frames of a gap that have not arrived. */
  missing: bigint;
  /** Frame that showed it, and the frame it stands against. */
  logIndex: number;
  otherIndex: number | null;
  /** Milliseconds since 1970; `closedAt` for a gap that was filled. */
  at: number;
  closedAt: number | null;
}

/** What the state database knows of frames, devices and rejects. Reads only. */
export class Places extends IntentStore {
  readonly #reader: DatabaseSync;
  /** Facts are numbered in order and never deleted: those up to `last` need no second look. */
  readonly #counted = { last: 0, forks: 0, equivocations: 0 };

  constructor(db: DatabaseSync) {
    super(db);
    this.#reader = db;
  }

  /** The frames at one place, in log order; more than one is an equivocation. */
  framesAt(num: number, epoch: number, seq: bigint): FramePlace[] {
    return this.#reader
      .prepare(
        "SELECT log_index, hash FROM frames WHERE device_num = ? AND epoch = ? AND seq = ? ORDER BY log_index",
      )
      .all(num, epoch, seq)
      .map((row) => ({ logIndex: Number(row.log_index), hash: toHex(row.hash as Uint8Array) }));
  }

  /** Whether `[1, seq]` has arrived. */
  isComplete(num: number, epoch: number, seq: bigint): boolean {
    const head = this.#reader
      .prepare("SELECT 1 FROM heads WHERE device_num = ? AND epoch = ? AND contiguous >= ?")
      .get(num, epoch, seq);
    return head !== undefined;
  }

  /** Log index of the frame that made `(after, seq]` complete; all of them must have arrived. Scans them. */
  completedAt(num: number, epoch: number, after: bigint, seq: bigint): number {
    // The first frame at a place counts: a second one came later and completed nothing.
    const row = this.#reader
      .prepare(
        `SELECT max(first) AS at FROM (SELECT min(log_index) AS first FROM frames
         WHERE device_num = ? AND epoch = ? AND seq > ? AND seq <= ? GROUP BY seq)`,
      )
      .get(num, epoch, after, seq);
    return Number(row?.at);
  }

  /** Missing ranges of a device's epoch up to `to`. */
  missing(num: number, epoch: number, to: bigint): { from: bigint; to: bigint }[] {
    const query = this.#reader.prepare(
      "SELECT seq, seq_to FROM missing WHERE device_num = ? AND epoch = ? AND seq <= ? ORDER BY seq LIMIT 20",
    );
    query.setReadBigInts(true);
    return query.all(num, epoch, to).map((row) => ({ from: row.seq as bigint, to: row.seq_to as bigint }));
  }

  /** Heads of a device, newest epoch first. */
  heads(num: number): { epoch: number; contiguous: bigint; hash: Hex; highest: bigint }[] {
    const query = this.#reader.prepare("SELECT * FROM heads WHERE device_num = ? ORDER BY epoch DESC");
    query.setReadBigInts(true);
    return query.all(num).map((row) => ({
      epoch: Number(row.epoch),
      contiguous: row.contiguous as bigint,
      hash: toHex(row.hash as Uint8Array),
      highest: row.highest as bigint,
    }));
  }

  /** Facts, newest first. `open` leaves out gaps that were filled. */
  facts(filter: { num?: number; kind?: FactRow["kind"]; open?: boolean; limit: number }): FactRow[] {
    const { num, kind, open = false, limit } = filter;
    // Put together, so that what is asked of one device uses its index however many facts the others have.
    const wanted = ["1", ...(num === undefined ? [] : ["device_num = ?"])];
    if (kind !== undefined) wanted.push(`kind = '${kind}'`);
    if (open) wanted.push("closed_index IS NULL");
    const query = this.#reader.prepare(
      `SELECT facts.*, devices.id AS device FROM facts JOIN devices ON devices.num = device_num
       WHERE ${wanted.join(" AND ")} ORDER BY facts.id DESC LIMIT ?`,
    );
    query.setReadBigInts(true);
    return query.all(...(num === undefined ? [] : [num]), limit).map((row) => ({
      kind: row.kind as FactRow["kind"],
      device: toHex(row.device as Uint8Array),
      epoch: Number(row.epoch),
      seq: row.seq as bigint,
      seqTo: row.seq_to as bigint,
      missing: row.missing as bigint,
      logIndex: Number(row.log_index),
      otherIndex: row.other_index === null ? null : Number(row.other_index),
      at: Number(row.at),
      closedAt: row.closed_at === null ? null : Number(row.closed_at),
    }));
  }

  /** Rejects of closed batches, newest first, and how many there are in all. */
  rejects(filter: { reason: string | undefined; source: string | undefined; limit: number }) {
    const rows = this.#reader
      .prepare(
        `SELECT * FROM rejects WHERE (?1 IS NULL OR substr(reason, 1, length(?1)) = ?1) AND (?2 IS NULL OR source = ?2)
         ORDER BY idx DESC LIMIT ?3`,
      )
      .all(filter.reason ?? null, filter.source ?? null, filter.limit)
      .map((row) => ({
        index: Number(row.idx),
        receivedAt: Number(row.received_at),
        reason: String(row.reason),
        source: String(row.source),
        rawLength: Number(row.raw_length),
      }));
    const total = Number(this.#reader.prepare("SELECT count(*) AS n FROM rejects").get()?.n ?? 0);
    return { rows, total };
  }

  /** How many facts of each kind there are; of the gaps only the open ones. Counts each fork and equivocation once. */
  factCounts(): { gaps: number; forks: number; equivocations: number } {
    const counted = this.#counted;
    const rows = this.#reader
      .prepare("SELECT kind, count(*) AS n, max(id) AS last FROM facts WHERE id > ? GROUP BY kind")
      .all(counted.last);
    for (const { kind, n, last } of rows) {
      if (kind === "fork") counted.forks += Number(n);
      if (kind === "equivocation") counted.equivocations += Number(n);
      counted.last = Math.max(counted.last, Number(last));
    }
    const open = "SELECT count(*) AS n FROM facts WHERE kind = 'gap' AND closed_index IS NULL";
    const gaps = Number(this.#reader.prepare(open).get()?.n ?? 0);
    return { gaps, forks: counted.forks, equivocations: counted.equivocations };
  }

  /** The device's own name of the frame at a log index. Scans: for reports, not for answers. */
  frameOf(logIndex: number): { device: Hex; epoch: number; seq: bigint } | undefined {
    const query = this.#reader.prepare(
      "SELECT id, frames.epoch AS epoch, seq FROM frames JOIN devices ON num = device_num WHERE log_index = ?",
    );
    query.setReadBigInts(true);
    const row = query.get(logIndex);
    return row && { device: toHex(row.id as Uint8Array), epoch: Number(row.epoch), seq: row.seq as bigint };
  }

  /** The closed batch that holds a log index. */
  batchOfFrame(logIndex: number): ClosedBatch | undefined {
    const row = this.#reader
      .prepare("SELECT batch FROM batches WHERE first <= ? ORDER BY first DESC LIMIT 1")
      .get(logIndex);
    const batch = row && this.batch(Number(row.batch));
    return batch !== undefined && logIndex < batch.first + batch.count ? batch : undefined;
  }
}
