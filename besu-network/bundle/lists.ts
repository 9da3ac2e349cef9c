import { join } from "node:path";
import { type Bundle, enode, layout, type Manifest, ownNodes, replaceFile } from "./manifest.js";

/**
 * Writes static-nodes.json and every own node's permissions.toml anew from the manifest, which is the one source of both.
 * Nodes read them when they start; one that runs is told of a change over its socket (`perm_addNodesToAllowlist` and so on).
 */
export function renderLists(bundle: Bundle): void {
  const { dir, manifest } = bundle;
  replaceFile(join(dir, layout.staticNodes), `${JSON.stringify(enodes(manifest), null, 2)}\n`);
  for (const { name } of ownNodes(bundle)) {
    replaceFile(join(dir, layout.permissions(name)), permissions(manifest));
  }
}

function permissions(manifest: Manifest): string {
  const lists = [`nodes-allowlist=${JSON.stringify(enodes(manifest))}`];
  if (manifest.accounts !== null) lists.push(`accounts-allowlist=${JSON.stringify(manifest.accounts)}`);
  return `${lists.join("\n")}\n`;
}

function enodes({ nodes, organisation }: Manifest): string[] {
  return nodes.map((node) => enode(node, organisation));
}
