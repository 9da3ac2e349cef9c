import { hash } from "node:crypto";
import type { Hex } from "@tenon/sdk/bytes";
import { MAX_FRAME } from "@tenon/sdk/frame/index";
import type { RefusedInput } from "../batch/ledger.js";
import { type DeviceDirectory, type DirectoryEntry, LANES, type RejectReason } from "../state/types.js";
import type { Incoming } from "./lane.js";
import { Aggregate, type SourceLimits } from "./limits.js";

/** A message that passed the cheap checks: its topic names an active device. */
export interface Candidate {
  incoming: Incoming;
  device: Hex;
  source: string;
  entry: DirectoryEntry;
}

/** What the cheap checks made of the messages of a commit. */
export interface Sorted {
  /** In order: a candidate to verify, or a refusal. Rate-limited messages are in none. */
  rows: (Candidate | RefusedInput)[];
  /** One refusal for each source that was over its rate, to be logged after the rows. */
  limited: RefusedInput[];
  /** Messages behind `limited`. */
  limitedCount: number;
}

/** The source of whatever no known device sent: such input shares one budget. */
export const UNKNOWN_SOURCE = "*";
const SOURCE_BYTES = 255;
const TOPIC = /^tenon\/v1\/([0-9a-f]{64})\/up\/([a-z]+)$/;

/** The checks that cost nothing, before any signature is looked at: rate, size, topic, device and its status. */
export class Intake {
  readonly #directory: DeviceDirectory;
  readonly #limits: SourceLimits;

  constructor(directory: DeviceDirectory, limits: SourceLimits) {
    this.#directory = directory;
    this.#limits = limits;
  }

  sort(messages: readonly Incoming[]): Sorted {
    const aggregates = new Map<string, { aggregate: Aggregate; incoming: Incoming }>();
    const rows: Sorted["rows"] = [];
    const now = performance.now();
    for (const incoming of messages) {
      const named = TOPIC.exec(incoming.topic);
      const device = named === null ? undefined : (`0x${named[1]}` as const);
      const entry = device === undefined ? undefined : this.#directory.get(device);
      const budget = entry === undefined ? UNKNOWN_SOURCE : named![1]!;
      if (!this.#limits.admit(budget, now)) {
        const known = aggregates.get(budget) ?? { aggregate: new Aggregate(), incoming };
        known.aggregate.add(incoming.raw);
        aggregates.set(budget, known);
        continue;
      }
      const reason = cheapReason(incoming, named?.[2], entry);
      if (reason !== undefined) rows.push(this.refuse(incoming, reason, budget));
      else rows.push({ incoming, device: device!, source: budget, entry: entry! });
    }
    const limited = [...aggregates].map(([source, { aggregate, incoming }]): RefusedInput => {
      const raw = aggregate.bytes();
      const { lane, receivedAt } = incoming;
      const rawHash = hash("sha256", raw, "buffer");
      return { reason: "rate-limited", source, raw, rawLength: raw.length, rawHash, lane, receivedAt };
    });
    const limitedCount = [...aggregates.values()].reduce((sum, { aggregate }) => sum + aggregate.count, 0);
    return { rows, limited, limitedCount };
  }

  /** The message held: its source gets back what it took. */
  refund(source: string): void {
    this.#limits.refund(source);
  }

  /** A message that held is refused for what it is part of: its source pays for it like for any other refusal. */
  charge(source: string): void {
    this.#limits.admit(source, performance.now());
  }

  /** A refusal with as much of the raw bytes as the budget still has room for. */
  refuse(incoming: Incoming, reason: RejectReason, budget: string): RefusedInput {
    const { raw, lane, receivedAt, topic } = incoming;
    const keep = this.#limits.keepsRaw(budget, raw.length, performance.now());
    return {
      reason,
      source: budget === UNKNOWN_SOURCE ? cut(topic) : budget,
      raw: keep ? raw : new Uint8Array(),
      rawLength: raw.length,
      rawHash: hash("sha256", raw, "buffer"),
      lane,
      receivedAt,
    };
  }
}

function cheapReason(
  incoming: Incoming,
  lane: string | undefined,
  entry: DirectoryEntry | undefined,
): RejectReason | undefined {
  if (lane === undefined || !LANES.some((known) => known === lane)) return "wrong-topic";
  if (entry === undefined) return "unknown-device";
  if (entry.status !== "active") return entry.status;
  return incoming.raw.length > MAX_FRAME ? "oversize" : undefined;
}

/** A topic as a source: at most 255 bytes of UTF-8, never half a character. */
function cut(topic: string): string {
  if (Buffer.byteLength(topic) <= SOURCE_BYTES) return topic;
  return Buffer.from(topic)
    .subarray(0, SOURCE_BYTES)
    .toString("utf8")
    .replace(/\uFFFD+$/, "");
}
