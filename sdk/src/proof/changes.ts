import type { Hex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { type RpcSource, rpc } from "../rpc.js";
import { encodeHeader, type RpcBlock } from "./header.js";
import { checkValidators, type QbftHeader, readQbftHeader, sameSet, sealedHeader } from "./qbft.js";

/** A block as a node gives it. Throws TenonError `BlockUnknown`. */
export async function blockAt(source: RpcSource, block: bigint): Promise<RpcBlock> {
  const found = await rpc(source, "eth_getBlockByNumber", [`0x${block.toString(16)}`, false]);
  if (typeof found === "object" && found !== null) return found as RpcBlock;
  throw new TenonError("BlockUnknown", "The node has no such block", {
    args: { block },
    remedy: "Wait until the node is synced, or ask another one.",
  });
}

/** The RLP of block 0. It has no seals, and hashes as it is. */
export async function genesisHeader(source: RpcSource): Promise<Hex> {
  return encodeHeader(await blockAt(source, 0n));
}

/** Blocks from the first vote that counts to the one that completes a majority; several such when they overlap. */
interface Range {
  readonly start: bigint;
  readonly ends: readonly bigint[];
}

/**
 * The headers that show how the validators changed between the genesis block and a block, for `followValidators`; none
 * when the sets are the same. Needs some twenty headers for each change to find it.
 * @throws TenonError `ValidatorChangeUnproven` when a set changed without votes, or over an epoch's end.
 */
export async function findChanges(source: RpcSource, block: bigint, epochLength: bigint): Promise<Hex[][]> {
  const encoded = async (number: bigint) => sealedHeader(await blockAt(source, number));
  const header = async (number: bigint) => readQbftHeader(await encoded(number));
  const target = await header(block);
  const ranges: Range[] = [];
  let known = await header(0n);
  while (!sameSet(target.validators, checkValidators(known.validators))) {
    const [last, next] = await boundary(known, target, header);
    ranges.push(joined(ranges, await firstVote(last, header, epochLength), last.number));
    known = next;
  }
  const headersOf = ({ start, ends }: Range) => {
    const count = Number((ends.at(-1) as bigint) - start) + 1;
    const numbers = Array.from({ length: count }, (_, i) => start + BigInt(i));
    return Promise.all(
      numbers.map(async (each) => (ends.includes(each) ? encoded(each) : (await header(each)).unsealed)),
    );
  };
  return Promise.all(ranges.map(headersOf));
}

/** A change's blocks, together with those of the ranges before that it overlaps, which are taken from the list. */
function joined(ranges: Range[], start: bigint, end: bigint): Range {
  let range: Range = { start, ends: [end] };
  for (
    let before = ranges.at(-1);
    before !== undefined && range.start <= before.ends.at(-1)!;
    before = ranges.at(-1)
  ) {
    ranges.pop();
    range = {
      start: before.start < range.start ? before.start : range.start,
      ends: [...before.ends, ...range.ends],
    };
  }
  return range;
}

/** The last header with the set of `low` before some change, and the first after it. */
async function boundary(
  low: QbftHeader,
  high: QbftHeader,
  header: (number: bigint) => Promise<QbftHeader>,
): Promise<[QbftHeader, QbftHeader]> {
  const set = checkValidators(low.validators);
  let [last, next] = [low, high];
  while (next.number - last.number > 1n) {
    const middle = await header((last.number + next.number) / 2n);
    if (sameSet(middle.validators, set)) last = middle;
    else next = middle;
  }
  return [last, next];
}

/** Back from the block that completed the majority to the first of its votes. */
async function firstVote(
  last: QbftHeader,
  header: (number: bigint) => Promise<QbftHeader>,
  epochLength: bigint,
): Promise<bigint> {
  const { vote, validators } = last;
  const voters = new Map<Hex, boolean>();
  let at = last;
  for (;;) {
    if (vote === undefined || at.number % epochLength === 0n) break;
    const newest = at.vote?.subject === vote.subject && !voters.has(at.miner);
    if (newest && validators.includes(at.miner)) voters.set(at.miner, at.vote?.add === vote.add);
    if ([...voters.values()].filter((same) => same).length > validators.length / 2) return at.number;
    at = await header(at.number - 1n);
  }
  throw new TenonError("ValidatorChangeUnproven", "The validators changed without votes that show it", {
    args: { block: last.number },
    remedy: "Name the validators in force at the block yourself, from a source you trust.",
  });
}
