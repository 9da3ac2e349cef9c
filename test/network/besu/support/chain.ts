import { expect } from "chai";
import { type Bundle, ownNodes } from "../../../../besu-network/bundle/manifest.js";
import { type Ipc, withIpc } from "../../../../besu-network/run/ipc.js";
import type { TenonError } from "../../../../sdk/src/errors.js";
import { refusal } from "../../../support/refusal.js";

export interface Block {
  number: number;
  hash: string;
  timestamp: number;
  transactions: string[];
  /** Address of the validator that proposed it. */
  miner: string;
}

/** A block as a node has it, read over its admin socket; `null` when it has none of that number. */
export async function blockOf(bundle: Bundle, node: string, block: number | "latest"): Promise<Block | null> {
  const tag = block === "latest" ? block : `0x${block.toString(16)}`;
  const found = (await call(bundle, node, "eth_getBlockByNumber", [tag, false])) as RawBlock | null;
  if (found === null) return null;
  return { ...found, number: Number(found.number), timestamp: Number(found.timestamp) };
}

type RawBlock = Omit<Block, "number" | "timestamp"> & { number: string; timestamp: string };

export async function heightAt(bundle: Bundle, node: string): Promise<number> {
  return Number(await call(bundle, node, "eth_blockNumber"));
}

export function call(bundle: Bundle, node: string, method: string, params: unknown[] = []): Promise<unknown> {
  return withIpc(bundle, node, (ipc: Ipc) => ipc.call(method, params));
}

export async function peersOf(bundle: Bundle, node: string): Promise<number> {
  return Number(await call(bundle, node, "net_peerCount"));
}

/** Holds that these nodes have the same block at the greatest height that all of them have; answers that block. */
export async function expectOneChain(bundle: Bundle, nodes = namesOf(bundle)): Promise<Block> {
  const heights = await Promise.all(nodes.map((node) => heightAt(bundle, node)));
  const common = Math.min(...heights);
  const blocks = await Promise.all(nodes.map((node) => blockOf(bundle, node, common)));
  expect(new Set(blocks.map((block) => block?.hash)).size, `hashes of block ${common}`).to.equal(1);
  return blocks[0]!;
}

export function namesOf(bundle: Bundle): string[] {
  return ownNodes(bundle).map(({ name }) => name);
}

/** Seconds from block to block between two heights, on average and the longest. */
export async function intervals(bundle: Bundle, node: string, from: number, to: number) {
  const times: number[] = [];
  for (let number = from; number <= to; number++) {
    times.push((await blockOf(bundle, node, number))!.timestamp);
  }
  const between = times.slice(1).map((time, i) => time - times[i]!);
  return {
    average: between.reduce((sum, one) => sum + one, 0) / between.length,
    longest: Math.max(...between),
  };
}

/** What a node answers to a call that it must refuse, over its admin socket. */
export async function refusedBy(bundle: Bundle, node: string, method: string, params: unknown[]) {
  const { code, args } = await refusal<TenonError>(call(bundle, node, method, params));
  expect(code).to.equal("NodeRefused");
  return args as { code: number; reason: string };
}
