import { expect } from "chai";
import type { BaseContract, Contract } from "ethers";
import { network } from "hardhat";
import { splitByLargestRemainder } from "../../sdk/src/money/largest-remainder.js";
import {
  mulDivDown,
  mulDivHalfUp,
  mulDivUp,
  requireWholeShares,
  waterfall,
} from "../../sdk/src/money/rounding.js";
import { Random, testSeed } from "../support/random.js";
import { codeOf } from "../support/refusal.js";
import { deployTestContract } from "../support/test-contract.js";

const seed = testSeed();
const MAX = 2n ** 256n - 1n;

describe(`rounding, shares and waterfalls, seed ${seed}`, () => {
  const random = new Random(seed);
  let harness: Contract;

  before(async () => {
    const { ethers } = await network.create();
    harness = (await deployTestContract(ethers, "common/ArithmeticHarness.sol")) as Contract;
  });

  describe("one fraction, rounded once", () => {
    it("R2: a charge rounds half-up, R2b: a limit down and a requirement up, as exact fractions say", async () => {
      for (let i = 0; i < 150; i++) {
        const [a, b] = [random.uint(256), random.uint(128)];
        const divisor = random.uint(random.below(2) === 0 ? 20 : 200) + 1n;
        for (const [name, exact] of Object.entries({
          mulDivDown: floor,
          mulDivUp: ceil,
          mulDivHalfUp: nearest,
        })) {
          const expected = exact(a * b, divisor);
          if (expected > MAX) continue;
          expect(await harness[name]!(a, b, divisor), `${name}(${a}, ${b}, ${divisor})`).to.equal(expected);
        }
        expect(mulDivDown(a, b, divisor)).to.equal(floor(a * b, divisor));
        expect(mulDivUp(a, b, divisor)).to.equal(ceil(a * b, divisor));
        expect(mulDivHalfUp(a, b, divisor)).to.equal(nearest(a * b, divisor));
      }
    });

    it("takes a half up, and the fen below it down", async () => {
      for (const [a, divisor, result] of [
        [1n, 2n, 1n],
        [1n, 3n, 0n],
        [2n, 3n, 1n],
        [5n, 10n, 1n],
        [4n, 10n, 0n],
        [MAX, MAX, 1n],
        [MAX / 2n + 1n, MAX, 1n],
        [MAX / 2n, MAX, 0n],
      ] as const) {
        expect(await harness.mulDivHalfUp!(a, 1n, divisor), `${a}/${divisor}`).to.equal(result);
        expect(mulDivHalfUp(a, 1n, divisor)).to.equal(result);
      }
    });

    it("refuses a divisor of zero and what is too large, instead of wrapping", async () => {
      await expect(harness.mulDivHalfUp!(1n, 1n, 0n)).to.be.revertedWithPanic(0x12);
      await expect(harness.mulDivDown!(MAX, MAX, 1n)).to.be.revertedWithPanic(0x11);
      expect(codeOf(() => mulDivUp(1n, 1n, 0n))).to.equal("FractionInvalid");
      expect(codeOf(() => mulDivUp(-1n, 1n, 1n))).to.equal("FractionInvalid");
    });
  });

  describe("largest remainder (R3)", () => {
    const split = async (total: bigint, weights: bigint[], extra: bigint): Promise<bigint[]> => [
      ...(await harness.split!(total, weights, extra)),
    ];

    it("divides the micro-vectors of the design as it says", async () => {
      const seven = Array.from({ length: 7 }, () => 1n);
      for (const [total, weights, parts] of [
        [9n, [90n, 9n, 1n], [8n, 1n, 0n]],
        [1n, [1n, 1n, 1n], [1n, 0n, 0n]],
        [100n, [1n, 1n, 1n], [34n, 33n, 33n]],
        [5n, seven, [1n, 1n, 1n, 1n, 1n, 0n, 0n]],
      ] as [bigint, bigint[], bigint[]][]) {
        const found = splitByLargestRemainder(total, weights);
        expect(found.parts).to.deep.equal(parts);
        expect(await split(total, weights, found.extra)).to.deep.equal(parts);
      }
    });

    it("adds up to the fen, and gives nobody more than a fen beside its exact share", async () => {
      for (let i = 0; i < 60; i++) {
        const { total, weights } = someSplit(random);
        const { parts, extra } = splitByLargestRemainder(total, weights);
        expect(parts).to.deep.equal(reference(total, weights));
        expect(parts.reduce((a, b) => a + b)).to.equal(total);
        expect(await split(total, weights, extra)).to.deep.equal(parts);
      }
    });

    it("takes no other choice of who gets the extra fen than the right one", async () => {
      let refused = 0;
      for (let i = 0; i < 40; i++) {
        const { total, weights } = someSplit(random, 6);
        const { extra } = splitByLargestRemainder(total, weights);
        for (let other = 0n; other < 1n << BigInt(weights.length); other++) {
          if (other === extra) continue;
          const answer = harness.split!(total, weights, other);
          const code = bits(other) === bits(extra) ? "ExtraNotLargest" : "ExtraCountWrong";
          await expect(answer).to.be.revertedWithCustomError(harness as BaseContract, code);
          refused++;
          if (other > 10n) break;
        }
      }
      expect(refused).to.be.greaterThan(40);
    });

    it("refuses no shares, too many, and a bit outside the list", async () => {
      const is = (call: Promise<unknown>, error: string) =>
        expect(call).to.be.revertedWithCustomError(harness as BaseContract, error);
      await is(harness.split!(1n, [], 0n), "WeightsMissing");
      await is(harness.split!(1n, [0n, 0n], 0n), "WeightsMissing");
      await is(harness.split!(1n, Array(257).fill(1n), 1n), "PartsTooMany");
      await is(harness.split!(3n, [1n, 1n], 4n), "ExtraOutsideList");
      expect(codeOf(() => splitByLargestRemainder(1n, []))).to.equal("WeightsInvalid");
      const whole = splitByLargestRemainder(255n, Array(256).fill(1n));
      expect(await split(255n, Array(256).fill(1n), whole.extra)).to.deep.equal(whole.parts);
    });
  });

  describe("share tables (R6) and waterfalls", () => {
    it("takes 10,000 basis points, and not one less or more", async () => {
      await harness.requireWhole!([2_500, 7_500]);
      requireWholeShares([2_500, 7_500]);
      for (const [table, error] of [
        [[2_500, 7_499], "SharesNotWhole"],
        [[2_500, 7_501], "SharesNotWhole"],
        [[], "SharesMissing"],
        [[10_000, 0], "ShareZero"],
      ] as [number[], string][]) {
        const refused = harness.requireWhole!(table);
        await expect(refused).to.be.revertedWithCustomError(harness as BaseContract, error);
        expect(codeOf(() => requireWholeShares(table))).to.equal("SharesNotWhole");
      }
    });

    it("pays claims in order, each in full before the next, and loses nothing", async () => {
      for (let i = 0; i < 50; i++) {
        const due = Array.from({ length: 1 + random.below(8) }, () => random.uint(40));
        const amount = random.uint(42);
        const [paid, left] = await harness.waterfall!(amount, due);
        expect({ paid: [...paid], left }).to.deep.equal(waterfall(amount, due));
        expect(paid.reduce((a: bigint, b: bigint) => a + b, 0n) + left).to.equal(amount);
        const short = due.findIndex((claim, at) => paid[at] < claim);
        if (short >= 0) expect([...paid].slice(short + 1).every((part) => part === 0n)).to.equal(true);
      }
    });
  });
});

// Exact fractions, by another way than the product's: by comparing, not by adding halves.
const floor = (n: bigint, d: bigint) => n / d;
const ceil = (n: bigint, d: bigint) => (n % d === 0n ? n / d : n / d + 1n);
const nearest = (n: bigint, d: bigint) => ((n % d) * 2n >= d ? n / d + 1n : n / d);

/** Hands the fen that are left to one after the other, looking each time for who is owed most. */
function reference(total: bigint, weights: bigint[]): bigint[] {
  const sum = weights.reduce((a, b) => a + b);
  const parts = weights.map((weight) => (total * weight) / sum);
  const served = new Set<number>();
  for (let left = total - parts.reduce((a, b) => a + b); left > 0n; left--) {
    let best = -1;
    weights.forEach((weight, i) => {
      const owed = (total * weight) % sum;
      if (!served.has(i) && (best < 0 || owed > (total * weights[best]!) % sum)) best = i;
    });
    served.add(best);
    parts[best]! += 1n;
  }
  return parts;
}

function someSplit(random: Random, most = 40): { total: bigint; weights: bigint[] } {
  const small = random.below(2) === 0;
  let weights: bigint[] = Array.from({ length: 2 + random.below(most - 1) }, () =>
    random.uint(small ? 3 : 60),
  );
  if (weights.every((weight) => weight === 0n)) weights = [1n, ...weights.slice(1)];
  return { total: random.uint(small ? 8 : 100), weights };
}

function bits(value: bigint): number {
  return [...value.toString(2)].filter((bit) => bit === "1").length;
}
