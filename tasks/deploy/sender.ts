import { setTimeout as sleep } from "node:timers/promises";
import { keccak256, type Provider, type Signer, type TransactionReceipt } from "ethers";
import { TenonError } from "../../sdk/src/errors.js";
import { TRANSACTION_GAS_CAP } from "./chain-check.js";
import type { DeploymentRecord } from "./record.js";

const PATIENCE_MS = 120_000;

/**
 * Sends the steps of a deployment one by one, each at most once. What is about to be sent (nonce and hash of its
 * data) is in the record first; after an interruption the chain is asked whether that transaction was mined.
 */
export class StepSender {
  /** Transactions sent by this run. */
  sent = 0;

  constructor(
    private readonly signer: Signer,
    private readonly provider: Provider,
    private readonly record: DeploymentRecord,
    private readonly save: () => void,
  ) {}

  /** Runs one step: finds its transaction from before an interruption, or sends it. */
  async run(
    step: string,
    to: string | null,
    encode: () => string | Promise<string>,
  ): Promise<TransactionReceipt> {
    return (await this.#findPending(step)) ?? (await this.#send(step, to, await encode()));
  }

  async #send(step: string, to: string | null, data: string): Promise<TransactionReceipt> {
    const from = await this.signer.getAddress();
    const gas = await this.#estimate(step, { from, to, data });
    const nonce = await this.provider.getTransactionCount(from);
    const block = await this.provider.getBlockNumber();
    this.record.pending = { step, nonce, dataHash: keccak256(data), block };
    this.save();
    const limit = gas + gas / 5n;
    const gasLimit = limit < TRANSACTION_GAS_CAP ? limit : TRANSACTION_GAS_CAP;
    const { hash } = await this.signer.sendTransaction({ to, data, nonce, gasLimit, gasPrice: 0n, type: 0 });
    this.sent++;
    return this.#mined(step, hash);
  }

  async #estimate(
    step: string,
    transaction: { from: string; to: string | null; data: string },
  ): Promise<bigint> {
    let gas: bigint;
    try {
      gas = await this.provider.estimateGas({ ...transaction, gasPrice: 0n });
    } catch (cause) {
      throw new TenonError("StepRefused", `The chain refuses the step "${step}"`, {
        args: { step, reason: cause instanceof Error ? cause.message : cause },
        remedy: "Nothing of this step was done. Mend what the reason says and run the same command again.",
        cause,
      });
    }
    if (gas <= TRANSACTION_GAS_CAP) return gas;
    throw new TenonError("StepTooLarge", `The step "${step}" does not fit into one transaction`, {
      args: { step, gas, cap: TRANSACTION_GAS_CAP },
      remedy: "Enrol fewer signatories of one organisation, or fewer streams, before the seal.",
    });
  }

  /** The receipt of what an interrupted run left behind, if it is this step and reached the chain. */
  async #findPending(step: string): Promise<TransactionReceipt | undefined> {
    const pending = this.record.pending;
    if (pending === null || pending.step !== step) return undefined;
    const from = await this.signer.getAddress();
    await this.#untilPoolEmpty(from);
    if ((await this.provider.getTransactionCount(from)) <= pending.nonce) return undefined;
    const latest = await this.provider.getBlockNumber();
    for (let number = pending.block; number <= latest; number++) {
      const block = await this.provider.getBlock(number, true);
      const found = block?.prefetchedTransactions.find(
        (tx) => tx.from === from && tx.nonce === pending.nonce,
      );
      if (found === undefined) continue;
      const receipt = await this.provider.getTransactionReceipt(found.hash);
      return keccak256(found.data) === pending.dataHash && receipt?.status === 1 ? receipt : undefined;
    }
    return undefined;
  }

  async #untilPoolEmpty(from: string): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const [mined, known] = await Promise.all([
        this.provider.getTransactionCount(from, "latest"),
        this.provider.getTransactionCount(from, "pending"),
      ]);
      if (known <= mined) return;
      if (Date.now() > deadline) throw notMined("a transaction of the deployer", "in the pool");
      await sleep(500);
    }
  }

  async #mined(step: string, hash: string): Promise<TransactionReceipt> {
    const receipt = await this.provider.waitForTransaction(hash, 1, PATIENCE_MS).catch(() => null);
    if (receipt === null) throw notMined(step, hash);
    if (receipt.status === 1) return receipt;
    throw new TenonError("StepReverted", `The step "${step}" was mined and reverted`, {
      args: { step, hash },
      remedy: "Nothing of this step was done. Run the same command again; it continues here.",
    });
  }
}

function notMined(step: string, hash: string): TenonError {
  return new TenonError("StepNotMined", "A transaction was sent but is in no block yet", {
    args: { step, hash, waitedSeconds: PATIENCE_MS / 1000 },
    remedy: "See why the chain makes no blocks, then run the same command again; it continues here.",
  });
}
