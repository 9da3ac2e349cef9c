import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Hex } from "../../sdk/src/bytes.js";
import { connectRpc } from "../../sdk/src/connection.js";
import { TenonError } from "../../sdk/src/errors.js";
import { type Bundle, layout, ownNodes } from "../bundle/manifest.js";
import { Ipc } from "../run/ipc.js";
import type { NodeSource } from "./collector.js";
import { DISK_FLOOR_BYTES, type HealthSettings } from "./limits.js";

/** A node that takes longer is as good as silent: the next poll is due. */
const PATIENCE_MS = 5_000;

/** The nodes whose keys are in the bundle, asked over their sockets. */
export function ownSources(bundle: Bundle): NodeSource[] {
  return ownNodes(bundle).map(({ name, role, address }) => ({
    name,
    role,
    address: address.toLowerCase() as Hex,
    // Containers keep their data in volumes, whose disk is the host's to watch.
    dataPath: bundle.manifest.mode === "local" ? join(bundle.dir, layout.node(name)) : null,
    open: () => Ipc.connect(bundle, name, { timeout: PATIENCE_MS }),
  }));
}

/**
 * Nodes asked over their client RPC, for who runs none: they do not tell whom they are connected to, nor their pool and
 * disk. Tokens are signed with the bundle's key where it has one. Throws `UrlInvalid`.
 */
export function rpcSources({ dir, manifest }: Bundle, urls: readonly string[]): NodeSource[] {
  const { chainId, genesisHash } = manifest;
  const key = join(dir, layout.jwtKey);
  const jwtKey = existsSync(key) ? key : undefined;
  return urls.map((url) => ({
    name: hostOf(url),
    role: "rpc",
    address: null,
    dataPath: null,
    async open() {
      const provider = await connectRpc({
        urls: [url],
        jwtKey,
        chainId,
        genesisHash,
        timeoutMs: PATIENCE_MS,
      });
      return {
        call: (method, params) => provider.send(method, [...params]),
        close: () => provider.destroy(),
      };
    },
  }));
}

function hostOf(url: string): string {
  if (URL.canParse(url)) return new URL(url).host;
  throw new TenonError("UrlInvalid", "This is no address of a node", {
    args: { url },
    remedy: "Give one like https://node.example:8545; several are separated by commas.",
  });
}

/** What the bundle says of its network. */
export function settingsOf({ manifest }: Bundle): HealthSettings {
  return {
    chainId: manifest.chainId,
    genesisHash: manifest.genesisHash,
    blockPeriodSeconds: manifest.blockPeriodSeconds,
    requestTimeoutSeconds: manifest.requestTimeoutSeconds,
    emptyBlockPeriodSeconds: manifest.emptyBlockPeriodSeconds ?? 0,
    diskFloorBytes: DISK_FLOOR_BYTES,
    names: Object.fromEntries(manifest.nodes.map(({ address, name }) => [address.toLowerCase(), name])),
  };
}
