import type { DatabaseSync, StatementSync } from "node:sqlite";
import { toHex } from "@tenon/sdk/bytes";
import { EpochState, type Fact } from "./epoch.js";

/** The tracker's tables: frames, heads, facts, missing. */
export class StateStore {
  readonly #db: DatabaseSync;
  readonly #framesAt: StatementSync;
  readonly #saveFrame: StatementSync;
  readonly #saveHead: StatementSync;
  readonly #saveFact: StatementSync;
  readonly #saveRange: StatementSync;
  readonly #deleteRange: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    const place = "device_num = ? AND epoch = ? AND seq = ?";
    this.#framesAt = db.prepare(`SELECT hash, log_index FROM frames WHERE ${place} ORDER BY log_index`);
    this.#saveFrame = db.prepare("INSERT INTO frames VALUES (?, ?, ?, ?, ?)");
    this.#saveHead = db.prepare("INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    this.#saveFact = db.prepare("INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    this.#saveRange = db.prepare("INSERT OR REPLACE INTO missing VALUES (?, ?, ?, ?, ?)");
    this.#deleteRange = db.prepare(`DELETE FROM missing WHERE ${place}`);
  }

  /** Every epoch of every device, with its missing ranges and the gaps they belong to. */
  loadEpochs(): EpochState[] {
    const states = new Map<string, EpochState>();
    const heads = this.#db.prepare("SELECT heads.*, id FROM heads JOIN devices ON num = device_num");
    heads.setReadBigInts(true);
    for (const row of heads.iterate()) {
      const state = new EpochState(Number(row.device_num), toHex(row.id as Uint8Array), Number(row.epoch));
      state.contiguous = row.contiguous as bigint;
      state.hash = row.hash as Uint8Array;
      state.highest = state.savedHighest = row.highest as bigint;
      state.highestHash = row.highest_hash as Uint8Array;
      state.headIndex = Number(row.head_index);
      state.headAt = Number(row.head_at);
      state.last = { seq: state.highest, hash: state.highestHash };
      states.set(`${state.num}:${state.epoch}`, state);
    }
    const gaps = this.#openGaps();
    const ranges = this.#db.prepare("SELECT * FROM missing ORDER BY device_num, epoch, seq");
    ranges.setReadBigInts(true);
    for (const row of ranges.iterate()) {
      const state = states.get(`${row.device_num}:${row.epoch}`);
      const gap = gaps.get(Number(row.fact));
      if (state === undefined || gap === undefined) continue;
      state.missing.push({ from: row.seq as bigint, to: row.seq_to as bigint, gap });
    }
    return [...states.values()];
  }

  lastFact(): number {
    return Number(this.#db.prepare("SELECT max(id) AS id FROM facts").get()?.id ?? 0);
  }

  framesAt(
    num: number,
    epoch: number,
    seq: bigint,
  ): { hash: Uint8Array; index: number; arrival: undefined }[] {
    const rows = this.#framesAt.all(num, epoch, seq);
    return rows.map((row) => ({
      hash: row.hash as Uint8Array,
      index: row.log_index as number,
      arrival: undefined,
    }));
  }

  saveFrame(frame: { num: number; epoch: number; seq: bigint; index: number; hash: Uint8Array }): void {
    this.#saveFrame.run(frame.num, frame.epoch, frame.seq, frame.index, frame.hash);
  }

  saveFact(fact: Fact): void {
    const { id, kind, num, epoch, seq, seqTo, logIndex, otherIndex, at } = fact;
    const { missing, closedIndex, closedAt } = fact;
    this.#saveFact.run(
      id,
      kind,
      num,
      epoch,
      seq,
      seqTo,
      logIndex,
      otherIndex,
      at,
      missing,
      closedIndex,
      closedAt,
    );
  }

  saveEpoch(state: EpochState): void {
    const { num, epoch, contiguous, hash, highest, highestHash, headIndex, headAt } = state;
    this.#saveHead.run(num, epoch, contiguous, hash, highest, highestHash, headIndex, headAt);
    for (const [from, range] of state.changed) {
      if (range === undefined) this.#deleteRange.run(num, epoch, from);
      else this.#saveRange.run(num, epoch, from, range.to, range.gap.id);
    }
  }

  #openGaps(): Map<number, Fact> {
    const gaps = this.#db.prepare("SELECT * FROM facts WHERE kind = 'gap' AND closed_index IS NULL");
    gaps.setReadBigInts(true);
    const found = new Map<number, Fact>();
    for (const row of gaps.iterate()) {
      found.set(Number(row.id), {
        id: Number(row.id),
        kind: "gap",
        num: Number(row.device_num),
        epoch: Number(row.epoch),
        seq: row.seq as bigint,
        seqTo: row.seq_to as bigint,
        logIndex: Number(row.log_index),
        otherIndex: null,
        at: Number(row.at),
        missing: row.missing as bigint,
        closedIndex: null,
        closedAt: null,
      });
    }
    return found;
  }
}
