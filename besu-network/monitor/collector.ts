import { statfsSync } from "node:fs";
import { computeAddress } from "ethers";
import type { Hex } from "../../sdk/src/bytes.js";
import { TenonError } from "../../sdk/src/errors.js";
import type { NodeRole } from "../bundle/manifest.js";
import { blockSample, type RpcHeader } from "./headers.js";
import { type HealthSettings, POOL_STUCK_BLOCKS, windowBlocks } from "./limits.js";
import { type Counts, countBlock, newCounts } from "./metrics.js";
import {
  type AnsweringNode,
  answering,
  type BlockSample,
  type NodeAnswer,
  type NodeSample,
  type Poll,
  type Samples,
} from "./samples.js";

/** Asks a node over whatever reaches it. */
export interface Caller {
  call(method: string, params: readonly unknown[]): Promise<unknown>;
  close(): void;
}

/** An own node. */
export interface NodeSource {
  name: string;
  role: NodeRole;
  address: Hex | null;
  /** A path on the disk that holds its data; `null` when that is not here. */
  dataPath: string | null;
  open(): Promise<Caller>;
}

/** What does not change while a node runs, with the connection over which it was read. */
interface Session {
  caller: Caller;
  chainId: number;
  genesisHash: Hex;
}

/** Blocks read in one poll; a longer gap is read by the next ones. */
const BLOCKS_AT_ONCE = 50;

/** How many polls are kept: as many as show that a pool is stuck. */
function keptPolls({ blockPeriodSeconds: period, emptyBlockPeriodSeconds: empty }: HealthSettings): number {
  return Math.ceil((2 * POOL_STUCK_BLOCKS * Math.max(period, empty)) / Math.max(1, period));
}

/** Asks own nodes again and again, and keeps what `healthOf` judges by. */
export class Collector {
  readonly counts: Counts = newCounts();
  readonly #sources: readonly NodeSource[];
  readonly #settings: HealthSettings;
  readonly #sessions = new Map<string, Session>();
  #polls: Poll[] = [];
  #blocks: BlockSample[] = [];

  constructor(sources: readonly NodeSource[], settings: HealthSettings) {
    this.#sources = sources;
    this.#settings = settings;
  }

  samples(at: number): Samples {
    return { at, polls: this.#polls, blocks: this.#blocks };
  }

  /** Asks every node once. What a node does not answer is part of the sample, so this never fails for a node's sake. */
  async poll(at: number): Promise<void> {
    const nodes = await Promise.all(
      this.#sources.map(async (source) => {
        const { name, role, address } = source;
        return { name, role, address, answer: await this.#tried(source, (session) => ask(session, source)) };
      }),
    );
    const poll: Poll = { at, nodes };
    await this.#readCommon(poll);
    await this.#readBlocks(poll);
    this.#polls = [...this.#polls, poll].slice(-keptPolls(this.#settings));
  }

  close(): void {
    for (const { caller } of this.#sessions.values()) caller.close();
    this.#sessions.clear();
  }

  async #tried<T>(source: NodeSource, work: (session: Session) => Promise<T>): Promise<T | string> {
    try {
      return await work(this.#sessions.get(source.name) ?? (await this.#open(source)));
    } catch (error) {
      this.#sessions.get(source.name)?.caller.close();
      this.#sessions.delete(source.name);
      return wordsOf(error);
    }
  }

  async #open(source: NodeSource): Promise<Session> {
    const caller = await source.open();
    try {
      const chainId = Number(await caller.call("eth_chainId", []));
      const genesis = (await caller.call("eth_getBlockByNumber", ["0x0", false])) as RpcHeader;
      const session = { caller, chainId, genesisHash: genesis.hash };
      this.#sessions.set(source.name, session);
      return session;
    } catch (error) {
      caller.close();
      throw error;
    }
  }

  /** The nodes of our chain that answered; others' blocks are not ours. */
  #own(poll: Poll): AnsweringNode[] {
    const { chainId, genesisHash } = this.#settings;
    return answering(poll).filter(
      ({ answer }) => answer.chainId === chainId && answer.genesisHash === genesisHash,
    );
  }

  /** Heads come at different moments, so nodes are compared at the highest block that all of them have. */
  async #readCommon(poll: Poll): Promise<void> {
    const own = this.#own(poll);
    const number = Math.min(...own.map(({ answer }) => answer.head.number));
    await Promise.all(
      own.map(async ({ name, answer }) => {
        const { head } = answer;
        const block = head.number === number ? head : await this.#block(name, number);
        if (block !== undefined) answer.common = { number, hash: block.hash };
      }),
    );
  }

  async #block(name: string, number: number): Promise<RpcHeader | undefined> {
    const source = this.#sources.find((each) => each.name === name)!;
    const block = await this.#tried(source, ({ caller }) =>
      caller.call("eth_getBlockByNumber", [`0x${number.toString(16)}`, false]),
    );
    // A block just announced may still be unknown, and a node may go at any time: the next poll asks again.
    return typeof block === "string" || block === null ? undefined : (block as RpcHeader);
  }

  async #readBlocks(poll: Poll): Promise<void> {
    const own = this.#own(poll).toSorted((a, b) => b.answer.head.number - a.answer.head.number);
    const head = own[0]?.answer.head;
    if (head === undefined) return;
    this.#forgetOtherChain(head);
    const validators = this.#blocks.at(-1)?.validators.length ?? 0;
    const window = windowBlocks(validators);
    const following = (this.#blocks.at(-1)?.number ?? -1) + 1;
    let next = Math.max(following, head.number - window + 1);
    if (next > following) this.#blocks = [];
    const last = Math.min(head.number, next + BLOCKS_AT_ONCE - 1);
    const numbers = Array.from({ length: Math.max(0, last - next + 1) }, (_, index) => next + index);
    const read = await Promise.all(numbers.map((number) => this.#readBlock(own, number)));
    for (const block of read) {
      if (block === undefined || block.number !== next) break;
      this.#blocks.push(block);
      if (block.number > 0) countBlock(this.counts, block);
      next += 1;
    }
    this.#blocks = this.#blocks.slice(-window);
  }

  /** Nodes keep different seals of one block, so they are asked by turns. */
  async #readBlock(own: AnsweringNode[], number: number): Promise<BlockSample | undefined> {
    const having = own.filter(({ answer }) => answer.head.number >= number);
    const node: NodeSample = having[number % having.length]!;
    const header = await this.#block(node.name, number);
    try {
      return header === undefined ? undefined : blockSample(header);
    } catch (error) {
      // A node whose headers do not hold is not one to believe anything of.
      node.answer = wordsOf(error);
      return undefined;
    }
  }

  /** After a reset the chain begins anew; what was seen of the old one is no longer its history. */
  #forgetOtherChain(head: NodeAnswer["head"]): void {
    const known = this.#blocks.find(({ number }) => number === head.number);
    const newest = this.#blocks.at(-1);
    if (newest === undefined || head.number > newest.number || known?.hash === head.hash) return;
    this.#blocks = [];
    this.#polls = [];
  }
}

async function ask({ caller, chainId, genesisHash }: Session, { dataPath }: NodeSource): Promise<NodeAnswer> {
  const [head, peers, pool] = await Promise.all([
    caller.call("eth_getBlockByNumber", ["latest", false]) as Promise<RpcHeader>,
    readPeers(caller),
    readPool(caller),
  ]);
  const { number, hash, timestamp } = head;
  return {
    chainId,
    genesisHash,
    head: { number: Number(number), hash, timestamp: Number(timestamp) },
    common: null,
    peers,
    pool,
    diskFreeBytes: dataPath === null ? null : freeBytes(dataPath),
  };
}

/** A node asked over its client RPC has no ADMIN: it tells how many peers it has, not who. */
async function readPeers(caller: Caller): Promise<NodeAnswer["peers"]> {
  const peers = await offered(caller, "admin_peers");
  if (!Array.isArray(peers)) {
    return { count: Number(await caller.call("net_peerCount", [])), addresses: null };
  }
  const addresses = (peers as { id: string }[]).map(({ id }) => peerAddress(id));
  return { count: peers.length, addresses };
}

async function readPool(caller: Caller): Promise<NodeAnswer["pool"]> {
  const statistics = (await offered(caller, "txpool_besuStatistics")) as
    | { maxSize: number; localCount: number; remoteCount: number }
    | undefined;
  if (statistics === undefined) return null;
  const { maxSize, localCount, remoteCount } = statistics;
  return { transactions: localCount + remoteCount, limit: maxSize };
}

/** What an error says in one line, without its remedy: health has its own. */
function wordsOf(error: unknown): string {
  if (error instanceof TenonError && typeof error.args.reason === "string") return error.args.reason;
  const message = error instanceof Error ? error.message : String(error);
  const lines = message.split("\n").map((line) => line.trim());
  return lines.filter((line) => !line.startsWith("→")).join(", ");
}

/** The answer, or nothing when the node does not serve the method. A node that is gone fails the calls beside it. */
async function offered(caller: Caller, method: string): Promise<unknown> {
  try {
    return await caller.call(method, []);
  } catch {
    return undefined;
  }
}

function peerAddress(id: string): Hex {
  const key = id.replace(/^0x/, "");
  return computeAddress(`0x04${key}`).toLowerCase() as Hex;
}

function freeBytes(path: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return null;
  }
}
