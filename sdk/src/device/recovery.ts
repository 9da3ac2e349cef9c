import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import type { Hex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { syncFolder } from "./mark.js";
import { hasRecordAfter, type JournalRecord, type JournalState, readRecord } from "./segment.js";
import { journalDamaged, SegmentFile } from "./segment-file.js";

/** What opening a journal found and did. */
export interface Recovery {
  /** Bytes of a record that a crash cut short; never sent, so their number is used again. */
  cutBytes: number;
  /** Files kept for a person to look at: what could not be read. */
  setAside: string[];
  /** Why the counter may be behind what was sent; undefined when it is sure. */
  counterDoubtful: string | undefined;
  epochsBegun: { epoch: number; reason: string }[];
}

export interface Loaded {
  segments: SegmentFile[];
  state: JournalState;
  recovery: Recovery;
}

/** Reads every record of a journal, checks it and rebuilds the state it stood at. */
export function loadSegments(dir: string, device: Hex, repair: boolean): Loaded {
  const recovery: Recovery = { cutBytes: 0, setAside: [], counterDoubtful: undefined, epochsBegun: [] };
  const names = readdirSync(dir)
    .filter((name) => /^[0-9a-f]{14}-[0-9a-f]{8}\.seg$/.test(name))
    .sort();
  const loader = new Loader(dir, device, recovery);
  try {
    loadAll(loader, dir, names, repair);
  } catch (error) {
    for (const segment of loader.segments) segment.close();
    throw error;
  }
  return { segments: loader.segments, state: loader.state, recovery };
}

function loadAll(loader: Loader, dir: string, names: string[], repair: boolean): void {
  for (const [i, name] of names.entries()) {
    const damage = loader.load(join(dir, name), i === names.length - 1);
    if (damage === undefined) continue;
    if (!repair) throw journalDamaged(damage.file, damage.offset);
    loader.setAside(damage, names.slice(i + 1));
    return;
  }
}

interface Damage {
  file: string;
  offset: number;
}

class Loader {
  readonly segments: SegmentFile[] = [];
  state: JournalState;

  constructor(
    private readonly dir: string,
    private readonly device: Hex,
    private readonly recovery: Recovery,
  ) {
    this.state = { device, head: new Uint8Array(32), position: 0, runs: [], receipt: new Uint8Array() };
  }

  /** Takes in one segment file; says where it is damaged. */
  load(path: string, last: boolean): Damage | undefined {
    const data = readFileSync(path);
    const first = readRecord(data, 0);
    if (!first.ok) return last ? this.#mendTail(path, data, 0, first.reason) : { file: path, offset: 0 };
    if (first.record.kind !== "state" || !this.#adoptState(first.record.state))
      return { file: path, offset: 0 };
    const segment = SegmentFile.open(path, this.state.position);
    this.segments.push(segment);
    segment.adopt(0, first.end, false);
    return this.#loadRecords(segment, data, first.end, last);
  }

  #loadRecords(segment: SegmentFile, data: Buffer, start: number, last: boolean): Damage | undefined {
    let offset = start;
    for (;;) {
      const slice = readRecord(data, offset);
      if (!slice.ok) {
        if (slice.reason === "end") return undefined;
        return last
          ? this.#mendTail(segment.path, data, offset, slice.reason)
          : { file: segment.path, offset };
      }
      if (!this.#apply(slice.record)) return { file: segment.path, offset };
      segment.adopt(offset, slice.end, slice.record.kind === "frame");
      offset = slice.end;
    }
  }

  #adoptState(state: JournalState): boolean {
    if (state.device !== this.device) {
      throw new TenonError("JournalForeign", "The journal belongs to another device", {
        args: { dir: this.dir, journal: state.device, device: this.device },
        remedy: "Give each device a journal folder of its own.",
      });
    }
    if (this.segments.length > 0 && state.position !== this.state.position) return false;
    this.state = state;
    return true;
  }

  #apply(record: JournalRecord): boolean {
    if (record.kind === "receipt") {
      const run = this.state.runs.find((one) => one.epoch === record.epoch);
      if (run === undefined || record.seqUpTo >= run.nextSeq) return false;
      run.receipted = record.seqUpTo;
      this.state.receipt = record.receipt;
      return true;
    }
    const run = this.state.runs.at(-1);
    if (record.kind !== "frame" || run === undefined) return false;
    if (record.frame.epoch !== run.epoch || record.frame.seq !== run.nextSeq) return false;
    run.nextSeq += 1n;
    this.state.head = record.frame.hash;
    this.state.position += 1;
    return true;
  }

  /**
   * A record the file ends in was never sent: it is cut. A whole record with wrong bytes may have been sent: it is
   * kept aside and the counter is in doubt. Either way only when nothing intact follows.
   */
  #mendTail(
    path: string,
    data: Buffer,
    offset: number,
    reason: "end" | "cut" | "damaged",
  ): Damage | undefined {
    if (reason !== "end" && hasRecordAfter(data, offset)) return { file: path, offset };
    if (reason === "damaged") {
      this.recovery.counterDoubtful = "the last record of the journal was damaged";
      this.#keepCopy(path);
    } else {
      this.recovery.cutBytes += data.length - offset;
    }
    if (offset === 0) SegmentFile.open(path, 0).remove();
    else this.segments.at(-1)!.cut(offset);
    return undefined;
  }

  /** Repair: keeps what lies before the damage, moves the rest out of the way. */
  setAside(damage: Damage, later: string[]): void {
    this.recovery.counterDoubtful = "a part of the journal was damaged";
    const folder = this.#keepCopy(damage.file);
    for (const name of later) {
      renameSync(join(this.dir, name), join(folder, name));
      this.recovery.setAside.push(join(folder, name));
    }
    if (damage.offset === 0) SegmentFile.open(damage.file, 0).remove();
    else this.segments.at(-1)!.cut(damage.offset);
    syncFolder(this.dir);
  }

  #keepCopy(path: string): string {
    const folder = join(this.dir, `damaged-${Date.now()}`);
    mkdirSync(folder, { recursive: true });
    copyFileSync(path, join(folder, basename(path)));
    this.recovery.setAside.push(join(folder, basename(path)));
    return folder;
  }
}
