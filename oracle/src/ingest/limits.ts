import { hash } from "node:crypto";
import type { RateRules } from "../options.js";

export const DEFAULT_RATE: RateRules = {
  perSecond: 50,
  burst: 2_000,
  rejectBytesPerSecond: 4_096,
  rejectBytesBurst: 1 << 20,
};

/** A budget that refills with time up to `burst`. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  /** @param now Milliseconds of a clock that never goes back. */
  constructor(perSecond: number, burst: number, now: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  take(amount: number, now: number): boolean {
    const refilled = this.#tokens + ((now - this.#at) / 1_000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, refilled);
    this.#at = now;
    if (this.#tokens < amount) return false;
    this.#tokens -= amount;
    return true;
  }

  giveBack(amount: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + amount);
  }
}

/**
 * What each source may cost with input that is refused. A message takes a token before any work is done for it and
 * gets it back when its signature holds: honest devices never notice, and junk buys `perSecond` checks a second.
 * Known devices have a budget each, everything else shares one, so the memory is bounded by the registry.
 */
export class SourceLimits {
  readonly #rules: RateRules;
  readonly #messages = new Map<string, TokenBucket>();
  readonly #bytes = new Map<string, TokenBucket>();

  constructor(rules: RateRules) {
    this.#rules = rules;
  }

  admit(source: string, now: number): boolean {
    const { perSecond, burst } = this.#rules;
    return bucketOf(this.#messages, source, perSecond, burst, now).take(1, now);
  }

  /** The message held: it costs nothing. */
  refund(source: string): void {
    this.#messages.get(source)?.giveBack(1);
  }

  /** Whether the log still keeps the raw bytes of a refused message of this source. */
  keepsRaw(source: string, bytes: number, now: number): boolean {
    const { rejectBytesPerSecond, rejectBytesBurst } = this.#rules;
    return bucketOf(this.#bytes, source, rejectBytesPerSecond, rejectBytesBurst, now).take(bytes, now);
  }
}

function bucketOf(
  buckets: Map<string, TokenBucket>,
  source: string,
  perSecond: number,
  burst: number,
  now: number,
): TokenBucket {
  const known = buckets.get(source);
  if (known !== undefined) return known;
  const bucket = new TokenBucket(perSecond, burst, now);
  buckets.set(source, bucket);
  return bucket;
}

/** The rate-limited messages of one source in one commit: their count and a hash over all of them. */
export class Aggregate {
  count = 0;
  #running: Uint8Array = new Uint8Array(32);

  /** running = SHA-256(running ‖ SHA-256(raw)), from 32 zero bytes. */
  add(raw: Uint8Array): void {
    this.count++;
    this.#running = hash("sha256", Buffer.concat([this.#running, hash("sha256", raw, "buffer")]), "buffer");
  }

  /** What stands in the log for them: u32 count ‖ running hash. */
  bytes(): Uint8Array {
    const bytes = Buffer.alloc(36);
    bytes.writeUInt32BE(this.count);
    bytes.set(this.#running, 4);
    return new Uint8Array(bytes);
  }
}
