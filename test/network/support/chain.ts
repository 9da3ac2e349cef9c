import { toBeHex } from "ethers";
import type { HealthSettings } from "../../../besu-network/monitor/limits.js";
import type {
  BlockSample,
  NodeAnswer,
  NodeSample,
  Poll,
  Samples,
} from "../../../besu-network/monitor/samples.js";
import type { Hex } from "../../../sdk/src/bytes.js";

/** A QBFT chain on paper: proposers by turns, a quorum of seals, a changed round for each dead proposer. */
export interface PaperChain {
  validators: number;
  /** Validators (from 1) that take no part. */
  dead?: number[];
  blocks?: number;
  transactionsPerBlock?: number;
}

/** Noon of a day long past, in milliseconds: the newest block's time. */
export const now = 1_700_000_000_000;

export const address = (validator: number) => toBeHex(validator, 20) as Hex;
export const hashAt = (block: number) => toBeHex(block, 32) as Hex;

export const settings: HealthSettings = {
  chainId: 4711,
  genesisHash: hashAt(0),
  blockPeriodSeconds: 1,
  requestTimeoutSeconds: 2,
  emptyBlockPeriodSeconds: 0,
  diskFloorBytes: 1_000,
  names: Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map((each) => [address(each), `validator${each}`])),
};

export function blocks({
  validators: n,
  dead = [],
  blocks: count = 100,
  transactionsPerBlock = 0,
}: PaperChain) {
  const all = Array.from({ length: n }, (_, index) => index + 1);
  const alive = all.filter((validator) => !dead.includes(validator));
  const quorum = Math.ceil((2 * n) / 3);
  const made: BlockSample[] = [];
  let turn = 0;
  for (let index = 0; index < count; index++) {
    let round = 0;
    while (dead.includes((turn % n) + 1)) {
      turn++;
      round++;
    }
    const proposer = (turn++ % n) + 1;
    // Not always the same ones are late.
    const sealers = alive.toSpliced(0, 0).map((_, place) => alive[(place + index) % alive.length]!);
    made.push({
      number: 1_000 + index,
      hash: hashAt(1_000 + index),
      timestamp: now / 1_000 - (count - 1 - index),
      transactions: transactionsPerBlock,
      gasUsed: 21_000 * transactionsPerBlock,
      gasLimit: 60_000_000,
      round,
      proposer: address(proposer),
      validators: all.map(address),
      sealers: sealers.slice(0, quorum).map(address),
    });
  }
  return made;
}

/** A validator's answer at the newest of the blocks, connected to all the others unless told otherwise. */
export function answer(made: BlockSample[], own: number, differs: Partial<NodeAnswer> = {}): NodeAnswer {
  const { number, hash, timestamp, validators } = made.at(-1)!;
  const others = validators.filter((each) => each !== address(own));
  return {
    chainId: settings.chainId,
    genesisHash: settings.genesisHash,
    head: { number, hash, timestamp },
    common: { number, hash },
    peers: { count: others.length, addresses: others },
    pool: { transactions: 0, limit: 50_000 },
    diskFreeBytes: 1_000_000,
    ...differs,
  };
}

export function validatorNode(own: number, told: NodeAnswer | string): NodeSample {
  return { name: `validator${own}`, role: "validator", address: address(own), answer: told };
}

/** All four validators of a chain asked once, at the newest block's time. */
export function pollOf(made: BlockSample[], differs: Partial<NodeAnswer> = {}, at = now): Poll {
  return { at, nodes: [1, 2, 3, 4].map((own) => validatorNode(own, answer(made, own, differs))) };
}

/** A chain whose own nodes all answered a moment ago. */
export function healthy(chain: Partial<PaperChain> = {}): Samples {
  const made = blocks({ validators: 4, ...chain });
  return { at: now + 500, polls: [pollOf(made)], blocks: made };
}
