import type { BatchRules } from "../options.js";
import type { Lane } from "../state/types.js";
import { TreeHead } from "./tree-head.js";

export const DEFAULT_BATCH: BatchRules = { intervalMs: 1_000, frames: 16_384, bytes: 16 << 20 };

/** The batch that is still growing: everything its three roots need except the heads themselves. */
export class OpenBatch {
  readonly batch: number;
  /** Log index of its first frame. */
  readonly first: number;
  readonly rejectFirst: number;
  /** The trees over its frames, and over the rejects since the batch before. */
  readonly frames = new TreeHead();
  readonly rejects = new TreeHead();
  /** The devices, by their number. */
  readonly touched = new Set<number>();
  bytes = 0;
  /** Receive times, ms since 1970. */
  minTime = Number.POSITIVE_INFINITY;
  maxTime = 0;
  #alarm = false;
  #openedAt = 0;

  constructor(batch: number, first: number, rejectFirst: number) {
    this.batch = batch;
    this.first = first;
    this.rejectFirst = rejectFirst;
  }

  /** @param now Milliseconds of a clock that never goes back. */
  addFrame(frame: {
    leaf: Uint8Array;
    bytes: number;
    num: number;
    lane: Lane;
    receivedAt: number;
    now: number;
  }) {
    if (this.frames.size === 0) this.#openedAt = frame.now;
    this.frames.append(frame.leaf);
    this.touched.add(frame.num);
    this.bytes += frame.bytes;
    this.minTime = Math.min(this.minTime, frame.receivedAt);
    this.maxTime = Math.max(this.maxTime, frame.receivedAt);
    if (frame.lane === "alarm") this.#alarm = true;
  }

  /**
   * Milliseconds until it is due: 0 now, Infinity not before more arrives. Without frames there is no batch, and the
   * rejects wait. While an anchor is on its way only a full batch closes, so that a slow chain makes bigger batches
   * and not a queue.
   */
  dueIn(rules: BatchRules, anchorWaiting: boolean, now: number): number {
    if (this.frames.size === 0) return Number.POSITIVE_INFINITY;
    if (this.frames.size >= rules.frames || this.bytes >= rules.bytes) return 0;
    if (anchorWaiting) return Number.POSITIVE_INFINITY;
    if (this.#alarm) return 0;
    return Math.max(0, this.#openedAt + rules.intervalMs - now);
  }
}
