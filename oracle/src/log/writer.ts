import { createHash, type Hash } from "node:crypto";
import { closeSync, fsyncSync, openSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { failpoint } from "../failpoint.js";
import { readAt, type Segment, segmentFooter, segmentHeader } from "./segment.js";

/** The open end of the log: the file of its last segment, and the hash of what is durable in it. */
export class SegmentWriter {
  readonly segment: Segment;
  readonly #handle: FileHandle;
  readonly #hash: Hash;

  private constructor(segment: Segment, handle: FileHandle, durable: Buffer) {
    this.segment = segment;
    this.#handle = handle;
    this.#hash = createHash("sha256").update(durable);
  }

  /** Makes the file of a new segment, durable with its name. */
  static async create(segment: Segment): Promise<SegmentWriter> {
    const header = segmentHeader(segment);
    const handle = await open(segment.path, "w+");
    try {
      await handle.writeFile(header);
      await handle.sync();
      syncDirectory(dirname(segment.path));
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new SegmentWriter(segment, handle, header);
  }

  /** Goes on with an unsealed segment. */
  static async open(segment: Segment): Promise<SegmentWriter> {
    const handle = await open(segment.path, "r+");
    return new SegmentWriter(segment, handle, readAt(handle.fd, 0, segment.size));
  }

  /** Writes at the durable end and returns after fdatasync. */
  async append(bytes: Buffer): Promise<void> {
    await this.#write(bytes);
    this.segment.size += bytes.length;
    this.#hash.update(bytes);
  }

  /** Ends the segment with its footer and closes the file. */
  async seal(commit: number): Promise<void> {
    await this.#write(segmentFooter(this.segment, commit, this.#hash.copy().digest()));
    this.segment.sealed = true;
    await this.#handle.close();
  }

  /** Takes the file back to what is durable, so that what a failed write left is never read as such. */
  async rollBack(): Promise<void> {
    await this.#handle.truncate(this.segment.size);
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, this.segment.size + at);
      at += bytesWritten;
    }
    failpoint("append");
    await this.#handle.datasync();
    failpoint("fsync");
  }
}

function syncDirectory(dir: string): void {
  const fd = openSync(dir, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
