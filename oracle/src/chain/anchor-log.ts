import { fromHex, type Hex, toHex } from "@tenon/sdk/bytes";
import { abis } from "@tenon/sdk/generated/abis";
import { typedError } from "@tenon/sdk/revert";
import { AbiCoder, Interface, keccak256, type Log, type Provider } from "ethers";
import type { ClosedBatch } from "../state/types.js";

/** Batches of one epoch: so many share one epoch root. */
export const EPOCH = 1_024;

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

/** The part of a batch that goes on the chain. */
export type BatchContent = Pick<
  ClosedBatch,
  "batch" | "first" | "count" | "minTime" | "maxTime" | "framesRoot" | "headsRoot" | "rejectsRoot"
>;

/** An `Anchored` event and where it stands. */
export interface AnchoredEvent {
  content: BatchContent;
  transaction: Hex;
  block: { number: number; hash: Hex };
  transactionIndex: number;
  /** Within the block. */
  logIndex: number;
}

const abi = new Interface(abis.AnchorLog);
const anchorType =
  "tuple(uint32 batch,uint40 first,uint32 count,uint40 minTime,uint40 maxTime,bytes32 framesRoot,bytes32 headsRoot,bytes32 rejectsRoot)";

/** Calldata that anchors a batch. */
export function anchorCalldata(stream: number, content: BatchContent): Hex {
  return abi.encodeFunctionData("anchor", [stream, anchorTuple(content)]) as Hex;
}

/** `keccak256(abi.encode(stream, anchor))`: what the contract's ring keeps of a batch. */
export function commitmentOf(stream: number, content: BatchContent): Hex {
  return keccak256(
    AbiCoder.defaultAbiCoder().encode(["uint32", anchorType], [stream, anchorTuple(content)]),
  ) as Hex;
}

/** Names of the fields in which two batches differ; empty when both say the same. */
export function differences(a: BatchContent, b: BatchContent): string[] {
  const [left, right] = [anchorTuple(a), anchorTuple(b)];
  return Object.keys(left).filter((field) => left[field] !== right[field]);
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
  async simulate(from: Hex, content: BatchContent): Promise<void> {
    await this.#call("anchor", [this.stream, anchorTuple(content)], "latest", from);
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
      if (piece === 1) throw error;
      piece = Math.ceil(Math.min(piece, end - start + 1) / 2);
      if (start === end) throw error;
    }
  }
}

function anchoredEvent(log: Log): AnchoredEvent {
  const { args } = abi.parseLog(log) ?? { args: {} as never };
  return {
    content: {
      batch: Number(args.batch),
      first: Number(args.first),
      count: Number(args.count),
      minTime: Number(args.minTime),
      maxTime: Number(args.maxTime),
      framesRoot: fromHex(args.framesRoot),
      headsRoot: fromHex(args.headsRoot),
      rejectsRoot: fromHex(args.rejectsRoot),
    },
    transaction: log.transactionHash as Hex,
    block: { number: log.blockNumber, hash: log.blockHash as Hex },
    transactionIndex: log.transactionIndex,
    logIndex: log.index,
  };
}

function anchorTuple(content: BatchContent): Record<string, number | Hex> {
  const { batch, first, count, minTime, maxTime } = content;
  return {
    batch,
    first,
    count,
    minTime,
    maxTime,
    framesRoot: toHex(content.framesRoot),
    headsRoot: toHex(content.headsRoot),
    rejectsRoot: toHex(content.rejectsRoot),
  };
}
