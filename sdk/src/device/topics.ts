import type { Hex } from "../bytes.js";

/**
 * How urgent a frame is. `alarm` overtakes everything, `telemetry` is live data, `backfill` is what was recorded
 * while offline; the oracle reads them from separate topics.
 */
export type Lane = "alarm" | "telemetry" | "backfill";

/** Lanes in the order of their numbers in the journal. */
export const LANES: readonly Lane[] = ["alarm", "telemetry", "backfill"];

/** The MQTT user name of a device: its id in lower-case hex without `0x`. */
export function deviceUser(device: Hex): string {
  return device.slice(2).toLowerCase();
}

/** Topic on which a device publishes frames of one lane. */
export function frameTopic(device: Hex, lane: Lane): string {
  return `tenon/v1/${deviceUser(device)}/up/${lane}`;
}

/** Topic on which a device receives the oracle's receipts. */
export function receiptTopic(device: Hex): string {
  return `tenon/v1/${deviceUser(device)}/down/receipt`;
}
