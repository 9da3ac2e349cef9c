import { type Filter, type Interface, isError, type Log, type LogDescription, type Provider } from "ethers";
import type { Hex } from "./bytes.js";
import { TenonError } from "./errors.js";
import { NodeError } from "./nodes/failure.js";

/** Where on the chain something was said. */
export interface LogPosition {
  readonly block: number;
  readonly blockHash: Hex;
  readonly transaction: Hex;
  /** Index of the log within its block. */
  readonly logIndex: number;
}

export function positionOf(log: Log): LogPosition {
  return {
    block: log.blockNumber,
    blockHash: log.blockHash as Hex,
    transaction: log.transactionHash as Hex,
    logIndex: log.index,
  };
}

/** A decoded event and where it stands. */
export interface FoundEvent {
  readonly event: LogDescription;
  readonly at: LogPosition;
}

/** Which events of which contract; `args` are the indexed ones in order, `null` for any. */
export interface EventQuery {
  readonly address: string;
  readonly abi: Interface;
  readonly event: string;
  readonly args?: readonly unknown[];
  readonly fromBlock: number;
  readonly toBlock?: number;
}

/**
 * Events of one contract in chain order. Where a node limits how many blocks it searches at once, the range is
 * halved until it answers.
 */
export async function findEvents(provider: Provider, query: EventQuery): Promise<FoundEvent[]> {
  const toBlock = query.toBlock ?? (await provider.getBlockNumber());
  const topics = query.abi.encodeFilterTopics(query.event, [...(query.args ?? [])]);
  const logs = await logsBetween(provider, { address: query.address, topics }, query.fromBlock, toBlock);
  return logs.flatMap((log) => {
    const event = sameAddress(log.address, query.address) ? query.abi.parseLog(log) : null;
    return event?.name === query.event ? [{ event, at: positionOf(log) }] : [];
  });
}

export type LogFilter = Pick<Filter, "address" | "topics">;

/** Logs of a range of blocks; halved where a node limits how many blocks it searches at once. */
export async function logsBetween(
  provider: Provider,
  filter: LogFilter,
  fromBlock: number,
  toBlock: number,
): Promise<Log[]> {
  if (toBlock < fromBlock) return [];
  try {
    return await provider.getLogs({ ...filter, fromBlock, toBlock });
  } catch (error) {
    if (fromBlock === toBlock || isUnanswered(error)) throw error;
    const middle = Math.floor((fromBlock + toBlock) / 2);
    const lower = await logsBetween(provider, filter, fromBlock, middle);
    return [...lower, ...(await logsBetween(provider, filter, middle + 1, toBlock))];
  }
}

/** Shorter ranges do not help where nobody answers. */
function isUnanswered(error: unknown): boolean {
  return error instanceof NodeError || isError(error, "NETWORK_ERROR") || isError(error, "TIMEOUT");
}

/** The one event of this name among logs that our contract emitted. Throws `EventMissing`. */
export function eventIn(logs: readonly Log[], abi: Interface, name: string): FoundEvent {
  for (const log of logs) {
    const event = abi.parseLog(log);
    if (event?.name === name) return { event, at: positionOf(log) };
  }
  throw new TenonError("EventMissing", "The transaction succeeded without the event it should emit", {
    args: { event: name, logs: logs.length },
    remedy: "Check that the record's address holds this version of the contract.",
  });
}

/** All events of this name among logs that our contract emitted, in order. */
export function eventsIn(logs: readonly Log[], abi: Interface, name: string): FoundEvent[] {
  return logs.flatMap((log) => {
    const event = abi.parseLog(log);
    return event?.name === name ? [{ event, at: positionOf(log) }] : [];
  });
}

export function sameAddress(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
