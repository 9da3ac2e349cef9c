import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { SigningKey, Wallet } from "ethers";
import {
  type Bundle,
  layout,
  type NodeEntry,
  type NodeRole,
  writeManifest,
} from "../../../besu-network/bundle/manifest.js";
import type { Hex } from "../../../sdk/src/bytes.js";

/** A folder for one test; gone after it. */
export function temporaryFolder(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), "tenon-network-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function put(dir: string, path: string, content: string | Uint8Array, mode = 0o644): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), content, { mode });
}

/** A node with a key of its own, as the manifest names it. */
export function someNode(name: string, role: NodeRole, organisation: string, at: number) {
  const wallet = Wallet.createRandom();
  const serves = role !== "validator";
  const node: NodeEntry = {
    name,
    role,
    organisation,
    publicKey: `0x${SigningKey.computePublicKey(wallet.privateKey, false).slice(4)}`,
    address: wallet.address.toLowerCase() as Hex,
    host: "127.0.0.1",
    ports: {
      p2p: 31300 + at,
      metrics: 31400 + at,
      http: serves ? 31500 + at : null,
      ws: serves ? 31600 + at : null,
      https: null,
    },
  };
  return { node, key: wallet.privateKey };
}

/**
 * The files of a bundle as far as lists and backups look at them: manifest and keys of one organisation's nodes. Not one that Besu
 * could start with.
 */
export function someBundle(
  dir: string,
  roles: NodeRole[],
  genesisHash: Hex = `0x${"11".repeat(32)}`,
): Bundle {
  const made = roles.map((role, at) => someNode(`${role}${at + 1}`, role, "works", at));
  const bundle: Bundle = {
    dir,
    manifest: {
      version: 1,
      chainId: 20261121,
      genesisHash,
      blockPeriodSeconds: 1,
      requestTimeoutSeconds: 2,
      storage: "FOREST",
      besu: "26.9.0",
      mode: "local",
      subnet: null,
      organisation: "works",
      nodes: made.map(({ node }) => node),
      accounts: [],
    },
  };
  mkdirSync(dir, { recursive: true });
  writeManifest(bundle);
  for (const { node, key } of made) put(dir, layout.nodeKey(node.name), key, 0o600);
  return bundle;
}
