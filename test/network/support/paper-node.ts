import { type HDNodeWallet, SigningKey, Wallet } from "ethers";
import { encodeExtraData } from "../../../besu-network/genesis/extra-data.js";
import type { NodeSource } from "../../../besu-network/monitor/collector.js";
import type { Hex } from "../../../sdk/src/bytes.js";
import { encodeHeader } from "../../../sdk/src/proof/header.js";
import { readQbftHeader } from "../../../sdk/src/proof/qbft.js";
import { hashAt, settings } from "./chain.js";

type Block = Record<string, unknown> & { number: string; hash: Hex };

const word = (byte: string) => `0x${byte.repeat(32)}`;

/** Four validators with keys, and a chain that they really seal, block by block. */
export class PaperNetwork {
  readonly validators: HDNodeWallet[] = [1, 2, 3, 4].map(() => Wallet.createRandom());
  readonly blocks: Block[] = [this.#block(0, [], 0, 0, 0)];
  /** Nodes by number from 1 that do not answer. */
  readonly down = new Set<number>();
  pool = 0;

  address(validator: number): Hex {
    return this.validators[validator - 1]!.address.toLowerCase() as Hex;
  }

  /** Appends a block of this time, sealed by these validators. */
  mine(
    timestamp: number,
    by: { proposer: number; sealers: number[]; round?: number; transactions?: number },
  ): void {
    const { proposer, sealers, round = 0, transactions = 0 } = by;
    this.blocks.push(this.#block(timestamp, sealers, proposer, round, transactions));
  }

  sources(): NodeSource[] {
    return this.validators.map((_, index) => ({
      name: `validator${index + 1}`,
      role: "validator",
      address: this.address(index + 1),
      dataPath: ".",
      open: async () => {
        this.#check(index + 1);
        return { call: (method, params) => this.#answer(index + 1, method, params), close: () => undefined };
      },
    }));
  }

  settings() {
    const names = Object.fromEntries([1, 2, 3, 4].map((each) => [this.address(each), `validator${each}`]));
    return { ...settings, genesisHash: this.blocks[0]!.hash, diskFloorBytes: 0, names };
  }

  #check(node: number): void {
    if (this.down.has(node)) throw new Error("it does not run here");
  }

  async #answer(node: number, method: string, params: readonly unknown[]): Promise<unknown> {
    this.#check(node);
    if (method === "eth_chainId") return `0x${settings.chainId.toString(16)}`;
    if (method === "eth_getBlockByNumber") {
      return (params[0] === "latest" ? this.blocks.at(-1) : this.blocks[Number(params[0])]) ?? null;
    }
    if (method === "txpool_besuStatistics") return { maxSize: 50_000, localCount: this.pool, remoteCount: 0 };
    if (method === "admin_peers") return this.#peers(node);
    throw new Error(`no method ${method}`);
  }

  #peers(node: number): { id: string }[] {
    const others = this.validators.filter((_, index) => index + 1 !== node && !this.down.has(index + 1));
    return others.map(({ privateKey }) => ({ id: `0x${new SigningKey(privateKey).publicKey.slice(4)}` }));
  }

  #block(timestamp: number, sealers: number[], proposer: number, round: number, transactions: number): Block {
    const validators = this.validators.map(({ address }) => address.toLowerCase() as Hex).sort();
    const number = this.blocks?.length ?? 0;
    const header = {
      number: `0x${number.toString(16)}`,
      parentHash: number === 0 ? word("00") : this.blocks[number - 1]!.hash,
      sha3Uncles: word("11"),
      miner: proposer === 0 ? `0x${"00".repeat(20)}` : this.address(proposer),
      stateRoot: word("22"),
      transactionsRoot: word("33"),
      receiptsRoot: word("44"),
      logsBloom: `0x${"00".repeat(256)}`,
      difficulty: "0x1",
      gasLimit: "0x3938700",
      gasUsed: `0x${(21_000 * transactions).toString(16)}`,
      timestamp: `0x${timestamp.toString(16)}`,
      mixHash: word("55"),
      nonce: "0x0000000000000000",
      baseFeePerGas: "0x0",
      transactions: Array.from({ length: transactions }, (_, index) => hashAt(index)),
    };
    const parsed = readQbftHeader(
      encodeHeader({ ...header, extraData: encodeExtraData({ validators, round, seals: [] }) }),
    );
    const seals = sealers.map((sealer) => seal(this.validators[sealer - 1]!.privateKey, parsed.sealed));
    return { ...header, extraData: encodeExtraData({ validators, round, seals }), hash: parsed.hash };
  }
}

function seal(key: string, digest: string): Hex {
  const { r, s, yParity } = new SigningKey(key).sign(digest);
  return `${r}${s.slice(2)}0${yParity}` as Hex;
}
