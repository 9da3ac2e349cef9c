import { generateKeyPairSync } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { TenonError } from "../../sdk/src/errors.js";
import { type Genesis, genesisHash, genesisOf } from "../genesis/genesis.js";
import { monitoringFiles } from "../monitor/files.js";
import { nodeConfig } from "./config.js";
import { containerFiles } from "./container.js";
import { renderLists } from "./lists.js";
import { type Bundle, layout, type Manifest, replaceFile, writeManifest } from "./manifest.js";
import {
  type CreateOptions,
  checkOptions,
  membersOf,
  type PlannedNode,
  planNodes,
  randomChainId,
} from "./plan.js";
import { bundleReadme } from "./readme.js";

/** The release that bundles are made for and containers run; `LEAST_BESU` is the oldest that may run them. */
export const BESU_VERSION = "26.9.0";

/**
 * Makes a network: fresh keys, genesis, lists and a configuration for each node. Without `members` it is one bundle in
 * `out`; with it one for each organisation in `out/<name>`, which holds the secrets of that organisation alone. Either
 * the whole of it is written or nothing. Throws `BundleFolderTaken`, `BundleUnwritable` or `NetworkOptionInvalid`.
 */
export async function createBundle(options: CreateOptions): Promise<Bundle[]> {
  checkOptions(options);
  const out = resolve(options.out);
  requireEmpty(out);
  const mode = options.mode ?? "local";
  const chainId = options.chainId ?? randomChainId();
  const subnet = options.subnet ?? `172.16.${chainId % 256}.0/24`;
  const planned = planNodes(options, mode, subnet);
  const { blockPeriod = 1 } = options;
  const genesis = genesisOf({
    chainId,
    validators: planned.filter(({ entry }) => entry.role === "validator").map(({ entry }) => entry.address),
    blockPeriod,
    emptyBlockPeriod: options.emptyBlockPeriod,
    gasLimit: options.gasLimit,
    timestamp: options.timestamp ?? Math.floor(Date.now() / 1000),
  });
  const common: Omit<Manifest, "organisation"> = {
    version: 1,
    chainId,
    genesisHash: genesisHash(genesis),
    blockPeriodSeconds: blockPeriod,
    requestTimeoutSeconds: genesis.config.qbft.requesttimeoutseconds,
    ...(options.emptyBlockPeriod === undefined ? {} : { emptyBlockPeriodSeconds: options.emptyBlockPeriod }),
    storage: options.storage ?? "FOREST",
    besu: BESU_VERSION,
    mode,
    subnet: mode === "docker" ? subnet : null,
    nodes: planned.map(({ entry }) => entry),
    accounts: options.accounts ?? null,
  };
  return writeWhole(out, (draft) =>
    membersOf(options).map(({ name }): Bundle => {
      const part = options.members === undefined ? "." : name;
      const manifest = { ...common, organisation: name };
      const own = planned.filter(({ entry }) => entry.organisation === name);
      writeBundle({ dir: join(draft, part), manifest }, genesis, own);
      return { dir: join(out, part), manifest };
    }),
  );
}

/** Writes beside `out` and renames, so that half a network is never there. */
function writeWhole(out: string, write: (draft: string) => Bundle[]): Bundle[] {
  let draft: string | undefined;
  try {
    mkdirSync(dirname(out), { recursive: true });
    draft = mkdtempSync(`${out}.new-`);
    const bundles = write(draft);
    chmodSync(draft, 0o755);
    renameSync(draft, out);
    return bundles;
  } catch (cause) {
    if (draft !== undefined) rmSync(draft, { recursive: true, force: true });
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
    throw new TenonError("BundleUnwritable", "The network cannot be written there", {
      args: { folder: out, reason: (cause as Error).message },
      remedy: "Name another folder with --out; nothing was left behind.",
      cause,
    });
  }
}

function requireEmpty(out: string): void {
  if (!existsSync(out) || (statSync(out).isDirectory() && readdirSync(out).length === 0)) return;
  throw new TenonError("BundleFolderTaken", "The folder for the network is not empty", {
    args: { folder: out },
    remedy: "Name a new one with --out, or move the old network away: its keys exist nowhere else.",
  });
}

function writeBundle(bundle: Bundle, genesis: Genesis, own: PlannedNode[]): void {
  const { dir, manifest } = bundle;
  const token = tokenKeys();
  const files: Record<string, string> = {
    [layout.genesis]: `${JSON.stringify(genesis, null, 2)}\n`,
    [layout.jwtPublicKey]: token.publicKey,
    "README.md": bundleReadme(manifest),
    ".gitignore": "*\n",
    ...monitoringFiles(manifest),
    ...(manifest.mode === "docker" ? containerFiles(manifest) : {}),
  };
  const secrets: Record<string, string> = { [layout.jwtKey]: token.privateKey };
  for (const { entry, privateKey } of own) {
    secrets[layout.nodeKey(entry.name)] = `${privateKey}\n`;
    files[layout.config(entry.name)] = nodeConfig(manifest, entry);
  }
  for (const [path, text] of Object.entries(files)) write(dir, path, text, 0o644);
  for (const [path, text] of Object.entries(secrets)) write(dir, path, text, 0o600);
  chmodSync(join(dir, dirname(layout.jwtKey)), 0o700);
  renderLists(bundle);
  writeManifest(bundle);
}

/** Folders are readable whatever the umask, because users of containers must get to the files; secrets are 0600. */
function write(dir: string, path: string, text: string, mode: number): void {
  const folders = dirname(path).split(sep);
  folders.forEach((_, depth) => {
    const folder = join(dir, ...folders.slice(0, depth + 1));
    if (existsSync(folder)) return;
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o755);
  });
  replaceFile(join(dir, path), text, mode);
}

function tokenKeys(): { privateKey: string; publicKey: string } {
  return generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
}
