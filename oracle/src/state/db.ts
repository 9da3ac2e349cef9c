import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { TenonError } from "@tenon/sdk/errors";
import { isDatabaseError, stateFault } from "./fault.js";

/** Of the tables below; a database with another one is refused. */
export const SCHEMA_VERSION = 2;

/**
 * The oracle's tables. Everything about frames and rejects is derived: the segment log is the truth, and the
 * tables as far as the last closed batch can be rebuilt from it. `devices` and `device_keys` are a copy of the registry's events.
 * Only `intents` is not derived: an intent is written before its transaction is sent.
 *
 * Times are milliseconds since 1970, except the window of a batch, which is seconds as on the chain. Roots, hashes
 * and ids are 32-byte blobs. Log indices stay below 2^40 and are safe as JavaScript numbers; `seq` columns reach
 * 2^63 - 1 and are read as bigint.
 */
const SCHEMA = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

CREATE TABLE devices (
  num    INTEGER PRIMARY KEY,
  id     BLOB NOT NULL UNIQUE,
  curve  INTEGER NOT NULL CHECK (curve IN (1, 8)),   -- of the birth key, COSE: 1 P-256, 8 secp256k1
  x      BLOB NOT NULL,
  y      BLOB NOT NULL,
  owner  BLOB NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'revoked')),
  epoch  INTEGER NOT NULL,
  block  INTEGER NOT NULL                            -- of the last event about the device
) STRICT;

-- The keys a device got later, each with the epoch it came in with.
CREATE TABLE device_keys (
  device_num INTEGER NOT NULL,
  epoch      INTEGER NOT NULL,
  curve      INTEGER NOT NULL CHECK (curve IN (1, 8)),
  x          BLOB NOT NULL,
  y          BLOB NOT NULL,
  PRIMARY KEY (device_num, epoch)
) STRICT, WITHOUT ROWID;

-- Where each frame of a closed batch is: (device, epoch, seq) to log index. Two hashes at one place: equivocation.
CREATE TABLE frames (
  device_num INTEGER NOT NULL,
  epoch      INTEGER NOT NULL,
  seq        INTEGER NOT NULL,
  log_index  INTEGER NOT NULL,
  hash       BLOB NOT NULL,
  PRIMARY KEY (device_num, epoch, seq, hash)
) STRICT, WITHOUT ROWID;

-- One head for each epoch of a device, as of the last closed batch. head_index and head_at are the log index and
-- receive time of the frame at the contiguous sequence number (0 when contiguous is 0).
CREATE TABLE heads (
  device_num   INTEGER NOT NULL,
  epoch        INTEGER NOT NULL,
  contiguous   INTEGER NOT NULL,
  hash         BLOB NOT NULL,
  highest      INTEGER NOT NULL,
  highest_hash BLOB NOT NULL,
  head_index   INTEGER NOT NULL,
  head_at      INTEGER NOT NULL,
  PRIMARY KEY (device_num, epoch)
) STRICT, WITHOUT ROWID;

-- What the frames of a device showed. A gap spans [seq, seq_to] as it was when it opened at frame log_index, still
-- misses 'missing' frames and is closed by frame closed_index. A fork is frame log_index whose prev is not the hash
-- of its known predecessor other_index. Equivocation: frames log_index and other_index share one place.
CREATE TABLE facts (
  id           INTEGER PRIMARY KEY,
  kind         TEXT NOT NULL CHECK (kind IN ('gap', 'fork', 'equivocation')),
  device_num   INTEGER NOT NULL,
  epoch        INTEGER NOT NULL,
  seq          INTEGER NOT NULL,
  seq_to       INTEGER NOT NULL,
  log_index    INTEGER NOT NULL,
  other_index  INTEGER,
  at           INTEGER NOT NULL,
  missing      INTEGER NOT NULL,
  closed_index INTEGER,
  closed_at    INTEGER
) STRICT;
CREATE INDEX facts_by_device ON facts (device_num, epoch, kind);
CREATE INDEX gaps_open ON facts (device_num, epoch) WHERE kind = 'gap' AND closed_index IS NULL;

-- The sequence numbers an epoch of a device still misses, as disjoint ranges; each belongs to the gap it is part of.
CREATE TABLE missing (
  device_num INTEGER NOT NULL,
  epoch      INTEGER NOT NULL,
  seq        INTEGER NOT NULL,
  seq_to     INTEGER NOT NULL,
  fact       INTEGER NOT NULL,
  PRIMARY KEY (device_num, epoch, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE rejects (
  idx         INTEGER PRIMARY KEY,
  received_at INTEGER NOT NULL,
  reason      TEXT NOT NULL,
  source      TEXT NOT NULL,
  raw_length  INTEGER NOT NULL,
  raw_hash    BLOB NOT NULL
) STRICT;
CREATE INDEX rejects_by_source ON rejects (source, idx);

CREATE TABLE batches (
  batch        INTEGER PRIMARY KEY,
  first        INTEGER NOT NULL UNIQUE,
  count        INTEGER NOT NULL,
  min_time     INTEGER NOT NULL,                     -- seconds
  max_time     INTEGER NOT NULL,                     -- seconds
  frames_root  BLOB NOT NULL,
  heads_root   BLOB NOT NULL,
  rejects_root BLOB NOT NULL,
  heads        BLOB NOT NULL,                        -- the 84-byte entries under heads_root, in tree order
  reject_first INTEGER NOT NULL,
  reject_count INTEGER NOT NULL,
  closed_at    INTEGER NOT NULL,
  log_segment  INTEGER NOT NULL,                     -- where the log goes on after the batch
  log_offset   INTEGER NOT NULL
) STRICT;

CREATE TABLE intents (
  id           INTEGER PRIMARY KEY,
  batch        INTEGER NOT NULL,
  nonce        INTEGER NOT NULL,
  hash         BLOB NOT NULL UNIQUE,
  raw          BLOB NOT NULL,
  created_at   INTEGER NOT NULL,
  state        TEXT NOT NULL,
  block_number INTEGER,
  block_hash   BLOB,
  tx_index     INTEGER,
  log_index    INTEGER
) STRICT;
CREATE INDEX intents_by_batch ON intents (batch);
CREATE INDEX intents_by_nonce ON intents (nonce);
CREATE INDEX intents_open ON intents (id) WHERE state = 'open';
`;

/**
 * Opens the state database and creates its tables on first use. WAL with `synchronous = FULL`: a transaction that
 * has returned survives a power loss.
 *
 * @param path File, or ":memory:".
 * @throws TenonError StateVersion when the file belongs to another version of the oracle, StateDamaged, StateUnusable.
 */
export function openState(path: string): DatabaseSync {
  if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
  return opened(path, {}, (db) => {
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864");
    if (versionOf(db) !== 0) return;
    transaction(db, () => {
      db.exec(SCHEMA);
      db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    });
  });
}

/** Opens the database beside a running oracle. @throws TenonError StateVersion, StateDamaged, StateUnusable */
export function readState(path: string): DatabaseSync {
  return opened(path, { readOnly: true }, () => undefined);
}

function opened(path: string, options: object, prepare: (db: DatabaseSync) => void): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: 5_000, ...options });
    prepare(db);
    requireVersion(path, versionOf(db));
    return db;
  } catch (error) {
    db?.close();
    throw isDatabaseError(error) ? stateFault(error, path) : error;
  }
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare("PRAGMA user_version").get()?.user_version ?? 0);
}

function requireVersion(path: string, version: number): void {
  if (version === SCHEMA_VERSION) return;
  throw new TenonError("StateVersion", "The state database belongs to another version of the oracle.", {
    args: { path, version, expected: SCHEMA_VERSION },
    remedy: "Run the oracle that wrote it, or move the file away: it is rebuilt from the segment log.",
  });
}

/** Runs `body` in one transaction: all of it is durable when this returns, or nothing is changed. */
export function transaction<T>(db: DatabaseSync, body: () => T): T {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = body();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}
