import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Hex } from "../../sdk/src/bytes.js";
import { TenonError } from "../../sdk/src/errors.js";
import { type Bundle, layout, type NodeEntry, ownNodes } from "../bundle/manifest.js";
import { decodeExtraData } from "../genesis/extra-data.js";
import type { Genesis } from "../genesis/genesis.js";
import { Ipc } from "../run/ipc.js";
import type { ValidatorView } from "./rules.js";
import type { Vote } from "./tally.js";

/** What governance reads of a block's header. */
export interface Header {
  number: number;
  /** Seconds since 1970. */
  timestamp: number;
  proposer: Hex;
  validators: Hex[];
  vote: Vote | null;
}

/** The bundle's own nodes, each with a connection or with the reason why there is none. */
export class OwnNodes implements Disposable {
  readonly answering: { node: NodeEntry; ipc: Ipc }[] = [];
  readonly silent: { node: NodeEntry; reason: string }[] = [];

  static async open(bundle: Bundle): Promise<OwnNodes> {
    const own = new OwnNodes();
    for (const node of ownNodes(bundle)) {
      try {
        own.answering.push({ node, ipc: await Ipc.connect(bundle, node.name) });
      } catch (error) {
        if (!(error instanceof TenonError)) throw error;
        own.silent.push({ node, reason: String(error.args.reason ?? error.code) });
      }
    }
    return own;
  }

  /** The node whose chain is longest; throws `NodesDown` when none answers. */
  async best(): Promise<{ ipc: Ipc; head: number }> {
    const heads = await Promise.all(
      this.answering.map(async ({ ipc }) => ({ ipc, head: Number(await ipc.call("eth_blockNumber")) })),
    );
    const [best] = heads.sort((a, b) => b.head - a.head);
    if (best !== undefined) return best;
    throw new TenonError("NodesDown", "None of your nodes runs, so the chain cannot be asked", {
      args: { nodes: this.silent.map(({ node, reason }) => `${node.name}: ${reason}`).join("; ") || "none" },
      remedy: "Start them with npx hardhat network up.",
    });
  }

  [Symbol.dispose](): void {
    for (const { ipc } of this.answering) ipc.close();
  }
}

/** The chain as the own nodes see it now. */
export interface ChainView extends ValidatorView {
  head: number;
  /** Nodes that are reached, own ones and peers of own ones, by public key, with the newest block known of each. */
  reached: ReadonlyMap<Hex, number>;
}

/**
 * Reads who the validators are and which of them are live: reached by an own node, and the proposer of one of the last
 * `2n` blocks. Throws `NodesDown`, and `ChainStalled` where no vote would ever be mined.
 */
export async function readChain({ dir, manifest }: Bundle, own: OwnNodes): Promise<ChainView> {
  const { ipc, head } = await own.best();
  const { timestamp } = await readHeader(ipc, head);
  const age = Math.round(Date.now() / 1000 - timestamp);
  if (age > longestWait(dir)) throw stalled(head, age);
  const validators = await readValidators(ipc);
  const from = Math.max(1, head - 2 * validators.length + 1);
  const recent = await readHeaders(ipc, from, head);
  const proposers = new Set(recent.map(({ proposer }) => proposer));
  const reached = await readReached(own);
  const keyOf = new Map(manifest.nodes.map(({ address, publicKey }) => [address, publicKey]));
  const names = new Map(manifest.nodes.map(({ address, name }) => [address, name]));
  const isReached = (address: Hex) => !keyOf.has(address) || reached.has(keyOf.get(address)!);
  return {
    head,
    validators,
    live: new Set(validators.filter((address) => proposers.has(address) && isReached(address))),
    nameOf: (address) => names.get(address) ?? address,
    reached,
  };
}

/** The validators of the next block. */
export async function readValidators(ipc: Ipc): Promise<Hex[]> {
  return (await ipc.call("qbft_getValidatorsByBlockNumber", ["pending"])) as Hex[];
}

export async function readHeader(ipc: Ipc, number: number): Promise<Header> {
  for (let tries = 0; ; tries++) {
    const block = (await ipc.call("eth_getBlockByNumber", [`0x${number.toString(16)}`, false])) as {
      timestamp: string;
      miner: Hex;
      extraData: Hex;
    } | null;
    if (block !== null) {
      const { validators, vote } = decodeExtraData(block.extraData);
      const voter = block.miner;
      return {
        number,
        timestamp: Number(block.timestamp),
        proposer: voter,
        validators,
        vote: vote === null ? null : { voter, subject: vote.validator, add: vote.add },
      };
    }
    // A node was seen to announce a block a moment before it could give it.
    if (tries === 20) {
      throw new TenonError("BlockUnknown", "The node does not have a block it announced", {
        args: { number },
      });
    }
    await sleep(100);
  }
}

/** Headers `from` to `to`, in order, asked for some at a time. */
export async function readHeaders(ipc: Ipc, from: number, to: number): Promise<Header[]> {
  const headers: Header[] = [];
  for (let next = from; next <= to; next += 200) {
    const count = Math.min(200, to - next + 1);
    headers.push(
      ...(await Promise.all(Array.from({ length: count }, (_, at) => readHeader(ipc, next + at)))),
    );
  }
  return headers;
}

/** Waits for block `number`; throws `ChainStalled` when it does not come. */
export async function blockMade(dir: string, ipc: Ipc, number: number): Promise<void> {
  const limit = longestWait(dir);
  for (const start = Date.now(); ; await sleep(200)) {
    const head = Number(await ipc.call("eth_blockNumber"));
    if (head >= number) return;
    const waited = Math.round((Date.now() - start) / 1000);
    if (waited > limit) throw stalled(head, waited);
  }
}

/** What the genesis says about voting and pace. */
export function qbftOf(dir: string): Genesis["config"]["qbft"] {
  const genesis = JSON.parse(readFileSync(join(dir, layout.genesis), "utf8")) as Genesis;
  return genesis.config.qbft;
}

/** Seconds after which a block is late even when several proposers in a row were silent. */
function longestWait(dir: string): number {
  const { blockperiodseconds, emptyblockperiodseconds = 0, requesttimeoutseconds } = qbftOf(dir);
  return Math.max(blockperiodseconds, emptyblockperiodseconds) + 10 * requesttimeoutseconds;
}

function stalled(head: number, seconds: number): TenonError {
  return new TenonError("ChainStalled", "The chain makes no blocks, so it can take no votes", {
    args: { head, seconds },
    remedy: "npx hardhat network status says what is down, npx hardhat network recover brings it back.",
  });
}

async function readReached(own: OwnNodes): Promise<Map<Hex, number>> {
  const reached = new Map<Hex, number>();
  const note = (key: Hex, head: number) => reached.set(key, Math.max(head, reached.get(key) ?? 0));
  for (const { node, ipc } of own.answering) {
    note(node.publicKey, Number(await ipc.call("eth_blockNumber")));
    for (const { id, protocols } of (await ipc.call("admin_peers")) as Peer[]) {
      note(id, protocols.eth?.latestBlock ?? 0);
    }
  }
  return reached;
}

interface Peer {
  id: Hex;
  protocols: { eth?: { latestBlock: number } };
}
