import { type AnchorData, anchorOfEvent } from "@tenon/sdk/anchor";
import { type Hex, toHex } from "@tenon/sdk/bytes";
import { abis } from "@tenon/sdk/generated/abis";
import { NodeError } from "@tenon/sdk/nodes/failure";
import { typedError } from "@tenon/sdk/revert";
import { Interface, type Log, type Provider } from "ethers";
import type { ClosedBatch } from "../state/types.js";

/** The head of a stream, as the contract keeps it. */
export interface StreamHead {
  /** The only account that may anchor. */
  key: Hex;
  /** When the key's role ends, seconds since 1970; 0 is no role. */
  roleUntil: number;
  /** Number of the next batch. */
  next: number;
  /** Frames anchored so far. */
  size: number;
}

/** An `Anchored` event and where it stands. */
export interface AnchoredEvent {
  content: AnchorData;
  transaction: Hex;
  block: { number: number; hash: Hex };
  transactionIndex: number;
  /** Within the block. */
  logIndex: number;
}

const abi = new Interface(abis.AnchorLog);

/** The part of a closed batch that goes on the chain. */
export function anchorDataOf(stream: number, batch: ClosedBatch): AnchorData {
  return {
    stream,
    batch: batch.batch,
    first: BigInt(batch.first),
    count: batch.count,
    minTime: BigInt(batch.minTime),
    maxTime: BigInt(batch.maxTime),
    framesRoot: toHex(batch.framesRoot),
    headsRoot: toHex(batch.headsRoot),
    rejectsRoot: toHex(batch.rejectsRoot),
  };
}

/** Calldata that anchors a batch. */
export function anchorCalldata({ stream, ...anchor }: AnchorData): Hex {
  return abi.encodeFunctionData("anchor", [stream, anchor]) as Hex;
}

/** Every 1,024th anchor seals an epoch, about 2.5 million gas. Fixed, so that the signed bytes depend on nothing else. */
const GAS_LIMIT = 4_000_000n;

/** The transaction that anchors a batch, to be signed. */
export function anchorTransaction(chainId: number, to: Hex, content: AnchorData, nonce: number) {
  const data = anchorCalldata(content);
  const free = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n };
  return { type: 2, chainId, to, data, nonce, gasLimit: GAS_LIMIT, ...free };
}

/** Names of the fields in which two batches differ; empty when both say the same. */
export function differences(a: AnchorData, b: AnchorData): string[] {
  return Object.keys(a).filter((field) => a[field as keyof AnchorData] !== b[field as keyof AnchorData]);
}

/** Reads one stream of the AnchorLog. Calls throw `ContractError` for a refusal and the node's error for a failure. */
export class AnchorLogReader {
  readonly #provider: Provider;
  readonly address: Hex;
  readonly stream: number;

  constructor(provider: Provider, address: Hex, stream: number) {
    this.#provider = provider;
    this.address = address;
    this.stream = stream;
  }

  async head(blockTag: number | "latest" = "latest"): Promise<StreamHead> {
    const result = await this.#call("head", [this.stream], blockTag);
    const { key, untilHour, next, size } = abi.decodeFunctionResult("head", result)[0];
    return {
      key: key.toLowerCase(),
      roleUntil: Number(untilHour) * 3_600,
      next: Number(next),
      size: Number(size),
    };
  }

  /** What the contract would say to this batch from this key now. Throws its refusal; changes nothing. */
  async simulate(from: Hex, { stream, ...anchor }: AnchorData): Promise<void> {
    await this.#call("anchor", [stream, anchor], "latest", from);
  }

  /** `Anchored` events of the stream in `[from, to]`, in order. `batch` asks for one batch only. */
  async anchored(from: number, to: number, batch?: number): Promise<AnchoredEvent[]> {
    const topics = abi.encodeFilterTopics(
      "Anchored",
      batch === undefined ? [this.stream] : [this.stream, batch],
    );
    const events: AnchoredEvent[] = [];
    for await (const logs of logsInRange(this.#provider, this.address, topics, from, to)) {
      events.push(...logs.map(anchoredEvent));
    }
    return events;
  }

  async #call(name: string, args: unknown[], blockTag: number | "latest", from?: Hex): Promise<string> {
    try {
      const data = abi.encodeFunctionData(name, args);
      return await this.#provider.call({ to: this.address, data, blockTag, ...(from && { from }) });
    } catch (error) {
      throw typedError(error);
    }
  }
}

/** The `Anchored` event among the logs of a receipt, from this address only. */
export function anchoredIn(logs: readonly Log[], address: Hex): AnchoredEvent | undefined {
  const topic = abi.getEvent("Anchored")?.topicHash;
  const log = logs.find((l) => l.address.toLowerCase() === address.toLowerCase() && l.topics[0] === topic);
  return log && anchoredEvent(log);
}

/**
 * Logs of a range of blocks, asked for in pieces: nodes refuse ranges that are too long, so a refused piece is halved.
 */
export async function* logsInRange(
  provider: Provider,
  address: Hex,
  topics: (string | string[] | null)[],
  from: number,
  to: number,
): AsyncGenerator<Log[]> {
  let piece = 10_000;
  for (let start = from; start <= to; ) {
    const end = Math.min(to, start + piece - 1);
    try {
      yield await provider.getLogs({ address, topics, fromBlock: start, toBlock: end });
      start = end + 1;
    } catch (error) {
      if (piece === 1 || error instanceof NodeError) throw error;
      piece = Math.ceil(Math.min(piece, end - start + 1) / 2);
      if (start === end) throw error;
    }
  }
}

function anchoredEvent(log: Log): AnchoredEvent {
  return {
    content: anchorOfEvent(abi.parseLog(log)!.args),
    transaction: log.transactionHash as Hex,
    block: { number: log.blockNumber, hash: log.blockHash as Hex },
    transactionIndex: log.transactionIndex,
    logIndex: log.index,
  };
}
