import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Hex } from "@tenon/sdk/bytes";
import { TenonError } from "@tenon/sdk/errors";
import { isBusy } from "./state/fault.js";

/** What one oracle process holds alone: a key on a chain, and a state folder. */
export interface LeaseSubject {
  /** Address of the anchor key. */
  address: Hex;
  chainId: bigint;
  genesisHash: Hex;
  /** File of the anchor key: one lock lies beside it, for hosts that share the key over a network disk. */
  keyFile: string;
  /** State folder: one lock lies in it. */
  stateDir: string;
  /** Where locks by key address lie. Default: the system's temporary folder. */
  sharedDir?: string;
}

/**
 * The exclusive right of this process to sign with a key. Each lock is a SQLite file held in an exclusive
 * transaction, which is a lock of the operating system: it ends with the process, `kill -9` included, and needs no
 * clean-up. The contract would refuse a second sender's batch anyway; the lease makes that visible before it happens.
 */
export class Lease {
  readonly #locks: { path: string; db: DatabaseSync }[] = [];

  /**
   * @throws TenonError `LeaseHeld` when another process holds one of the locks, `LeaseUnusable` when one cannot be
   * made; nothing is kept then.
   */
  static acquire(subject: LeaseSubject): Lease {
    const lease = new Lease();
    const name = `tenon-${subject.chainId}-${subject.genesisHash.slice(2, 10)}-${subject.address.toLowerCase()}.lease`;
    const paths = [
      join(subject.sharedDir ?? tmpdir(), name),
      join(dirname(subject.keyFile), name),
      join(subject.stateDir, "oracle.lease"),
    ];
    for (const path of new Set(paths)) {
      try {
        mkdirSync(dirname(path), { recursive: true });
        lease.#locks.push({ path, db: lock(path) });
      } catch (cause) {
        lease.release();
        throw refusal(subject, path, cause);
      }
    }
    return lease;
  }

  /** Gives the locks up. The files stay: they are empty, and removing them would race with the next holder. */
  release(): void {
    for (const { db } of this.#locks.splice(0)) db.close();
  }
}

function lock(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function refusal({ address, chainId }: LeaseSubject, path: string, cause: unknown): TenonError {
  const details = { args: { address, chainId, lock: path, reason: messageOf(cause) }, cause };
  if (isBusy(cause)) {
    const remedy = `Stop the other process first (\`fuser ${path}\` names it), or give this oracle a key, a stream and a state folder of its own.`;
    return new TenonError("LeaseHeld", "Another oracle holds this key or this state folder", {
      ...details,
      remedy,
    });
  }
  return new TenonError("LeaseUnusable", "A lock of this oracle cannot be made", {
    ...details,
    remedy:
      "Let this user write the folder of the lock (one lies beside the key, one in the state folder, one in the system's temporary folder), and see that its disk has space.",
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
