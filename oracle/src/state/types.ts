import type { Hex } from "@tenon/sdk/bytes";
import type { DeviceKey } from "@tenon/sdk/frame/index";

/** In order of priority; the position in the list is the byte kept in the log. */
export const LANES = ["alarm", "telemetry", "backfill"] as const;
export type Lane = (typeof LANES)[number];

/** A key of a device, and the epoch it came in with. */
export interface EpochKey {
  key: DeviceKey;
  epoch: number;
}

/** What the registry says of a device now. */
export interface DirectoryEntry {
  /** Primary key in the `devices` table. */
  num: number;
  /** The key in force. */
  key: DeviceKey;
  /**
   * The epoch in which the key in force came in: frames of an earlier one are refused. A change of owner alone leaves it
   * as it is, so that what a device made before it was handed over still gets in, under the epoch it was made in.
   */
  keyEpoch: number;
  /** Keys that are no longer in force, oldest first: what they signed while they were stays good. */
  formerKeys?: readonly EpochKey[];
  status: "active" | "suspended" | "revoked";
  /** The registry's epoch: changes of owner and of key. */
  epoch: number;
}

/**
 * The keys that may have signed a frame of this epoch, likeliest first. Devices may count epochs ahead of the registry,
 * so a key is not ruled out by a later one, only by having come in later than the frame's epoch.
 */
export function keysFor({ key, keyEpoch, formerKeys = [] }: DirectoryEntry, epoch: number): DeviceKey[] {
  const all = [...formerKeys, { key, epoch: keyEpoch }];
  return all
    .filter((each) => each.epoch <= epoch)
    .map((each) => each.key)
    .reverse();
}

/** The registry as the oracle knows it. In memory: it is asked for every frame. */
export interface DeviceDirectory {
  /** @param id Device id, lower-case hex with 0x. */
  get(id: Hex): DirectoryEntry | undefined;
  /**
   * Time of the block it is true at, milliseconds since 1970. What is judged by it was received no earlier: contracts look
   * up the key of a frame by that time, and our clock may be behind the chain's.
   */
  readonly asOf?: number;
}

/** A batch that is closed and durable: exactly what is anchored. Hashes are 32 bytes. */
export interface ClosedBatch {
  batch: number;
  /** Log index of the first frame. */
  first: number;
  count: number;
  /** When the first and the last frame were received, seconds since 1970. */
  minTime: number;
  maxTime: number;
  framesRoot: Uint8Array;
  headsRoot: Uint8Array;
  rejectsRoot: Uint8Array;
  /** The 84-byte head entries under headsRoot, in tree order. */
  heads: Uint8Array;
  rejectFirst: number;
  rejectCount: number;
  /** Milliseconds since 1970. */
  closedAt: number;
}

/** Where a record starts in the segment log. */
export interface LogPosition {
  segment: number;
  offset: number;
}

/** Why input was refused. A malformed frame carries the code of its FrameError after a colon. */
export type RejectReason =
  | "oversize"
  | `malformed:${string}`
  | "unknown-device"
  | "suspended"
  | "revoked"
  | "bad-signature"
  | "wrong-topic"
  | "epoch-stale"
  | "too-many-gaps"
  | "too-many-epochs"
  | "too-many-equivocations"
  | "unverifiable"
  | "rate-limited";
