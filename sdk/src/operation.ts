import {
  AbstractSigner,
  JsonRpcSigner,
  type Log,
  type Provider,
  type Signer,
  type TransactionReceipt,
} from "ethers";
import type { Hex } from "./bytes.js";
import { TenonError } from "./errors.js";
import { NonceLane } from "./lane.js";
import { typedError, withTypedErrors } from "./revert.js";
import { type SignedAct, type SignOptions, signCall } from "./signed-act.js";

/** A transaction that a node has taken. */
export interface SentOperation<T> {
  readonly hash: Hex;
  /** Waits until it is in a block, and decodes what it did. */
  wait(): Promise<T>;
}

/**
 * A write that has not happened yet. Nothing is sent before `send` or `wait`; the same operation can be simulated,
 * priced, handed to another signer as `to` and `data`, or sent. Refusals arrive as `ContractError`.
 */
export interface Operation<T> {
  readonly to: string;
  readonly data: Hex;
  /** Runs it as a call on the newest block. Throws what sending it would throw; changes nothing. */
  simulate(): Promise<void>;
  /** Gas it would use now, in gas units; the whole transaction. */
  estimateGas(): Promise<bigint>;
  /**
   * Sends it. Throws before anything is sent when the contract would refuse now. Operations of one key may be sent at
   * once: they get consecutive nonces, and a node that lost its pool gets the same signed bytes again while `wait` waits.
   */
  send(): Promise<SentOperation<T>>;
  /** Sends it and waits for the result. */
  wait(): Promise<T>;
  /**
   * Signs it instead of sending it, for anybody to bring with `tenon.relay`: its signer needs no node and no
   * transaction. What is signed is shown in words first. Only for contracts that take signed acts.
   */
  sign(options?: SignOptions): Promise<SignedAct>;
}

/** What an operation needs of the client: where to read, and who signs. */
export interface Connection {
  readonly provider: Provider;
  /** Throws `SignerRequired` when the client can only read. */
  signer(): Promise<Signer>;
  /** How long `wait` waits for a block, in milliseconds. */
  readonly timeout: number;
}

/** The chain takes no fee. Said outright, because nodes suggest a price even where none is due. */
export const noFee = { type: 2, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n } as const;

/** The most gas one transaction may use (EIP-7825). */
const gasCap = 2n ** 24n;

/**
 * @param decode Finds the result in the receipt. It gets only the logs of `call.to`: a log with the right topic from
 * another address is somebody else's.
 */
export function operation<T>(
  connection: Connection,
  call: { readonly to: string; readonly data: string },
  decode: (logs: Log[], receipt: TransactionReceipt) => T,
): Operation<T> {
  const request = { to: call.to, data: call.data };
  const estimateGas = () =>
    withTypedErrors(async () => (await connection.signer()).estimateGas({ ...request, ...noFee }));

  const send = async (): Promise<SentOperation<T>> => {
    const signer = await connection.signer();
    const estimate = await estimateGas();
    // A quarter on top: the state may have moved when the block is made, and unused gas costs nothing.
    const enlarged = estimate + estimate / 4n;
    const gasLimit = enlarged < gasCap ? enlarged : gasCap;
    const { hash, mined } = await withTypedErrors(() =>
      sent(connection, signer, { ...request, ...noFee, gasLimit }),
    );
    return {
      hash,
      wait: async () => {
        const receipt = await mined(connection.timeout);
        if (receipt.status !== 1) return refused(connection.provider, receipt);
        return decode(logsOf(receipt, call.to), receipt);
      },
    };
  };

  return {
    to: call.to,
    data: call.data as Hex,
    simulate: async () => {
      const signer = await connection.signer();
      await withTypedErrors(() => signer.call({ ...request, ...noFee }));
    },
    estimateGas,
    send,
    wait: async () => (await send()).wait(),
    sign: async (options = {}) =>
      signCall(
        connection.provider,
        { to: call.to, data: call.data as Hex },
        options.signer ?? (await connection.signer()),
        options,
      ),
  };
}

/** The logs of a receipt that one address emitted. */
export function logsOf(receipt: TransactionReceipt, address: string): Log[] {
  return receipt.logs.filter((log) => log.address.toLowerCase() === address.toLowerCase());
}

interface Sent {
  readonly hash: Hex;
  mined(timeoutMs: number): Promise<TransactionReceipt>;
}

type Request = typeof noFee & { readonly to: string; readonly data: string; readonly gasLimit: bigint };

/** Sends by the key's lane. A node or a wallet that keeps the key itself numbers and sends by itself. */
async function sent({ provider }: Connection, signer: Signer, request: Request): Promise<Sent> {
  const lane = NonceLane.of(provider, await signer.getAddress());
  if (signer instanceof AbstractSigner && !(signer instanceof JsonRpcSigner)) {
    const { chainId } = await provider.getNetwork();
    return lane.send((nonce) => signer.signTransaction({ ...request, chainId, nonce }));
  }
  const { hash } = await lane.exclusive(() => signer.sendTransaction(request));
  return { hash: hash as Hex, mined: (timeoutMs) => minedReceipt(provider, hash, timeoutMs) };
}

async function minedReceipt(
  provider: Provider,
  hash: string,
  timeoutMs: number,
): Promise<TransactionReceipt> {
  const deadline = Date.now() + timeoutMs;
  for (let pause = 50; ; pause = Math.min(2 * pause, 1_000)) {
    const receipt = await provider.getTransactionReceipt(hash);
    if (receipt !== null) return receipt;
    if (Date.now() > deadline) {
      throw new TenonError("TransactionUnknown", "The transaction was sent; no block holds it yet", {
        args: { hash, waitedMs: timeoutMs },
        remedy: "It may still be mined: look for this hash again before sending anything in its place.",
      });
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** A receipt says only that a transaction failed; the reason comes from running it again where it failed. */
async function refused(provider: Provider, receipt: TransactionReceipt): Promise<never> {
  const transaction = await provider.getTransaction(receipt.hash);
  for (const blockTag of [receipt.blockNumber - 1, receipt.blockNumber]) {
    const { from, to, data = "0x", gasLimit } = transaction ?? {};
    try {
      await provider.call({
        from: from ?? receipt.from,
        to: to ?? receipt.to,
        data,
        gasLimit: gasLimit ?? gasCap,
        blockTag,
      });
    } catch (error) {
      throw typedError(error);
    }
  }
  throw new TenonError("TransactionFailed", "The transaction failed and its reason cannot be found again", {
    args: { hash: receipt.hash, gasUsed: receipt.gasUsed, block: receipt.blockNumber },
    remedy: "Simulate the operation again: the state it met in its block has changed since.",
  });
}
