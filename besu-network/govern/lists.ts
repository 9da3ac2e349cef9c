import { readFileSync } from "node:fs";
import { join } from "node:path";
import { TenonError } from "../../sdk/src/errors.js";
import { renderLists } from "../bundle/lists.js";
import {
  type Bundle,
  enode,
  layout,
  type Manifest,
  ownNodes,
  replaceFile,
  writeManifest,
} from "../bundle/manifest.js";
import type { Ipc } from "../run/ipc.js";
import type { OwnNodes } from "./chain.js";

/** What became of a list's change at one own node. */
export interface ListOutcome {
  node: string;
  /** `later`: it does not run and reads the list at its start. `restart`: it was started without a list of accounts. */
  state: "changed" | "same" | "later" | "restart";
}

/**
 * Makes `manifest` the bundle's, and tells every own node that runs what to change of its lists. Safe to repeat: nodes
 * that missed an earlier change are brought in line too.
 */
export async function applyLists(bundle: Bundle, manifest: Manifest, own: OwnNodes): Promise<ListOutcome[]> {
  writeManifest({ ...bundle, manifest });
  bundle.manifest = manifest;
  const outcomes: ListOutcome[] = own.silent.map(({ node }) => ({ node: node.name, state: "later" }));
  for (const { node, ipc } of own.answering) {
    outcomes.push({ node: node.name, state: await applyToNode(bundle, ipc) });
  }
  // Afterwards: a node checks, before it takes an entry away, that its file still has it.
  renderLists(bundle);
  return outcomes;
}

/** Has the own nodes keep a list of accounts from their next start on: one that was started without cannot begin one. */
export function enableAccounts(bundle: Bundle): void {
  for (const { name } of ownNodes(bundle)) {
    const path = join(bundle.dir, layout.config(name));
    const config = readFileSync(path, "utf8");
    replaceFile(path, config.replace(/^(permissions-accounts-config-file-enabled)=false$/m, "$1=true"));
  }
}

async function applyToNode(bundle: Bundle, ipc: Ipc): Promise<ListOutcome["state"]> {
  const { nodes, organisation, accounts } = bundle.manifest;
  const lists: ["Nodes" | "Accounts", string[]][] = [
    ["Nodes", nodes.map((node) => enode(node, organisation))],
    ...(accounts === null ? [] : [["Accounts", accounts] as ["Accounts", string[]]]),
  ];
  let state: ListOutcome["state"] = "same";
  for (const [kind, wanted] of lists) {
    try {
      if (await bring(bundle, ipc, kind, wanted)) state = "changed";
    } catch (error) {
      if (!refusedFor(error, /not been enabled/)) throw error;
      return "restart";
    }
  }
  return state;
}

/**
 * Changes a node's list entry by entry, because a reload of its file leaves both lists empty for a moment, in which pending
 * transactions would be dropped. Gives whether there was anything to change. Throws `NodeRefused`.
 */
async function bring(
  bundle: Bundle,
  ipc: Ipc,
  kind: "Nodes" | "Accounts",
  wanted: string[],
): Promise<boolean> {
  const has = ((await ipc.call(`perm_get${kind}Allowlist`)) as string[]).map((entry) => entry.toLowerCase());
  const come = wanted.filter((entry) => !has.includes(entry.toLowerCase()));
  const gone = has.filter((entry) => !wanted.some((other) => other.toLowerCase() === entry));
  try {
    if (come.length > 0) await ipc.call(`perm_add${kind}ToAllowlist`, [come]);
    if (gone.length > 0) await ipc.call(`perm_remove${kind}FromAllowlist`, [gone]);
  } catch (error) {
    // Its file was changed by another hand, or the entry is one of the peers it started with: those only a reload removes.
    if (!refusedFor(error, /out of sync|fixed node/)) throw error;
    renderLists(bundle);
    await ipc.call("perm_reloadPermissionsFromFile");
  }
  if (kind === "Nodes") {
    for (const enode of gone) await ipc.call("admin_removePeer", [enode]);
    // It dials the others by itself only at its start.
    for (const enode of come) await ipc.call("admin_addPeer", [enode]);
  }
  return come.length + gone.length > 0;
}

function refusedFor(error: unknown, reason: RegExp): boolean {
  return (
    error instanceof TenonError && error.code === "NodeRefused" && reason.test(String(error.args.reason))
  );
}
