import { keccak256 } from "ethers";
import { TenonError } from "../errors.js";
import { Behind, messageOf, NodeError, RpcRefusal, Unanswered, Unauthorized } from "./failure.js";
import type { TokenSource } from "./jwt.js";
import { type ChainIdentity, ChainNode, type NodeStatus } from "./node.js";

/** Something about a node that its operator wants to know. */
export interface NodeNotice {
  /** The node's address, without login, path and query. */
  readonly url: string;
  readonly event: "lost" | "wrong chain" | "behind" | "in use";
  readonly reason: string | undefined;
}

export interface PoolOptions {
  readonly urls: readonly string[];
  readonly tokens: TokenSource | undefined;
  /** The chain, as far as it is known; the rest is that of the first node that answers. */
  readonly chain: Partial<ChainIdentity>;
  /** Milliseconds until a request counts as unanswered. */
  readonly timeoutMs: number;
  /** Milliseconds to wait for a node that is behind when no other one is there. */
  readonly patienceMs: number;
  readonly report: (notice: NodeNotice) => void;
}

/** Calls that do the same however often they are sent. Everything else is never sent twice. */
const repeatable =
  /^(eth_(?!sendTransaction$|new|getFilter|uninstallFilter|subscribe|unsubscribe|sign|submit)|net_|web3_|qbft_get|txpool_|debug_(get|trace|storage)|trace_)/;

/**
 * Several nodes of one chain as one. The node that answered last is asked first; another one takes over when it fails.
 * No answer is older than one given before: a node behind the newest block seen is passed over, or waited for.
 */
export class NodePool {
  readonly #nodes: readonly ChainNode[];
  readonly #patienceMs: number;
  readonly #report: (notice: NodeNotice) => void;
  readonly #listeners = new Set<() => void>();
  #chain: Partial<ChainIdentity>;
  #current: ChainNode | undefined;
  #seen = -1;
  #closed = false;

  constructor({ urls, tokens, timeoutMs, chain, patienceMs, report }: PoolOptions) {
    const onHead = (node: ChainNode, number: number) => this.#announced(node, number);
    this.#nodes = urls.map((url) => new ChainNode({ url, tokens, timeoutMs, onHead }));
    this.#chain = chain;
    this.#patienceMs = patienceMs;
    this.#report = report;
  }

  /** The chain the nodes are on; complete as soon as one of them has answered. */
  get chain(): Partial<ChainIdentity> {
    return this.#chain;
  }

  /** Number of the newest block that any node has told of; -1 before the first. */
  get seen(): number {
    return this.#seen;
  }

  /** Says that this block was seen, for instance by the run before this one. */
  remember(number: number): void {
    this.#seen = Math.max(this.#seen, number);
  }

  get status(): NodeStatus[] {
    return this.#nodes.map(({ status }) => status);
  }

  /** The address of the node in use, as it may be printed. */
  get current(): string | undefined {
    return this.#current?.url;
  }

  /** `listener` runs when a node announces a head by itself (over WebSocket). Gives the way to stop it. */
  onAnnounced(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Looks at every node that nobody has asked yet, so that a wrong one is named before it is needed. */
  async check(): Promise<void> {
    await Promise.all(
      this.#nodes.map((node) =>
        node.prepare(this.#chain, () => -1).catch((error) => this.#failed(node, error)),
      ),
    );
  }

  /**
   * One JSON-RPC call.
   * @throws RpcRefusal with the node's own error; NodeError when no node can answer; TenonError `ChainIdMismatch`,
   * `GenesisMismatch` when all of them are on another chain.
   */
  async request(method: string, params: unknown): Promise<unknown> {
    const end = performance.now() + this.#patienceMs;
    for (let pause = 50; ; pause = Math.min(2 * pause, 500)) {
      const failures = new Map<ChainNode, unknown>();
      for (const node of this.#order()) {
        try {
          return await this.#ask(node, method, params);
        } catch (error) {
          if (error instanceof RpcRefusal || error instanceof NodeError) throw error;
          this.#failed(node, error);
          failures.set(node, error);
          if (error instanceof Unanswered && error.delivered && !repeatable.test(method))
            throw unknown(method);
        }
      }
      const behind = [...failures.values()].some((error) => error instanceof Behind);
      if (!behind || performance.now() + pause > end || this.#closed) throw failureOf(failures);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  close(): void {
    this.#closed = true;
    for (const node of this.#nodes) node.close();
  }

  /** The one in use first, those that just failed last. */
  #order(): ChainNode[] {
    const rank = (node: ChainNode) => (node.resting ? 2 : node === this.#current ? 0 : 1);
    return [...this.#nodes].sort((a, b) => rank(a) - rank(b));
  }

  /** Asks one node. A connection that was cut, often an idle one, is tried once more before the node counts as lost. */
  async #ask(node: ChainNode, method: string, params: unknown): Promise<unknown> {
    try {
      return await this.#askOnce(node, method, params);
    } catch (error) {
      const again = error instanceof Unanswered && error.cut && (repeatable.test(method) || !error.delivered);
      if (!again) throw error;
      node.cut();
      return await this.#askOnce(node, method, params);
    }
  }

  async #askOnce(node: ChainNode, method: string, params: unknown): Promise<unknown> {
    await this.#prepare(node);
    const answer = await this.#answer(node, method, params);
    this.#learn(node, method, params, answer);
    if (this.#current !== node) {
      this.#current = node;
      this.#report({ url: node.url, event: "in use", reason: undefined });
    }
    return answer;
  }

  async #prepare(node: ChainNode): Promise<void> {
    try {
      const found = await node.prepare(this.#chain, () => this.#seen);
      if (found !== undefined) this.#chain = found;
    } catch (error) {
      // The request itself was not sent yet.
      throw error instanceof Unanswered ? new Unanswered(error.message, false, error.cut) : error;
    }
  }

  async #answer(node: ChainNode, method: string, params: unknown): Promise<unknown> {
    try {
      return await node.ask(method, params);
    } catch (error) {
      if (method !== "eth_sendRawTransaction" || !(error instanceof RpcRefusal)) throw error;
      return sentBefore(node, (params as string[])[0] as string, error);
    }
  }

  /** Notes the block that an answer tells of. @throws Behind when it is older than one seen before. */
  #learn(node: ChainNode, method: string, params: unknown, answer: unknown): void {
    const asked = (params as unknown[] | undefined)?.[0];
    const told = headIn(method, asked, answer);
    if (told !== undefined) node.head = told;
    if (told !== undefined && told < this.#seen) throw new Behind(told, this.#seen);
    node.head = Math.max(node.head, minedIn(method, answer));
    this.#seen = Math.max(this.#seen, node.head);
    // A block that was just announced may not be there yet for the next question.
    if (method !== "eth_getBlockByNumber" || answer !== null) return;
    if (asked === "latest" || Number(asked) <= this.#seen) throw new Behind(node.head, this.#seen);
  }

  #announced(node: ChainNode, number: number): void {
    node.head = number;
    if (number <= this.#seen) return;
    this.#seen = number;
    for (const listener of this.#listeners) listener();
  }

  #failed(node: ChainNode, error: unknown): void {
    const reason = messageOf(error);
    const before = node.reason;
    if (error instanceof Behind) {
      node.reason = reason;
      if (before === undefined) this.#report({ url: node.url, event: "behind", reason });
      return;
    }
    const wrong = error instanceof TenonError && error === node.wrongChain;
    if (!wrong) node.lost(reason);
    else if (before === wrongNamed(error)) return;
    node.reason = wrong ? wrongNamed(error) : reason;
    if (before !== node.reason) {
      this.#report({ url: node.url, event: wrong ? "wrong chain" : "lost", reason: node.reason });
    }
  }
}

function wrongNamed({ code, args }: TenonError): string {
  return `${code}: expected ${args.expected}, found ${args.found}`;
}

/** The block of a receipt, which the node must have then; -1 for every other answer. */
function minedIn(method: string, answer: unknown): number {
  if (method !== "eth_getTransactionReceipt" || answer === null) return -1;
  return Number((answer as { blockNumber?: string }).blockNumber ?? -1);
}

/** The head that an answer tells of. */
function headIn(method: string, asked: unknown, answer: unknown): number | undefined {
  if (method === "eth_blockNumber") return Number(answer);
  if (method !== "eth_getBlockByNumber" || asked !== "latest" || answer === null) return undefined;
  return Number((answer as { number: string }).number);
}

/**
 * A node refused signed bytes. When it has them already, from an earlier sending whose answer was lost or in a block,
 * that is what was wanted.
 */
async function sentBefore(node: ChainNode, raw: string, refusal: RpcRefusal): Promise<string> {
  const hash = keccak256(raw);
  if (/already known|known transaction|already imported|already exists/i.test(refusal.message)) return hash;
  if (/nonce.{0,20}too low/i.test(refusal.message)) {
    if ((await node.ask("eth_getTransactionReceipt", [hash])) !== null) return hash;
  }
  if (refusal.code === -32_007) throw notAllowed(refusal);
  throw refusal;
}

function notAllowed(refusal: RpcRefusal): NodeError {
  return new NodeError("AccountNotAllowed", "The node takes no transactions from this account", {
    args: { reason: refusal.message },
    remedy:
      "Put the account on the network's allowlist (npx hardhat network allow-account); then it goes on.",
  });
}

function unknown(method: string): NodeError {
  return new NodeError("AnswerUnknown", "The connection broke before the answer; it may have been done", {
    args: { method },
    remedy: "Look at the chain before asking again: this call is not one that can be repeated blindly.",
  });
}

/** What to say when no node could answer. */
function failureOf(failures: Map<ChainNode, unknown>): TenonError {
  const errors = [...failures.values()];
  const nodes = [...failures].map(([{ url }, error]) => `${url}: ${shortly(error)}`).join("; ");
  const wrong = errors.find((error) => error instanceof TenonError);
  if (wrong !== undefined && errors.every((error) => error instanceof TenonError)) return wrong as TenonError;
  if (errors.some((error) => error instanceof Behind)) {
    return new NodeError("NodeBehind", "No node has the newest block that was seen", {
      args: { nodes },
      remedy:
        "Wait until it has caught up. If its head stays behind, it was put back to an old copy: use another node.",
    });
  }
  if (errors.some((error) => error instanceof Unauthorized)) {
    return new NodeError("NodeTokenRefused", "The nodes refuse our token", {
      args: { nodes },
      remedy:
        "Give the key file of this network's bundle (jwtKey, TENON_BESU_JWT_KEY), and set the clock: tokens live ten minutes.",
    });
  }
  return new NodeError("ChainUnreachable", "No node answers", {
    args: { nodes },
    remedy: "Start a node, or give the address of one that runs.",
  });
}

function shortly(error: unknown): string {
  return error instanceof TenonError ? error.code : messageOf(error);
}
