import type { Hex } from "../../sdk/src/bytes.js";
import { type Bundle, ownNodes } from "../bundle/manifest.js";
import { heightOf } from "./blocks.js";
import { Ipc, withIpc } from "./ipc.js";

/** A transaction that waits in a node's pool. */
export interface PoolEntry {
  hash: Hex;
  sender: Hex;
  nonce: number;
}

/** A full pool is an answer of tens of megabytes. */
const READ_MS = 120_000;

/** What waits on any of the nodes that answer, by hash; undefined when none does. */
export async function readPools(bundle: Bundle): Promise<Map<Hex, PoolEntry> | undefined> {
  const pools = await Promise.all(ownNodes(bundle).map(({ name }) => readPool(bundle, name)));
  const answered = pools.filter((pool) => pool !== undefined);
  if (answered.length === 0) return undefined;
  return new Map(answered.flat().map((entry) => [entry.hash, entry]));
}

async function readPool(bundle: Bundle, name: string): Promise<PoolEntry[] | undefined> {
  let ipc: Ipc | undefined;
  try {
    ipc = await Ipc.connect(bundle, name, { timeout: READ_MS });
    return entriesOf((await ipc.call("txpool_content")) as PoolContent);
  } catch {
    return undefined;
  } finally {
    ipc?.close();
  }
}

type Side = Record<Hex, Record<string, { hash: Hex }>>;
interface PoolContent {
  pending: Side;
  queued: Side;
}

/** The answer of `txpool_content` as a list: by sender and nonce, those that may be mined next and those behind a gap. */
export function entriesOf({ pending, queued }: PoolContent): PoolEntry[] {
  return [pending, queued].flatMap((side) =>
    Object.entries(side).flatMap(([sender, byNonce]) =>
      Object.entries(byNonce).map(([nonce, { hash }]) => ({
        hash,
        sender: sender as Hex,
        nonce: Number(nonce),
      })),
    ),
  );
}

/** What became of the transactions that waited. */
export interface PoolOutcome {
  before: number;
  mined: number;
  waiting: number;
  /** Neither in a block nor in any pool asked: only their senders still have them. */
  lost: PoolEntry[];
}

/**
 * Compares what waited with the pools and the blocks after `height`. Pools first: what leaves one in between is in a
 * block.
 */
export async function poolOutcome(
  bundle: Bundle,
  before: ReadonlyMap<Hex, PoolEntry>,
  height: number,
): Promise<PoolOutcome> {
  const waits = (await readPools(bundle)) ?? new Map<Hex, PoolEntry>();
  const inBlocks = await hashesAfter(bundle, height);
  const entries = [...before.values()];
  const mined = entries.filter(({ hash }) => inBlocks.has(hash));
  const waiting = entries.filter(({ hash }) => !inBlocks.has(hash) && waits.has(hash));
  const lost = entries.filter(({ hash }) => !inBlocks.has(hash) && !waits.has(hash));
  return { before: entries.length, mined: mined.length, waiting: waiting.length, lost };
}

/** What the blocks after `height` hold, by the own node that has most of them. */
async function hashesAfter(bundle: Bundle, height: number): Promise<Set<Hex>> {
  const heights = await Promise.all(
    ownNodes(bundle).map(async ({ name }) => ({ name, head: (await heightOf(bundle, name)) ?? -1 })),
  );
  const { name, head } = heights.reduce((best, one) => (one.head > best.head ? one : best));
  const found = new Set<Hex>();
  await withIpc(bundle, name, async (ipc) => {
    for (let number = height + 1; number <= head; number++) {
      const block = await ipc.call("eth_getBlockByNumber", [`0x${number.toString(16)}`, false]);
      for (const hash of (block as { transactions: Hex[] } | null)?.transactions ?? []) found.add(hash);
    }
  });
  return found;
}
