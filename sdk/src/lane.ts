import { isError, keccak256, type Provider, type TransactionReceipt } from "ethers";
import type { Hex } from "./bytes.js";
import { TenonError } from "./errors.js";
import { NodeError } from "./nodes/failure.js";

/** Transactions of one key that may wait for a block at once; nodes keep only so many of one account. */
const MOST_WAITING = 64;

/** How often a nonce that somebody else took in between is replaced by a fresh one. */
const FRESH_NONCES = 5;

/** Milliseconds until signed bytes that no node knows any more are sent again; doubles up to 30 s. */
const RESEND_MS = 2_000;

interface Waiting {
  readonly nonce: number;
  readonly raw: Hex;
  readonly hash: Hex;
  /** What a node said when it did not take the bytes again. */
  refusal?: string;
}

/** A transaction that was signed and handed to the nodes. */
export interface LaneTransaction {
  readonly hash: Hex;
  readonly nonce: number;
  /**
   * Waits for its block, and sends the same bytes again while no node knows them.
   * @throws TenonError `TransactionUnknown` after `timeoutMs`, `TransactionReplaced`.
   */
  mined(timeoutMs: number): Promise<TransactionReceipt>;
}

/**
 * The transactions of one key through one provider. They are signed one after the other, each with the next nonce, so
 * that two that are sent at once neither collide nor leave a gap. The signed bytes are kept until they are in a block:
 * a node that restarted and lost its pool gets them again, in order. They live in this process only.
 */
export class NonceLane {
  readonly #provider: Provider;
  readonly #address: string;
  readonly #waiting = new Map<number, Waiting>();
  #last: Promise<unknown> = Promise.resolve();
  #sending: Promise<void> | undefined;

  private constructor(provider: Provider, address: string) {
    this.#provider = provider;
    this.#address = address;
  }

  /** The one lane of a key on a provider. */
  static of(provider: Provider, address: string): NonceLane {
    const ofProvider = lanes.get(provider) ?? new Map<string, NonceLane>();
    lanes.set(provider, ofProvider);
    const key = address.toLowerCase();
    const lane = ofProvider.get(key) ?? new NonceLane(provider, address);
    ofProvider.set(key, lane);
    return lane;
  }

  /** Runs `work` when nobody else is sending from this key, for signers that number their transactions themselves. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /**
   * Signs with the next nonce and sends. No answer is no failure: the transaction then counts as sent, and `mined`
   * tells. `nonce` asks for that one and no other.
   * @throws what the node refused the transaction with; nothing is left behind then.
   */
  send(sign: (nonce: number) => Promise<string>, nonce?: number): Promise<LaneTransaction> {
    return this.exclusive(async () => {
      for (let attempt = 1; ; attempt++) {
        const next = nonce ?? (await this.#nextNonce());
        const raw = (await sign(next)) as Hex;
        const sent = { nonce: next, raw, hash: keccak256(raw) as Hex };
        const outcome = await this.#broadcast(sent);
        if (outcome === "sent") return this.#transaction(sent);
        if (nonce !== undefined || attempt === FRESH_NONCES) throw outcome.error;
        if (!outcome.nonceTaken) throw outcome.error;
      }
    });
  }

  #transaction(sent: Waiting): LaneTransaction {
    this.#waiting.set(sent.nonce, sent);
    return { hash: sent.hash, nonce: sent.nonce, mined: (timeoutMs) => this.#mined(sent, timeoutMs) };
  }

  async #nextNonce(): Promise<number> {
    for (let pause = 100; ; pause = Math.min(2 * pause, 1_000)) {
      const [used, known] = await Promise.all([this.#count("latest"), this.#count("pending")]);
      for (const nonce of this.#waiting.keys()) if (nonce < used) this.#waiting.delete(nonce);
      const ours = Math.max(-1, ...this.#waiting.keys()) + 1;
      if (ours > known) await this.#sendAgain(); // a pool was lost: ours would wait behind a gap
      if (this.#waiting.size < MOST_WAITING) return Math.max(known, ours);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  #count(tag: "latest" | "pending"): Promise<number> {
    return this.#provider.getTransactionCount(this.#address, tag);
  }

  async #broadcast(
    sent: Waiting,
  ): Promise<"sent" | { readonly error: unknown; readonly nonceTaken: boolean }> {
    try {
      await this.#provider.broadcastTransaction(sent.raw);
      return "sent";
    } catch (error) {
      if (isUnanswered(error) || isKnown(error)) return "sent";
      const nonceTaken = isError(error, "NONCE_EXPIRED") || isError(error, "REPLACEMENT_UNDERPRICED");
      if (nonceTaken && (await this.#provider.getTransactionReceipt(sent.hash)) !== null) return "sent";
      return { error, nonceTaken };
    }
  }

  /**
   * Sends everything that waits once more, in order. The same bytes: nothing can happen twice. From one that a node now
   * refuses on, they are not counted on any more: the next transaction takes that nonce.
   */
  #sendAgain(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    const inOrder = [...this.#waiting.values()].sort((a, b) => a.nonce - b.nonce);
    for (const sent of inOrder) {
      const outcome = await this.#broadcast(sent);
      if (outcome === "sent" || outcome.nonceTaken) continue;
      sent.refusal = (outcome.error as Error).message;
      for (const nonce of this.#waiting.keys()) if (nonce >= sent.nonce) this.#waiting.delete(nonce);
      return;
    }
  }

  async #mined(sent: Waiting, timeoutMs: number): Promise<TransactionReceipt> {
    const deadline = Date.now() + timeoutMs;
    let resendMs = RESEND_MS;
    let resendAt = Date.now() + resendMs;
    for (let pause = 50; ; pause = Math.min(2 * pause, 1_000)) {
      const receipt = await this.#receipt(sent);
      if (receipt !== null) {
        this.#waiting.delete(sent.nonce);
        return receipt;
      }
      const now = Date.now();
      if (now > deadline) throw unknown(sent, timeoutMs);
      if (now >= resendAt) {
        resendMs = Math.min(30_000, 2 * resendMs);
        resendAt = now + resendMs;
        await this.#lookAfter(sent);
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(pause, deadline - now + 1)));
    }
  }

  /** The receipt; `null` while there is none, or nobody answers. */
  async #receipt({ hash }: Waiting): Promise<TransactionReceipt | null> {
    try {
      return await this.#provider.getTransactionReceipt(hash);
    } catch (error) {
      if (isUnanswered(error)) return null;
      throw error;
    }
  }

  /** It takes long: was it lost, or did another transaction use its nonce? */
  async #lookAfter(sent: Waiting): Promise<void> {
    try {
      if ((await this.#count("latest")) > sent.nonce) {
        // The receipt first shows a little after the nonce on some nodes.
        await new Promise((resolve) => setTimeout(resolve, 500));
        if ((await this.#receipt(sent)) !== null) return;
        this.#waiting.delete(sent.nonce);
        throw replaced(sent);
      }
      if ((await this.#provider.getTransaction(sent.hash)) === null) await this.#sendAgain();
    } catch (error) {
      if (!isUnanswered(error)) throw error;
    }
  }
}

const lanes = new WeakMap<Provider, Map<string, NonceLane>>();

/** Nobody said what became of it. */
function isUnanswered(error: unknown): boolean {
  if (error instanceof NodeError) return error.code !== "AccountNotAllowed";
  if (isError(error, "NETWORK_ERROR") || isError(error, "TIMEOUT") || isError(error, "SERVER_ERROR"))
    return true;
  const { code } = error as { code?: unknown };
  return typeof code === "string" && /^(E[A-Z]+|UND_ERR_[A-Z_]+)$/.test(code);
}

function isKnown(error: unknown): boolean {
  return /already known|known transaction|already imported/i.test((error as Error).message);
}

function unknown({ hash, nonce, refusal }: Waiting, waitedMs: number): TenonError {
  return new TenonError("TransactionUnknown", "The transaction was sent; no block holds it yet", {
    args: { hash, nonce, waitedMs, ...(refusal !== undefined && { refusal }) },
    remedy: "It may still be mined: look for this hash again before sending anything in its place.",
  });
}

function replaced({ hash, nonce }: Waiting): TenonError {
  return new TenonError("TransactionReplaced", "Another transaction of this key used the nonce", {
    args: { hash, nonce },
    remedy: "This one will never be mined. Let one process at a time use a key, then send it again.",
  });
}
