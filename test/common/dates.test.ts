import { expect } from "chai";
import type { BaseContract, Contract } from "ethers";
import { network } from "hardhat";
import {
  addMonths,
  dayAt,
  daysBetween,
  formatDay,
  interestAct360,
  parseDay,
  weekday,
} from "../../sdk/src/money/civil-date.js";
import { Random, testSeed } from "../support/random.js";
import { codeOf } from "../support/refusal.js";
import { deployTestContract } from "../support/test-contract.js";

const seed = testSeed();
/** 2200-01-01. */
const END = 84_006;

describe(`civil dates in China and ACT/360 (R7), seed ${seed}`, () => {
  const random = new Random(seed);
  let harness: Contract;

  before(async () => {
    const { ethers } = await network.create();
    harness = (await deployTestContract(ethers, "common/ArithmeticHarness.sol")) as Contract;
  });

  it("names days from 1970 to 2199 as the calendar does, there and back: around every turn of a year and every leap day", async () => {
    const windows = [0, END - 12];
    for (let year = 1970; year < 2199; year++) {
      windows.push(Date.UTC(year, 1, 24) / 86_400_000, Date.UTC(year, 11, 26) / 86_400_000);
    }
    for (let i = 0; i < 100; i++) windows.push(random.below(END - 12));
    for (const from of windows) {
      const written: bigint[] = [...(await harness.dates!(from, from + 12))];
      const expected = Array.from({ length: 12 }, (_, i) => {
        const date = new Date((from + i) * 86_400_000);
        return BigInt(date.toISOString().slice(0, 10).replaceAll("-", ""));
      });
      expect(written).to.deep.equal(expected);
    }
  });

  it("begins a day at midnight in China, eight hours before Greenwich does", async () => {
    const day = parseDay("2026-11-21");
    const midnight = Date.UTC(2026, 10, 20, 16) / 1000;
    expect(await harness.startOf!(day)).to.equal(BigInt(midnight));
    for (const [time, expected] of [
      [midnight - 1, day - 1],
      [midnight, day],
      [midnight + 86_399, day],
      [midnight + 86_400, day + 1],
    ] as const) {
      expect(await harness.dayAt!(time)).to.equal(BigInt(expected));
      expect(dayAt(time)).to.equal(expected);
    }
  });

  it("goes months ahead to the same day, or to the last of a shorter month", async () => {
    for (const [from, months, to] of [
      ["2026-01-31", 1, "2026-02-28"],
      ["2024-01-31", 1, "2024-02-29"],
      ["2024-02-29", 12, "2025-02-28"],
      ["2024-02-29", 48, "2028-02-29"],
      ["2026-11-30", 3, "2027-02-28"],
      ["2099-12-31", 2, "2100-02-28"],
    ] as const) {
      expect(formatDay(addMonths(parseDay(from), months))).to.equal(to);
      expect(await harness.addMonths!(parseDay(from), months)).to.equal(BigInt(parseDay(to)));
    }
    for (let i = 0; i < 100; i++) {
      const [day, months] = [random.below(70_000), random.below(240)];
      expect(await harness.addMonths!(day, months)).to.equal(BigInt(addMonths(day, months)));
      expect(await harness.weekday!(day)).to.equal(BigInt(weekday(day)));
    }
    expect(weekday(parseDay("2026-11-21"))).to.equal(5); // a Saturday
  });

  it("counts the first day and not the last, whatever the clock did, and rounds interest once", async () => {
    const [from, to] = [parseDay("2026-01-15"), parseDay("2026-04-15")];
    expect(daysBetween(from, to)).to.equal(90);
    // 1,000,000.00 at 3.85 % for 90 days: 9,625.00
    expect(interestAct360(100_000_000n, 38_500n, from, to)).to.equal(962_500n);
    for (let i = 0; i < 100; i++) {
      const [principal, rate] = [random.uint(60), random.uint(20)];
      const start = random.below(60_000);
      const end = start + random.below(4_000);
      const numerator = principal * rate * BigInt(end - start) * 2n;
      const exact = (numerator + 360_000_000n) / 720_000_000n;
      expect(await harness.interest!(principal, rate, start, end)).to.equal(exact);
      expect(interestAct360(principal, rate, start, end)).to.equal(exact);
    }
  });

  it("refuses days that no calendar has, and dates in the wrong order", async () => {
    const is = (call: Promise<unknown>, error: string) =>
      expect(call).to.be.revertedWithCustomError(harness as BaseContract, error);
    for (const [year, month, day] of [
      [2026, 2, 29],
      [2100, 2, 29],
      [2026, 13, 1],
      [2026, 0, 1],
      [2026, 4, 31],
      [2026, 1, 0],
      [1969, 12, 31],
      [2200, 1, 1],
    ] as const) {
      await is(harness.toDay!(year, month, day), "DateInvalid");
      const text = [year, String(month).padStart(2, "0"), String(day).padStart(2, "0")].join("-");
      expect(
        codeOf(() => parseDay(text)),
        text,
      ).to.equal("DateInvalid");
    }
    await is(harness.dayAt!(BigInt(END) * 86_400n), "DateOutOfRange");
    await is(harness.interest!(1n, 1n, 5, 4), "DaysReversed");
    expect(codeOf(() => daysBetween(5, 4))).to.equal("DaysReversed");
    expect(codeOf(() => parseDay("2026-1-5"))).to.equal("DateInvalid");
  });
});
