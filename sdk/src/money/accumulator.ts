import { TenonError } from "../errors.js";

/** Fen are multiplied by this while they are shared out. */
export const SCALE = 10n ** 12n;

/** What an open set of holders was paid. Mirrors the contracts' `Pot`. */
export interface Pot {
  /** Paid for each unit so far, scaled. */
  readonly perUnit: bigint;
  /** What the last payments left over, scaled; the next one takes it along. */
  readonly carry: bigint;
  readonly units: bigint;
}

/** What one holder has. Mirrors the contracts' `Holding`. */
export interface Holding {
  readonly units: bigint;
  /** Earned and not claimed, scaled. */
  readonly credit: bigint;
  /** `perUnit` of the pot when the holder was settled last. */
  readonly perUnit: bigint;
}

/** Pays `amount` fen to all units of a pot. */
export function payIn(pot: Pot, amount: bigint): Pot {
  if (pot.units === 0n || amount < 0n) {
    throw new TenonError("PaymentInvalid", "A pot is paid an amount, and somebody holds units of it", {
      args: { amount, units: pot.units },
      remedy: "Issue units first; amounts are not negative.",
    });
  }
  const scaled = amount * SCALE + pot.carry;
  return { ...pot, perUnit: pot.perUnit + scaled / pot.units, carry: scaled % pot.units };
}

/** What a holder earned up to now, written down: before every change of its units. */
export function settle(pot: Pot, holding: Holding): Holding {
  const earned = holding.units * (pot.perUnit - holding.perUnit);
  return { ...holding, credit: holding.credit + earned, perUnit: pot.perUnit };
}

/** Whole fen that a holder can claim now; the fraction stays credited to it. */
export function claimable(pot: Pot, holding: Holding): bigint {
  return settle(pot, holding).credit / SCALE;
}
