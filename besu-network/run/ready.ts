import { setTimeout as sleep } from "node:timers/promises";
import { TenonError } from "../../sdk/src/errors.js";
import type { Bundle } from "../bundle/manifest.js";
import { Ipc } from "./ipc.js";
import { checkBesuVersion } from "./version.js";

/** Four nodes starting at once on a small machine were seen to need half a minute. */
const READY_MS = 180_000;

/** A node that was just started. */
export interface AwaitReady {
  name: string;
  alive(): Promise<boolean>;
  /** The last lines it has logged since this start. */
  tail(lines: number): string[] | Promise<string[]>;
}

/**
 * Waits until a started node answers on its admin socket, and checks the version that answers. Throws `NodeDied` as soon as
 * it is gone, `NodeSilent` after three minutes, `BesuTooOld`.
 */
export async function awaitReady(bundle: Bundle, node: AwaitReady): Promise<void> {
  const end = Date.now() + READY_MS;
  while (Date.now() < end) {
    const version = await answeredVersion(bundle, node.name);
    if (version !== undefined) {
      checkBesuVersion(version, node.name);
      return;
    }
    if (!(await node.alive())) throw died(node.name, await node.tail(400));
    await sleep(300);
  }
  throw new TenonError("NodeSilent", "The node runs and does not answer", {
    args: { node: node.name, milliseconds: READY_MS, lastLine: (await node.tail(1))[0] },
    remedy: `Look at its log: npx hardhat network logs --node ${node.name}.`,
  });
}

async function answeredVersion(bundle: Bundle, name: string): Promise<string | undefined> {
  let ipc: Ipc | undefined;
  try {
    ipc = await Ipc.connect(bundle, name, { timeout: 5_000 });
    return (await ipc.call("web3_clientVersion")) as string;
  } catch {
    return undefined; // not yet
  } finally {
    ipc?.close();
  }
}

/** Faults that Besu tells in its log, and what to do about each. */
const knownFaults: readonly [RegExp, string][] = [
  [/Address already in use|BindException|port .* already in use/i, "Another program holds one of its ports."],
  [
    /genesis block does not match|Supplied genesis/i,
    "Its data folder is of another network: network reset --yes deletes chain data.",
  ],
  [/UnsupportedClassVersionError|requires Java/i, "Its Java is too old: Besu 26.6 and later need Java 25."],
  [
    /lock hold by|Resource temporarily unavailable|LOCK: /i,
    "Another process uses its data folder: end that one first.",
  ],
  [/Unknown options? in|Unable to read (TOML )?config/i, "Its config.toml does not suit this Besu version."],
  [/No space left on device/i, "The disk is full."],
  [/OutOfMemoryError/i, "It has too little memory: give more with BESU_OPTS=-Xmx2g."],
  [/libc-kzg|ckzg4844|UnsatisfiedLinkError/i, "A native library of this Besu does not fit this machine."],
];

/** Why a node ended, out of the lines of its log. */
export function died(name: string, lines: readonly string[]): TenonError {
  const errors = lines.filter((line) => /ERROR|FATAL|Exception|Error:|Unknown option/.test(line));
  const known = knownFaults.find(([fault]) => lines.some((line) => fault.test(line)));
  const told = known === undefined ? errors.at(-1) : lines.find((line) => known[0].test(line));
  return new TenonError("NodeDied", "The node ended right after its start", {
    args: { node: name, reason: (told ?? lines.at(-1) ?? "it logged nothing").trim().slice(0, 300) },
    remedy: `${known?.[1] ?? "Its log says more:"} npx hardhat network logs --node ${name}.`.replace(
      ". npx",
      "; npx",
    ),
  });
}
