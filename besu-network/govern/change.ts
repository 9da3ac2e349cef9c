import { setTimeout as sleep } from "node:timers/promises";
import { TenonError } from "../../sdk/src/errors.js";
import { type Bundle, type NodeEntry, ownNodes, writeManifest } from "../bundle/manifest.js";
import { runnerOf } from "../run/runner.js";
import { findNode, withRole, writeCard } from "./card.js";
import { type ChainView, OwnNodes, readChain } from "./chain.js";
import { applyLists, type ListOutcome } from "./lists.js";
import { makeNode, type NewNodePlace, nextValidatorName } from "./new-node.js";
import { BLOCKS_BEHIND, checkAddition, checkMayValidate, checkRemoval } from "./rules.js";
import { changeSeen, takeBack, type VoteState, vote } from "./votes.js";

/** What a guided change tells while it goes on. */
export type ChangeStep =
  | { step: "made"; node: NodeEntry; made: boolean }
  | { step: "listed"; outcomes: ListOutcome[] }
  | { step: "started"; node: NodeEntry }
  | { step: "syncing"; node: NodeEntry; block: number | null; head: number }
  | { step: "voting"; node: NodeEntry; add: boolean; state: VoteState; view: ChainView }
  | { step: "changed"; node: NodeEntry; add: boolean; block: number; validators: number };

export type Told = (step: ChangeStep) => void;

/**
 * How a change ended for now. `waiting` needs other organisations' votes, `unreached` their lists; `completed` had come
 * about since the last time and was only to be cleared up after.
 */
export type ChangeEnd = { end: "changed" | "completed" | "unreached" } | { end: "waiting"; state: VoteState };

export interface Change {
  node: NodeEntry;
  end: ChangeEnd;
}

/** A new node has this long to find a peer and to come near the head before the command gives up for now. */
const REACH_MS = 60_000;
const SYNC_MS = 30 * 60_000;

/**
 * Makes a node a validator; without `name` one that is made first, in this bundle. Every step looks at what is there
 * already, so the command is simply run again after an interruption, or when the others did their part.
 */
export async function addValidator(
  bundle: Bundle,
  name: string | undefined,
  place: NewNodePlace,
  told: Told,
): Promise<Change> {
  const node = await prepare(bundle, name, place, told);
  await startOwn(bundle, node, told);
  using own = await OwnNodes.open(bundle);
  if (await finished(bundle, own, node, true)) return { node, end: { end: "completed" } };
  checkMayValidate(node, await readChain(bundle, own));
  if (!(await synced(bundle, own, node, told))) return { node, end: { end: "unreached" } };
  const view = await readChain(bundle, own);
  const reached = view.reached.get(node.publicKey);
  checkAddition({ node, connected: reached !== undefined, head: reached ?? null }, view.head, view);
  return await settle(bundle, own, node, true, view, told);
}

/** Votes a validator out. Its node goes on as one that follows. */
export async function removeValidator(bundle: Bundle, name: string, told: Told): Promise<Change> {
  using own = await OwnNodes.open(bundle);
  const view = await readChain(bundle, own);
  const node = findNode(bundle.manifest, name);
  if (await finished(bundle, own, node, false)) return { node, end: { end: "completed" } };
  checkRemoval(node.address, view);
  return await settle(bundle, own, node, false, view, told);
}

async function prepare(
  bundle: Bundle,
  name: string | undefined,
  place: NewNodePlace,
  told: Told,
): Promise<NodeEntry> {
  using own = await OwnNodes.open(bundle);
  // Before anything is made: a chain that stands would leave the new node half done.
  const { validators } = await readChain(bundle, own);
  const unfinished = ownNodes(bundle).find(
    ({ role, address }) => role === "validator" && !validators.includes(address),
  );
  let node = name === undefined ? unfinished : findNode(bundle.manifest, name);
  const made = node === undefined;
  node ??= makeNode(bundle, nextValidatorName(bundle.manifest), place);
  if (!ownNodes(bundle).includes(node)) return node;
  writeCard(bundle, node);
  told({ step: "made", node, made });
  told({ step: "listed", outcomes: await applyLists(bundle, bundle.manifest, own) });
  return node;
}

async function startOwn(bundle: Bundle, node: NodeEntry, told: Told): Promise<void> {
  if (!ownNodes(bundle).some(({ name }) => name === node.name)) return;
  const runner = await runnerOf(bundle);
  if ((await runner.running()).has(node.name)) return;
  await runner.start([node.name]);
  told({ step: "started", node });
}

/** Waits until the node is near the head; false when no own node is connected with it. */
async function synced(bundle: Bundle, own: OwnNodes, node: NodeEntry, told: Told): Promise<boolean> {
  const start = Date.now();
  for (let before = -1; Date.now() - start < SYNC_MS; await sleep(1_000)) {
    const { head, reached } = await readChain(bundle, own);
    const block = await blockOf(own, node, reached.get(node.publicKey));
    if (block !== null && head - block <= BLOCKS_BEHIND) return true;
    if (block === null && Date.now() - start > REACH_MS) return false;
    if (block !== before) told({ step: "syncing", node, block, head });
    before = block ?? -1;
  }
  throw new TenonError("NodeBehind", "The new validator did not reach the head of the chain in time", {
    args: { node: node.name, minutes: SYNC_MS / 60_000 },
    remedy: "It goes on: run the command again later.",
  });
}

/** A node of ours that has no peer is not on the way, though it answers us. */
async function blockOf(own: OwnNodes, node: NodeEntry, seen: number | undefined): Promise<number | null> {
  const mine = own.answering.find(({ node: { name } }) => name === node.name);
  if (mine === undefined) return seen ?? null;
  const peers = Number(await mine.ipc.call("net_peerCount"));
  return peers === 0 ? null : Number(await mine.ipc.call("eth_blockNumber"));
}

/** Clears up after a change that came about since: others' votes may have been the last ones. */
async function finished(bundle: Bundle, own: OwnNodes, node: NodeEntry, add: boolean): Promise<boolean> {
  const { validators } = await readChain(bundle, own);
  if (validators.includes(node.address) !== add) return false;
  const left = await takeBack(own, node.address);
  const wasOpen = note(bundle, node, add);
  return left > 0 || wasOpen;
}

async function settle(
  bundle: Bundle,
  own: OwnNodes,
  node: NodeEntry,
  add: boolean,
  view: ChainView,
  told: Told,
): Promise<Change> {
  const state = await vote(bundle, own, node.address, add, (state) =>
    told({ step: "voting", node, add, state, view }),
  );
  if (!state.changed) return { node, end: { end: "waiting", state } };
  const { ipc } = await own.best();
  const block = await changeSeen(bundle, ipc, node.address, add, state.block);
  note(bundle, node, add);
  told({ step: "changed", node, add, block, validators: view.validators.length + (add ? 1 : -1) });
  return { node, end: { end: "changed" } };
}

/** Writes the node's part into the manifest; gives whether it was another. */
function note(bundle: Bundle, node: NodeEntry, add: boolean): boolean {
  const role = add ? "validator" : "observer";
  if (findNode(bundle.manifest, node.name).role === role) return false;
  bundle.manifest = withRole(bundle.manifest, node.address, role);
  writeManifest(bundle);
  return true;
}
