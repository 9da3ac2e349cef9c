import { setTimeout as sleep } from "node:timers/promises";
import { TenonError } from "../errors.js";
import type { Meter, SenmlRecord } from "../frame/index.js";
import type { Device } from "./device.js";
import type { Lane } from "./topics.js";

/** Refusals that end by themselves: the machine's clock stops until then. */
const WAITABLE = new Set(["JournalFull", "DeviceHeld"]);

/** One frame a machine is about to record, and how long after the one before it. */
export type MachineFrame = { delayMs: number; lane: Lane } & (
  | { kind: "readings"; readings: SenmlRecord[] }
  | { kind: "meter"; meter: Meter }
);

export interface PlayOptions {
  /** Ends the play, without an error. */
  signal?: AbortSignal;
  /** Told once each time the journal fills up; the play waits until there is room again. */
  onFull?: (error: TenonError) => void;
}

/**
 * Records a machine's frames on a device at their pace. A full journal, or a change of key, stops the machine's clock
 * instead of dropping anything. Returns the number of frames recorded.
 */
export async function play(
  device: Device,
  frames: AsyncIterable<MachineFrame> | Iterable<MachineFrame>,
  options: PlayOptions = {},
): Promise<number> {
  let count = 0;
  let due = performance.now();
  for await (const frame of frames) {
    // Against a due time, not one delay after another: a slow disk does not slow the machine down.
    due += frame.delayMs;
    if (!(await pause(due - performance.now(), options.signal))) break;
    if (!(await recordWhenRoom(device, frame, options))) break;
    count++;
  }
  return count;
}

async function recordWhenRoom(device: Device, frame: MachineFrame, options: PlayOptions): Promise<boolean> {
  for (let waited = false; ; waited = true) {
    try {
      if (frame.kind === "meter") device.recordMeter(frame.meter, frame);
      else device.record(frame.readings, { lane: frame.lane });
      return true;
    } catch (error) {
      if (!(error instanceof TenonError) || !WAITABLE.has(error.code)) throw error;
      if (!waited && error.code === "JournalFull") options.onFull?.(error);
      if (!(await pause(100, options.signal))) return false;
    }
  }
}

/** False when the signal ended the wait. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  if (signal?.aborted) return false;
  // Yield even without a pause, so that a replay as fast as possible leaves the network its turn.
  return sleep(Math.max(0, ms), true, signal === undefined ? {} : { signal }).catch(() => false);
}
