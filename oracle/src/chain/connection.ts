import type { Hex } from "@tenon/sdk/bytes";
import { addressOf, type Deployment, requireChain } from "@tenon/sdk/deployment";
import { TenonError } from "@tenon/sdk/errors";
import { FetchRequest, JsonRpcProvider, Network } from "ethers";
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
  /** http:// or https:// address of the node. */
  url: string;
  deployment: Deployment;
  logger: Logger;
  /** Milliseconds between two looks at the head. Default 500. */
  pollMs?: number;
  /** Milliseconds until a request counts as unanswered. Default 10,000. */
  timeoutMs?: number;
}

/**
 * The connection to one node. It knows which chain it must be, and watches that the node's head never goes back.
 * QBFT is final at one block, so a head that goes back or changes means a bad node or a chain that was put back: the
 * connection halts for good and says why. It never rolls anything back.
 */
export class ChainConnection {
  readonly provider: JsonRpcProvider;
  readonly deployment: Deployment;
  readonly #logger: Logger;
  readonly #pollMs: number;
  readonly #listeners: ((head: BlockHead) => Promise<void>)[] = [];
  #head: BlockHead | undefined;
  #told: number | undefined;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #lastError: string | undefined;
  #halted: TenonError | undefined;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  private constructor(options: ConnectionOptions) {
    const request = new FetchRequest(options.url);
    request.timeout = options.timeoutMs ?? 10_000;
    const network = Network.from(options.deployment.chainId);
    // No cache: ethers would answer "latest" from a quarter of a second ago.
    this.provider = new JsonRpcProvider(request, network, {
      staticNetwork: network,
      cacheTimeout: -1,
      batchMaxCount: 1,
    });
    this.deployment = options.deployment;
    this.#logger = options.logger;
    this.#pollMs = options.pollMs ?? 500;
  }

  /**
   * Connects, and checks the chain id, the genesis hash and that the block the last run knew is still there.
   * @throws TenonError `ChainUnreachable`, `ChainIdMismatch`, `GenesisMismatch`, `ChainWentBack`, `ChainForked`.
   */
  static async connect(options: ConnectionOptions, known?: KnownBlock): Promise<ChainConnection> {
    const connection = new ChainConnection(options);
    try {
      await connection.#check(known);
      return connection;
    } catch (error) {
      connection.provider.destroy();
      if (error instanceof TenonError) throw error;
      throw new TenonError("ChainUnreachable", "The node does not answer", {
        args: { url: withoutPassword(options.url), reason: messageOf(error) },
        remedy: "Start the node, or give the address of one that runs (--rpc).",
        cause: error,
      });
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

  /** What the node last failed with; `undefined` after an answer. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** Milliseconds since the node last told its head. */
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

  /** Starts watching the head. */
  start(): void {
    this.#schedule(0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    this.provider.destroy();
  }

  /** Looks at the head once, now. Errors of the node are kept as `lastError`; a bad head halts. */
  async poll(): Promise<void> {
    try {
      // A node that failed may have been replaced by another one: ask again who it is.
      if (this.#lastError !== undefined) await this.#requireIdentity();
      const head = await this.#readHead("latest");
      this.#lastError = undefined;
      await this.#accept(head);
    } catch (error) {
      if (error instanceof TenonError && chainFaults.has(error.code)) return this.#halt(error);
      if (this.#lastError === undefined) {
        this.#logger.warn({ reason: messageOf(error) }, "the node does not answer");
      }
      this.#lastError = messageOf(error);
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

  async #check(known: KnownBlock | undefined): Promise<void> {
    await this.#requireIdentity();
    const head = await this.#readHead("latest");
    if (known !== undefined) await this.#requireAfter(known, head);
    this.#head = head;
    this.#answeredAt = performance.now();
  }

  async #requireIdentity(): Promise<void> {
    // Asked by hand: the provider was told its network, and would not ask the node.
    const chainId = BigInt((await this.provider.send("eth_chainId", [])) as string);
    if (chainId !== BigInt(this.deployment.chainId)) {
      throw new TenonError("ChainIdMismatch", "The node is on another chain than the deployment record", {
        args: { expected: this.deployment.chainId, found: chainId },
        remedy: "Connect to the chain of the record, or use the record of this chain.",
      });
    }
    await requireChain(this.provider, this.deployment);
  }

  /** Throws unless `head` follows from a block that was seen before. */
  async #requireAfter(before: KnownBlock, head: BlockHead): Promise<void> {
    if (head.number < before.number) {
      throw new TenonError("ChainWentBack", "The node's head is behind a block it showed before", {
        args: { seen: before.number, seenHash: before.hash, head: head.number, headHash: head.hash },
        remedy:
          "The node was put back, or an address serves several nodes. Nothing was rolled back: repair the node, then restart the oracle.",
      });
    }
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
    this.#timer = setTimeout(() => {
      this.#running = this.poll().finally(() => this.#schedule(this.#pollMs));
    }, delay);
  }
}

const chainFaults = new Set(["ChainIdMismatch", "GenesisMismatch", "ChainWentBack", "ChainForked"]);

/** An address as it may be printed: without a user name or password. */
export function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, "//…@");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
