import { resolve } from "node:path";
import { TenonError } from "../../sdk/src/errors.js";
import { renderLists } from "../bundle/lists.js";
import { type Bundle, openBundle } from "../bundle/manifest.js";
import { OwnNodes, readChain } from "../govern/chain.js";
import { checkPause } from "../govern/rules.js";
import { withIpc } from "../run/ipc.js";
import { chosenNodes, runnerOf } from "../run/runner.js";
import { type BackupContents, type BackupHead, writeBackup } from "./archive.js";
import { type Opened, openCopy } from "./open.js";
import { proveBackup, restoreNode } from "./restore.js";
import { intoVolume, requireNoVolume, withVolumeData } from "./volume.js";

export interface NodeBackupOptions {
  out: string;
  passphrase: string;
  signal?: AbortSignal;
  told?: (line: string) => void;
}

/**
 * Backs a node of the bundle up. One that runs is stopped for it and started again whatever happens, unless the chain would
 * stop without it.
 */
export async function backupNode(
  bundle: Bundle,
  name: string,
  { told = () => {}, ...options }: NodeBackupOptions,
): Promise<BackupContents> {
  const [node] = chosenNodes(bundle, [name]);
  const runner = await runnerOf(bundle);
  const copy = (head: BackupHead["head"]) => {
    const write = () => writeBackup(bundle, node!, { ...options, head, progress: percents(told) });
    return bundle.manifest.mode === "docker" ? withVolumeData(bundle, name, write) : write();
  };
  if (!(await runner.running()).has(name)) return copy(null);
  {
    using own = await OwnNodes.open(bundle);
    checkPause(node!.address, await readChain(bundle, own));
  }
  const head = await headOf(bundle, name);
  told(`Stopping ${name} at block ${head.number}`);
  const stopped = Date.now();
  try {
    await runner.stop([name]);
    return await copy(head);
  } finally {
    await runner.start([name]);
    told(`${name} runs again after ${Math.round((Date.now() - stopped) / 1000)} s`);
  }
}

/** Puts a node back; `whole` says whether the bundle around it came from the backup too. Options as of `restoreNode`. */
export async function restoreInto(options: {
  file: string;
  passphrase: string;
  dir: string;
  oldNodeIsGone: boolean;
}): Promise<{ contents: BackupContents; whole: boolean }> {
  const dir = resolve(options.dir);
  let whole = true;
  const contents = await restoreNode({
    ...options,
    dir,
    verified: async (found, bundle) => {
      whole = bundle === undefined;
      if (bundle !== undefined) await refuseLiving(bundle, found);
      if ((bundle?.manifest.mode ?? found.mode) === "docker") await requireNoVolume(found);
    },
  });
  const bundle = openBundle(dir);
  // The restored lists are as old as the backup.
  renderLists(bundle);
  if (bundle.manifest.mode === "docker") await intoVolume(bundle, contents.node);
  return { contents, whole };
}

/** Proves a backup: restores it aside, checks files and key, and opens the database with Besu where there is one. */
export async function checkBackup(
  file: string,
  passphrase: string,
): Promise<{ contents: BackupContents; opened: Opened }> {
  let opened: Opened | undefined;
  const contents = await proveBackup(file, passphrase, async (bundle, found) => {
    opened = await openCopy(bundle, found);
  });
  return { contents, opened: opened! };
}

/** Whatever the holder says: a node that is a peer of ours right now is not gone. */
async function refuseLiving(bundle: Bundle, { node, address }: BackupContents): Promise<void> {
  const publicKey = bundle.manifest.nodes.find((entry) => entry.address === address)?.publicKey;
  using own = await OwnNodes.open(bundle);
  for (const { node: asked, ipc } of own.answering) {
    const peers = (await ipc.call("admin_peers")) as { id: string }[];
    if (!peers.some(({ id }) => id === publicKey)) continue;
    throw new TenonError("NodeLives", "A node with this key runs at this moment", {
      args: { node, seenBy: asked.name },
      remedy: "Stop it and make sure that it never starts again.",
    });
  }
}

async function headOf(bundle: Bundle, name: string): Promise<NonNullable<BackupHead["head"]>> {
  return withIpc(bundle, name, async (ipc) => {
    const block = await ipc.call("eth_getBlockByNumber", ["latest", false]);
    const { number, hash } = block as { number: string; hash: `0x${string}` };
    return { number: Number(number), hash };
  });
}

function percents(told: (line: string) => void): (bytes: number, total: number) => void {
  let next = 0;
  return (bytes, total) => {
    const percent = total === 0 ? 100 : Math.floor((100 * bytes) / total);
    if (percent < next) return;
    told(`  ${percent} % of ${(total / 1e6).toFixed(1)} MB`);
    next = percent + 25;
  };
}
