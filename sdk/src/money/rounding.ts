import { TenonError } from "../errors.js";

/** `⌊a · b / divisor⌋`: for caps and limits. */
export function mulDivDown(a: bigint, b: bigint, divisor: bigint): bigint {
  checked(a, b, divisor);
  return (a * b) / divisor;
}

/** `⌈a · b / divisor⌉`: for what must be kept or topped up. */
export function mulDivUp(a: bigint, b: bigint, divisor: bigint): bigint {
  checked(a, b, divisor);
  return (a * b + divisor - 1n) / divisor;
}

/** `⌊a · b / divisor + ½⌋`: for interest, discounts, fees, rents and penalties. */
export function mulDivHalfUp(a: bigint, b: bigint, divisor: bigint): bigint {
  checked(a, b, divisor);
  return (2n * a * b + divisor) / (2n * divisor);
}

/** Refuses a table of shares in basis points that is empty, has a share of nothing, or does not add up to 10,000. */
export function requireWholeShares(bps: readonly number[]): void {
  const sum = bps.reduce((total, share) => total + share, 0);
  const odd = bps.findIndex((share) => !Number.isSafeInteger(share) || share <= 0);
  if (odd < 0 && sum === 10_000) return;
  throw new TenonError("SharesNotWhole", "The shares are no whole table", {
    args: odd < 0 ? { sum, whole: 10_000 } : { index: odd, share: bps[odd] },
    remedy: "Give every party at least 1 basis point, and 10,000 in all.",
  });
}

/** What each claim gets of `amount` fen when each is paid in full before the next, and what is left when all are. */
export function waterfall(amount: bigint, due: readonly bigint[]): { paid: bigint[]; left: bigint } {
  let left = amount;
  const paid = due.map((claim) => {
    const part = claim < left ? claim : left;
    left -= part;
    return part;
  });
  return { paid, left };
}

function checked(a: bigint, b: bigint, divisor: bigint): void {
  if (a >= 0n && b >= 0n && divisor > 0n) return;
  throw new TenonError("FractionInvalid", "Amounts are not negative, and a divisor is positive", {
    args: { a, b, divisor },
    remedy: "Money is whole, unsigned fen: a payment back is a payment of its own.",
  });
}
