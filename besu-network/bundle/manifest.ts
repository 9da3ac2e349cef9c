import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Hex } from "../../sdk/src/bytes.js";
import { TenonError } from "../../sdk/src/errors.js";

/** Validators make blocks; RPC nodes answer clients; observers follow and answer, a regulator's for example. */
export type NodeRole = "validator" | "rpc" | "observer";

/** How the nodes of a bundle are run: as containers, or as processes of the `besu` on this machine. */
export type RunMode = "docker" | "local";

export interface NodeEntry {
  /** Unique in the network; also the name of its folder, container and volume: `validator1`, `rpc1`, `observer1`. */
  name: string;
  role: NodeRole;
  /** The organisation whose bundle holds the node's key. */
  organisation: string;
  /** Uncompressed secp256k1 public key without its leading 04, 64 bytes: the id in the enode. */
  publicKey: Hex;
  /** Last 20 bytes of the key's keccak256: a validator's address in the headers. */
  address: Hex;
  /** IP address under which the nodes of other bundles reach it. */
  host: string;
  /**
   * IP address of its container in the bundle's own subnet, under which the nodes of the same bundle reach it; left out
   * where it is `host` (processes, and containers of a network that is on one machine whole).
   */
  inside?: string;
  /** The same numbers inside a container and on its machine. */
  ports: {
    p2p: number;
    metrics: number;
    /** Client JSON-RPC over HTTP and WebSocket, on 127.0.0.1 of its machine; `null` for validators, which answer no client. */
    http: number | null;
    ws: number | null;
    /** Both behind TLS, for clients on other machines (docker only). */
    https: number | null;
  };
}

/**
 * `network.json`: what every organisation knows of the network and how this bundle runs it. No secrets. Genesis and the
 * lists of peers and allowed accounts are written from it, so that there is one source of each.
 */
export interface Manifest {
  version: 1;
  chainId: number;
  genesisHash: Hex;
  blockPeriodSeconds: number;
  requestTimeoutSeconds: number;
  /** Seconds between blocks while nothing happens; left out when empty blocks come as often as others. */
  emptyBlockPeriodSeconds?: number;
  storage: "FOREST" | "BONSAI";
  /** The Besu version the bundle was made for, which `docker` runs; `local` takes any from `LEAST_BESU` on. */
  besu: string;
  mode: RunMode;
  /** Containers of this bundle get their addresses here (docker only). */
  subnet: string | null;
  /** The organisation whose secrets this bundle holds. */
  organisation: string;
  nodes: NodeEntry[];
  /** Accounts whose transactions the nodes take; `null` takes everybody's. */
  accounts: Hex[] | null;
}

/**
 * Where things are in a bundle. `shared/` holds what every node reads and nobody needs to hide: containers mount it as a
 * folder, so that a file replaced there is seen by the nodes that run.
 */
export const layout = {
  manifest: "network.json",
  shared: "shared",
  genesis: join("shared", "genesis.json"),
  staticNodes: join("shared", "static-nodes.json"),
  /** Signs the tokens that clients show to RPC nodes (ES256); nodes have the public half. */
  jwtKey: join("secrets", "jwt.pem"),
  jwtPublicKey: join("shared", "jwt.pub.pem"),
  node: (name: string) => join("nodes", name),
  nodeKey: (name: string) => join("nodes", name, "key"),
  config: (name: string) => join("nodes", name, "config.toml"),
  /** One a node, in a folder Besu may write to: it rewrites the file at every start and at every change over its socket. */
  permissions: (name: string) => join("nodes", name, "permissions.toml"),
  data: (name: string) => join("nodes", name, "data"),
  /** Administration, on a socket of the file system: ADMIN, PERM, QBFT and TXPOOL are on no network port at all. */
  ipc: (name: string) => join("nodes", name, "besu.ipc"),
  log: (name: string) => join("nodes", name, "besu.log"),
  pid: (name: string) => join("nodes", name, "pid"),
} as const;

/** A bundle on disk. */
export interface Bundle {
  /** Absolute. */
  dir: string;
  manifest: Manifest;
}

/** Opens the bundle in `dir`; throws `BundleMissing` or `BundleUnreadable`. */
export function openBundle(dir: string): Bundle {
  const path = join(dir, layout.manifest);
  if (!existsSync(path)) {
    throw new TenonError("BundleMissing", "There is no network in this folder", {
      args: { folder: dir },
      remedy: "Create one with npx hardhat network create --out DIR, or name its folder with --dir.",
    });
  }
  try {
    const manifest = JSON.parse(readFileSync(path, "utf8")) as Manifest;
    if (manifest.version === 1) return { dir, manifest };
  } catch (cause) {
    throw unreadable(path, cause);
  }
  throw unreadable(path, "its version is not 1");
}

function unreadable(path: string, cause: unknown): TenonError {
  return new TenonError("BundleUnreadable", "The network's manifest cannot be read", {
    args: { file: path, reason: cause instanceof Error ? cause.message : cause },
    remedy: "Restore it from another organisation's bundle: it holds no secrets.",
  });
}

/** Replaces the manifest: a crash leaves the old one or the new one. */
export function writeManifest({ dir, manifest }: Bundle): void {
  replaceFile(join(dir, layout.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Replaces a file: a crash leaves the old one or the new one, never half of one. */
export function replaceFile(path: string, text: string, mode = 0o644): void {
  const file = openSync(`${path}.tmp`, "w", mode);
  fchmodSync(file, mode); // whatever the umask: a container's user must be able to read it
  writeSync(file, text);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.tmp`, path);
}

/** The nodes whose keys are in this bundle: the ones its holder can start, stop and vote with. */
export function ownNodes({ dir, manifest }: Bundle): NodeEntry[] {
  return manifest.nodes.filter(({ name }) => existsSync(join(dir, layout.nodeKey(name))));
}

/**
 * The address that static-nodes.json and the allowlist of a bundle have of a node; hosts are IPs, because Besu compares
 * them as text. Nodes of one bundle know each other by their containers' addresses: that is what a connection shows.
 */
export function enode({ publicKey, host, inside, ports, organisation }: NodeEntry, bundleOf: string): string {
  const address = organisation === bundleOf ? (inside ?? host) : host;
  return `enode://${publicKey.slice(2)}@${address}:${ports.p2p}`;
}
