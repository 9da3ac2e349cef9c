import { closeSync, fdatasyncSync, ftruncateSync, openSync, writeFileSync } from "node:fs";
import { RangeCrc } from "./crc32c.js";
import { BATCH, FOOTER, FRAME, readRecord, recordCommit, recordEnd, recordType } from "./record.js";
import { HEADER_SIZE, logCorrupt, type Segment, STRIDE } from "./segment.js";

/** What was cut from the end of the log: bytes of a commit that was never acknowledged. */
export interface TornTail {
  segment: string;
  offset: number;
  bytes: number;
  /** Where the cut bytes were kept. */
  keptIn: string;
}

/** What a scan found. */
export interface Scan {
  /** The last commit number found, or the one before the segment's first. */
  commit: number;
  /** Bytes follow the last whole commit. */
  torn: boolean;
}

/**
 * Reads the records of the unsealed segment into `segment` (counts, offsets, size) up to the last whole commit.
 *
 * A damaged record can be a write that a crash interrupted, which is cut, or a later fault of the disk, which is
 * not: it was the latter if any record of a *later* commit follows, because a commit is written only after the one
 * before it was durable.
 * @throws TenonError LogCorrupt
 */
export function scanOpenSegment(segment: Segment, bytes: Buffer): Scan {
  let commit = segment.firstCommit - 1;
  let whole = { end: HEADER_SIZE, frames: 0, rejects: 0, offsets: 0, commit };
  let [frames, rejects, at] = [0, 0, HEADER_SIZE];
  for (let end = at; at < bytes.length; at = end) {
    end = recordEnd(bytes, at);
    if (end < 0 || recordType(bytes, at) === FOOTER) break;
    const placed = readRecord(bytes, at, end, 0);
    const { record } = placed;
    const expected = record.type === FRAME ? segment.firstFrame + frames : segment.firstReject + rejects;
    if (record.type !== BATCH && record.index !== expected) {
      throw logCorrupt(segment.path, at, `index ${record.index} where ${expected} follows`);
    }
    if (record.type === FRAME) {
      if (frames % STRIDE === 0) segment.offsets.push(at);
      frames++;
    } else if (record.type !== BATCH) {
      rejects++;
    }
    commit = placed.commit;
    if (placed.last) whole = { end, frames, rejects, offsets: segment.offsets.length, commit };
  }
  segment.frames = whole.frames;
  segment.rejects = whole.rejects;
  segment.offsets.length = whole.offsets;
  segment.size = whole.end;
  if (whole.end === bytes.length) return { commit: whole.commit, torn: false };
  refuseLaterCommit(segment, bytes, at, whole.commit + 1);
  return { commit: whole.commit, torn: true };
}

function refuseLaterCommit(segment: Segment, bytes: Buffer, damaged: number, commit: number): void {
  const crc = new RangeCrc(bytes, damaged);
  for (let at = damaged + 1; at + 27 <= bytes.length; at++) {
    if (bytes[at] !== 0) continue; // a length is below 2^24
    const end = recordEnd(bytes, at, crc);
    if (end > 0 && recordType(bytes, at) <= FOOTER && recordCommit(bytes, at) > commit) {
      throw logCorrupt(
        segment.path,
        damaged,
        `damaged record before intact commit ${recordCommit(bytes, at)}`,
      );
    }
  }
}

/** Takes the file of an unsealed segment back to its last whole commit, and keeps what it cuts in a file beside it. */
export function cutTornTail(segment: Segment, bytes: Buffer): TornTail {
  const tail = bytes.subarray(segment.size);
  const keptIn = `${segment.path}.cut-${segment.size}-${Date.now()}`;
  writeFileSync(keptIn, tail, { flush: true });
  const fd = openSync(segment.path, "r+");
  try {
    ftruncateSync(fd, segment.size);
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return { segment: segment.path, offset: segment.size, bytes: tail.length, keptIn };
}

/** What a crash left in the page cache counts only once it is on the disk. */
export function makeDurable(segment: Segment): void {
  const fd = openSync(segment.path, "r+");
  try {
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
