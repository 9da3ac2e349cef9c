import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { hexlify, type JsonRpcApiProvider, JsonRpcProvider, Wallet } from "ethers";
import { network } from "hardhat";
import type { EthereumProvider } from "hardhat/types/providers";
import { layout, openBundle } from "../../../besu-network/bundle/manifest.js";
import { connectRpc } from "../../../sdk/src/connection.js";
import { EmbeddedChain } from "../../../tasks/chain/node.js";
import { serve } from "../../../tasks/chain/rpc.js";
import type { Connection } from "../../../tasks/deploy/deploy.js";

/** Not the id of the in-process test chains: the tasks refuse that one on a network that is reached over HTTP. */
const CHAIN_ID = 20_260;

/** A chain as clients reach it. */
export interface ChainAccess {
  provider: JsonRpcApiProvider;
  /** How an oracle reaches it: `chain` of its configuration. */
  settings: { rpc: string; jwtKey?: string };
  /** What tasks and scripts are told of it in their environment, for network `besu`. */
  env: Record<string, string>;
  close(): Promise<void>;
}

/** A chain on which nothing of this scenario is yet. */
export interface NewChain {
  /** For the deploy task's own function. */
  connection: Connection;
  /** The same chain over HTTP, from now on the only way to it. */
  access(): Promise<ChainAccess>;
}

export interface ChainKind {
  name: string;
  /** How long something may take that happens within a few blocks, in milliseconds. */
  patienceMs: number;
  open(): Promise<NewChain>;
}

/** The embedded chain, as `npx hardhat chain` runs it. */
export const embedded: ChainKind = {
  name: "the embedded chain",
  patienceMs: 15_000,
  open: async () => {
    const connection = await newNode(CHAIN_ID);
    return { connection, access: () => startEmbedded(connection.provider) };
  },
};

/** The network of a bundle, which runs. */
export function besuOf(dir: string): ChainKind {
  return {
    name: "a Besu network",
    patienceMs: 90_000,
    open: async () => {
      const { manifest } = openBundle(dir);
      const ports = manifest.nodes.map(({ ports }) => ports.http).filter((port) => port !== null);
      const urls = ports.map((port) => `http://127.0.0.1:${port}`);
      const jwtKey = join(dir, layout.jwtKey);
      const rpc = urls.join(",");
      const env = { TENON_BESU_RPC: rpc, TENON_BESU_JWT_KEY: jwtKey };
      Object.assign(process.env, env, { TENON_BESU_KEY: newKey().privateKey });
      const connection = await network.create("besu");
      const access = async (): Promise<ChainAccess> => {
        const { chainId, genesisHash } = manifest;
        const provider = await connectRpc({ urls, jwtKey, chainId, genesisHash, pollMs: 250 });
        const close = async () => {
          provider.destroy();
          await connection.close();
        };
        return { provider, settings: { rpc, jwtKey }, env, close };
      };
      return { connection, access };
    },
  };
}

/** The chain that the scenarios are told on: TENON_NETWORK names the bundle of one that runs. */
export const chain: ChainKind = process.env.TENON_NETWORK ? besuOf(process.env.TENON_NETWORK) : embedded;

/** A fresh embedded chain behind an HTTP server, with the id of another chain. */
export async function startOtherChain(chainId: number): Promise<ChainAccess> {
  return startEmbedded((await newNode(chainId)).provider);
}

/** A key that nothing was ever sent with; it has no coins. */
export function newKey(): Wallet {
  return new Wallet(hexlify(randomBytes(32)));
}

/** From here on the embedded chain's clock mines: a block when there is something to put in it. */
async function startEmbedded(node: EthereumProvider): Promise<ChainAccess> {
  await node.request({ method: "evm_setAutomine", params: [false] });
  const chain = await EmbeddedChain.open(node, undefined, "test");
  const { server, url } = await serve(chain, 0);
  // Ten blocks a second where its clock has whole seconds: the chain's time runs ahead, which nothing here minds.
  chain.start(100, (error) => {
    throw error;
  });
  const provider = new JsonRpcProvider(url, undefined, { cacheTimeout: -1, pollingInterval: 50 });
  const close = async () => {
    provider.destroy();
    server.close();
    server.closeAllConnections();
    await chain.stop();
  };
  return { provider, settings: { rpc: url }, env: { TENON_BESU_RPC: url }, close };
}

/**
 * A node that mines each transaction at once, until the embedded chain's clock takes over. It begins a minute ago: a
 * block takes a second of its time, and the clock that takes over is the computer's.
 */
function newNode(chainId: number) {
  return network.create({
    network: "default",
    override: {
      chainId,
      initialDate: new Date(Date.now() - 60_000),
      mining: { mempool: { order: "fifo" } },
    },
  });
}
