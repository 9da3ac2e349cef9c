import type { Hex } from "../../sdk/src/bytes.js";
import { quorumOf } from "../../sdk/src/proof/qbft.js";
import type { Manifest } from "../bundle/manifest.js";

/** What health is judged by. */
export interface HealthSettings {
  chainId: number;
  genesisHash: Hex;
  blockPeriodSeconds: number;
  requestTimeoutSeconds: number;
  /** Seconds between blocks while nobody sends anything; 0 when empty blocks come at the block period too. */
  emptyBlockPeriodSeconds: number;
  /** Below this much free disk a node is about to stop. */
  diskFloorBytes: number;
  /** Names of nodes by the address of their key. */
  names: Readonly<Record<Hex, string>>;
}

export const DISK_FLOOR_BYTES = 2 * 1024 ** 3;
/** A pool this full will soon refuse transactions. */
export const POOL_FULL_SHARE = 0.8;
/** More rounds changed per block than this is not a hiccup. A dead validator of four costs one in three blocks. */
export const ROUND_CHANGE_SHARE = 0.1;
/** Of fewer blocks a share says nothing: the first block of a chain often needs some rounds. */
export const TREND_BLOCKS = 20;
/** A head further in the future than this, seconds: some clock is wrong. */
export const CLOCK_TOLERANCE_SECONDS = 2;
/** Blocks without any transaction while the pool is not empty. */
export const POOL_STUCK_BLOCKS = 20;

/** Validators that may fail without the chain stopping. */
export function faultsTolerated(validators: number): number {
  return validators - quorumOf(validators);
}

/**
 * Overdue seconds that no tolerated fault explains: round r waits `timeout · 2^r`, and the tolerated number of dead
 * proposers, all in a row, cost that many rounds. One round more and agreement itself has failed.
 */
export function stallSeconds({ requestTimeoutSeconds }: Timing, validators: number): number {
  return requestTimeoutSeconds * (2 ** (faultsTolerated(validators) + 1) - 1);
}

/** Blocks within which every live validator has proposed or sealed: three turns. */
export function silentBlocks(validators: number): number {
  return 3 * validators;
}

/** Turns a validator takes with one half of its work while the other half never counts, until that is no chance. */
export const ABSENT_TURNS = 10;

/** Blocks a node may be behind the highest: what half a minute brings, at least ten. */
export function behindBlocks({ blockPeriodSeconds }: Timing): number {
  return Math.max(10, Math.ceil(30 / blockPeriodSeconds));
}

/** Blocks that are kept to judge by. */
export function windowBlocks(validators: number): number {
  return Math.max(100, (ABSENT_TURNS + 2) * validators);
}

export type Timing = Pick<Manifest, "blockPeriodSeconds" | "requestTimeoutSeconds">;
