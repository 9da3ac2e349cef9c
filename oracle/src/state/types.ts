import type { Hex } from "@tenon/sdk/bytes";
import type { DeviceKey } from "@tenon/sdk/frame/index";

/** In order of priority; the position in the list is the byte kept in the log. */
export const LANES = ["alarm", "telemetry", "backfill"] as const;
export type Lane = (typeof LANES)[number];

/** What the registry says of a device now. */
export interface DirectoryEntry {
  /** Primary key in the `devices` table. */
  num: number;
  key: DeviceKey;
  status: "active" | "suspended" | "revoked";
  /** Frames of an earlier epoch are refused. */
  epoch: number;
}

/** The registry as the oracle knows it. In memory: it is asked for every frame. */
export interface DeviceDirectory {
  /** @param id Device id, lower-case hex with 0x. */
  get(id: Hex): DirectoryEntry | undefined;
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
