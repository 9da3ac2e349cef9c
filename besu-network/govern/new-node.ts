import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { TenonError } from "../../sdk/src/errors.js";
import { nodeConfig } from "../bundle/config.js";
import { type Bundle, layout, type NodeEntry, replaceFile, writeManifest } from "../bundle/manifest.js";
import { newKey, PORTS_PER_NODE } from "../bundle/plan.js";

/** Where a new node shall be reached; what is left out follows from the organisation's other nodes. */
export interface NewNodePlace {
  /** IP address of its machine. */
  host?: string | undefined;
  /** First of its ten ports. */
  port?: number | undefined;
}

/**
 * Makes a node that is to become a validator, in the caller's bundle: a key, a configuration, an entry in the manifest.
 * No list has it yet. Throws `HostUnknown`, `NodeFolderTaken`.
 */
export function makeNode(bundle: Bundle, name: string, place: NewNodePlace): NodeEntry {
  const { dir, manifest } = bundle;
  if (existsSync(join(dir, layout.node(name)))) {
    throw new TenonError("NodeFolderTaken", "There is a folder for the new node's name already", {
      args: { folder: layout.node(name) },
      remedy: "Move it away: if it holds a key, that is of a node the manifest does not know.",
    });
  }
  const { privateKey, publicKey, address } = newKey();
  const ours = manifest.nodes.filter(({ organisation }) => organisation === manifest.organisation);
  const inside = nextInside(bundle, ours);
  const single = ours.every((node) => node.inside === undefined);
  const host = place.host ?? (single && inside !== undefined ? inside : ours[0]?.host);
  if (host === undefined) {
    throw new TenonError("HostUnknown", "You have no node yet, so the new one's address cannot be guessed", {
      args: { node: name },
      remedy: "Give the IP address of its machine with --host.",
    });
  }
  const taken = manifest.nodes.filter((node) => node.host === host || ours.includes(node));
  const p2p =
    place.port ?? Math.max(...taken.map(({ ports }) => ports.p2p), 30_300 - PORTS_PER_NODE) + PORTS_PER_NODE;
  const node: NodeEntry = {
    name,
    role: "validator",
    organisation: manifest.organisation,
    publicKey,
    address,
    host,
    ...(single || inside === undefined ? {} : { inside }),
    ports: { p2p, metrics: p2p + 1, http: null, ws: null, https: null },
  };
  mkdirSync(join(dir, layout.node(name)), { recursive: true });
  replaceFile(join(dir, layout.config(name)), nodeConfig(manifest, node));
  replaceFile(join(dir, layout.nodeKey(name)), `${privateKey}\n`, 0o600);
  bundle.manifest = { ...manifest, nodes: [...manifest.nodes, node] };
  writeManifest(bundle);
  return node;
}

/** The first address of the bundle's subnet after those of its containers. */
function nextInside({ manifest }: Bundle, ours: NodeEntry[]): string | undefined {
  if (manifest.subnet === null) return undefined;
  const prefix = manifest.subnet.replace(/0\/24$/, "");
  const last = ours.map(({ inside, host }) => Number((inside ?? host).slice(prefix.length)));
  return `${prefix}${Math.max(9, ...last.filter(Number.isInteger)) + 1}`;
}

/** `validator5` after `validator4`. */
export function nextValidatorName({ nodes }: Bundle["manifest"]): string {
  const numbers = nodes.map(({ name }) => Number(/^validator(\d+)$/.exec(name)?.[1] ?? 0));
  return `validator${Math.max(0, ...numbers) + 1}`;
}
