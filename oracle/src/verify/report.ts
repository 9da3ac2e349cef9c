import type { Hex } from "@tenon/sdk/bytes";

/** One thing that is not as it was anchored or stored. */
export interface Difference {
  /** Where it was found. */
  part: "log" | "frame" | "reject" | "batch" | "database" | "chain";
  /** In words, complete by itself. */
  message: string;
  batch?: number;
  logIndex?: number;
  device?: Hex;
  epoch?: number;
  seq?: bigint;
}

export interface VerifyReport {
  /** True when nothing differs. */
  ok: boolean;
  /** Read from the log. */
  frames: number;
  rejects: number;
  batches: number;
  /** Batches that the chain has. */
  anchored: number;
  /** Block the chain was read at. */
  block: { number: number; hash: Hex };
  /** At most `MAX_LISTED`, in the order they were found. */
  differences: Difference[];
  /** Differences beyond those listed. */
  unlisted: number;
  /** Later batches whose heads root differs because a frame before them does. */
  consequences: number;
  /** What was left out, in words. */
  notes: string[];
}

const MAX_LISTED = 1_000;

/** Collects what differs. */
export class Findings {
  readonly differences: Difference[] = [];
  unlisted = 0;
  consequences = 0;
  readonly notes: string[] = [];

  get any(): boolean {
    return this.differences.length > 0;
  }

  /** True once a frame was found changed, missing or out of place: heads after it cannot come out. */
  get brokenFrames(): boolean {
    return this.differences.some(({ part }) => part === "frame" || part === "log");
  }

  add(difference: Difference): void {
    if (this.differences.length < MAX_LISTED) this.differences.push(difference);
    else this.unlisted += 1;
  }
}
