import { randomInt } from "node:crypto";
import type { MachineFrame } from "./replay.js";

export interface SimulatorOptions {
  /** The same seed gives the same machine. Default: a random one. */
  seed?: number;
  /** Time of the first reading, seconds since 1970. Default: now. */
  start?: number;
  /** Seconds between two readings. Default 300. */
  step?: number;
  /** How many times faster than the machine's own clock. Default 1. */
  speed?: number;
  /** Readings in one frame. Default 1. */
  readingsPerFrame?: number;
  /** A meter frame after every so many readings. Default 12; 0 for none. */
  meterEvery?: number;
  /** The counter's value before the first reading, Wh. Default 0; after a restart, the last one emitted. */
  meterStart?: bigint;
  /** End after so many readings. Default: never. */
  readings?: number;
}

/** Name and unit of the simulator's counter: energy taken in, whole watt-hours, never falling. */
export const ENERGY_METER = { name: "energy", unit: "Wh" } as const;

const DAY = 86_400;

/**
 * A machine that does not exist: the temperature of an internal part in degrees Celsius, with a daily cycle, a load that
 * wanders, noise, slow drift as it wears, and one planned stop of some hours in every ten days, during which it cools
 * and after which it warms up again; and its energy counter.
 */
export function* simulate(options: SimulatorOptions = {}): Generator<MachineFrame> {
  const {
    step = 300,
    speed = 1,
    readingsPerFrame = 1,
    meterEvery = 12,
    readings = Number.POSITIVE_INFINITY,
  } = options;
  const start = options.start ?? Math.floor(Date.now() / 1000);
  const machine = new Machine(options.seed ?? randomInt(2 ** 32), options.meterStart ?? 0n);
  const frameDelay = (readingsPerFrame * step * 1000) / speed;
  let batch: { name: string; unit: string; value: number; time: bigint }[] = [];
  for (let i = 0; i < readings; i++) {
    const time = BigInt(Math.floor(start + i * step));
    const value = machine.advance(step);
    batch.push({ name: "temperature", unit: "Cel", value, time });
    if (batch.length >= readingsPerFrame) {
      yield { kind: "readings", delayMs: frameDelay, lane: "telemetry", readings: batch };
      batch = [];
    }
    if (meterEvery > 0 && (i + 1) % meterEvery === 0) {
      yield {
        kind: "meter",
        delayMs: 0,
        lane: "telemetry",
        meter: { ...ENERGY_METER, value: machine.energy, time },
      };
    }
  }
  if (batch.length > 0) yield { kind: "readings", delayMs: frameDelay, lane: "telemetry", readings: batch };
}

class Machine {
  readonly #random: () => number;
  readonly #phase: number;
  readonly #ratedPower: number;
  readonly #wearPerDay: number;
  readonly #stopAt: number;
  readonly #stopLength: number;
  #elapsed = 0;
  #load = 0;
  #temperature = 20;
  #wattSeconds: number;

  constructor(seed: number, energy: bigint) {
    const random = mulberry32(seed);
    this.#random = random;
    this.#phase = random() * DAY;
    this.#ratedPower = 20_000 + random() * 60_000;
    this.#wearPerDay = 0.02 + random() * 0.05;
    this.#stopAt = DAY * (2 + random() * 6);
    this.#stopLength = 3600 * (4 + random() * 8);
    this.#wattSeconds = Number(energy) * 3600;
    this.#temperature = 60 + random() * 10;
  }

  get energy(): bigint {
    return BigInt(Math.floor(this.#wattSeconds / 3600));
  }

  /** Lets the machine run on for so many seconds; returns its temperature, to a hundredth of a degree. */
  advance(seconds: number): number {
    this.#elapsed += seconds;
    const sinceStop = (this.#elapsed - this.#stopAt) % (10 * DAY);
    const running = sinceStop < 0 || sinceStop > this.#stopLength;
    this.#load = 0.98 * this.#load + 0.02 * (this.#random() - 0.5) * 8;
    const day = Math.sin((2 * Math.PI * (this.#elapsed + this.#phase)) / DAY);
    const wear = (this.#wearPerDay * this.#elapsed) / DAY;
    const target = running ? 66 + 4 * day + 3 * this.#load + wear : 21 + 2 * day;
    // Warms and cools like one body with a time constant of 40 minutes.
    this.#temperature += (target - this.#temperature) * (1 - Math.exp(-seconds / 2400));
    const share = running ? Math.max(0.2, 0.8 + 0.1 * day + 0.1 * this.#load) : 0;
    this.#wattSeconds += this.#ratedPower * share * seconds;
    return Math.round((this.#temperature + (this.#random() - 0.5) * 0.6) * 100) / 100;
  }
}

/** A small seeded generator of numbers in [0, 1); not for secrets. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
