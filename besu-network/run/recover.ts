import { computeAddress } from "ethers";
import type { Hex } from "../../sdk/src/bytes.js";
import { quorumOf } from "../../sdk/src/proof/qbft.js";
import { type Bundle, type NodeEntry, ownNodes } from "../bundle/manifest.js";
import { stallSeconds } from "../monitor/limits.js";
import { settingsOf } from "../monitor/sources.js";
import { waitForBlocks } from "./blocks.js";
import { Ipc } from "./ipc.js";
import { type PoolEntry, type PoolOutcome, poolOutcome, readPools } from "./pool.js";
import { type Runner, runnerOf } from "./runner.js";

/** What a recovery found, did and left. */
export interface Recovery {
  /** Addresses of other organisations' validators that no own node was connected to. */
  away: string[];
  /** Age of the newest block before, seconds; `null` when no own node answered. */
  blockAge: number | null;
  /** Whether the chain stood: only then are running validators restarted. */
  stood: boolean;
  restarted: string[];
  /** Own nodes that did not run. */
  started: string[];
  /** Seconds until all own nodes answered. */
  answered: number;
  /** Height after, with two new blocks; and seconds until then. */
  height: number;
  seconds: number;
  /** What waited before and what became of it; `null` when nobody could be asked. */
  pool: PoolOutcome | null;
}

/** Told as it happens, in words. */
export type Tell = (line: string) => void;

/**
 * Brings a chain back that lost its quorum. Each validator's round timer has doubled at every try without an end, each at
 * another round, so starting the missing ones is not soon enough: all own validators are restarted together, and their
 * rounds begin anew. A chain that makes blocks only gets its missing nodes back. Throws what `Runner.start` throws, and
 * `BlocksMissing` when no block comes within `patience` milliseconds of that.
 */
export async function recover(bundle: Bundle, tell: Tell = () => {}, patience = 120_000): Promise<Recovery> {
  const begin = Date.now();
  const runner = await runnerOf(bundle);
  const seen = await look(bundle, runner);
  for (const line of inWords(bundle, seen)) tell(line);
  const waited = await readPools(bundle);
  if (waited !== undefined) tell(`${waited.size} transactions wait in the pools`);

  const own = ownNodes(bundle);
  const validators = own.filter(({ address }) => seen.validators.includes(address));
  const restarted = seen.stood ? validators.filter(({ name }) => seen.running.has(name)) : [];
  if (restarted.length > 0) {
    tell(`Restarting ${listed(restarted)}: rounds meet again when all validators begin anew`);
  }
  const names = (nodes: readonly NodeEntry[]) => nodes.map(({ name }) => name);
  const started = own.filter(({ name }) => !seen.running.has(name));
  const answers = (name: string) => tell(`${name} answers (${secondsSince(begin)} s)`);
  // All at one moment: a validator that begins earlier is rounds ahead when the others come.
  await runner.stop(names(restarted));
  await runner.start(names([...started, ...restarted]), answers);
  const answered = secondsSince(begin);
  const height = await waitForBlocks(bundle, { blocks: 2, timeout: patience });
  const seconds = secondsSince(begin);
  tell(`Block ${height} after ${seconds} s`);
  return {
    away: seen.away,
    blockAge: seen.head === undefined ? null : seen.blockAge,
    stood: seen.stood,
    restarted: names(restarted),
    started: names(started),
    answered,
    height,
    seconds,
    pool: waited === undefined ? null : await settled(bundle, waited, seen.head?.number ?? 0, patience),
  };
}

/** Gives the pools time to be mined: what still waits may be on its way to a proposer. */
async function settled(
  bundle: Bundle,
  waited: ReadonlyMap<Hex, PoolEntry>,
  height: number,
  patience: number,
): Promise<PoolOutcome> {
  let outcome = await poolOutcome(bundle, waited, height);
  for (let looks = 0; looks < 5 && outcome.waiting + outcome.lost.length > 0; looks++) {
    await waitForBlocks(bundle, { blocks: 2, timeout: patience });
    outcome = await poolOutcome(bundle, waited, height);
  }
  return outcome;
}

/** The bundle's nodes and the chain as they stand. */
interface Seen {
  running: Set<string>;
  head: Head | undefined;
  blockAge: number;
  /** Addresses, as the chain has them, or the manifest when nobody answers. */
  validators: string[];
  /** Those of other organisations that no own node is connected to. */
  away: string[];
  stood: boolean;
}

interface Head {
  number: number;
  timestamp: number;
}

async function look(bundle: Bundle, runner: Runner): Promise<Seen> {
  const own = ownNodes(bundle);
  const running = await runner.running();
  const views = await Promise.all(own.map(({ name }) => view(bundle, name)));
  const [best, ...rest] = views
    .filter((one) => one !== undefined)
    .toSorted((a, b) => b.head.number - a.head.number);
  const inManifest = bundle.manifest.nodes.filter(({ role }) => role === "validator");
  const validators = best?.validators ?? inManifest.map(({ address }) => address);
  const reached = new Set([
    ...own.filter(({ name }) => running.has(name)).map(({ address }) => address),
    ...(best === undefined ? [] : [best, ...rest].flatMap(({ peers }) => peers)),
  ]);
  const missing = validators.filter((address) => !reached.has(address as Hex));
  const age = best === undefined ? 0 : Math.max(0, Math.round(Date.now() / 1_000 - best.head.timestamp));
  const stood =
    best === undefined ||
    validators.length - missing.length < quorumOf(validators.length) ||
    (age > longestPause(bundle, validators.length) && !(await growsYet(bundle, validators.length)));
  const others = missing.filter((address) => !own.some((node) => node.address === address));
  const away = best === undefined ? [] : others; // with no own node to ask, nobody knows
  return { running, head: best?.head, blockAge: age, validators, away, stood };
}

/** Seconds between two blocks that tolerated faults explain. */
function longestPause(bundle: Bundle, validators: number): number {
  const settings = settingsOf(bundle);
  const { blockPeriodSeconds, emptyBlockPeriodSeconds } = settings;
  return Math.max(blockPeriodSeconds, emptyBlockPeriodSeconds) + stallSeconds(settings, validators);
}

/** A machine that is too busy makes blocks late: only the lack of one in another such while is a chain that stands. */
async function growsYet(bundle: Bundle, validators: number): Promise<boolean> {
  try {
    await waitForBlocks(bundle, { timeout: 1_000 * Math.max(10, longestPause(bundle, validators)) });
    return true;
  } catch {
    return false;
  }
}

interface View {
  head: Head;
  validators: string[];
  /** Addresses of the keys of its peers. */
  peers: string[];
}

async function view(bundle: Bundle, name: string): Promise<View | undefined> {
  let ipc: Ipc | undefined;
  try {
    ipc = await Ipc.connect(bundle, name);
    const [block, validators, peers] = await Promise.all([
      ipc.call("eth_getBlockByNumber", ["latest", false]) as Promise<{ number: Hex; timestamp: Hex }>,
      ipc.call("qbft_getValidatorsByBlockNumber", ["latest"]) as Promise<string[]>,
      ipc.call("admin_peers") as Promise<{ id: string }[]>,
    ]);
    return {
      head: { number: Number(block.number), timestamp: Number(block.timestamp) },
      validators,
      peers: peers.map(({ id }) => computeAddress(`0x04${id.replace(/^0x/, "")}`).toLowerCase()),
    };
  } catch {
    return undefined;
  } finally {
    ipc?.close();
  }
}

function inWords(bundle: Bundle, { running, head, blockAge, validators, away, stood }: Seen): string[] {
  const down = ownNodes(bundle).filter(({ name }) => !running.has(name));
  const lines = [
    down.length === 0 ? "All own nodes run" : `Down: ${listed(down)}`,
    head === undefined
      ? "No own node answers"
      : `Block ${head.number} is ${blockAge} s old: the chain ${stood ? "stands" : "makes blocks"}`,
  ];
  const others = validators.filter((address) => !ownNodes(bundle).some((node) => node.address === address));
  if (away.length > 0)
    lines.push(`Out of reach: ${away.map((address) => whose(bundle, address)).join(", ")}`);
  if (stood && others.length > 0) {
    lines.push(
      `Rounds meet when ${quorumOf(validators.length)} of ${validators.length} validators begin anew together: ask for npx hardhat ` +
        `network recover at ${others.map((address) => whose(bundle, address)).join(", ")}`,
    );
  }
  return lines;
}

function whose({ manifest }: Bundle, address: string): string {
  const node = manifest.nodes.find((one) => one.address === address);
  return node === undefined ? address : `${node.name} (${node.organisation})`;
}

const listed = (nodes: readonly NodeEntry[]) => nodes.map(({ name }) => name).join(", ");
const secondsSince = (begin: number) => Math.round((Date.now() - begin) / 1_000);
