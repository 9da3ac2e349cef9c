import type { Hex } from "@tenon/sdk/bytes";
import { TenonError } from "@tenon/sdk/errors";
import { NodeError } from "@tenon/sdk/nodes/failure";
import { typedError } from "@tenon/sdk/revert";
import { type Provider, Transaction, type TransactionReceipt } from "ethers";
import {
  type AnchoredEvent,
  type AnchorLogReader,
  anchorDataOf,
  differences,
  type StreamHead,
} from "./anchor-log.js";
import type { ChainConnection } from "./connection.js";
import type { IntentStore } from "./intents.js";

/**
 * Holds the stream on the chain against the local batches, and records anchors that the chain has and the database
 * does not know of. Refuses whenever the two cannot both be true; signs nothing.
 */
export async function reconcile(
  chain: ChainConnection,
  log: AnchorLogReader,
  store: IntentStore,
  key: Hex,
): Promise<StreamHead> {
  const block = chain.head.number;
  const head = await log.head(block);
  requireKey(head, log.stream, key);
  requireSameLength(head, store);
  const last = store.lastAnchored();
  if (last >= 0) await requireStillThere(chain, log, store, last);
  if (head.next > last + 1) await adopt(chain, log, store, { from: last + 1, next: head.next, block });
  return head;
}

function requireKey(head: StreamHead, stream: number, key: Hex): void {
  if (/^0x0{40}$/.test(head.key)) {
    throw new TenonError("StreamUnknown", "The AnchorLog has no such stream", {
      args: { stream },
      remedy: "Give the number of an open stream (--stream); `npx hardhat anchor:show` lists them.",
    });
  }
  if (head.key === key) return;
  throw new TenonError("AnchorKeyRefused", "The stream belongs to another key", {
    args: { stream, key: head.key, ours: key },
    remedy: "Use the stream's key, or let the registrar set this one.",
  });
}

function requireSameLength(head: StreamHead, store: IntentStore): void {
  const closed = store.closed();
  if (head.next > closed) {
    throw new TenonError("StateBehindChain", "The chain has batches that this state folder does not", {
      args: { anchored: head.next, local: closed },
      remedy:
        "The folder was restored from an old copy, or is another stream's. Restore a newer copy; nothing is signed and no frame is taken, because log indices would be given out twice.",
    });
  }
  const anchored = store.lastAnchored() + 1;
  if (head.next < anchored) {
    throw new TenonError("ChainBehindState", "The chain lost batches that were anchored", {
      args: { anchored: head.next, recorded: anchored },
      remedy:
        "The node was put back or is another chain's: connect to a sound node. Nothing was rolled back here.",
    });
  }
  const before = store.batch(head.next - 1);
  const size = before === undefined ? 0 : before.first + before.count;
  if (size !== head.size) throw differ(head.next - 1, ["size"], { anchored: head.size, local: size });
}

async function requireStillThere(
  chain: ChainConnection,
  log: AnchorLogReader,
  store: IntentStore,
  batch: number,
): Promise<void> {
  const at = store.anchoredAt(batch);
  const content = store.batch(batch);
  if (at === undefined || content === undefined) return;
  if (at.blockNumber > chain.head.number) throw new Error("the node's head is before our last anchor");
  const [event] = await log.anchored(at.blockNumber, at.blockNumber, batch);
  const found = event?.block.hash ?? (await chain.provider.getBlock(at.blockNumber))?.hash;
  if (event === undefined && found === at.blockHash) throw new Error("the node does not show its logs yet");
  if (event === undefined || found !== at.blockHash) {
    throw new TenonError("ChainForked", "The block of our last anchor is another one now", {
      args: {
        batch,
        block: at.blockNumber,
        seenHash: at.blockHash,
        foundHash: found ?? "no such block",
      },
      remedy:
        "A final block does not change: find out which node lies, then restart the oracle on a sound one.",
    });
  }
  const fields = differences(event.content, anchorDataOf(log.stream, content));
  if (fields.length > 0) throw differ(batch, fields, {});
}

/** Takes over the anchors `[from, next)` of the chain, after comparing each with the local batch. */
async function adopt(
  chain: ChainConnection,
  log: AnchorLogReader,
  store: IntentStore,
  range: { from: number; next: number; block: number },
): Promise<void> {
  const since = store.anchoredAt(range.from - 1)?.blockNumber ?? chain.deployment.contracts.AnchorLog.block;
  const events = (await log.anchored(since, range.block)).filter(
    ({ content }) => content.batch >= range.from,
  );
  if (events.length !== range.next - range.from) {
    throw new Error(`the node shows ${events.length} of ${range.next - range.from} anchors`);
  }
  for (const event of events) requireSame(event, store, log.stream);
  for (const event of events) {
    const transaction = await chain.provider.getTransaction(event.transaction);
    if (transaction === null) throw new Error("the node does not know an anchor's transaction");
    store.adopt(event, transaction.nonce, Date.now());
  }
}

function requireSame(event: AnchoredEvent, store: IntentStore, stream: number): void {
  const batch = store.batch(event.content.batch);
  const fields = batch === undefined ? ["batch"] : differences(event.content, anchorDataOf(stream, batch));
  if (fields.length > 0) throw differ(event.content.batch, fields, { transaction: event.transaction });
}

function differ(batch: number, fields: string[], args: Record<string, unknown>): TenonError {
  return new TenonError("AnchorsDiffer", "An anchored batch is not the local one", {
    args: { batch, fields, ...args },
    remedy:
      "Another oracle used this key, or the state folder was changed. Run `verify`, and restore the folder that made the anchors; nothing is signed.",
  });
}

/** A receipt says only that a transaction failed: the reason comes from running its call again where it failed. */
export async function revertReason(
  provider: Provider,
  raw: Hex,
  receipt: TransactionReceipt,
): Promise<TenonError> {
  const { from, to, data } = Transaction.from(raw);
  for (const blockTag of [receipt.blockNumber, receipt.blockNumber - 1]) {
    try {
      await provider.call({ from, to, data, blockTag });
    } catch (error) {
      const typed = typedError(error);
      if (!(typed instanceof TenonError) || typed instanceof NodeError) throw error;
      return typed;
    }
  }
  return new TenonError("TransactionFailed", "The transaction failed and its reason cannot be found again", {
    args: { gasUsed: receipt.gasUsed, block: receipt.blockNumber },
  });
}

/** The hash of the transaction by which `sender` used `nonce`; `undefined` when it is not in a block the node shows. */
export async function transactionWithNonce(
  provider: Provider,
  sender: Hex,
  nonce: number,
): Promise<Hex | undefined> {
  let low = 0;
  let high = await provider.getBlockNumber();
  if ((await provider.getTransactionCount(sender, high)) <= nonce) return undefined;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((await provider.getTransactionCount(sender, middle)) > nonce) high = middle;
    else low = middle + 1;
  }
  const block = await provider.getBlock(high, true);
  const found = block?.prefetchedTransactions.find(
    (transaction) => transaction.from.toLowerCase() === sender && transaction.nonce === nonce,
  );
  return found?.hash as Hex | undefined;
}
