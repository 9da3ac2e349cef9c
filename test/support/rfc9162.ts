import { createHash } from "node:crypto";
import { concat, getBytes } from "ethers";
import type { Hex } from "../../sdk/src/bytes.js";

/**
 * The trees of RFC 9162 §2.1 written down as the RFC defines them, recursively and slowly: a reference that shares no
 * line and no idea with the contracts' or the SDK's code.
 */
export function sha256(...parts: string[]): Hex {
  return `0x${createHash("sha256")
    .update(getBytes(concat(parts)))
    .digest("hex")}`;
}

export function leafOf(entry: string): Hex {
  return sha256("0x00", entry);
}

/** MTH(D[n]) over leaf hashes, n ≥ 1. */
export function rootOf(leaves: readonly Hex[]): Hex {
  if (leaves.length === 1) return leaves[0]!;
  const k = split(leaves.length);
  return sha256("0x01", rootOf(leaves.slice(0, k)), rootOf(leaves.slice(k)));
}

/** PATH(m, D[n]). */
export function pathOf(index: number, leaves: readonly Hex[]): Hex[] {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return index < k
    ? [...pathOf(index, leaves.slice(0, k)), rootOf(leaves.slice(k))]
    : [...pathOf(index - k, leaves.slice(k)), rootOf(leaves.slice(0, k))];
}

/** The largest power of two smaller than n. */
function split(n: number): number {
  return 2 ** Math.ceil(Math.log2(n) - 1);
}
