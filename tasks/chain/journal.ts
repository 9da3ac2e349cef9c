import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { TenonError } from "../../sdk/src/errors.js";

/** What identifies a kept chain; the first line of its journal. */
export interface Genesis {
  version: 1;
  chainId: number;
  /** Genesis timestamp, seconds since 1970. */
  date: number;
  genesisHash: string;
  /** Version of Hardhat that wrote it, named when a replay differs. */
  hardhat: string;
}

/** One mined block; everything that is needed to mine it again. */
export interface JournalBlock {
  number: number;
  /** Seconds since 1970. */
  timestamp: number;
  hash: string;
  /** Raw signed transactions in block order. */
  transactions: string[];
}

/**
 * The blocks of the embedded chain, one JSON line each, fsynced before anybody can read the block. The node itself
 * keeps nothing on disk, but it is deterministic: the same genesis date, timestamps and raw transactions give the
 * same block hashes. A line torn by a crash belongs to a block nobody saw, so it is cut.
 */
export class Journal {
  readonly genesis: Genesis | undefined;
  readonly blocks: readonly JournalBlock[];
  /** Bytes of a torn last line that were cut, 0 as a rule. */
  readonly cutBytes: number;
  readonly #fd: number;
  readonly #lock: DatabaseSync;

  /** Opens or creates the journal in `folder`; one process at a time. */
  constructor(readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    const path = join(folder, "chain.jsonl");
    this.#lock = lockFolder(folder);
    let read: ReturnType<typeof readJournal>;
    try {
      read = readJournal(path);
    } catch (error) {
      this.#lock.close();
      throw error;
    }
    this.genesis = read.genesis;
    this.blocks = read.blocks;
    this.cutBytes = read.cutBytes;
    if (read.cutBytes > 0) truncateSync(path, read.length);
    this.#fd = openSync(path, "a");
    syncFolder(folder);
  }

  /** Writes the first line of a new journal, or refuses a chain that is not the kept one. */
  begin(chain: Genesis): void {
    const kept = this.genesis;
    if (kept === undefined) {
      this.#write(chain);
      return;
    }
    if (kept.version === 1 && kept.chainId === chain.chainId && kept.genesisHash === chain.genesisHash)
      return;
    throw new TenonError("ChainStateForeign", "The state folder belongs to another chain", {
      args: {
        folder: this.folder,
        keptChain: kept.chainId,
        thisChain: chain.chainId,
        keptGenesis: kept.genesisHash,
        thisGenesis: chain.genesisHash,
        writtenBy: `Hardhat ${kept.hardhat}`,
      },
      remedy: "Give another --state folder, or the settings of hardhat.config.ts that wrote this one.",
    });
  }

  /** Returns when the block is on disk. */
  append(block: JournalBlock): void {
    this.#write(block);
  }

  #write(line: Genesis | JournalBlock): void {
    writeSync(this.#fd, `${JSON.stringify(line)}\n`);
    fsyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
    this.#lock.close();
  }
}

/** SQLite's lock is the operating system's: a killed process gives it up. */
function lockFolder(folder: string): DatabaseSync {
  const lock = new DatabaseSync(join(folder, "chain.lock"));
  try {
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return lock;
  } catch (cause) {
    lock.close();
    throw new TenonError("ChainStateLocked", "Another chain process is using this state folder", {
      args: { folder },
      remedy: "Stop that process first, or give this one another --state folder.",
      cause,
    });
  }
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  fsyncSync(fd);
  closeSync(fd);
}

function readJournal(path: string) {
  const bytes = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const length = bytes.lastIndexOf(0x0a) + 1;
  const lines = bytes.subarray(0, length).toString("utf8").split("\n").slice(0, -1);
  const parsed = lines.map((line, index) => parseLine(path, line, index + 1));
  const [genesis, ...blocks] = parsed as [Genesis?, ...JournalBlock[]];
  return { genesis, blocks, length, cutBytes: bytes.length - length };
}

function parseLine(path: string, line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new TenonError("ChainStateDamaged", "A line of the chain's journal is not readable", {
      args: { file: path, line: number },
      remedy: "Restore the file from a copy, or start a new chain with another --state folder.",
      cause,
    });
  }
}
