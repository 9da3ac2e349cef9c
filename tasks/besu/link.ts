import { type TransactionRequest, Wallet } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";
import type { JsonRpcRequest, JsonRpcResponse } from "hardhat/types/providers";
import { connectRpc, type RpcConnection, urlsIn } from "../../sdk/src/connection.js";
import { TenonError } from "../../sdk/src/errors.js";
import { type LaneTransaction, NonceLane } from "../../sdk/src/lane.js";
import { RpcRefusal } from "../../sdk/src/nodes/failure.js";
import type { NodeNotice } from "../../sdk/src/nodes/pool.js";

/** How long a sent transaction is looked after: sent again when the nodes lost it. */
const LOOK_AFTER_MS = 120_000;

/** One Hardhat connection to network `besu`. The nodes are asked who they are at the first request. */
export class BesuLink {
  readonly #connection: NetworkConnection<string>;
  #rpc: Promise<RpcConnection> | undefined;
  #wallet: Promise<Wallet> | undefined;

  constructor(connection: NetworkConnection<string>) {
    this.#connection = connection;
  }

  /** The answer to one request. Throws when no node can answer: NodeError, or another chain. */
  async answer({ id, method, params }: JsonRpcRequest): Promise<JsonRpcResponse> {
    this.#rpc ??= connect();
    const rpc = await this.#rpc;
    try {
      const list = (params ?? []) as unknown[];
      const result =
        method === "eth_sendTransaction"
          ? await this.#send(rpc, list[0] as Fields)
          : await rpc.ask(method, list);
      return { jsonrpc: "2.0", id, result };
    } catch (error) {
      if (!(error instanceof RpcRefusal)) throw error;
      const { code, message, data } = error;
      return { jsonrpc: "2.0", id, error: { code, message, data } };
    }
  }

  async close(): Promise<void> {
    (await this.#rpc?.catch(() => undefined))?.destroy();
  }

  /** Signs with the network's own key, numbered by its lane, and looks after the transaction until it is in a block. */
  async #send(rpc: RpcConnection, fields: Fields): Promise<string> {
    this.#wallet ??= this.#loadWallet();
    const wallet = await this.#wallet;
    if (fields.from.toLowerCase() !== wallet.address.toLowerCase()) {
      throw new TenonError("AccountUnknown", "The network besu signs with one key only", {
        args: { from: fields.from, ours: wallet.address },
        remedy: "Give this account's key in TENON_BESU_KEY.",
      });
    }
    const { chainId } = await rpc.getNetwork();
    const gasLimit = fields.gas ?? ((await rpc.ask("eth_estimateGas", [fields])) as string);
    const transaction: TransactionRequest = {
      ...{ type: 0, chainId, gasLimit, gasPrice: 0n, value: fields.value ?? 0n },
      ...{ to: fields.to ?? null, data: fields.data ?? fields.input ?? "0x" },
    };
    const lane = NonceLane.of(rpc, wallet.address);
    const nonce = fields.nonce === undefined ? undefined : Number(fields.nonce);
    const sent = await lane.send(
      (number) => wallet.signTransaction({ ...transaction, nonce: number }),
      nonce,
    );
    lookAfter(sent);
    return sent.hash;
  }

  async #loadWallet(): Promise<Wallet> {
    const { networkConfig } = this.#connection;
    const accounts = networkConfig.type === "http" ? networkConfig.accounts : undefined;
    if (!Array.isArray(accounts) || accounts[0] === undefined) {
      throw new TenonError("KeyMissing", "The network besu has no key to sign with", {
        remedy: "Set TENON_BESU_KEY to the private key of the account that is to send.",
      });
    }
    return new Wallet(await accounts[0].getHexString());
  }
}

/** A transaction as `eth_sendTransaction` takes it. */
interface Fields {
  from: string;
  to?: string | null;
  data?: string;
  input?: string;
  value?: string;
  gas?: string;
  nonce?: string;
}

async function connect(): Promise<RpcConnection> {
  const urls = urlsIn(process.env.TENON_BESU_RPC ?? "");
  if (urls.length === 0) {
    throw new TenonError("NetworkMissing", "The addresses of the Besu network are not known", {
      args: { TENON_BESU_RPC: process.env.TENON_BESU_RPC ?? "not set" },
      remedy: "Set TENON_BESU_RPC to the address of an RPC node, or to several with commas between them.",
    });
  }
  return connectRpc({ urls, jwtKey: process.env.TENON_BESU_JWT_KEY || undefined, report: warn });
}

/** To stderr: what tasks print is read by scripts. */
function warn({ url, event, reason }: NodeNotice): void {
  if (event !== "in use") console.error(`node ${url}: ${event}${reason === undefined ? "" : `: ${reason}`}`);
}

/** Who waits for the block waits by the hash; this only sends it again when it was lost. */
function lookAfter(sent: LaneTransaction): void {
  sent.mined(LOOK_AFTER_MS).catch(() => {});
}
