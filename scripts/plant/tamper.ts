import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TenonError } from "@tenon/sdk";
import {
  BATCH,
  FRAME,
  type FrameRecord,
  type LogRecord,
  type Placed,
  readRecord,
  recordEnd,
  recordSize,
  writeRecord,
} from "../../oracle/src/log/record.js";
import { HEADER_SIZE } from "../../oracle/src/log/segment.js";

/**
 * Copies an oracle's state folder and rewrites its log as somebody would who wants to hide something: checksums are made right
 * again, and after a removal every later frame is numbered anew, so that the log looks whole.
 * @param edit Gives a frame back as it shall stand, or nothing to remove it.
 */
export function forgeLog(
  from: string,
  to: string,
  edit: (frame: FrameRecord) => FrameRecord | undefined,
): void {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
  const path = newestSegment(to);
  const bytes = readFileSync(path);
  let removed = 0;
  let cut = 0;
  const kept: Placed[] = [];
  for (const placed of recordsOf(bytes)) {
    const edited = placed.record.type === FRAME ? edit(placed.record) : placed.record;
    if (edited !== undefined) kept.push({ ...placed, record: renumbered(edited, removed, cut) });
    else {
      removed += 1;
      cut = placed.record.index;
    }
  }
  const size = kept.reduce((sum, { record }) => sum + recordSize(record), HEADER_SIZE);
  const out = Buffer.alloc(size);
  bytes.copy(out, 0, 0, HEADER_SIZE);
  let at = HEADER_SIZE;
  for (const { record, commit, last } of kept) at = writeRecord(out, at, record, commit, last);
  writeFileSync(path, out);
}

function renumbered(record: LogRecord, removed: number, cut: number): LogRecord {
  if (record.type === FRAME) return { ...record, index: record.index - removed };
  if (record.type !== BATCH || removed === 0) return record;
  // The batch that held the removed frame is one shorter, and all after it begin one earlier.
  const { first, count } = record;
  return cut >= first ? { ...record, count: count - removed } : { ...record, first: first - removed };
}

function* recordsOf(bytes: Buffer): Generator<Placed> {
  let at = HEADER_SIZE;
  for (let end = recordEnd(bytes, at); end > 0; end = recordEnd(bytes, at)) {
    yield readRecord(bytes, at, end, 0);
    at = end;
  }
}

/** The plant's log fits in one segment for days; a sealed one has a footer that would have to be forged as well. */
function newestSegment(state: string): string {
  const log = join(state, "log");
  const newest = readdirSync(log)
    .filter((name) => name.endsWith(".seg"))
    .sort()
    .at(-1);
  if (newest === undefined)
    throw new TenonError("LogMissing", "There is no segment to forge", { args: { log } });
  return join(log, newest);
}
