import { TenonError } from "../../sdk/src/errors.js";
import { renderLists } from "../bundle/lists.js";
import { type Bundle, enode, type Manifest, writeManifest } from "../bundle/manifest.js";
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

async function applyToNode(bundle: Bundle, ipc: Ipc): Promise<ListOutcome["state"]> {
  const { nodes, organisation, accounts } = bundle.manifest;
  const peers = await bring(
    bundle,
    ipc,
    "Nodes",
    nodes.map((node) => enode(node, organisation)),
  );
  for (const gone of peers.gone) await ipc.call("admin_removePeer", [gone]);
  // It dials the others by itself only at its start.
  for (const come of peers.come) await ipc.call("admin_addPeer", [come]);
  if (accounts === null) return peers.changed ? "changed" : "same";
  try {
    const senders = await bring(bundle, ipc, "Accounts", accounts);
    return peers.changed || senders.changed ? "changed" : "same";
  } catch (error) {
    if (error instanceof TenonError && /not.*enabled/i.test(String(error.args.reason))) return "restart";
    throw error;
  }
}

/**
 * Changes a node's list entry by entry: a reload of the file would leave the list empty for a moment, in which pending
 * transactions are dropped.
 */
async function bring(bundle: Bundle, ipc: Ipc, kind: "Nodes" | "Accounts", wanted: string[]) {
  const has = ((await ipc.call(`perm_get${kind}Allowlist`)) as string[]).map((entry) => entry.toLowerCase());
  const come = wanted.filter((entry) => !has.includes(entry.toLowerCase()));
  const gone = has.filter((entry) => !wanted.some((other) => other.toLowerCase() === entry));
  try {
    if (come.length > 0) await ipc.call(`perm_add${kind}ToAllowlist`, [come]);
    if (gone.length > 0) await ipc.call(`perm_remove${kind}FromAllowlist`, [gone]);
  } catch (error) {
    // Its file was changed by another hand: write it anew, and have it read whole.
    if (!(error instanceof TenonError) || !/sync/i.test(String(error.args.reason))) throw error;
    renderLists(bundle);
    await ipc.call("perm_reloadPermissionsFromFile");
  }
  return { come, gone, changed: come.length + gone.length > 0 };
}
