import type { DatabaseSync } from "node:sqlite";
import { fromHex, type Hex, toHex } from "@tenon/sdk/bytes";
import type { ClosedBatch } from "../state/types.js";
import type { AnchoredEvent } from "./anchor-log.js";

/**
 * - open: signed and stored; whether it was sent or mined is not known yet.
 * - mined: in a block, and the batch is anchored.
 * - reverted: in a block, and the contract refused it.
 * - replaced: its nonce was used by another transaction.
 * - passed: the contract already has the batch from another transaction.
 */
export type IntentState = "open" | "mined" | "reverted" | "replaced" | "passed";

/** A transaction that was signed to anchor a batch. Written before it is sent. */
export interface Intent {
  id: number;
  batch: number;
  nonce: number;
  hash: Hex;
  /** The signed bytes: what is sent, again and again. */
  raw: Hex;
  /** Milliseconds since 1970. */
  createdAt: number;
  state: IntentState;
}

/** Where a batch was anchored. */
export interface AnchoredAt {
  transaction: Hex;
  blockNumber: number;
  blockHash: Hex;
  transactionIndex: number;
  /** Within the block. */
  logIndex: number;
}

/** Intents and closed batches in the state database. Every write is durable when it returns (`synchronous = FULL`). */
export class IntentStore {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  add(intent: Omit<Intent, "id" | "state">): Intent {
    const { lastInsertRowid } = this.#db
      .prepare(
        "INSERT INTO intents (batch, nonce, hash, raw, created_at, state) VALUES (?, ?, ?, ?, ?, 'open')",
      )
      .run(intent.batch, intent.nonce, fromHex(intent.hash), fromHex(intent.raw), intent.createdAt);
    return { ...intent, id: Number(lastInsertRowid), state: "open" };
  }

  /** The intent that is not ended; there is never more than one. */
  open(): Intent | undefined {
    const row = this.#db.prepare("SELECT * FROM intents WHERE state = 'open' ORDER BY id LIMIT 1").get();
    return row && intentOf(row as unknown as StoredIntent);
  }

  /** Ends an intent without an anchor of its own. */
  end(id: number, state: "reverted" | "replaced" | "passed"): void {
    this.#db.prepare("UPDATE intents SET state = ? WHERE id = ?").run(state, id);
  }

  /** Ends an intent whose transaction anchored its batch. */
  mined(id: number, at: AnchoredEvent): void {
    this.#db
      .prepare(
        `UPDATE intents SET state = 'mined', block_number = ?, block_hash = ?, tx_index = ?, log_index = ?
         WHERE id = ?`,
      )
      .run(at.block.number, fromHex(at.block.hash), at.transactionIndex, at.logIndex, id);
  }

  /**
   * Records an anchor found on the chain that this database does not know: of a transaction whose end was never
   * seen, or of one that another copy of the state signed. The signed bytes are not known then, and stay empty.
   */
  adopt(event: AnchoredEvent, nonce: number, at: number): void {
    const hash = fromHex(event.transaction);
    const known = this.#db.prepare("SELECT id FROM intents WHERE hash = ?").get(hash);
    const id =
      known?.id ??
      this.#db
        .prepare(
          "INSERT INTO intents (batch, nonce, hash, raw, created_at, state) VALUES (?, ?, ?, ?, ?, 'open')",
        )
        .run(event.content.batch, nonce, hash, new Uint8Array(), at).lastInsertRowid;
    this.mined(Number(id), event);
  }

  /** Number of the last batch known to be anchored; -1 when none is. */
  lastAnchored(): number {
    const row = this.#db
      .prepare("SELECT batch FROM intents WHERE state = 'mined' ORDER BY batch DESC LIMIT 1")
      .get();
    return Number(row?.batch ?? -1);
  }

  /** The nonce after the last one that is known to be used. */
  nextNonce(): number {
    const row = this.#db
      .prepare("SELECT nonce FROM intents WHERE state IN ('mined', 'reverted') ORDER BY nonce DESC LIMIT 1")
      .get();
    return Number(row?.nonce ?? -1) + 1;
  }

  anchoredAt(batch: number): AnchoredAt | undefined {
    const row = this.#db.prepare("SELECT * FROM intents WHERE batch = ? AND state = 'mined'").get(batch);
    if (row === undefined) return undefined;
    return {
      transaction: toHex(row.hash as Uint8Array),
      blockNumber: Number(row.block_number),
      blockHash: toHex(row.block_hash as Uint8Array),
      transactionIndex: Number(row.tx_index),
      logIndex: Number(row.log_index),
    };
  }

  batch(number: number): ClosedBatch | undefined {
    const row = this.#db.prepare("SELECT * FROM batches WHERE batch = ?").get(number);
    return row && batchOf(row);
  }

  /** Batches `[from, from + limit)`, in order. */
  batches(from: number, limit: number): ClosedBatch[] {
    return this.#db
      .prepare("SELECT * FROM batches WHERE batch >= ? ORDER BY batch LIMIT ?")
      .all(from, limit)
      .map(batchOf);
  }

  /** How many batches are closed: the number of the next one. */
  closed(): number {
    return Number(this.#db.prepare("SELECT max(batch) AS batch FROM batches").get()?.batch ?? -1) + 1;
  }
}

interface StoredIntent {
  id: number;
  batch: number;
  nonce: number;
  hash: Uint8Array;
  raw: Uint8Array;
  created_at: number;
  state: IntentState;
}

function intentOf(row: StoredIntent): Intent {
  const { id, batch, nonce, state } = row;
  return { id, batch, nonce, state, hash: toHex(row.hash), raw: toHex(row.raw), createdAt: row.created_at };
}

function batchOf(row: Record<string, unknown>): ClosedBatch {
  return {
    batch: Number(row.batch),
    first: Number(row.first),
    count: Number(row.count),
    minTime: Number(row.min_time),
    maxTime: Number(row.max_time),
    framesRoot: row.frames_root as Uint8Array,
    headsRoot: row.heads_root as Uint8Array,
    rejectsRoot: row.rejects_root as Uint8Array,
    heads: row.heads as Uint8Array,
    rejectFirst: Number(row.reject_first),
    rejectCount: Number(row.reject_count),
    closedAt: Number(row.closed_at),
  };
}
