import { TenonError } from "../errors.js";
import { Behind, publicUrl, RpcRefusal, Unanswered, Unauthorized } from "./failure.js";
import { HttpTransport, type Transport } from "./http.js";
import type { TokenSource } from "./jwt.js";
import { WebSocketTransport } from "./websocket.js";

/** The chain that every node must be on. */
export interface ChainIdentity {
  readonly chainId: bigint;
  /** Hash of block 0, lower-case hex. */
  readonly genesisHash: string;
}

/** How a node is doing, as `/readyz` and logs show it. */
export interface NodeStatus {
  /** Without login, path and query. */
  readonly url: string;
  /** `unchecked`: not asked yet, or lost since; `refused`: on another chain, never asked again. */
  readonly state: "good" | "unchecked" | "refused";
  /** Why it is not good, or was not the last time. */
  readonly reason: string | undefined;
  /** The newest block it has told of. */
  readonly head: number | undefined;
}

export interface NodeOptions {
  readonly url: string;
  readonly tokens: TokenSource | undefined;
  readonly timeoutMs: number;
  /** Told the number of a head that the node announced by itself. */
  readonly onHead: (node: ChainNode, number: number) => void;
}

const MAX_BACKOFF_MS = 10_000;

/** One address: the connection to it, and whether it is on the right chain. */
export class ChainNode {
  /** As it may be printed. */
  readonly url: string;
  /** Newest block it told of. */
  head = -1;
  /** It is on another chain. For good: an address that once led astray is not asked again. */
  wrongChain: TenonError | undefined;
  reason: string | undefined;
  readonly #transport: Transport;
  readonly #tokens: TokenSource | undefined;
  #checking: Promise<ChainIdentity> | undefined;
  #checked = false;
  #failures = 0;
  #restUntil = 0;

  constructor({ url, tokens, timeoutMs, onHead }: NodeOptions) {
    this.url = publicUrl(url);
    this.#tokens = tokens;
    const options = { url, tokens, timeoutMs };
    this.#transport = /^wss?:/i.test(url)
      ? new WebSocketTransport({
          ...options,
          // Before it has shown its chain, what it announces means nothing.
          onHead: (number) => this.#checked && onHead(this, number),
          onLost: () => this.cut(),
        })
      : new HttpTransport(options);
  }

  get status(): NodeStatus {
    const state = this.wrongChain ? "refused" : this.#checked ? "good" : "unchecked";
    return { url: this.url, state, reason: this.reason, head: this.head < 0 ? undefined : this.head };
  }

  /** True while it is better to ask another one. */
  get resting(): boolean {
    return performance.now() < this.#restUntil;
  }

  /** Its connection was cut: whoever answers there next has to show again who it is. */
  cut(): void {
    this.#checked = false;
  }

  /** It failed: it is asked again later, and has to show who it is. */
  lost(reason: string): void {
    this.cut();
    this.reason = reason;
    this.#restUntil = performance.now() + Math.min(MAX_BACKOFF_MS, 250 * 2 ** this.#failures++);
  }

  /**
   * Makes sure that the node is on `chain`, as far as that is given, and not behind block `seen`. Gives the chain it is
   * on when it had to be asked.
   * @throws TenonError `ChainIdMismatch`, `GenesisMismatch`; Behind, Unanswered, Unauthorized.
   */
  async prepare(chain: Partial<ChainIdentity>, seen: () => number): Promise<ChainIdentity | undefined> {
    if (this.wrongChain !== undefined) throw this.wrongChain;
    let found: ChainIdentity | undefined;
    if (!this.#checked) {
      this.#checking ??= this.#identify().finally(() => {
        this.#checking = undefined;
      });
      found = await this.#checking;
      this.#requireSame(chain, found);
      this.#checked = true;
      this.#failures = 0;
      this.reason = undefined;
    }
    if (this.head < seen()) this.head = Number(await this.ask("eth_blockNumber", []));
    if (this.head < seen()) throw new Behind(this.head, seen());
    return found;
  }

  /**
   * One request. A token that was refused is renewed once.
   * @throws RpcRefusal, Unanswered, Unauthorized.
   */
  async ask(method: string, params: unknown): Promise<unknown> {
    try {
      return await this.#call(method, params);
    } catch (error) {
      if (!(error instanceof Unauthorized) || error.token === undefined) throw error;
      this.#tokens?.refused(error.token);
      return await this.#call(method, params);
    }
  }

  close(): void {
    this.#transport.close();
  }

  async #call(method: string, params: unknown): Promise<unknown> {
    try {
      return await this.#transport.call(method, params);
    } catch (error) {
      if (error instanceof RpcRefusal && isUnable(error)) throw new Unanswered(error.message, true);
      throw error;
    }
  }

  async #identify(): Promise<ChainIdentity> {
    const [chainId, block] = await Promise.all([
      this.ask("eth_chainId", []),
      this.ask("eth_getBlockByNumber", ["0x0", false]),
    ]);
    const { hash } = (block ?? {}) as { hash?: string };
    if (typeof chainId !== "string" || typeof hash !== "string") {
      throw new Unanswered("it does not tell its chain", true);
    }
    this.head = -1;
    return { chainId: BigInt(chainId), genesisHash: hash.toLowerCase() };
  }

  #requireSame(expected: Partial<ChainIdentity>, found: ChainIdentity): void {
    const sameId = (expected.chainId ?? found.chainId) === found.chainId;
    if (sameId && (expected.genesisHash ?? found.genesisHash) === found.genesisHash) return;
    this.wrongChain = sameId
      ? new TenonError("GenesisMismatch", "The node's chain began with another block than the record's", {
          args: { node: this.url, expected: expected.genesisHash, found: found.genesisHash },
          remedy:
            "The chain was made anew or is another one of the same id: use its own record, or deploy on it.",
        })
      : new TenonError("ChainIdMismatch", "The node is on another chain than the deployment record", {
          args: { node: this.url, expected: expected.chainId, found: found.chainId },
          remedy: "Connect to the chain of the record, or use the record of this chain.",
        });
    this.reason = this.wrongChain.code;
    throw this.wrongChain;
  }
}

/** The node says that it cannot answer now; another one may. */
function isUnable({ code, message }: RpcRefusal): boolean {
  return code === -32_008 || /initial sync is still in progress|^timeout expired/i.test(message);
}
