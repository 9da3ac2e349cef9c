import { createHash } from "node:crypto";
import { constants, type Dirent, existsSync, readdirSync } from "node:fs";
import { link, open, rm, stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import type { Hex } from "../../sdk/src/bytes.js";
import { TenonError } from "../../sdk/src/errors.js";
import { type Bundle, layout, type NodeEntry, type NodeRole, type RunMode } from "../bundle/manifest.js";
import { seal, unseal } from "./seal.js";
import { readTar, TAR_END, type TarFile, tarHeader, tarPadding } from "./tar.js";

/** First in the archive: whose copy this is and of which network. */
export interface BackupHead {
  version: 1;
  chainId: number;
  genesisHash: Hex;
  organisation: string;
  mode: RunMode;
  node: string;
  role: NodeRole;
  address: Hex;
  /** ISO 8601. */
  createdAt: string;
  /** The node's newest block just before it was stopped; `null` when it did not run. */
  head: { number: number; hash: Hex } | null;
}

/** Last in the archive: what every file must be. */
export interface BackupFile extends TarFile {
  sha256: Hex;
}

/** What is in a backup, every byte of it checked. */
export interface BackupContents extends BackupHead {
  files: BackupFile[];
}

/** Where a restore's files wait until all of them are written; left behind only by a crash. */
export const STAGE = ".restoring-";

const HEAD = "backup.json";
const HASHES = "backup-hashes.json";
/** The longest either of the two may be; a database of ten thousand files has a megabyte of hashes. */
const LARGEST_LIST = 64 << 20;

export interface BackupOptions {
  /** The file to write; must not exist and must not be in the bundle. */
  out: string;
  passphrase: string;
  head: BackupHead["head"];
  progress?: (bytes: number, total: number) => void;
  /** Ends the copying early. */
  signal?: AbortSignal;
}

/**
 * Writes a node's key and data and the bundle around it, without the other nodes, into one encrypted file. The node must
 * not run: its database cannot be copied while it is written. Every file is read once; a crash leaves no file under the
 * name that was asked for.
 */
export async function writeBackup(
  { dir, manifest }: Bundle,
  node: NodeEntry,
  { out, passphrase, head, progress, signal }: BackupOptions,
): Promise<BackupContents> {
  checkTarget(dir, out);
  const paths = filesOf(dir, node.name);
  const backup: BackupHead = {
    version: 1,
    chainId: manifest.chainId,
    genesisHash: manifest.genesisHash,
    organisation: manifest.organisation,
    mode: manifest.mode,
    node: node.name,
    role: node.role,
    address: node.address,
    createdAt: new Date().toISOString(),
    head,
  };
  const files: BackupFile[] = [];
  const part = `${out}.part`;
  try {
    await store(part, seal(pack(dir, paths, backup, files, progress, signal), passphrase));
    // Unlike a rename this never replaces a file that came meanwhile.
    await link(part, out);
  } finally {
    await rm(part, { force: true });
  }
  return { ...backup, files };
}

function checkTarget(dir: string, out: string): void {
  if (existsSync(out)) {
    throw new TenonError("BackupExists", "There is a file of this name already", {
      args: { file: out },
      remedy: "Give another name with --out.",
    });
  }
  if (!existsSync(dirname(resolve(out)))) {
    throw new TenonError("BackupFolderMissing", "The folder for the backup does not exist", {
      args: { folder: dirname(resolve(out)) },
      remedy: "Make it, or give another --out.",
    });
  }
  if (!relative(dir, resolve(out)).startsWith("..")) {
    throw new TenonError("BackupInBundle", "A backup inside the network's own folder would be lost with it", {
      args: { file: out, folder: dir },
      remedy: "Write it to another disk or machine.",
    });
  }
}

/** Every file of the bundle but other nodes' folders, logs, and what only a running node has. */
function filesOf(dir: string, name: string): string[] {
  const own = layout.node(name);
  const gone = new Set([layout.log(name), layout.pid(name), layout.ipc(name)]);
  const wanted = (path: string) =>
    !gone.has(path) &&
    !path.startsWith(STAGE) &&
    (!path.startsWith(`nodes${sep}`) || path === own || path.startsWith(own + sep));
  const walk = (folder: string): string[] =>
    readdirSync(join(dir, folder), { withFileTypes: true }).flatMap((entry: Dirent) => {
      const path = join(folder, entry.name);
      if (!wanted(path)) return [];
      return entry.isDirectory() ? walk(path) : entry.isFile() ? [path] : [];
    });
  return walk("").sort();
}

async function* pack(
  dir: string,
  paths: string[],
  head: BackupHead,
  files: BackupFile[],
  progress: BackupOptions["progress"],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const sizes = await Promise.all(paths.map(async (path) => (await stat(join(dir, path))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let done = 0;
  yield* packList(HEAD, head);
  for (const path of paths) {
    const hash = createHash("sha256");
    const file = await open(join(dir, path), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { size, mode } = await file.stat();
      const entry = { path: path.split(sep).join("/"), size, mode: mode & 0o777 };
      yield tarHeader(entry);
      let left = size;
      for await (const bytes of file.createReadStream({ autoClose: false, highWaterMark: 1 << 20 })) {
        if (signal?.aborted === true) throw interrupted();
        const part = bytes as Buffer;
        left -= part.length;
        hash.update(part);
        yield part;
        done += part.length;
        progress?.(done, total);
      }
      if (left !== 0) throw changed(path);
      yield tarPadding(size);
      files.push({ ...entry, sha256: `0x${hash.digest("hex")}` });
    } finally {
      await file.close();
    }
  }
  yield* packList(HASHES, files);
  yield TAR_END;
}

function* packList(path: string, value: unknown): Generator<Uint8Array> {
  const text = Buffer.from(JSON.stringify(value));
  yield tarHeader({ path, size: text.length, mode: 0o600 });
  yield text;
  yield tarPadding(text.length);
}

const interrupted = () =>
  new TenonError("BackupInterrupted", "The backup was interrupted: nothing of it is left", {
    remedy: "Run the command again.",
  });

function changed(file: string): TenonError {
  return new TenonError("NodeRuns", "A file changed while it was copied", {
    args: { file },
    remedy: "Something still writes to the node's folder: stop it, then back up again.",
  });
}

async function store(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    for await (const part of bytes) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Reads a backup to its end and checks every byte: the seal, the archive's form, every file's hash, and that nothing is
 * missing or too much. `take` gets the files in order, before the end is known to be good.
 */
export async function readBackup(
  path: string,
  passphrase: string,
  take: (file: TarFile, body: AsyncIterable<Uint8Array>, head: BackupHead) => Promise<void> = drain,
): Promise<BackupContents> {
  let head: BackupHead | undefined;
  let listed: BackupFile[] | undefined;
  const seen: BackupFile[] = [];
  await readTar(unseal(path, passphrase), async (file, body) => {
    if (head === undefined) {
      head = (await readList(file, body, HEAD)) as BackupHead;
      if (head.version !== 1) throw contradicts(HEAD, "is of a later version");
    } else if (file.path === HASHES) {
      listed = (await readList(file, body, HASHES)) as BackupFile[];
    } else {
      const hash = createHash("sha256");
      await take(file, hashing(body, hash), head);
      seen.push({ ...file, sha256: `0x${hash.digest("hex")}` });
    }
  });
  if (head === undefined || listed === undefined) throw contradicts(HASHES, "is missing");
  for (const [at, file] of seen.entries()) {
    if (JSON.stringify(file) !== JSON.stringify(listed[at])) throw contradicts(file.path, "is not as listed");
  }
  if (listed.length !== seen.length) throw contradicts(listed[seen.length]!.path, "is missing");
  return { ...head, files: seen };
}

async function* hashing(body: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>) {
  for await (const part of body) {
    hash.update(part);
    yield part;
  }
}

async function drain(_file: TarFile, body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of body);
}

async function readList({ path, size }: TarFile, body: AsyncIterable<Uint8Array>, expected: string) {
  if (path !== expected || size > LARGEST_LIST) throw contradicts(path, `is where ${expected} should be`);
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString("utf8")) as unknown;
}

function contradicts(file: string, reason: string): TenonError {
  return new TenonError("BackupContradicts", "The backup is not what its own list says", {
    args: { file, reason },
    remedy: "Take another backup; this one was not written by a sound program.",
  });
}
