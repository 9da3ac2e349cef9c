import { setTimeout as sleep } from "node:timers/promises";
import type { JsonRpcApiProvider } from "ethers";
import { keccak256 } from "ethers";

/** What became of a load. Times as the client saw them: from sending a transaction to seeing its block. */
export interface Outcome {
  sent: number;
  /** Transactions a second in the steady window: from the block that completes the first tenth to that of the ninth. */
  perSecond: number;
  /** Milliseconds. */
  latency: { p50: number; p90: number; p99: number };
  gasEach: number;
  gasPerSecond: number;
  /** Longest time between two blocks of the window, seconds by their timestamps. */
  longestBlock: number;
}

export interface LoadOptions {
  /** At most so many are sent and not yet seen in a block. */
  window: number;
  lanes?: number;
  progress?: (mined: number, of: number) => void;
}

interface SeenBlock {
  number: number;
  timestamp: number;
  seenAt: number;
  /** How many of the load's transactions it holds. */
  count: number;
  mined: number;
}

const LIMIT_MS = 600_000;

/**
 * Sends signed transactions as fast as they are mined, never more than `window` ahead, and waits until all are in blocks.
 * Throws when one is refused, or when one of them failed.
 */
export async function drive(
  provider: JsonRpcApiProvider,
  raw: readonly string[],
  { window, lanes = 48, progress = () => {} }: LoadOptions,
): Promise<Outcome> {
  const sentAt = new Map<string, number>();
  const latencies: number[] = [];
  const blocks: SeenBlock[] = [];
  let next = 0;
  let mined = 0;
  let seen = await provider.getBlockNumber();
  const end = Date.now() + LIMIT_MS;

  const lane = async () => {
    while (next < raw.length) {
      if (next - mined >= window) {
        await sleep(5);
        continue;
      }
      const transaction = raw[next++]!;
      sentAt.set(keccak256(transaction), performance.now());
      await provider.send("eth_sendRawTransaction", [transaction]);
    }
  };
  const watch = async () => {
    while (mined < raw.length) {
      if (Date.now() > end) throw new Error(`${mined} of ${raw.length} mined in ${LIMIT_MS / 1000} s`);
      const block = await provider.send("eth_getBlockByNumber", [`0x${(seen + 1).toString(16)}`, false]);
      if (block === null) {
        await sleep(25);
        continue;
      }
      seen += 1;
      const seenAt = performance.now();
      const ours = (block.transactions as string[]).filter((hash) => sentAt.has(hash));
      for (const hash of ours) latencies.push(seenAt - sentAt.get(hash)!);
      mined += ours.length;
      blocks.push({ number: seen, timestamp: Number(block.timestamp), seenAt, count: ours.length, mined });
      progress(mined, raw.length);
    }
  };
  await Promise.all([watch(), ...Array.from({ length: lanes }, lane)]);
  const gas = await gasOf(provider, blocks, sentAt);
  return outcome(raw.length, blocks, latencies, gas);
}

/** Gas used by the load's transactions, all of which must have succeeded. */
async function gasOf(
  provider: JsonRpcApiProvider,
  blocks: readonly SeenBlock[],
  ours: ReadonlyMap<string, number>,
): Promise<number> {
  let gas = 0;
  for (const { number, count } of blocks) {
    if (count === 0) continue;
    const receipts: { transactionHash: string; status: string; gasUsed: string }[] = await provider.send(
      "eth_getBlockReceipts",
      [`0x${number.toString(16)}`],
    );
    for (const { transactionHash, status, gasUsed } of receipts) {
      if (!ours.has(transactionHash)) continue;
      if (Number(status) !== 1) throw new Error(`transaction ${transactionHash} failed`);
      gas += Number(gasUsed);
    }
  }
  return gas;
}

function outcome(sent: number, blocks: readonly SeenBlock[], latencies: number[], gas: number): Outcome {
  const first = blocks.findIndex(({ mined }) => mined >= sent * 0.1);
  const last = blocks.findIndex(({ mined }) => mined >= sent * 0.9);
  if (last <= first) throw new Error("the load was mined in one block: send more");
  const [begin, end] = [blocks[first]!, blocks[last]!];
  const perSecond = (end.mined - begin.mined) / ((end.seenAt - begin.seenAt) / 1000);
  const steps = blocks
    .slice(first + 1, last + 1)
    .map((block, i) => block.timestamp - blocks[first + i]!.timestamp);
  const gasEach = gas / sent;
  return {
    sent,
    perSecond,
    latency: percentiles(latencies),
    gasEach,
    gasPerSecond: perSecond * gasEach,
    longestBlock: Math.max(...steps),
  };
}

export function percentiles(values: readonly number[]): { p50: number; p90: number; p99: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}
