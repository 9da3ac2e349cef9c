import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { TenonError } from "../errors.js";
import { syncFolder } from "./mark.js";
import { type JournalFrame, type JournalState, readRecord, stateRecord } from "./segment.js";

const fdatasyncLater = promisify(fdatasync);

/** One file of the journal, open for appending and reading. */
export class SegmentFile {
  readonly path: string;
  /** Position of its first frame. */
  readonly first: number;
  readonly #file: number;
  readonly #offsets: number[] = [];
  readonly #lengths: number[] = [];
  #size = 0;
  #intact = true;
  #syncing = 0;
  #closing = false;

  private constructor(path: string, first: number, file: number) {
    this.path = path;
    this.first = first;
    this.#file = file;
  }

  /** A new segment that starts with the state, durable when this returns. */
  static create(dir: string, state: JournalState): SegmentFile {
    const path = join(dir, segmentName(state));
    const segment = new SegmentFile(path, state.position, openSync(path, "wx+", 0o600));
    try {
      segment.append(stateRecord(state), false);
      segment.syncNow();
      syncFolder(dir);
    } catch (error) {
      segment.remove();
      throw error;
    }
    return segment;
  }

  static open(path: string, first: number): SegmentFile {
    return new SegmentFile(path, first, openSync(path, "r+"));
  }

  get size(): number {
    return this.#size;
  }

  /** False when the end of the file is no longer known. */
  get intact(): boolean {
    return this.#intact;
  }

  /** Takes in a record that is on disk already. */
  adopt(offset: number, end: number, isFrame: boolean): void {
    if (isFrame) {
      this.#offsets.push(offset);
      this.#lengths.push(end - offset);
    }
    this.#size = end;
  }

  /** Appends a record; it is on disk after the next sync. */
  append(record: Buffer, isFrame: boolean): void {
    const offset = this.#size;
    this.#write(record, offset);
    this.adopt(offset, offset + record.length, isFrame);
  }

  syncNow(): void {
    try {
      fdatasyncSync(this.#file);
    } catch (error) {
      this.#intact = false;
      throw error;
    }
  }

  /** Syncs without holding up the process; the file stays open until it is done. */
  async sync(): Promise<void> {
    this.#syncing++;
    try {
      await fdatasyncLater(this.#file);
    } catch (error) {
      this.#intact = false;
      throw error;
    } finally {
      this.#syncing--;
      if (this.#closing && this.#syncing === 0) closeSync(this.#file);
    }
  }

  lengthOf(position: number): number {
    return this.#lengths[position - this.first] ?? 0;
  }

  /** Reads a frame back and checks it again. @throws TenonError `JournalDamaged`. */
  readFrame(position: number): JournalFrame {
    const data = Buffer.alloc(this.lengthOf(position));
    const offset = this.#offsets[position - this.first] ?? 0;
    readSync(this.#file, data, 0, data.length, offset);
    const slice = readRecord(data, 0);
    if (slice.ok && slice.record.kind === "frame") return slice.record.frame;
    throw journalDamaged(this.path, offset);
  }

  cut(size: number): void {
    ftruncateSync(this.#file, size);
    fdatasyncSync(this.#file);
    this.#size = size;
  }

  close(): void {
    this.#closing = true;
    if (this.#syncing === 0) closeSync(this.#file);
  }

  remove(): void {
    this.close();
    unlinkSync(this.path);
  }

  #write(record: Buffer, offset: number): void {
    try {
      let done = 0;
      while (done < record.length) {
        done += writeSync(this.#file, record, done, record.length - done, offset + done);
      }
    } catch (error) {
      this.#restore(offset);
      throw error;
    }
  }

  #restore(offset: number): void {
    try {
      ftruncateSync(this.#file, offset);
    } catch {
      this.#intact = false;
    }
  }
}

/** Names sort in the order of writing: position, then epoch, since a new epoch may begin at the same position. */
function segmentName(state: JournalState): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  return `${hex(state.position, 14)}-${hex(state.runs.at(-1)?.epoch ?? 0, 8)}.seg`;
}

export function journalDamaged(file: string, offset: number): TenonError {
  return new TenonError("JournalDamaged", "Frames that were on disk can no longer be read", {
    args: { file, offset },
    remedy:
      "Open the journal once with `repair: true`: it sets the damaged part aside and begins a new epoch.",
  });
}
