import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Hex } from "../../sdk/src/bytes.js";
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

/** What the bundle says of its network. */
export function settingsOf({ dir, manifest }: Bundle): HealthSettings {
  const genesis = JSON.parse(readFileSync(join(dir, layout.genesis), "utf8")) as {
    config: { qbft: { emptyblockperiodseconds?: number } };
  };
  return {
    chainId: manifest.chainId,
    genesisHash: manifest.genesisHash,
    blockPeriodSeconds: manifest.blockPeriodSeconds,
    requestTimeoutSeconds: manifest.requestTimeoutSeconds,
    emptyBlockPeriodSeconds: genesis.config.qbft.emptyblockperiodseconds ?? 0,
    diskFloorBytes: DISK_FLOOR_BYTES,
    names: Object.fromEntries(manifest.nodes.map(({ address, name }) => [address.toLowerCase(), name])),
  };
}
