import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
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

export interface Scan {
  /** The last commit number found, or the one before the segment's first. */
  commit: number;
  torn: { offset: number; why: string } | undefined;
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
  let why = "the last commit is incomplete";
  for (let end = at; at < bytes.length; at = end) {
    end = recordEnd(bytes, at);
    if (end < 0 || recordType(bytes, at) === FOOTER) {
      why = end < 0 ? "a record is incomplete" : "the footer is incomplete";
      break;
    }
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
  if (whole.end === bytes.length) return { commit: whole.commit, torn: undefined };
  refuseLaterCommit(segment, bytes, at, whole.commit + 1);
  return { commit: whole.commit, torn: { offset: whole.end, why } };
}

function refuseLaterCommit(segment: Segment, bytes: Buffer, damaged: number, commit: number): void {
  for (let at = damaged + 1; at + 27 <= bytes.length; at++) {
    if (bytes[at] !== 0) continue; // a length is below 2^24
    const end = recordEnd(bytes, at);
    if (end > 0 && recordType(bytes, at) <= FOOTER && recordCommit(bytes, at) > commit) {
      throw logCorrupt(
        segment.path,
        damaged,
        `damaged record before intact commit ${recordCommit(bytes, at)}`,
      );
    }
  }
}

/** Scans the file of an unsealed segment, cuts a torn tail (unless `readOnly`) and makes what is left durable. */
export function recoverOpenSegment(segment: Segment, readOnly: boolean): { commit: number; torn?: TornTail } {
  const fd = openSync(segment.path, readOnly ? "r" : "r+");
  try {
    const bytes = readFileSync(fd);
    const scan = scanOpenSegment(segment, bytes);
    if (readOnly) return { commit: scan.commit };
    if (scan.torn === undefined) {
      fdatasyncSync(fd);
      return { commit: scan.commit };
    }
    const keptIn = `${segment.path}.cut-${scan.torn.offset}-${Date.now()}`;
    writeFileSync(keptIn, bytes.subarray(scan.torn.offset), { flush: true });
    ftruncateSync(fd, scan.torn.offset);
    fdatasyncSync(fd);
    const cut = fstatSync(fd).size === scan.torn.offset ? bytes.length - scan.torn.offset : 0;
    return {
      commit: scan.commit,
      torn: { segment: segment.path, offset: scan.torn.offset, bytes: cut, keptIn },
    };
  } finally {
    closeSync(fd);
  }
}
