import { setTimeout as sleep } from "node:timers/promises";
import { TenonError } from "../../sdk/src/errors.js";
import { type Bundle, ownNodes } from "../bundle/manifest.js";
import { Ipc } from "./ipc.js";

export interface WaitOptions {
  /** How many new blocks (default 1). */
  blocks?: number;
  /** Milliseconds until `BlocksMissing` (default 60,000). */
  timeout?: number;
  /** Nodes that must all get there (default: any one of the bundle's own). */
  nodes?: readonly string[];
  /** Told after each look. */
  progress?: (height: number | undefined) => void;
}

/**
 * Waits until the chain has grown by `blocks`, asking the bundle's own nodes; gives the height reached. A node that does not answer
 * is asked again. Throws `BlocksMissing`.
 */
export async function waitForBlocks(bundle: Bundle, options: WaitOptions = {}): Promise<number> {
  const { blocks = 1, timeout = 60_000, progress } = options;
  const names = options.nodes ?? ownNodes(bundle).map(({ name }) => name);
  const reach = options.nodes === undefined ? Math.max : Math.min;
  const end = Date.now() + timeout;
  let goal: number | undefined;
  let height: number | undefined;
  while (Date.now() < end) {
    const heights = await Promise.all(names.map((name) => heightOf(bundle, name)));
    const known = heights.filter((one) => one !== undefined);
    if (known.length > 0) goal ??= Math.max(...known) + blocks;
    if (known.length > 0 && (reach === Math.max || known.length === names.length)) height = reach(...known);
    progress?.(height);
    if (height !== undefined && goal !== undefined && height >= goal) return height;
    await sleep(250);
  }
  throw new TenonError("BlocksMissing", "The chain made no new blocks in time", {
    args: { height, goal, milliseconds: timeout },
    remedy: "npx hardhat network status says why; after a lost quorum, npx hardhat network recover.",
  });
}

/** Height of a node's chain; undefined when it does not answer. */
export async function heightOf(bundle: Bundle, name: string): Promise<number | undefined> {
  let ipc: Ipc | undefined;
  try {
    ipc = await Ipc.connect(bundle, name, { timeout: 5_000 });
    return Number(await ipc.call("eth_blockNumber"));
  } catch {
    return undefined;
  } finally {
    ipc?.close();
  }
}
