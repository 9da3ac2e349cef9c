import { TenonError } from "../errors.js";
import { mulDivHalfUp } from "./rounding.js";

/** A civil date as a calendar in China shows it (UTC+8): whole days since 1970-01-01, until the end of 2199. */
export type Day = number;

/** 2200-01-01. */
const END = 84_006;
const DAY_MS = 86_400_000;

/** The date in China at a moment, in seconds since 1970 UTC. */
export function dayAt(time: bigint | number): Day {
  return checkedDay(Math.floor((Number(time) + 8 * 3_600) / 86_400), time);
}

/** Reads `2026-02-28`. Throws `DateInvalid` for a day that no calendar has. */
export function parseDay(text: string): Day {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const time = match ? Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])) : Number.NaN;
  const day = time / DAY_MS;
  if (Number.isNaN(time) || formatDay(checkedDay(day, text)) !== text) throw dateInvalid(text);
  return day;
}

/** Writes `2026-02-28`. */
export function formatDay(day: Day): string {
  return new Date(checkedDay(day, day) * DAY_MS).toISOString().slice(0, 10);
}

/** The same day some months later; the month's last day where the month is shorter. */
export function addMonths(day: Day, months: number): Day {
  const date = new Date(checkedDay(day, day) * DAY_MS);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth() + months];
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return checkedDay(Date.UTC(year, month, Math.min(date.getUTCDate(), last)) / DAY_MS, day);
}

/** Days from one date to another: the first counted, the last not. */
export function daysBetween(from: Day, to: Day): number {
  if (to >= from) return to - from;
  throw new TenonError("DaysReversed", "The second date lies before the first", {
    args: { from: formatDay(from), to: formatDay(to) },
    remedy: "Give the earlier date first.",
  });
}

/** 0 is Monday, 6 is Sunday. */
export function weekday(day: Day): number {
  return (checkedDay(day, day) + 3) % 7;
}

/** Interest on `principal` fen by ACT/360, rounded half-up once. `ratePpm`: a year's rate, 38,500 is 3.85 %. */
export function interestAct360(principal: bigint, ratePpm: bigint, from: Day, to: Day): bigint {
  return mulDivHalfUp(principal, ratePpm * BigInt(daysBetween(from, to)), 360_000_000n);
}

function checkedDay(day: number, given: unknown): Day {
  if (Number.isSafeInteger(day) && day >= 0 && day < END) return day;
  throw dateInvalid(given);
}

function dateInvalid(given: unknown): TenonError {
  return new TenonError("DateInvalid", "This is no date from 1970-01-01 to 2199-12-31", {
    args: { given: typeof given === "bigint" ? given.toString() : given },
    remedy: "Give a date of China's calendar as YYYY-MM-DD.",
  });
}
