import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { connectRpc, TenonError } from "@tenon/sdk";
import { type JsonRpcApiProvider, JsonRpcProvider, type Wallet } from "ethers";
import { layout, openBundle, ownNodes } from "../../besu-network/bundle/manifest.js";
import { Service } from "./service.js";

/** The chain under the plant. */
export interface PlantChain {
  /** What there is to say of it once it answers. */
  line: string;
  /** Its name among Hardhat's networks. */
  network: "local" | "besu";
  /** Where it answers, as an oracle is told; several addresses with commas between them. */
  rpc: string;
  /** File of the key that signs the nodes' tokens, where they ask for some. */
  jwtKey?: string;
  provider: JsonRpcApiProvider;
  /** What tasks are told in their environment; they act with `key`. */
  env(key?: Wallet): Record<string, string>;
  /** Ends it, if it is the plant's own. */
  stop(): Promise<void>;
}

/** The embedded chain as a process of its own, kept in the state folder. */
export async function startEmbedded(state: string): Promise<PlantChain> {
  const port = await freePort(8545);
  const service = new Service({
    name: "chain",
    command: ["hardhat", "chain", "--port", String(port), "--state", join(state, "chain")],
    state,
    ready: /^Chain ready/,
  });
  const line = await service.start();
  const rpc = `http://127.0.0.1:${port}`;
  const provider = new JsonRpcProvider(rpc, undefined, { cacheTimeout: -1, pollingInterval: 500 });
  const stop = async () => {
    provider.destroy();
    await service.stop();
  };
  return { line, network: "local", rpc, provider, env: () => ({ TENON_LOCAL_RPC: rpc }), stop };
}

/**
 * The Besu network of a bundle, which its holder starts and stops, by the RPC nodes that run on this machine. Throws
 * `RpcNodeMissing` when the bundle has none, `NetworkDown` when none answers.
 */
export async function useNetwork(dir: string): Promise<PlantChain> {
  const bundle = openBundle(resolve(dir));
  const { chainId, genesisHash } = bundle.manifest;
  const ports = ownNodes(bundle).flatMap(({ ports }) => ports.http ?? []);
  if (ports.length === 0) {
    throw new TenonError("RpcNodeMissing", "The bundle has no node that answers clients", {
      args: { network: bundle.dir },
      remedy: "Name the bundle of an organisation with an RPC node or an observer.",
    });
  }
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const jwtKey = join(bundle.dir, layout.jwtKey);
  const provider = await connectRpc({ urls, jwtKey, chainId, genesisHash, pollMs: 500 }).catch((cause) => {
    if (cause instanceof TenonError && cause.code !== "ChainUnreachable") throw cause;
    throw new TenonError("NetworkDown", "No RPC node of the network answers", {
      args: { network: bundle.dir, urls: urls.join(", ") },
      remedy: `Start it with npx hardhat network up --dir ${dir}.`,
      cause,
    });
  });
  const rpc = urls.join(",");
  const env = (key?: Wallet) => ({
    TENON_BESU_RPC: rpc,
    TENON_BESU_JWT_KEY: jwtKey,
    ...(key === undefined ? {} : { TENON_BESU_KEY: key.privateKey }),
  });
  const line = `Besu network ${chainId} at ${rpc}, block ${await provider.getBlockNumber()}`;
  return { line, network: "besu", rpc, jwtKey, provider, env, stop: async () => provider.destroy() };
}

/** `preferred` if nobody listens there, else any free port. */
export async function freePort(preferred: number): Promise<number> {
  const tryPort = (port: number) =>
    new Promise<number | undefined>((resolve) => {
      const server = createServer();
      server.once("error", () => resolve(undefined));
      server.listen(port, "127.0.0.1", () => {
        const address = server.address();
        server.close(() => resolve(typeof address === "object" ? address?.port : undefined));
      });
    });
  return (await tryPort(preferred)) ?? (await tryPort(0)) ?? preferred;
}
