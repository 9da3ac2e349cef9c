import { TenonError } from "../errors.js";

/** A sum divided among a fixed list. */
export interface Split {
  /** In the order of the weights; they add up to the total. */
  parts: bigint[];
  /** Bit i is set where entry i got one fen more than its part rounded down: what the contracts want to be told. */
  extra: bigint;
}

/**
 * Divides `total` fen by `weights`: every part rounded down, the fen that are left one each to the largest remainders,
 * ties to the lowest index. `LargestRemainder.split` of the contracts checks what this finds.
 */
export function splitByLargestRemainder(total: bigint, weights: readonly bigint[]): Split {
  const sum = weights.reduce((all, weight) => all + weight, 0n);
  if (sum === 0n || weights.length > 256 || total < 0n || weights.some((weight) => weight < 0n)) {
    throw new TenonError("WeightsInvalid", "A sum is divided among 1 to 256 shares that are not all zero", {
      args: { total, entries: weights.length, sum },
      remedy: "Give whole weights in one unit, at least one of them above zero.",
    });
  }
  const parts = weights.map((weight) => (total * weight) / sum);
  const left = Number(total - parts.reduce((all, part) => all + part, 0n));
  const byRemainder = weights
    .map((weight, index) => ({ index, remainder: (total * weight) % sum }))
    .sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1));
  let extra = 0n;
  for (const { index } of byRemainder.slice(0, left)) {
    parts[index]! += 1n;
    extra |= 1n << BigInt(index);
  }
  return { parts, extra };
}
