import type { Hex } from "@tenon/sdk/bytes";

/** What the frames of a device showed; the rows of the table `facts`. */
export interface Fact {
  id: number;
  kind: "gap" | "fork" | "equivocation";
  num: number;
  epoch: number;
  seq: bigint;
  seqTo: bigint;
  /** The frame that showed it. */
  logIndex: number;
  /** The known frame it stands against; none for a gap. */
  otherIndex: number | null;
  /** When that frame was received, ms since 1970. */
  at: number;
  /** Frames of a gap that have not arrived. */
  missing: bigint;
  closedIndex: number | null;
  closedAt: number | null;
}

/** Missing sequence numbers `[from, to]`, part of one gap. */
export interface Range {
  from: bigint;
  to: bigint;
  gap: Fact;
}

/** How far one epoch of a device has come. */
export class EpochState {
  contiguous = 0n;
  /** Frame hash at `contiguous`, zeros at 0; with two frames there, the one logged first. */
  hash: Uint8Array = new Uint8Array(32);
  headIndex = 0;
  headAt = 0;
  highest = 0n;
  highestHash: Uint8Array = new Uint8Array(32);
  /** Disjoint and ascending. */
  readonly missing: Range[] = [];
  /** The frame accepted last: the likely predecessor of the next one. */
  last = { seq: 0n, hash: new Uint8Array(32) as Uint8Array };
  /** Highest seq when the state was last saved: no frame above it is in the database. */
  savedHighest = 0n;
  /** Changes of `missing` since then, by `from`: a range to write, or undefined to delete. */
  readonly changed = new Map<bigint, Range | undefined>();

  constructor(
    readonly num: number,
    readonly device: Hex,
    readonly epoch: number,
  ) {}

  /** Whether a frame of this seq was accepted. */
  has(seq: bigint): boolean {
    return seq >= 1n && seq <= this.highest && this.rangeOf(seq) < 0;
  }

  /** Position of the missing range that holds `seq`, or -1. */
  rangeOf(seq: bigint): number {
    let [low, high] = [0, this.missing.length - 1];
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const range = this.missing[middle]!;
      if (seq < range.from) high = middle - 1;
      else if (seq > range.to) low = middle + 1;
      else return middle;
    }
    return -1;
  }

  /** Adds the range that a gap opens, above all others. */
  open(range: Range): void {
    this.missing.push(range);
    this.changed.set(range.from, range);
  }

  /** Takes a missing seq out and returns the gap it belonged to. */
  fill(at: number, seq: bigint): Fact {
    const { from, to, gap } = this.missing[at]!;
    const rest: Range[] = [];
    if (from < seq) rest.push({ from, to: seq - 1n, gap });
    if (seq < to) rest.push({ from: seq + 1n, to, gap });
    this.missing.splice(at, 1, ...rest);
    this.changed.set(from, undefined);
    for (const range of rest) this.changed.set(range.from, range);
    return gap;
  }

  /** Highest seq below which nothing is missing. */
  reach(): bigint {
    const first = this.missing[0];
    return first === undefined ? this.highest : first.from - 1n;
  }
}
