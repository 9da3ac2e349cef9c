import { posix, sep } from "node:path";
import { layout, type Manifest, type NodeEntry } from "./manifest.js";

type Value = string | number | boolean | readonly string[];

/** Where a container has its data: in a volume. All else lies in it as in the bundle. */
export const CONTAINER_DATA = "/var/lib/besu";

/**
 * The `config.toml` of a node: every setting is here, none comes from a profile, an environment or a command line.
 *
 * How a node is started: `besu --config-file=config.toml` with the node's folder (`nodes/<name>`) as working directory
 * and `BESU_OPTS=-Xmx…` in the environment as its only tuning; in a container (`compose.ts`) too. Paths are relative to
 * that folder, so a bundle can be moved, and the socket's path stays under the 107 bytes that a UNIX socket may have.
 */
export function nodeConfig(manifest: Manifest, node: NodeEntry): string {
  const sections: [string, Record<string, Value>][] = [
    ["Files", files(manifest, node)],
    ["Peers: only those of static-nodes.json and permissions.toml", peers(manifest, node)],
    ["Blocks and pool: free gas, one busy sender may fill the pool, no blobs", blocks(manifest)],
    ["Administration: on a socket of the file system, on no network port", administration()],
    ["Clients", clients(manifest, node)],
    ["Metrics", metrics(manifest, node)],
  ];
  const texts = sections.map(([title, values]) =>
    [`# ${title}`, ...Object.entries(values).map(([key, value]) => `${key}=${toml(value)}`)].join("\n"),
  );
  return `${texts.join("\n\n")}\n`;
}

function files(manifest: Manifest, { name }: NodeEntry): Record<string, Value> {
  return {
    identity: name,
    "color-enabled": false,
    "genesis-file": up(layout.genesis),
    "data-path": manifest.mode === "docker" ? CONTAINER_DATA : "data",
    "node-private-key-file": "key",
    "sync-mode": "FULL",
    // FOREST keeps every state, so proofs and reads of any block work, and it refused nothing under load.
    "data-storage-format": manifest.storage,
  };
}

function peers(manifest: Manifest, node: NodeEntry): Record<string, Value> {
  const address = node.inside ?? node.host;
  return {
    "p2p-host": address,
    "p2p-interface": address.startsWith("127.") ? "127.0.0.1" : "0.0.0.0",
    "p2p-port": node.ports.p2p,
    "nat-method": "NONE",
    "discovery-enabled": false,
    "static-nodes-file": up(layout.staticNodes),
    "max-peers": Math.max(25, 2 * manifest.nodes.length),
    "remote-connections-limit-enabled": false,
    "permissions-nodes-config-file-enabled": true,
    "permissions-nodes-config-file": "permissions.toml",
    "permissions-accounts-config-file-enabled": manifest.accounts !== null,
    "permissions-accounts-config-file": "permissions.toml",
  };
}

/** The pool's flags are given all together: one alone makes Besu drop its own values for the others. */
function blocks(manifest: Manifest): Record<string, Value> {
  return {
    "min-gas-price": 0,
    "tx-pool-min-gas-price": 0,
    "tx-pool": "SEQUENCED",
    "tx-pool-max-size": 50_000,
    "tx-pool-limit-by-account-percentage": "1",
    "tx-pool-retention-hours": 24,
    "tx-pool-no-local-priority": true,
    "tx-pool-enable-save-restore": true,
    "max-blobs-per-transaction": 0,
    "max-blobs-per-block": 0,
    ...(manifest.storage === "BONSAI" ? { "bonsai-historical-block-limit": 512 } : {}),
  };
}

function administration(): Record<string, Value> {
  return {
    "Xrpc-ipc-enabled": true,
    "Xrpc-ipc-path": "besu.ipc",
    "Xrpc-ipc-apis": ["ADMIN", "ETH", "NET", "PERM", "QBFT", "TXPOOL", "WEB3"],
  };
}

function clients(manifest: Manifest, node: NodeEntry): Record<string, Value> {
  const { http, ws } = node.ports;
  if (http === null || ws === null) return { "rpc-http-enabled": false, "rpc-ws-enabled": false };
  const host = manifest.mode === "docker" ? "0.0.0.0" : "127.0.0.1";
  const key = up(layout.jwtPublicKey);
  const side = (kind: "http" | "ws", port: number): Record<string, Value> => ({
    [`rpc-${kind}-enabled`]: true,
    [`rpc-${kind}-host`]: host,
    [`rpc-${kind}-port`]: port,
    [`rpc-${kind}-apis`]: ["ETH", "NET", "WEB3"],
    [`rpc-${kind}-max-active-connections`]: 300,
    [`rpc-${kind}-authentication-enabled`]: true,
    [`rpc-${kind}-authentication-jwt-public-key-file`]: key,
    [`rpc-${kind}-authentication-jwt-algorithm`]: "ES256",
  });
  return {
    ...side("http", http),
    ...side("ws", ws),
    "host-allowlist": [...new Set(["localhost", "127.0.0.1", node.name, node.host])],
    // A refusal is read from the failed receipt.
    "revert-reason-enabled": true,
  };
}

function metrics({ mode }: Manifest, { ports }: NodeEntry): Record<string, Value> {
  return {
    "metrics-enabled": true,
    "metrics-host": mode === "docker" ? "0.0.0.0" : "127.0.0.1",
    "metrics-port": ports.metrics,
  };
}

/** A path of the bundle, seen from a node's folder. */
function up(path: string): string {
  return posix.join("..", "..", ...path.split(sep));
}

function toml(value: Value): string {
  return typeof value === "object" ? `[${value.map(toml).join(", ")}]` : JSON.stringify(value);
}
