import type { DatabaseSync } from "node:sqlite";
import { TenonError } from "@tenon/sdk/errors";
import { NodeError } from "@tenon/sdk/nodes/failure";
import { Transaction, type TransactionReceipt } from "ethers";
import { failpoint } from "../failpoint.js";
import type { Logger } from "../options.js";
import type { ClosedBatch } from "../state/types.js";
import {
  AnchorLogReader,
  anchorDataOf,
  anchoredIn,
  anchorTransaction,
  differences,
  type StreamHead,
} from "./anchor-log.js";
import type { ChainConnection } from "./connection.js";
import { type Intent, IntentStore } from "./intents.js";
import type { AnchorSigner } from "./key.js";
import { reconcile, revertReason, transactionWithNonce } from "./reconcile.js";

/** Refusals that end by themselves, or when somebody renews the role: nothing is signed meanwhile. */
const passing = new Set(["AnchorRoleExpired", "AnchorInFuture"]);

/** How often an idle anchorer looks at its role. */
const ROLE_LOOK_MS = 15_000;

export interface AnchorerOptions {
  chain: ChainConnection;
  /** From openState. */
  db: DatabaseSync;
  signer: AnchorSigner;
  stream: number;
  logger: Logger;
  /** Told when a batch was anchored: the next one may close. */
  onAnchored?: () => void;
  /** Milliseconds between two looks for a receipt. Default 250. */
  pollMs?: number;
  /** Milliseconds until the same bytes are sent again; doubles up to 30 s. Default 2,000. */
  resendMs?: number;
}

export interface AnchorerStatus {
  phase: "stopped" | "idle" | "waiting" | "paused" | "halted";
  /** Why it is paused or halted. */
  reason: TenonError | undefined;
  /** What the node last failed with; `undefined` after a success. */
  nodeError: string | undefined;
  /** The last anchored batch; -1 when none is. */
  anchored: number;
  /** Frames anchored so far: the log index after the last anchored one. */
  anchoredFrames: number;
  /** When the key's role ends, seconds since 1970; undefined until it was read. */
  roleUntil: number | undefined;
  intent: Pick<Intent, "batch" | "hash" | "nonce" | "createdAt"> | undefined;
  counts: { signed: number; sent: number; mined: number; reverted: number; replaced: number; passed: number };
}

/**
 * Writes closed batches to the chain, in order and one at a time. The signed transaction is stored before it is sent.
 * No answer means "unknown", never "failed": the same bytes are sent again until one of three facts ends the intent:
 * it is in a block, its nonce was used by another transaction, or the contract already has the batch.
 */
export class Anchorer {
  readonly #options: AnchorerOptions;
  readonly #chain: ChainConnection;
  readonly #log: AnchorLogReader;
  readonly #store: IntentStore;
  readonly #status: AnchorerStatus;
  #started = false;
  #stopping = false;
  #loop: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};
  #sendAt = 0;
  #pause = 0;
  #resends = 0;
  /** Why the nodes do not take the transaction at hand; `undefined` when they took it, or nothing is known. */
  #notTaken: Error | undefined;
  #closed = 0;
  #lookedAt = 0;

  constructor(options: AnchorerOptions) {
    this.#options = options;
    this.#chain = options.chain;
    this.#log = new AnchorLogReader(
      options.chain.provider,
      options.chain.addressOf("AnchorLog"),
      options.stream,
    );
    this.#store = new IntentStore(options.db);
    this.#status = {
      phase: "stopped",
      reason: undefined,
      nodeError: undefined,
      anchored: -1,
      anchoredFrames: 0,
      roleUntil: undefined,
      intent: undefined,
      counts: { signed: 0, sent: 0, mined: 0, reverted: 0, replaced: 0, passed: 0 },
    };
    this.#refresh();
  }

  get status(): Readonly<AnchorerStatus> {
    return this.#status;
  }

  /** True while a closed batch is not anchored yet. */
  get waiting(): boolean {
    return this.#closed > this.#status.anchored + 1;
  }

  /**
   * Compares the chain with the local batches, and takes over what is anchored already. Signs nothing. Call it before
   * any frame is taken: a state folder that is older than the chain would give log indices out twice.
   * @throws TenonError `StreamUnknown`, `AnchorKeyRefused`, `StateBehindChain`, `ChainBehindState`, `AnchorsDiffer`,
   * `ChainForked`.
   */
  async reconcile(): Promise<void> {
    const { signer } = this.#options;
    await this.#chain.poll(); // what was just mined counts too
    this.#chain.requireSound();
    const head = await reconcile(this.#chain, this.#log, this.#store, signer.address);
    this.#status.roleUntil = head.roleUntil;
    this.#refresh();
  }

  /** Starts writing. */
  start(): void {
    this.#started = true;
    this.#loop = this.#run();
  }

  /** Says that a batch was closed. */
  notify(): void {
    this.#closed = this.#store.closed();
    this.#wake();
  }

  /** Ends for good, after the step at hand. Does not wait for a block; stores an intent for a batch that waits for one. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake();
    await this.#loop;
    if (!this.#started || this.#status.phase === "halted") return;
    try {
      this.#chain.requireSound();
      if (this.#store.open() === undefined) await this.#sign();
      const intent = this.#store.open();
      if (intent !== undefined && this.#sendAt === 0) await this.#send(intent);
    } catch (error) {
      this.#options.logger.warn({ reason: String(error) }, "no intent was written for the last batch");
    }
    this.#status.phase = "stopped";
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      try {
        this.#chain.requireSound();
        const more = await this.#step();
        this.#status.nodeError = this.#notTaken?.message;
        this.#pause = this.#options.pollMs ?? 250;
        if (more) continue;
      } catch (error) {
        if (error instanceof TenonError && !(error instanceof NodeError)) return this.#halt(error);
        this.#nodeFailed(error);
      }
      await this.#sleep();
    }
  }

  /** One step; true when the next one should follow at once. */
  async #step(): Promise<boolean> {
    const intent = this.#store.open();
    return intent === undefined ? this.#sign() : this.#settle(intent);
  }

  /** Signs and stores an intent for the next batch. False when there is none, or none may be signed now. */
  async #sign(): Promise<boolean> {
    const batch = this.#store.batch(this.#status.anchored + 1);
    if (batch === undefined) return this.#idle();
    const before = this.#store.anchoredAt(batch.batch - 1);
    if (before !== undefined && before.blockNumber > this.#chain.head.number) return this.#rest("waiting");

    const head = await this.#log.head(this.#chain.head.number);
    this.#status.roleUntil = head.roleUntil;
    if (head.next !== batch.batch) return this.#catchUp(); // somebody else wrote, or the chain went back
    const refusal = await this.#refusal(head, batch);
    if (refusal !== undefined) return this.#rest("paused", refusal);

    const nonce = await this.#chain.provider.getTransactionCount(this.#options.signer.address, "latest");
    if (nonce < this.#store.nextNonce()) throw new Error("the node does not know our last transaction yet");
    const content = anchorDataOf(this.#options.stream, batch);
    const { chainId } = this.#chain.deployment;
    const raw = await this.#options.signer.sign(
      anchorTransaction(chainId, this.#log.address, content, nonce),
    );
    const hash = Transaction.from(raw).hash as Intent["hash"];
    this.#store.add({ batch: batch.batch, nonce, hash, raw, createdAt: Date.now() });
    this.#status.counts.signed += 1;
    this.#sendAt = 0;
    this.#refresh();
    failpoint("intent");
    return true;
  }

  /** Nothing to do: looks now and then whether the role was renewed or taken away. */
  async #idle(): Promise<false> {
    if (performance.now() - this.#lookedAt > ROLE_LOOK_MS) {
      this.#lookedAt = performance.now();
      this.#status.roleUntil = (await this.#log.head()).roleUntil;
    }
    return this.#rest("idle");
  }

  /** Asks the contract before signing: a refusal that is seen here costs no nonce. */
  async #refusal(head: StreamHead, batch: ClosedBatch): Promise<TenonError | undefined> {
    try {
      await this.#log.simulate(this.#options.signer.address, anchorDataOf(this.#options.stream, batch));
      return undefined;
    } catch (error) {
      if (!(error instanceof TenonError)) throw error;
      if (passing.has(error.code)) return error;
      // The call looks at the newest block, which may be later than the head that was read.
      if (error.code === "AnchorOutOfOrder" && head.next !== Number(error.args.expectedBatch))
        throw new Error(error.code);
      throw error;
    }
  }

  async #settle(intent: Intent): Promise<boolean> {
    // An account that is not on the nodes' allowlist: the same bytes are tried until it is.
    if (this.#notTaken instanceof NodeError && this.#notTaken.code === "AccountNotAllowed")
      this.#rest("paused", this.#notTaken);
    else this.#rest("waiting");
    const { provider } = this.#chain;
    const receipt = await provider.getTransactionReceipt(intent.hash);
    if (receipt !== null) return this.#finish(intent, receipt);

    const used = await provider.getTransactionCount(this.#options.signer.address, "latest");
    if (used > intent.nonce) return this.#replaced(intent);
    if (performance.now() < this.#sendAt) return false;
    const next = this.#sendAt === 0 ? this.#status.anchored + 1 : (await this.#log.head()).next;
    if (next > intent.batch) return this.#passed(intent);
    await this.#send(intent);
    return false;
  }

  async #send(intent: Intent): Promise<void> {
    const first = this.#sendAt === 0;
    this.#status.counts.sent += 1;
    this.#resends = first ? 0 : this.#resends + 1;
    const pause = Math.min(30_000, (this.#options.resendMs ?? 2_000) * 2 ** this.#resends);
    this.#sendAt = performance.now() + pause;
    try {
      await this.#chain.provider.send("eth_sendRawTransaction", [intent.raw]);
      this.#notTaken = undefined;
      failpoint("send");
    } catch (error) {
      this.#notTaken = error as Error;
      // Known already, a time-out, a pool that is full: whatever it was, only the chain knows what became of it.
      if (this.#resends > 0) return;
      this.#options.logger.warn(
        { batch: intent.batch, reason: reasonOf(error) },
        "no answer to a sent anchor",
      );
    }
  }

  /** Its nonce is used and no receipt was there: find the transaction that used it, which is the proof. */
  async #replaced(intent: Intent): Promise<boolean> {
    const receipt = await this.#chain.provider.getTransactionReceipt(intent.hash);
    if (receipt !== null) return this.#finish(intent, receipt);
    const other = await transactionWithNonce(
      this.#chain.provider,
      this.#options.signer.address,
      intent.nonce,
    );
    if (other === undefined || other === intent.hash) return false; // the node is not done with its own index
    this.#options.logger.warn(
      { batch: intent.batch, nonce: intent.nonce, by: other },
      "nonce used by another transaction",
    );
    this.#end(intent, "replaced");
    return this.#catchUp();
  }

  /** The contract has the batch, from a transaction that is not ours. */
  async #passed(intent: Intent): Promise<boolean> {
    const receipt = await this.#chain.provider.getTransactionReceipt(intent.hash);
    if (receipt !== null) return this.#finish(intent, receipt);
    this.#end(intent, "passed");
    return this.#catchUp();
  }

  async #catchUp(): Promise<true> {
    await this.reconcile();
    return true;
  }

  async #finish(intent: Intent, receipt: TransactionReceipt): Promise<boolean> {
    failpoint("receipt");
    if (receipt.status !== 1) return this.#reverted(intent, receipt);
    const event = anchoredIn(receipt.logs, this.#log.address);
    const batch = this.#store.batch(intent.batch);
    const differing = event && batch && differences(event.content, anchorDataOf(this.#options.stream, batch));
    if (event === undefined || differing === undefined || differing.length > 0) {
      throw new TenonError("AnchorsDiffer", "The chain holds another batch than the one that was sent", {
        args: { batch: intent.batch, transaction: intent.hash, fields: differing ?? "no event" },
        remedy: "Stop the oracle and run `verify`: either the state folder or the node's answer is false.",
      });
    }
    this.#store.mined(intent.id, event);
    this.#notTaken = undefined;
    this.#status.counts.mined += 1;
    this.#refresh();
    this.#options.onAnchored?.();
    return true;
  }

  async #reverted(intent: Intent, receipt: TransactionReceipt): Promise<boolean> {
    const reason = await revertReason(this.#chain.provider, intent.raw, receipt);
    this.#end(intent, "reverted");
    this.#options.logger.error(
      { batch: intent.batch, hash: intent.hash, reason: reason.code },
      "an anchor reverted",
    );
    if (passing.has(reason.code)) return true;
    throw new TenonError("AnchorReverted", "The contract refused an anchor", {
      args: { batch: intent.batch, transaction: intent.hash, reason: reason.code, ...reason.args },
      remedy: reason.remedy ?? "Find out what changed on the chain, then restart the oracle.",
      cause: reason,
    });
  }

  #end(intent: Intent, state: "reverted" | "replaced" | "passed"): void {
    this.#store.end(intent.id, state);
    this.#notTaken = undefined;
    this.#status.counts[state] += 1;
    this.#refresh();
  }

  /** Brings the status up to what is stored. */
  #refresh(): void {
    this.#status.anchored = this.#store.lastAnchored();
    const last = this.#store.batch(this.#status.anchored);
    this.#status.anchoredFrames = last === undefined ? 0 : last.first + last.count;
    this.#status.intent = this.#store.open();
    this.#closed = this.#store.closed();
  }

  #rest(phase: "idle" | "waiting" | "paused", reason?: TenonError): false {
    if (reason !== undefined && this.#status.reason?.code !== reason.code) {
      this.#options.logger.warn({ code: reason.code, ...reason.args }, "nothing may be anchored now");
    }
    this.#status.phase = phase;
    this.#status.reason = reason;
    return false;
  }

  #halt(error: TenonError): void {
    this.#status.phase = "halted";
    this.#status.reason = error;
    this.#options.logger.error({ code: error.code, ...error.args }, "anchoring halted");
  }

  #nodeFailed(error: unknown): void {
    if (this.#status.nodeError === undefined) {
      this.#options.logger.warn(
        { reason: reasonOf(error) },
        "the node failed an anchor's step; trying again",
      );
    }
    this.#status.nodeError = reasonOf(error);
    this.#pause = Math.min(10_000, 2 * Math.max(this.#pause, this.#options.pollMs ?? 250));
  }

  #sleep(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stopping) return resolve();
      const timer = setTimeout(resolve, this.#pause);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 300) : String(error);
}
