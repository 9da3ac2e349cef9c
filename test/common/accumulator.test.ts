import { expect } from "chai";
import type { BaseContract, Contract } from "ethers";
import { network } from "hardhat";
import { claimable, type Holding, type Pot, payIn, SCALE, settle } from "../../sdk/src/money/accumulator.js";
import { Random, testSeed } from "../support/random.js";
import { codeOf } from "../support/refusal.js";
import { deployTestContract } from "../support/test-contract.js";

const seed = testSeed();

describe(`an accumulator with a carried remainder (R4), seed ${seed}`, () => {
  const random = new Random(seed);
  let harness: Contract;

  before(async () => {
    const { ethers } = await network.create();
    harness = (await deployTestContract(ethers, "common/ArithmeticHarness.sol")) as Contract;
  });

  it("pays in as the contracts do, and loses no fraction of a fen", async () => {
    for (let i = 0; i < 60; i++) {
      let pot: Pot = { perUnit: 0n, carry: 0n, units: random.uint(47) + 1n };
      let paid = 0n;
      for (let n = 0; n < 4; n++) {
        const amount = random.uint(40);
        paid += amount;
        const next = payIn(pot, amount);
        expect(potOf(await harness.payIn!(pot, amount))).to.deep.equal(next);
        pot = next;
        expect(pot.perUnit * pot.units + pot.carry).to.equal(paid * SCALE);
        expect(pot.carry < pot.units).to.equal(true);
      }
    }
  });

  it("owes many holders together exactly what came in, however small the payments", async () => {
    // One fen at a time to 1,000 holders: who pays often and little takes nothing from the small ones.
    const holders: Holding[] = Array.from({ length: 1_000 }, () => ({
      units: BigInt(1 + random.below(9)),
      credit: 0n,
      perUnit: 0n,
    }));
    const units = holders.reduce((sum, holder) => sum + holder.units, 0n);
    let pot: Pot = { perUnit: 0n, carry: 0n, units };
    for (let i = 0; i < 500; i++) pot = payIn(pot, 1n);
    const credited = holders.reduce((sum, holder) => sum + settle(pot, holder).credit, 0n);
    expect(credited + pot.carry).to.equal(500n * SCALE);
    const whole = payIn({ perUnit: 0n, carry: 0n, units }, 500n);
    expect(pot.perUnit).to.equal(whole.perUnit);
    expect(pot.carry).to.equal(whole.carry);
  });

  it("claims whole fen, keeps the fraction for the holder, and pays a second claim nothing", async () => {
    for (let i = 0; i < 60; i++) {
      const pot: Pot = { perUnit: random.uint(70), carry: 0n, units: 100n };
      const holding: Holding = { units: random.uint(20), credit: random.uint(60), perUnit: 0n };
      const [settled, amount] = await harness.claim!(pot, holding);
      expect(amount).to.equal(claimable(pot, holding));
      const after: Holding = { units: settled.units, credit: settled.credit, perUnit: settled.perUnit };
      expect(after.credit + amount * SCALE).to.equal(settle(pot, holding).credit);
      expect(claimable(pot, after)).to.equal(0n);
    }
  });

  it("moves units without moving what either side has earned; a transfer to oneself changes nothing", async () => {
    for (let i = 0; i < 60; i++) {
      const pot: Pot = { perUnit: random.uint(60), carry: 0n, units: 1_000n };
      const from: Holding = { units: random.uint(20) + 5n, credit: random.uint(50), perUnit: 0n };
      const to: Holding = { units: random.uint(20), credit: random.uint(50), perUnit: pot.perUnit / 2n };
      const [left, right] = await harness.transfer!(pot, from, to, 5n);
      expect(left.credit).to.equal(settle(pot, from).credit);
      expect(right.credit).to.equal(settle(pot, to).credit);
      expect(left.units + right.units).to.equal(from.units + to.units);
    }
  });

  it("refuses to pay a pot without units, to move more than there is, and what would not fit its word", async () => {
    const is = (call: Promise<unknown>, error: string) =>
      expect(call).to.be.revertedWithCustomError(harness as BaseContract, error);
    const empty: Pot = { perUnit: 0n, carry: 0n, units: 0n };
    const none: Holding = { units: 0n, credit: 0n, perUnit: 0n };
    await is(harness.payIn!(empty, 1n), "PotWithoutUnits");
    expect(codeOf(() => payIn(empty, 1n))).to.equal("PaymentInvalid");
    await is(harness.transfer!({ ...empty, units: 1n }, none, none, 1n), "UnitsInsufficient");
    await is(harness.payIn!({ ...empty, units: 1n }, 2n ** 80n), "PotFull");
    const rich = { perUnit: 2n ** 111n, carry: 0n, units: 1n };
    await is(harness.claim!(rich, { ...none, units: 2n ** 20n }), "PotFull");
  });
});

function potOf(pot: { perUnit: bigint; carry: bigint; units: bigint }): Pot {
  return { perUnit: pot.perUnit, carry: pot.carry, units: pot.units };
}
