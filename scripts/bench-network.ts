/**
 * What a network carries: device registrations, anchors and OpenZeppelin ERC-20 transfers in one run on one network, and the
 * time from a frame to its proof. Prints the tables of docs/performance.md.
 *
 *   npm run bench:network                          a fresh network of four validators and one RPC node
 *   TENON_NETWORK=DIR npm run bench:network        the network of that bundle, which must be running
 *
 * Everything goes through the SDK's own connection to one RPC node, with its token. Every transaction must succeed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonRpcApiProvider } from "ethers";
import { type Manifest, openBundle } from "../besu-network/bundle/manifest.js";
import { besuMissing, startNetwork } from "../test/network/besu/support/network.js";
import { besuOf, type ChainKind, newKey } from "../test/scenarios/support/chain.js";
import { startConsortium } from "../test/scenarios/support/consortium.js";
import { type FrameRate, framesToProofs } from "./bench/frames.js";
import { drive, type Outcome } from "./bench/load.js";
import { anchors, registrations, transfers } from "./bench/operations.js";
import { deployToken } from "./bench/token.js";

const SENDERS = 20;
const COUNTS = { warmUp: 2_000, transfers: 10_000, registrations: 2_000, anchors: 2_000 };
/** Sent and not yet mined, at most: about two seconds' worth. */
const WINDOW = 1_000;
const RATES = [1, 100, 1_000];
/** Heap of the nodes this script starts. */
const HEAP = "-Xmx1g";

const say = (line: string) => console.error(line);

async function main(): Promise<void> {
  const given = process.env.TENON_NETWORK || undefined;
  if (given !== undefined) return run(given);
  const missing = await besuMissing();
  if (missing !== undefined) return say(`skipped, because ${missing}`);
  process.env.BESU_OPTS ??= HEAP;
  say("starting four validators and an RPC node");
  const network = await startNetwork();
  try {
    await run(network.bundle.dir);
  } finally {
    await network.end();
  }
}

async function run(dir: string): Promise<void> {
  const on = besuOf(dir);
  const { client, results } = await measureOperations(on);
  const frames = await framesToProofs(on, RATES, say);
  console.log(`${client}; ${settingsOf(openBundle(dir).manifest)}\n`);
  console.log(operationTable(results));
  console.log(frameTable(frames));
}

type Results = { name: string; outcome: Outcome }[];

async function measureOperations(on: ChainKind): Promise<{ client: string; results: Results }> {
  const folder = mkdtempSync(join(tmpdir(), "tenon-bench-"));
  const consortium = await startConsortium(folder, on);
  const { people, deployment } = consortium;
  const { chainId } = deployment;
  const provider: JsonRpcApiProvider = consortium.provider;
  const nonce = (wallet: { address: string }) => provider.getTransactionCount(wallet.address);
  const results: Results = [];
  const measure = async (name: string, raw: string[]) => {
    const progress = (mined: number, of: number) =>
      void process.stderr.write(`\r${name}: ${mined} of ${of} mined${mined === of ? "\n" : ""}`);
    const outcome = await drive(provider, raw, { window: WINDOW, progress });
    results.push({ name, outcome });
  };
  const senders = Array.from({ length: SENDERS }, newKey);
  const token = await deployToken(
    people.stranger,
    senders.map(({ address }) => address),
  );
  await measure("warm-up", await transfers(token, senders, chainId, COUNTS.warmUp));
  results.length = 0;
  await measure(
    "OpenZeppelin ERC-20 transfer, 20 senders",
    await transfers(token, senders, chainId, COUNTS.transfers, COUNTS.warmUp / SENDERS),
  );
  const maker = await consortium.tenonOf("manufacturer");
  const from = await nonce(people.manufacturer);
  await measure(
    "device registration with its P-256 proof, one sender",
    await registrations(maker, people.manufacturer, chainId, COUNTS.registrations, from),
  );
  const log = deployment.contracts.AnchorLog.address;
  await measure(
    "anchor of 1,000 frames, one stream",
    await anchors(log, people.oracle, chainId, COUNTS.anchors, await nonce(people.oracle)),
  );
  const client: string = await provider.send("web3_clientVersion", []);
  await consortium.close();
  rmSync(folder, { recursive: true });
  return { client, results };
}

function settingsOf(manifest: Manifest): string {
  const count = (role: string) => manifest.nodes.filter((node) => node.role === role).length;
  return [
    `${count("validator")} validators and ${count("rpc")} RPC node with the client on one machine`,
    `${cpus()[0]?.model.trim()}, ${cpus().length} threads`,
    `Node ${process.versions.node}`,
    `block period ${manifest.blockPeriodSeconds} s, ${manifest.storage}`,
    ...(process.env.BESU_OPTS ? [`BESU_OPTS ${process.env.BESU_OPTS}`] : []),
    `at most ${WINDOW} transactions ahead of the chain`,
  ].join("; ");
}

function operationTable(results: Results): string {
  const base = results[0]!.outcome;
  const rows = results.map(({ name, outcome }) => [
    name,
    outcome.sent.toLocaleString("en-US"),
    outcome.perSecond.toFixed(0),
    `${(outcome.perSecond / base.perSecond).toFixed(2)} ×`,
    Math.round(outcome.gasEach).toLocaleString("en-US"),
    `${(outcome.gasPerSecond / base.gasPerSecond).toFixed(2)} ×`,
    ...spread(outcome.latency),
    `${outcome.longestBlock} s`,
  ]);
  const head = [
    "operation",
    "sent",
    "a second",
    "ratio",
    "gas each",
    "gas a second, ratio",
    "p50",
    "p90",
    "p99",
    "longest block",
  ];
  return table(head, rows);
}

function frameTable(frames: FrameRate[]): string {
  const rows = frames.map(({ asked, made, samples, latency }) => [
    asked.toLocaleString("en-US"),
    made.toFixed(0),
    String(samples),
    ...spread(latency),
  ]);
  return table(["frames a second", "made", "followed", "p50", "p90", "p99"], rows);
}

function spread({ p50, p90, p99 }: Outcome["latency"]): string[] {
  return [p50, p90, p99].map((ms) => `${(ms / 1000).toFixed(2)} s`);
}

function table(head: string[], rows: string[][]): string {
  const line = head.map((_, i) => (i === 0 ? "---" : "---:"));
  return `${[head, line, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n")}\n`;
}

await main();
