import { randomInt } from "node:crypto";

/** The run's seed: TENON_TEST_SEED when it is set, else a fresh one. Random tests print it in their title. */
export function testSeed(): number {
  const given = process.env.TENON_TEST_SEED;
  return given === undefined ? randomInt(2 ** 32) : Number(given);
}

/** A small repeatable generator (mulberry32): for tests, not for secrets. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** In [0, 1). */
  float(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.float() * limit);
  }

  /** A whole number of up to `bits` bits, of any magnitude alike. */
  uint(bits: number): bigint {
    const words = (BigInt(this.below(2 ** 32)) << 32n) | BigInt(this.below(2 ** 32));
    return BigInt.asUintN(this.below(bits + 1), words);
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}
