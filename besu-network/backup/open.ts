import { join } from "node:path";
import { TenonError } from "../../sdk/src/errors.js";
import { nodeConfig } from "../bundle/config.js";
import { type Bundle, layout, type NodeEntry, replaceFile } from "../bundle/manifest.js";
import { newKey } from "../bundle/plan.js";
import { withIpc } from "../run/ipc.js";
import { LocalRunner } from "../run/local.js";
import { requireBesu } from "../run/version.js";
import type { BackupContents } from "./archive.js";

/** What Besu found in a restored copy, or why it was not asked. */
export type Opened = { besu: string; block: number; hash: string } | { why: string };

/**
 * Starts Besu on a restored copy, cut off from the network and with a key of no one, and checks that the chain in it reaches
 * the block that the backup names, with its state. Throws `BackupUnopened`.
 */
export async function openCopy(bundle: Bundle, { node, head }: BackupContents): Promise<Opened> {
  const besu = await requireBesu().catch((error: unknown) => {
    if (error instanceof TenonError) return error;
    throw error;
  });
  if (besu instanceof TenonError) return { why: besu.message.split("\n")[0]! };
  const copy = cutOff(bundle, node);
  const runner = new LocalRunner(copy);
  try {
    await runner.start([node]);
    const { number, hash } = await withIpc(copy, node, async (ipc) => {
      const at = head === null ? "latest" : `0x${head.number.toString(16)}`;
      const block = (await ipc.call("eth_getBlockByNumber", [at, false])) as RpcBlock | null;
      // Answered out of the state, which must be there as well.
      if (block !== null) await ipc.call("eth_getBalance", [`0x${"00".repeat(20)}`, block.number]);
      return { number: Number(block?.number ?? -1), hash: block?.hash ?? "none" };
    });
    if (head !== null && head.hash !== hash) {
      throw new TenonError("BackupUnopened", "Besu finds another chain in the copy than the backup names", {
        args: { block: head.number, expected: head.hash, found: hash },
        remedy: "Take another backup of the node.",
      });
    }
    return { besu: besu.version, block: number, hash };
  } finally {
    await runner.stop([node]);
  }
}

interface RpcBlock {
  number: string;
  hash: string;
}

/** The copy as a bundle of its own: one node without peers, clients, metrics, and without the real key. */
function cutOff({ dir, manifest }: Bundle, name: string): Bundle {
  const real = manifest.nodes.find((node) => node.name === name)!;
  const node: NodeEntry = {
    ...real,
    host: "127.0.0.1",
    ports: { p2p: 0, metrics: 0, http: null, ws: null, https: null },
  };
  const copy: Bundle = { dir, manifest: { ...manifest, mode: "local", nodes: [node] } };
  const config = nodeConfig(copy.manifest, node)
    .replace(/^metrics-enabled=.*$/m, "metrics-enabled=false")
    .replace(/^(permissions-(nodes|accounts)-config-file-enabled)=.*$/gm, "$1=false");
  replaceFile(join(dir, layout.config(name)), `p2p-enabled=false\n${config}`);
  replaceFile(join(dir, layout.nodeKey(name)), `${newKey().privateKey}\n`, 0o600);
  replaceFile(join(dir, layout.staticNodes), "[]\n");
  return copy;
}
