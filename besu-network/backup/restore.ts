import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { computeAddress, hexlify } from "ethers";
import { fromHex } from "../../sdk/src/bytes.js";
import { TenonError } from "../../sdk/src/errors.js";
import { type Bundle, layout, openBundle } from "../bundle/manifest.js";
import { type BackupContents, readBackup, STAGE } from "./archive.js";
import type { TarFile } from "./tar.js";

export interface RestoreOptions {
  file: string;
  passphrase: string;
  /** The bundle the node goes back into, or an empty folder for the whole bundle. */
  dir: string;
  /** The holder says that the node this copy was made of will never run again. */
  oldNodeIsGone: boolean;
  /** Called with what is restored and the bundle it goes into, when all is checked and before anything is written. */
  verified?: (contents: BackupContents, into: Bundle | undefined) => Promise<void>;
}

/**
 * Puts a node back. Reads the backup to its end before it writes anything, refuses another network's folder, never
 * overwrites, and refuses a validator's key until its holder says that no other copy of it will run: two validators with one
 * key sign contradicting blocks.
 */
export async function restoreNode(options: RestoreOptions): Promise<BackupContents> {
  const { file, passphrase, dir, oldNodeIsGone } = options;
  const contents = await readBackup(file, passphrase);
  const into = targetOf(dir, contents);
  if (contents.role === "validator" && !oldNodeIsGone) throw keyMayLive(contents);
  await options.verified?.(contents, into);
  mkdirSync(dir, { recursive: true });
  const stage = mkdtempSync(join(dir, STAGE));
  try {
    await unpack(file, passphrase, stage);
    checkNode(stage, contents);
    if (into === undefined) moveAll(stage, dir);
    else moveNode(stage, dir, contents.node);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
  return contents;
}

/** Proves a backup by restoring it into a folder of its own, which is gone afterwards; `look` may open it meanwhile. */
export async function proveBackup(
  file: string,
  passphrase: string,
  look: (bundle: Bundle, contents: BackupContents) => Promise<void> = async () => {},
): Promise<BackupContents> {
  const stage = mkdtempSync(join(tmpdir(), "tenon-restore-"));
  try {
    const contents = await unpack(file, passphrase, stage);
    checkNode(stage, contents);
    await look(openBundle(stage), contents);
    return contents;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** The bundle that is there, or `undefined` where the whole bundle goes; throws where neither fits. */
function targetOf(dir: string, { genesisHash, node, chainId }: BackupContents): Bundle | undefined {
  if (!existsSync(dir) || readdirSync(dir).length === 0) return undefined;
  const { manifest } = openBundle(dir);
  if (manifest.genesisHash !== genesisHash) {
    throw new TenonError("BackupOfAnotherNetwork", "The backup is of a node of another network", {
      args: { backup: `${chainId} ${genesisHash}`, folder: `${manifest.chainId} ${manifest.genesisHash}` },
      remedy: "Name the folder of the node's own network, or an empty folder.",
    });
  }
  for (const path of [layout.nodeKey(node), layout.data(node)]) {
    if (existsSync(join(dir, path))) {
      throw new TenonError("RestoreOverwrites", "The node is there already: a restore overwrites nothing", {
        args: { node, path: join(dir, path) },
        remedy: "Stop the node and move its key and data out of the bundle, then restore.",
      });
    }
  }
  return { dir: resolve(dir), manifest };
}

function keyMayLive({ node, organisation, createdAt }: BackupContents): TenonError {
  return new TenonError(
    "ValidatorMayLive",
    "This key makes blocks: two nodes that have it break the chain's rules",
    {
      args: { node, organisation, backupOf: createdAt },
      remedy:
        "See that the old node never starts again (key moved away, disk wiped), then add --old-node-is-gone.",
    },
  );
}

async function unpack(file: string, passphrase: string, stage: string): Promise<BackupContents> {
  return readBackup(file, passphrase, async ({ path, mode }: TarFile, body) => {
    const target = join(stage, path);
    // Containers' users must get into folders, as when the bundle was made; what is secret is so by the files' modes.
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
    const handle = await open(target, "wx", mode);
    try {
      for await (const part of body) await handle.writeFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

/** What was written is a node of that network with that key. */
function checkNode(stage: string, { node, address, genesisHash }: BackupContents): void {
  const { manifest } = openBundle(stage);
  const key = readFileSync(join(stage, layout.nodeKey(node)), "utf8").trim();
  const found = computeAddress(hexlify(fromHex(key.startsWith("0x") ? key : `0x${key}`, 32))).toLowerCase();
  if (found !== address || manifest.genesisHash !== genesisHash) {
    throw new TenonError("BackupContradicts", "The backup is not of the node it names", {
      args: { node, address, keyIsOf: found },
    });
  }
}

function moveAll(stage: string, dir: string): void {
  for (const name of readdirSync(stage)) renameSync(join(stage, name), join(dir, name));
}

/** Fills up the node's folder; the key comes last, because with it the node is the holder's again. */
function moveNode(stage: string, dir: string, node: string): void {
  mkdirSync(join(dir, layout.node(node)), { recursive: true });
  const names = readdirSync(join(stage, layout.node(node)));
  const last = (name: string) => (join(layout.node(node), name) === layout.nodeKey(node) ? 1 : 0);
  for (const name of names.sort((a, b) => last(a) - last(b))) {
    const path = join(layout.node(node), name);
    if (!existsSync(join(dir, path))) renameSync(join(stage, path), join(dir, path));
  }
}
