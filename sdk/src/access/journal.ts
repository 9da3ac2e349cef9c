import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { concatBytes, fromHex, type Hex, toHex, uintBytes } from "../bytes.js";
import { FileLock } from "../device/lock.js";
import { syncFolder } from "../device/mark.js";
import { TenonError } from "../errors.js";
import { CborReader, CborWriter, Major } from "../frame/cbor.js";
import { leafHash, MerkleTree } from "../proof/merkle.js";
import { sha256 } from "../sha256.js";
import { readHash, reading, readUint } from "./signed.js";

/** One access or refusal, as whoever decided it wrote it down. */
export interface AccessEntry {
  /** Seconds since 1970, as the writer knew it; a device without a clock writes the latest it knew of. */
  readonly time: number;
  readonly device: Hex;
  readonly grantee: Hex;
  readonly epoch: number;
  readonly permissions: bigint;
  /** Number of the `AccessReason`. */
  readonly reason: number;
  /** Hash of the pass, or the token. */
  readonly subject: Hex;
  /** SHA-256 of the signed request; 32 zero bytes when there was none. */
  readonly request: Hex;
}

/** A run of entries as it is anchored: who has these 64 bytes from the chain can check every entry. */
export interface JournalBatch {
  /** Numbers of the first and the last entry, from 0. */
  readonly from: number;
  readonly to: number;
  /** The chain's head after the last entry: each is SHA-256(head before ‖ leaf hash). */
  readonly head: Hex;
  /** RFC 9162 tree over these entries: one can be shown without the others. */
  readonly root: Hex;
}

const NO_HEAD = toHex(new Uint8Array(32));
const MAX_ENTRY = 512;
const MAX_UINT32 = 0xffff_ffff;

export function encodeEntry(entry: AccessEntry): Uint8Array {
  const { time, device, grantee, epoch, permissions, reason, subject, request } = entry;
  return new CborWriter()
    .head(Major.array, 8)
    .int(time)
    .bytes(fromHex(device, 32))
    .bytes(fromHex(grantee, 32))
    .int(epoch)
    .int(permissions)
    .int(reason)
    .bytes(fromHex(subject, 32))
    .bytes(fromHex(request, 32))
    .finish();
}

/** @throws TenonError `AccessMessageMalformed`. */
export function decodeEntry(bytes: Uint8Array): AccessEntry {
  return reading("an access entry", () => {
    const reader = new CborReader(bytes);
    reader.exact(Major.array, 8, "an array of 8");
    const entry = {
      time: reader.uintWithin("time", 0, Number.MAX_SAFE_INTEGER),
      device: readHash(reader, "device"),
      grantee: readHash(reader, "grantee"),
      epoch: reader.uintWithin("epoch", 0, MAX_UINT32),
      permissions: readUint(reader, "permissions"),
      reason: reader.uintWithin("reason", 0, 255),
      subject: readHash(reader, "subject"),
      request: readHash(reader, "request"),
    };
    reader.finish("the entry");
    return entry;
  });
}

/** The chain's next head. */
export function nextHead(head: Hex, entry: Uint8Array): Hex {
  return toHex(sha256(concatBytes(fromHex(head, 32), leafHash(entry))));
}

/** What a run of entries is anchored by, from the head before it. */
export function batchOf(entries: readonly Uint8Array[], from: number, headBefore: Hex): JournalBatch {
  const head = entries.reduce(nextHead, headBefore);
  const root = toHex(new MerkleTree(entries.map(leafHash)).root);
  return { from, to: from + entries.length - 1, head, root };
}

/**
 * An append-only file of accesses, hash-chained: `u32 length ‖ entry ‖ head` one after the other, on disk before
 * {@link append} returns. A torn tail, of which nobody was told, is cut when it is opened; any other change is refused.
 */
export class AccessJournal {
  readonly #file: number;
  readonly #lock: FileLock;
  readonly #entries: Uint8Array[];
  readonly #heads: Hex[];
  #length: number;

  private constructor(file: number, lock: FileLock, content: JournalContent) {
    this.#file = file;
    this.#lock = lock;
    this.#entries = content.entries;
    this.#heads = content.heads;
    this.#length = content.length;
  }

  /** @throws TenonError `AccessJournalDamaged`, `FileLocked`. */
  static open(path: string): AccessJournal {
    const lock = FileLock.acquire(`${path}.lock`);
    try {
      const file = openSync(path, "a+", 0o600);
      const content = readJournal(path);
      ftruncateSync(file, content.length);
      fsyncSync(file);
      syncFolder(dirname(path));
      return new AccessJournal(file, lock, content);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  get length(): number {
    return this.#entries.length;
  }

  get head(): Hex {
    return this.#heads.at(-1) ?? NO_HEAD;
  }

  append(entry: AccessEntry): void {
    const bytes = encodeEntry(entry);
    const head = nextHead(this.head, bytes);
    const record = concatBytes(uintBytes(bytes.length, 4), bytes, fromHex(head));
    this.#write(record);
    this.#length += record.length;
    this.#entries.push(bytes);
    this.#heads.push(head);
  }

  /** The entries `from` to `to`, inclusive. */
  entries(from = 0, to: number = this.length - 1): AccessEntry[] {
    return this.#entries.slice(from, to + 1).map(decodeEntry);
  }

  /** What is to be anchored of the entries from `from` on. @throws TenonError `AccessBatchEmpty`. */
  batch(from: number, to: number = this.length - 1): JournalBatch {
    this.#requireRange(from, to);
    return batchOf(this.#entries.slice(from, to + 1), from, from === 0 ? NO_HEAD : this.#heads[from - 1]!);
  }

  /** The entry and its path to the root of an anchored batch: shows one access without the others. */
  prove(index: number, { from, to }: Pick<JournalBatch, "from" | "to">) {
    this.#requireRange(from, to);
    const tree = new MerkleTree(this.#entries.slice(from, to + 1).map(leafHash));
    const [entry, place] = [this.#entries[index]!, index - from];
    return { entry, index: place, size: to - from + 1, path: tree.path(place) };
  }

  close(): void {
    closeSync(this.#file);
    this.#lock.release();
  }

  /** A record that did not get onto the disk whole is taken back, so that the next one does not follow half of one. */
  #write(record: Uint8Array): void {
    try {
      const written = writeSync(this.#file, record);
      if (written !== record.length) throw new RangeError(`${written} of ${record.length} bytes written`);
      fsyncSync(this.#file);
    } catch (cause) {
      ftruncateSync(this.#file, this.#length);
      throw new TenonError("AccessJournalUnwritable", "An access could not be written down", {
        args: { reason: (cause as Error).message },
        remedy: "Give the disk space: without its entry, no access is allowed.",
        cause,
      });
    }
  }

  #requireRange(from: number, to: number): void {
    if (from >= 0 && from <= to && to < this.length) return;
    throw new TenonError("AccessBatchEmpty", "The journal has no such run of entries", {
      args: { from, to, entries: this.length },
      remedy: "Anchor entries that were written and not yet anchored.",
    });
  }
}

interface JournalContent {
  readonly entries: Uint8Array[];
  readonly heads: Hex[];
  /** Bytes of the file that hold whole entries. */
  readonly length: number;
}

/**
 * Reads a journal's file and checks its chain; needs no lock and changes nothing.
 * @throws TenonError `AccessJournalDamaged` with the index of the first entry that does not hold.
 */
export function readJournal(path: string): JournalContent {
  const bytes = new Uint8Array(readFileSync(path));
  const content: { entries: Uint8Array[]; heads: Hex[] } = { entries: [], heads: [] };
  let at = 0;
  while (at + 4 <= bytes.length) {
    const length = Buffer.from(bytes.buffer, bytes.byteOffset + at, 4).readUInt32BE();
    if (length > MAX_ENTRY) throw damaged(path, content.entries.length, "its length is none of an entry");
    const end = at + 4 + length + 32;
    if (end > bytes.length) break;
    const entry = bytes.slice(at + 4, at + 4 + length);
    const head = nextHead(content.heads.at(-1) ?? NO_HEAD, entry);
    if (head !== toHex(bytes.subarray(end - 32, end))) {
      throw damaged(path, content.entries.length, "the chain does not hold");
    }
    content.entries.push(entry);
    content.heads.push(head);
    at = end;
  }
  return { ...content, length: at };
}

function damaged(path: string, index: number, reason: string): TenonError {
  return new TenonError("AccessJournalDamaged", "The access journal was changed", {
    args: { path, entry: index, reason },
    remedy:
      "Keep the file as evidence, begin another, and compare the entries before this one with the anchored root.",
  });
}
