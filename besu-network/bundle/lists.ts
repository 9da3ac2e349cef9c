import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { monitoringFiles, monitoringLayout } from "../monitor/files.js";
import { composeFile, containerLayout } from "./compose.js";
import { type Bundle, enode, layout, type Manifest, ownNodes, replaceFile } from "./manifest.js";

/**
 * Writes anew, from the manifest, what follows from who is in the network: static-nodes.json, every own node's
 * permissions.toml, Prometheus' targets, and for Docker the compose file. Nodes read the lists when they start; one that
 * runs is told of a change over its socket (`perm_addNodesToAllowlist` and so on).
 */
export function renderLists(bundle: Bundle): void {
  const { dir, manifest } = bundle;
  replaceFile(join(dir, layout.staticNodes), `${JSON.stringify(enodes(manifest), null, 2)}\n`);
  for (const { name } of ownNodes(bundle)) {
    replaceFile(join(dir, layout.permissions(name)), permissions(manifest));
  }
  const derived: Record<string, string | undefined> = {
    [monitoringLayout.prometheus]: monitoringFiles(manifest)[monitoringLayout.prometheus],
    ...(manifest.mode === "docker" ? { [containerLayout.compose]: composeFile(manifest) } : {}),
  };
  for (const [path, text] of Object.entries(derived)) {
    const file = join(dir, path);
    if (text !== undefined && existsSync(dirname(file))) replaceFile(file, text);
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
