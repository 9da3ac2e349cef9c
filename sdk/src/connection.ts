import {
  JsonRpcApiProvider,
  type JsonRpcError,
  type JsonRpcPayload,
  type JsonRpcResult,
  Network,
  type Subscriber,
  type Subscription,
} from "ethers";
import { TenonError } from "./errors.js";
import { FollowingSubscriber } from "./follow.js";
import { publicUrl, RpcRefusal } from "./nodes/failure.js";
import { givenTokens, signedTokens, type TokenSource } from "./nodes/jwt.js";
import type { NodeStatus } from "./nodes/node.js";
import { type NodeNotice, NodePool } from "./nodes/pool.js";

export interface ConnectOptions {
  /** Addresses of nodes of one chain, in order of preference: http, https, ws or wss. A login may be in an address. */
  urls: readonly string[];
  /** P-256 private key in PEM, or the path of its file: signs and renews the tokens (JWT, ES256) that Besu asks for. */
  jwtKey?: string | undefined;
  /** A token that somebody else signed, or a function that gives the current one. */
  token?: string | (() => string | Promise<string>) | undefined;
  /** What every node must be on. Without it, the chain of the first node that answers. */
  chainId?: number | bigint | undefined;
  /** Hash of block 0. Without it, that of the first node that answers. */
  genesisHash?: string | undefined;
  /** Milliseconds until a request counts as unanswered. Default 10,000. */
  timeoutMs?: number | undefined;
  /** Milliseconds to wait for a node that is behind when there is no other. Default 5,000. */
  patienceMs?: number | undefined;
  /** Milliseconds between two looks at the head while somebody listens for blocks or events. Default 1,000. */
  pollMs?: number | undefined;
  /** The newest block that an earlier run saw: no node behind it is used. */
  seenBlock?: number | undefined;
  /** Told what becomes of single nodes. */
  report?: ((notice: NodeNotice) => void) | undefined;
}

/**
 * An ethers provider over several nodes of one chain. Each address must show its chain id and genesis hash before it
 * is used, and again whenever its connection was lost; one on another chain is reported and never used. Any node that
 * fails is passed over. What is read is never older than what was read before. Nothing but reads and signed
 * transactions, which are the same however often they are sent, is ever sent twice.
 *
 * Errors: `NodeError` when no node can answer now (nothing is known then about a transaction that was being sent);
 * a node's own JSON-RPC errors come as ethers gives them.
 */
export class RpcConnection extends JsonRpcApiProvider {
  readonly #pool: NodePool;

  /** @internal Use {@link connectRpc}. */
  constructor(pool: NodePool, chainId: bigint, pollMs: number) {
    const network = Network.from(chainId);
    // No cache: ethers would answer "latest" from a quarter of a second ago. No batches: each call finds its own node.
    super(network, {
      staticNetwork: network,
      cacheTimeout: -1,
      batchMaxCount: 1,
      polling: true,
      pollingInterval: pollMs,
    });
    this.#pool = pool;
    this._start();
  }

  /** Every node and how it is doing, in the order of `urls`. */
  get nodes(): NodeStatus[] {
    return this.#pool.status;
  }

  /** Address of the node in use, without login, path and query. */
  get current(): string | undefined {
    return this.#pool.current;
  }

  /** Hash of block 0 of the chain, lower-case hex. */
  get genesisHash(): string {
    return this.#pool.chain.genesisHash as string;
  }

  /** Number of the newest block that any node has told of. */
  get seenBlock(): number {
    return this.#pool.seen;
  }

  /** `listener` runs when a node announces a new head by itself (over WebSocket). Gives the way to stop it. */
  onAnnounced(listener: () => void): () => void {
    return this.#pool.onAnnounced(listener);
  }

  /**
   * One call, without ethers between: the node's own answer.
   * @throws RpcRefusal with the node's own JSON-RPC error; NodeError.
   */
  ask(method: string, params: unknown): Promise<unknown> {
    return this.#pool.request(method, params);
  }

  override async _send(
    payload: JsonRpcPayload | JsonRpcPayload[],
  ): Promise<(JsonRpcResult | JsonRpcError)[]> {
    const payloads = Array.isArray(payload) ? payload : [payload];
    return Promise.all(payloads.map((one) => this.#sendOne(one)));
  }

  /** Blocks and events without gaps, whatever becomes of single connections; no filters are kept on a node. */
  override _getSubscriber(subscription: Subscription): Subscriber {
    if (subscription.type === "block") return FollowingSubscriber.ofBlocks(this);
    if (subscription.type === "event") return FollowingSubscriber.ofLogs(this, subscription.filter);
    return super._getSubscriber(subscription);
  }

  override destroy(): void {
    this.#pool.close();
    super.destroy();
  }

  async #sendOne({ id, method, params }: JsonRpcPayload): Promise<JsonRpcResult | JsonRpcError> {
    try {
      return { id, result: await this.ask(method, params) };
    } catch (error) {
      if (!(error instanceof RpcRefusal)) throw error;
      const { code, message, data } = error;
      return { id, error: { code, message, data } };
    }
  }
}

/**
 * Connects to a chain by one or several nodes.
 *
 * @example
 * const provider = await connectRpc({ urls: ["https://a:8545", "wss://b:8546"], jwtKey: "jwt.pem", chainId, genesisHash });
 * const tenon = await createTenon({ signer: new Wallet(key, provider), deployment });
 *
 * @throws TenonError `ConnectionInvalid`, `JwtKeyUnreadable`, `JwtKeyOpen`, `JwtKeyInvalid`; `ChainIdMismatch`,
 * `GenesisMismatch` when all nodes are on another chain; NodeError when none can be used.
 */
export async function connectRpc(options: ConnectOptions): Promise<RpcConnection> {
  const urls = options.urls.map(checkedUrl);
  if (urls.length === 0) throw invalid("urls", "none", "Give the address of at least one node.");
  const pool = new NodePool({
    urls,
    tokens: tokensOf(options, urls),
    chain: {
      ...(options.chainId !== undefined && { chainId: BigInt(options.chainId) }),
      ...(options.genesisHash !== undefined && { genesisHash: options.genesisHash.toLowerCase() }),
    },
    timeoutMs: options.timeoutMs ?? 10_000,
    patienceMs: options.patienceMs ?? 5_000,
    report: options.report ?? (() => {}),
  });
  if (options.seenBlock !== undefined) pool.remember(options.seenBlock);
  try {
    await pool.request("eth_blockNumber", []);
  } catch (error) {
    pool.close();
    throw error;
  }
  void pool.check(); // names a wrong address before it is needed
  return new RpcConnection(pool, pool.chain.chainId as bigint, options.pollMs ?? 1_000);
}

/** The addresses in a text with commas between them, as environment variables hold them. */
export function urlsIn(text: string): string[] {
  return text
    .split(",")
    .map((url) => url.trim())
    .filter((url) => url !== "");
}

function checkedUrl(url: string): string {
  if (URL.canParse(url) && /^(https?|wss?):$/.test(new URL(url).protocol)) return url;
  throw invalid("urls", publicUrl(url), "Give addresses that begin with http://, https://, ws:// or wss://.");
}

function tokensOf({ jwtKey, token }: ConnectOptions, urls: string[]): TokenSource | undefined {
  if (jwtKey === undefined && token === undefined) return undefined;
  if (jwtKey !== undefined && token !== undefined) {
    throw invalid("token", "both jwtKey and token", "Give one of the two.");
  }
  const withLogin = urls.find((url) => new URL(url).username !== "");
  if (withLogin !== undefined) {
    throw invalid("urls", publicUrl(withLogin), "Give a login in the address or a token, not both.");
  }
  return jwtKey === undefined ? givenTokens(token as string) : signedTokens(jwtKey);
}

function invalid(field: string, given: string, remedy: string): TenonError {
  return new TenonError("ConnectionInvalid", "The connection to the chain is not described well", {
    args: { [field]: given },
    remedy,
  });
}
