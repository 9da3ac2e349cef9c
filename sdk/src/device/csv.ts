import { type FileHandle, open } from "node:fs/promises";
import { TenonError } from "../errors.js";
import type { SenmlRecord } from "../frame/index.js";
import type { MachineFrame } from "./replay.js";

/** One row of a `timestamp,value` file. */
export interface CsvRow {
  /** Line in the file, from 1; the header is line 1. */
  line: number;
  /** Seconds since 1970; a time without a zone is UTC. */
  time: number;
  value: number;
}

export interface ReplayOptions {
  /** How many times faster than the data's own clock. Default 1. */
  speed?: number;
  /** Rows in one frame. Default 1. */
  readingsPerFrame?: number;
  /** Name of the readings. Default `temperature`. */
  name?: string;
  /** SenML unit of the readings; left out when it is not known. */
  unit?: string;
  /** The machine runs while its value is at least this. Default 50. */
  runningFrom?: number;
  /** A gap between two rows longer than this counts as standing still, seconds. Default 900. */
  longestStep?: number;
  /** A meter frame after every so many rows, and one at the end. Default 12; 0 for none. */
  meterEvery?: number;
  /** The counter's value before the first row, seconds. Default 0; after a restart, the last one emitted. */
  meterStart?: bigint;
}

/** Name and unit of the counter a replay derives: whole seconds the machine has run, never falling. */
export const RUNNING_METER = { name: "running-time", unit: "s" } as const;

const TIME = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?(Z|[+-]\d\d:\d\d)?$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
/** Far more than a row needs; a file without line ends is refused before it fills the memory. */
const LONGEST_LINE = 1024;

/**
 * Reads a `timestamp,value` file row by row, in constant memory, strictly.
 * @throws TenonError `CsvUnreadable`, or `CsvInvalid` with the line and the text that was refused.
 */
export async function* readCsv(path: string): AsyncGenerator<CsvRow> {
  let line = 0;
  for await (const text of readLines(path)) {
    line++;
    if (line === 1) {
      if (text.toLowerCase() !== "timestamp,value")
        throw invalid(path, 1, text, "the header timestamp,value");
    } else {
      yield parseRow(path, line, text);
    }
  }
  if (line === 0) throw invalid(path, 1, "", "the header timestamp,value");
}

/**
 * Turns a file into the frames of a machine: readings in the file's order, whose times are kept as they are (a clock
 * that steps back stays visible; the order is the frames' sequence numbers), and a counter a contract can settle on.
 *
 * The counter is the time the machine has run: a row's machine runs when its value is at least `runningFrom`, and
 * the step to the next row is added when it is positive and at most `longestStep`. It is in whole seconds, with the
 * remainder carried on, so it depends on the rows alone and never falls.
 */
export async function* replayCsv(path: string, options: ReplayOptions = {}): AsyncGenerator<MachineFrame> {
  const { speed = 1, readingsPerFrame = 1, meterEvery = 12 } = options;
  const meter = new RunningTime(options);
  let batch: SenmlRecord[] = [];
  let previous: CsvRow | undefined;
  let delayMs = 0;
  let rows = 0;
  for await (const row of readCsv(path)) {
    delayMs += previous === undefined ? 0 : Math.max(0, ((row.time - previous.time) * 1000) / speed);
    previous = row;
    rows++;
    meter.add(row);
    batch.push(reading(row, options));
    if (batch.length >= readingsPerFrame) {
      yield { kind: "readings", delayMs, lane: "telemetry", readings: batch };
      batch = [];
      delayMs = 0;
    }
    if (meterEvery > 0 && rows % meterEvery === 0) yield meter.frame(row);
  }
  if (batch.length > 0) yield { kind: "readings", delayMs, lane: "telemetry", readings: batch };
  if (meterEvery > 0 && previous !== undefined && rows % meterEvery !== 0) yield meter.frame(previous);
}

function reading(row: CsvRow, { name = "temperature", unit }: ReplayOptions): SenmlRecord {
  const time = Number.isInteger(row.time) ? BigInt(row.time) : row.time;
  return { name, ...(unit === undefined ? {} : { unit }), value: row.value, time };
}

class RunningTime {
  #milliseconds: bigint;
  #previous: CsvRow | undefined;
  readonly #runningFrom: number;
  readonly #longestStep: number;

  constructor({ runningFrom = 50, longestStep = 900, meterStart = 0n }: ReplayOptions) {
    this.#runningFrom = runningFrom;
    this.#longestStep = longestStep;
    this.#milliseconds = meterStart * 1000n;
  }

  add(row: CsvRow): void {
    const before = this.#previous;
    this.#previous = row;
    if (before === undefined || before.value < this.#runningFrom) return;
    const step = row.time - before.time;
    if (step > 0 && step <= this.#longestStep) this.#milliseconds += BigInt(Math.round(step * 1000));
  }

  frame(row: CsvRow): MachineFrame {
    const time = BigInt(Math.floor(row.time));
    const meter = { ...RUNNING_METER, value: this.#milliseconds / 1000n, time };
    return { kind: "meter", delayMs: 0, lane: "telemetry", meter };
  }
}

async function* readLines(path: string): AsyncGenerator<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    yield* splitLines(path, file.createReadStream({ encoding: "utf8", autoClose: false }));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (cause instanceof TenonError || code === undefined) throw cause;
    throw new TenonError("CsvUnreadable", "The data file cannot be read", {
      args: { path, reason: code },
      remedy: "Check the path; it is taken from the folder the command runs in.",
      cause,
    });
  } finally {
    await file?.close();
  }
}

async function* splitLines(path: string, chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = "";
  let line = 1;
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const text of lines) {
      yield text.endsWith("\r") ? text.slice(0, -1) : text;
      line++;
    }
    if (rest.length > LONGEST_LINE) throw invalid(path, line, rest, "a line of a few dozen characters");
  }
  if (rest !== "") yield rest.endsWith("\r") ? rest.slice(0, -1) : rest;
}

function parseRow(path: string, line: number, text: string): CsvRow {
  const fields = text.split(",");
  if (fields.length !== 2) throw invalid(path, line, text, "two fields, timestamp and value");
  const time = parseTime(fields[0]!);
  if (time === undefined) throw invalid(path, line, text, "a time like 2013-12-02 21:15:00 after 1978");
  const value = NUMBER.test(fields[1]!) ? Number(fields[1]) : Number.NaN;
  if (!Number.isFinite(value)) throw invalid(path, line, text, "a decimal number as value");
  return { line, time, value };
}

/** Seconds since 1970; undefined when it is no time, or one SenML would take for a relative one (before mid-1978). */
function parseTime(text: string): number | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second = "00", fraction = "", zone = "Z"] = match;
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, "0")}`;
  const utc = Date.parse(`${local}Z`);
  // Date.parse takes 30 February for 2 March; the round trip does not.
  if (Number.isNaN(utc) || new Date(utc).toISOString() !== `${local}Z`) return undefined;
  const seconds = Date.parse(local + zone) / 1000;
  return seconds >= 2 ** 28 ? seconds : undefined;
}

function invalid(path: string, line: number, text: string, expected: string): TenonError {
  return new TenonError("CsvInvalid", "The data file has a line that cannot be read", {
    args: { path, line, text: text.slice(0, 80), expected },
    remedy: "Mend the line; nothing is guessed and nothing is skipped.",
  });
}
