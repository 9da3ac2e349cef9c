import { Transaction, type TransactionLike } from "ethers";
import type { EthereumProvider } from "hardhat/types/providers";
import { TenonError } from "../../sdk/src/errors.js";
import type { Journal, JournalBlock } from "./journal.js";

/** A block is mined at least this often, so that the chain's clock never stands still for long. */
const HEARTBEAT_MS = 5_000;

interface RpcBlock {
  number: string;
  timestamp: string;
  hash: string;
  transactions: RpcTransaction[];
}

interface RpcTransaction {
  hash: string;
  type: string;
  chainId?: string;
  nonce: string;
  gas: string;
  gasPrice?: string;
  maxFeePerGas?: string;
  maxPriorityFeePerGas?: string;
  to: string | null;
  value: string;
  input: string;
  accessList?: TransactionLike["accessList"];
  r: string;
  s: string;
  v: string;
}

/**
 * The embedded chain: EDR behind one queue, mined by one clock. Requests and mining never overlap, so no client sees
 * a block before its journal line is on disk, and a kill -9 at any moment loses nothing that anybody was told.
 */
export class EmbeddedChain {
  #queue: Promise<unknown> = Promise.resolve();
  #sent = false;
  #broken = false;
  #lastBlock: JournalBlock;
  #lastMinedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    private readonly provider: EthereumProvider,
    private readonly journal: Journal | undefined,
    readonly chainId: number,
    readonly genesisHash: string,
    head: JournalBlock,
  ) {
    this.#lastBlock = head;
  }

  get head(): JournalBlock {
    return this.#lastBlock;
  }

  /**
   * Replays the journal into a fresh node, checking every block hash, and mines one block to bring the clock to now.
   * @param hardhat Version of Hardhat, written into a new journal.
   */
  static async open(
    provider: EthereumProvider,
    journal: Journal | undefined,
    hardhat: string,
  ): Promise<EmbeddedChain> {
    const genesis = await readBlock(provider, "0x0");
    const chainId = Number(await provider.request({ method: "eth_chainId" }));
    journal?.begin({ version: 1, chainId, date: genesis.timestamp, genesisHash: genesis.hash, hardhat });
    const chain = new EmbeddedChain(provider, journal, chainId, genesis.hash, genesis);
    for (const block of journal?.blocks ?? []) await chain.#replay(block);
    await chain.#mine();
    return chain;
  }

  /** Starts the block clock. */
  start(periodMs: number, onFault: (error: unknown) => void): void {
    const tick = (): void => {
      const due = this.#sent || Date.now() - this.#lastMinedAt >= HEARTBEAT_MS;
      const step = due ? this.#exclusive(() => this.#mine()) : Promise.resolve();
      void step.then(() => {
        if (this.#timer !== undefined) this.#timer = setTimeout(tick, periodMs);
      }, onFault);
    };
    this.#timer = setTimeout(tick, periodMs);
  }

  /** Stops the clock and waits until what is under way is done. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#exclusive(async () => undefined);
  }

  /** Serves one JSON-RPC request. Methods that move the node past its clock are not served. */
  async request(method: string, params: unknown): Promise<unknown> {
    if (/^(evm|hardhat)_/.test(method)) {
      throw new TenonError("MethodNotServed", `The embedded chain does not serve ${method}`, {
        args: { method },
        remedy:
          "It behaves like a real chain; tests that move time or state use the in-process network `default`.",
      });
    }
    return this.#exclusive(async () => {
      if (this.#broken) {
        throw new TenonError("ChainStopped", "The embedded chain could not keep its last block and stops", {
          remedy: "See its output; after mending that, start it again with the same --state folder.",
        });
      }
      const result: unknown = await this.provider.request({ method, params: params as unknown[] });
      if (method.startsWith("eth_send")) this.#sent = true;
      return result;
    });
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async #mine(): Promise<void> {
    const timestamp = Math.max(Math.floor(Date.now() / 1000), this.#lastBlock.timestamp + 1);
    // Until the block is on disk nobody may read it; if it cannot be kept, nobody ever does.
    this.#broken = true;
    const block = await this.#mineAt(timestamp);
    this.journal?.append(block);
    this.#broken = false;
    // A block that took transactions may have left some behind: look again at the next tick.
    this.#sent = block.transactions.length > 0;
    this.#lastBlock = block;
    this.#lastMinedAt = Date.now();
  }

  async #replay(kept: JournalBlock): Promise<void> {
    let block: JournalBlock;
    try {
      for (const raw of kept.transactions) {
        await this.provider.request({ method: "eth_sendRawTransaction", params: [raw] });
      }
      block = await this.#mineAt(kept.timestamp);
    } catch (cause) {
      throw this.#differs(kept, cause instanceof Error ? cause.message : cause, cause);
    }
    if (block.hash !== kept.hash || block.number !== kept.number) throw this.#differs(kept, block.hash);
    this.#lastBlock = block;
  }

  #differs(kept: JournalBlock, replayed: unknown, cause?: unknown): TenonError {
    const writtenBy = `Hardhat ${this.journal?.genesis?.hardhat}`;
    return new TenonError(
      "ChainReplayDiffers",
      "Replaying the kept chain gives another block than was mined",
      {
        args: { folder: this.journal?.folder, block: kept.number, kept: kept.hash, replayed, writtenBy },
        remedy: "Use the Hardhat version and network settings that wrote it, or another --state folder.",
        cause,
      },
    );
  }

  async #mineAt(timestamp: number): Promise<JournalBlock> {
    // More than half-full blocks would raise the base fee; a zero-gas-price chain has none.
    await this.provider.request({ method: "hardhat_setNextBlockBaseFeePerGas", params: ["0x0"] });
    await this.provider.request({ method: "evm_setNextBlockTimestamp", params: [timestamp] });
    await this.provider.request({ method: "evm_mine", params: [] });
    return readBlock(this.provider, "latest");
  }
}

async function readBlock(provider: EthereumProvider, tag: string): Promise<JournalBlock> {
  const block = (await provider.request({ method: "eth_getBlockByNumber", params: [tag, true] })) as RpcBlock;
  return {
    number: Number(block.number),
    timestamp: Number(block.timestamp),
    hash: block.hash,
    transactions: block.transactions.map(rawTransaction),
  };
}

/** The signed bytes of a mined transaction, rebuilt from its fields and held against its hash. */
function rawTransaction(sent: RpcTransaction): string {
  const type = Number(sent.type);
  const v = Number(sent.v);
  const transaction = Transaction.from({
    type,
    nonce: Number(sent.nonce),
    gasLimit: sent.gas,
    to: sent.to,
    value: sent.value,
    data: sent.input,
    ...(type < 2
      ? { gasPrice: sent.gasPrice ?? "0x0" }
      : {
          maxFeePerGas: sent.maxFeePerGas ?? "0x0",
          maxPriorityFeePerGas: sent.maxPriorityFeePerGas ?? "0x0",
        }),
    ...(type > 0 ? { accessList: sent.accessList ?? [], chainId: sent.chainId ?? "0x0" } : {}),
    ...(type === 0 && v >= 35 ? { chainId: Math.floor((v - 35) / 2) } : {}),
    signature: { r: word(sent.r), s: word(sent.s), v: type === 0 ? v : v + 27 },
  });
  if (transaction.hash !== sent.hash) {
    throw new TenonError(
      "TransactionNotKept",
      "A transaction of this type cannot be written to the journal",
      {
        args: { hash: sent.hash, type },
        remedy: "Send transactions of type 0, 1 or 2, or run the chain without --state.",
      },
    );
  }
  return transaction.serialized;
}

/** JSON-RPC drops leading zeros of quantities. */
function word(quantity: string): string {
  return `0x${quantity.slice(2).padStart(64, "0")}`;
}
