import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Hex } from "../../sdk/src/bytes.js";
import { type Bundle, layout, type NodeEntry, type NodeRole } from "../bundle/manifest.js";
import { Collector } from "../monitor/collector.js";
import { type Health, healthOf, type Severity } from "../monitor/health.js";
import { silentBlocks } from "../monitor/limits.js";
import { answering, type Samples } from "../monitor/samples.js";
import { ownSources, settingsOf } from "../monitor/sources.js";
import { Ipc } from "./ipc.js";
import { runnerOf } from "./runner.js";
import { LEAST_BESU, parseBesuVersion, shortVersion, tooOld } from "./version.js";

/**
 * `running`: nothing is wrong. `degraded`: blocks come, somebody should look. `stalled`: no blocks come, or a quorum is out of
 * reach. `down`: no own node answers.
 */
export type Verdict = "running" | "degraded" | "stalled" | "down";

/** An own node is up, silent (its process runs and does not answer) or down; another's is reached as a peer or away. */
export type NodeState = "up" | "silent" | "down" | "reached" | "away";

export interface NodeStatus {
  name: string;
  role: NodeRole;
  organisation: string;
  address: Hex;
  state: NodeState;
  /** `null` in what follows: not known here. */
  block: number | null;
  /** Seconds since its newest block. */
  blockAge: number | null;
  peers: number | null;
  /** Validators it is connected to, itself counted when it is one. */
  validatorsReached: number | null;
  /** Share of the last blocks that it proposed, 0 to 1; `null` for what is no validator. */
  proposerShare: number | null;
  pool: number | null;
  poolLimit: number | null;
  /** Bytes in its data folder. */
  data: number | null;
  version: string | null;
}

export interface StatusReason {
  code: string;
  severity: Severity;
  subject: string | null;
  message: string;
  remedy: string;
}

export interface Status {
  verdict: Verdict;
  chainId: number;
  genesisHash: Hex;
  organisation: string;
  block: number | null;
  blockAge: number | null;
  /** Of the chain: how many there are, how many make a block, how many took part of late. */
  validators: { total: number; quorum: number; active: number };
  /** Rounds that ended without a block, in so many last blocks. */
  roundChanges: { rounds: number; blocks: number };
  nodes: NodeStatus[];
  /** What is wrong, each with what to do. */
  reasons: StatusReason[];
}

/** Blocks are read by fifties, and a hundred are shown. */
const LOOKS = 2;

/** Asks the bundle's own nodes how the network is, and judges it as the monitor does. */
export async function networkStatus(bundle: Bundle): Promise<Status> {
  const settings = settingsOf(bundle);
  const running = await (await runnerOf(bundle)).running();
  const collector = new Collector(ownSources(bundle), settings);
  try {
    for (let looks = 0; looks < LOOKS; looks++) await collector.poll(Date.now());
    const samples = collector.samples(Date.now());
    const health = healthOf(samples, settings);
    const seen: Seen = { health, samples, running };
    const nodes = await Promise.all(bundle.manifest.nodes.map((node) => nodeStatus(bundle, node, seen)));
    const reasons = [...stillTrue(health, samples), ...nodes.flatMap(versionReason)];
    return { ...chainStatus(bundle, health), verdict: verdictOf(reasons), nodes, reasons };
  } finally {
    collector.close();
  }
}

/** The chain as a whole. */
function chainStatus({ manifest }: Bundle, { measures }: Health) {
  const { chainId, genesisHash, organisation } = manifest;
  const { head, blockAgeSeconds, validators: total, quorum, active, roundChanges, windowBlocks } = measures;
  return {
    chainId,
    genesisHash,
    organisation,
    block: head?.number ?? null,
    blockAge: blockAgeSeconds,
    validators: { total, quorum, active },
    roundChanges: { rounds: roundChanges, blocks: windowBlocks },
  };
}

/** A start or a fault that is over leaves changed rounds in the window: they count while they go on. */
function stillTrue({ reasons, measures }: Health, { blocks }: Samples): StatusReason[] {
  const lately = blocks.slice(-silentBlocks(measures.validators)).some(({ round }) => round > 0);
  return reasons.filter(({ code }) => code !== "RoundChanges" || lately);
}

/** The worst of what is wrong, in one word. */
export function verdictOf(reasons: readonly Pick<StatusReason, "code">[]): Verdict {
  const has = (...codes: string[]) => reasons.some(({ code }) => codes.includes(code));
  if (has("NothingAnswers")) return "down";
  if (has("ChainStalled", "QuorumLost")) return "stalled";
  return reasons.length > 0 ? "degraded" : "running";
}

interface Seen {
  health: Health;
  samples: Samples;
  running: ReadonlySet<string>;
}

async function nodeStatus(bundle: Bundle, node: NodeEntry, seen: Seen): Promise<NodeStatus> {
  const { name, role, organisation, address } = node;
  const { measures } = seen.health;
  const validator = measures.perValidator.find((one) => one.address === address.toLowerCase());
  const proposerShare =
    validator === undefined || validator.blocks === 0 ? null : validator.proposals / validator.blocks;
  const known = { name, role, organisation, address, proposerShare };
  const measured = measures.perNode.find((one) => one.name === name);
  if (measured === undefined) return { ...unknown, ...known, state: stateOfOther(node, seen) };
  const answer = answering(seen.samples.polls.at(-1)).find((one) => one.name === name)?.answer;
  const { block, peers, validatorsReached, pool, poolLimit } = measured;
  return {
    ...known,
    state: measured.up ? "up" : seen.running.has(name) ? "silent" : "down",
    block,
    blockAge: answer === undefined ? null : seen.samples.at / 1_000 - answer.head.timestamp,
    peers,
    validatorsReached,
    pool,
    poolLimit,
    data: bundle.manifest.mode === "local" ? await folderBytes(join(bundle.dir, layout.data(name))) : null,
    version: await runningVersion(bundle, name),
  };
}

const unknown = {
  block: null,
  blockAge: null,
  peers: null,
  validatorsReached: null,
  pool: null,
  poolLimit: null,
  data: null,
  version: null,
};

function stateOfOther({ address }: NodeEntry, { samples }: Seen): NodeState {
  const peers = answering(samples.polls.at(-1)).flatMap(({ answer }) => answer.peers.addresses ?? []);
  return peers.includes(address.toLowerCase() as Hex) ? "reached" : "away";
}

async function runningVersion(bundle: Bundle, name: string): Promise<string | null> {
  let ipc: Ipc | undefined;
  try {
    ipc = await Ipc.connect(bundle, name, { timeout: 5_000 });
    return (await ipc.call("web3_clientVersion")) as string;
  } catch {
    return null;
  } finally {
    ipc?.close();
  }
}

function versionReason({ name, version }: NodeStatus): StatusReason[] {
  if (version === null || !tooOld(parseBesuVersion(version))) return [];
  const least = LEAST_BESU.join(".");
  return [
    {
      code: "BesuTooOld",
      severity: "warning",
      subject: name,
      message: `runs Besu ${shortVersion(version)}, in which a full block may take over ten seconds`,
      remedy: `Install Besu ${least} or later, then npx hardhat network down and up.`,
    },
  ];
}

/** Files come and go while a node runs: what is gone counts nothing. */
async function folderBytes(path: string): Promise<number> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  const sizes = entries.map((entry) => {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) return folderBytes(inside);
    return lstat(inside).then(
      ({ size }) => size,
      () => 0,
    );
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
