import type { Hex } from "@tenon/sdk/bytes";
import { connectRpc, type RpcConnection, urlsIn } from "@tenon/sdk/connection";
import { addressOf, type Deployment } from "@tenon/sdk/deployment";
import { TenonError } from "@tenon/sdk/errors";
import { NodeError } from "@tenon/sdk/nodes/failure";
import type { NodeStatus } from "@tenon/sdk/nodes/node";
import type { NodeNotice } from "@tenon/sdk/nodes/pool";
import type { Logger } from "../options.js";

/** A block, as far as an answer names it. */
export interface BlockHead {
  number: number;
  hash: Hex;
  /** Seconds since 1970. */
  timestamp: number;
}

/** A block seen before, for instance by the run before this one. */
export type KnownBlock = Pick<BlockHead, "number" | "hash">;

export interface ConnectionOptions {
  /** Addresses of nodes (http, https, ws, wss), in order of preference; as a text, with commas between them. */
  rpc: string | readonly string[];
  /** PEM file of the key that signs tokens for the nodes. */
  jwtKey?: string | undefined;
  deployment: Deployment;
  logger: Logger;
  /** Milliseconds between two looks at the head. Default 500. */
  pollMs?: number;
  /** Milliseconds until a request counts as unanswered. Default 10,000. */
  timeoutMs?: number;
}

/** Milliseconds a request waits for a node that is behind; the loops of the oracle ask again by themselves. */
const PATIENCE_MS = 1_000;

/**
 * The connection to the chain, by one or several nodes. It knows which chain it must be, and watches that the head
 * never changes under it. A node that is behind the newest block seen is passed over, or waited for: nothing is read
 * or signed meanwhile. QBFT is final at one block, so another block where one was seen means a bad node or a chain that
 * was put back: the connection halts for good and says why. It never rolls anything back.
 */
export class ChainConnection {
  readonly provider: RpcConnection;
  readonly deployment: Deployment;
  readonly #logger: Logger;
  readonly #pollMs: number;
  readonly #listeners: ((head: BlockHead) => Promise<void>)[] = [];
  #head: BlockHead | undefined;
  #told: number | undefined;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #lastError: Error | undefined;
  #halted: TenonError | undefined;
  #stopped = false;
  #polling = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  private constructor({ deployment, logger, pollMs }: ConnectionOptions, provider: RpcConnection) {
    this.provider = provider;
    this.deployment = deployment;
    this.#logger = logger;
    this.#pollMs = pollMs ?? 500;
  }

  /**
   * Connects, and checks the chain id, the genesis hash and that the block the last run knew is still there.
   * @throws TenonError `ChainUnreachable`, `NodeTokenRefused`, `ChainIdMismatch`, `GenesisMismatch`, `ChainWentBack`,
   * `ChainForked`; `ConnectionInvalid` and those of the key file.
   */
  static async connect(options: ConnectionOptions, known?: KnownBlock): Promise<ChainConnection> {
    const { rpc, jwtKey, deployment, logger, timeoutMs } = options;
    let provider: RpcConnection | undefined;
    try {
      provider = await connectRpc({
        urls: typeof rpc === "string" ? urlsIn(rpc) : rpc,
        jwtKey,
        chainId: deployment.chainId,
        genesisHash: deployment.genesisHash,
        timeoutMs,
        patienceMs: PATIENCE_MS,
        seenBlock: known?.number,
        report: (notice) => tell(logger, notice),
      });
      const connection = new ChainConnection(options, provider);
      const head = await connection.#readHead("latest");
      if (known !== undefined) await connection.#requireAfter(known, head);
      connection.#head = head;
      connection.#answeredAt = performance.now();
      return connection;
    } catch (error) {
      provider?.destroy();
      if (error instanceof NodeError && error.code === "NodeBehind") throw wentBack(known, error);
      throw error;
    }
  }

  /** The newest block seen. Defined from `connect` on. */
  get head(): BlockHead {
    if (this.#head === undefined) throw new TenonError("ChainNotConnected", "No block was read yet");
    return this.#head;
  }

  /** Why the connection halted; `undefined` while it runs. */
  get halted(): TenonError | undefined {
    return this.#halted;
  }

  /** What the nodes last failed with; `undefined` after an answer. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  /** Every node and how it is doing. */
  get nodes(): NodeStatus[] {
    return this.provider.nodes;
  }

  /** Milliseconds since a node last told its head. */
  get silentMs(): number {
    return performance.now() - this.#answeredAt;
  }

  addressOf(name: "AnchorLog" | "DeviceRegistry" | "Consortium"): Hex {
    return addressOf(this.deployment, name) as Hex;
  }

  /** Throws the error the connection halted with. Call it before anything that must not rest on a bad node. */
  requireSound(): void {
    if (this.#halted !== undefined) throw this.#halted;
  }

  /** `listener` runs for every new head, one after the other; the next look at the head waits for it. */
  onHead(listener: (head: BlockHead) => Promise<void>): void {
    this.#listeners.push(listener);
  }

  /** Starts watching the head: by asking, and at once when a node announces one. */
  start(): void {
    this.provider.onAnnounced(() => {
      if (!this.#polling) this.#schedule(0);
    });
    this.#schedule(0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    this.provider.destroy();
  }

  /** Looks at the head once, now. Errors of the nodes are kept as `lastError`; a bad head halts. */
  poll(): Promise<void> {
    // One look after the other: a listener never runs twice at once.
    this.#running = this.#running.then(() => this.#look());
    return this.#running;
  }

  async #look(): Promise<void> {
    if (this.#halted !== undefined) return;
    try {
      const head = await this.#readHead("latest");
      this.#lastError = undefined;
      await this.#accept(head);
    } catch (error) {
      if (error instanceof TenonError && chainFaults.has(error.code)) return this.#halt(error);
      if (this.#lastError === undefined) this.#logger.warn({ reason: messageOf(error) }, "no node answers");
      this.#lastError = error as Error;
    }
  }

  async #accept(head: BlockHead): Promise<void> {
    const before = this.#head;
    if (before !== undefined) await this.#requireAfter(before, head);
    this.#answeredAt = performance.now();
    this.#head = head;
    if (this.#told === head.number) return;
    for (const listener of this.#listeners) await listener(head);
    this.#told = head.number; // a listener that failed is told again
  }

  /** Throws unless `head` follows from a block that was seen before. */
  async #requireAfter(before: KnownBlock, head: BlockHead): Promise<void> {
    const same = head.number === before.number ? head.hash : (await this.#readHead(before.number)).hash;
    if (same !== before.hash) {
      throw new TenonError("ChainForked", "The node now has another block where a final one was seen", {
        args: { block: before.number, seenHash: before.hash, foundHash: same },
        remedy:
          "A final block does not change: find out which node lies, then restart the oracle on a sound one.",
      });
    }
  }

  async #readHead(tag: number | "latest"): Promise<BlockHead> {
    const block = await this.provider.getBlock(tag);
    if (block?.hash == null) throw new Error(`The node has no block ${tag}`);
    return { number: block.number, hash: block.hash as Hex, timestamp: block.timestamp };
  }

  #halt(error: TenonError): void {
    this.#halted = error;
    this.#logger.error({ code: error.code, ...error.args }, "the chain halted: nothing is anchored any more");
  }

  #schedule(delay: number): void {
    if (this.#stopped || this.#halted !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#polling = true;
      void this.poll().finally(() => {
        this.#polling = false;
        this.#schedule(this.#pollMs);
      });
    }, delay);
  }
}

const chainFaults = new Set(["ChainIdMismatch", "GenesisMismatch", "ChainForked"]);

/** At the start nobody is waited for: the last run's block must be there. */
function wentBack(known: KnownBlock | undefined, cause: NodeError): TenonError {
  return new TenonError("ChainWentBack", "No node has the block that the last run saw", {
    args: { seen: known?.number, seenHash: known?.hash, ...cause.args },
    remedy:
      "Wait until a node has caught up, then start again. Where all were put back to an old copy, repair them first: nothing was rolled back here.",
    cause,
  });
}

function tell(logger: Logger, { url, event, reason }: NodeNotice): void {
  if (event === "in use") logger.info({ node: url }, "node in use");
  else if (event === "wrong chain") logger.error({ node: url, reason }, "a node is on another chain");
  else logger.warn({ node: url, reason }, event === "behind" ? "a node is behind" : "a node was lost");
}

/** An address as it may be printed: without a user name or password. */
export function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, "//…@");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
