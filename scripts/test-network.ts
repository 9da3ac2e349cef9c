import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { layout, type NodeRole, openBundle, ownNodes } from "../besu-network/bundle/manifest.js";
import { withIpc } from "../besu-network/run/ipc.js";
import { runnerOf } from "../besu-network/run/runner.js";
import { TenonError } from "../sdk/src/errors.js";
import { besuMissing, startNetwork } from "../test/network/besu/support/network.js";
import type { Result } from "../test/network/seen.js";
import { type NetworkFacts, type Part, reportOf } from "./network-report.js";

const REPORT = "docs/network-report.md";
const hardhat = join("node_modules", "hardhat", "dist", "src", "cli.js");

/** No file needs nearly as long; one that hangs must not keep the others from being tried. */
const FILE_LIMIT_MS = 900_000;

/** Heap of a test network's nodes, several of which run on one machine. */
const HEAP = "-Xmx512m";

/**
 * `npm run test:network [-- PART…]`: every scenario on four real Besu validators, then everything of
 * test/network/besu, each file with networks of its own. TENON_NETWORK=DIR takes the scenarios to a bundle that runs,
 * and leaves the rest out, because faults are no thing to do to somebody's network. A run without PART (of a file's
 * name) writes the report. Without a Besu it says so and is done.
 */
async function main(chosen: string[]): Promise<boolean> {
  const given = process.env.TENON_NETWORK || undefined;
  const missing = given === undefined ? await besuMissing() : undefined;
  if (missing !== undefined) {
    console.log(`skipped, because ${missing}`);
    return true;
  }
  const started = new Date();
  const tried = commit();
  execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit" });
  process.env.BESU_OPTS ??= HEAP;
  // Everything of this run lies in one folder, where it is found and ended whatever happens.
  const work = mkdtempSync(join(realpathSync(tmpdir()), "tn-"));
  process.env.TMPDIR = work;
  const isChosen = (file: string) => chosen.length === 0 || chosen.some((part) => file.includes(part));
  const files = globSync("test/network/besu/*.besu.ts").sort().filter(isChosen);
  const scenarios = globSync("test/scenarios/*.test.ts").sort().filter(isChosen);
  const parts: Part[] = [];
  let facts: NetworkFacts | undefined;
  try {
    if (scenarios.length > 0) {
      const network = given === undefined ? await startNetwork() : undefined;
      const dir = network?.bundle.dir ?? resolve(given!);
      facts = await factsOf(dir);
      console.log(`${facts.client}\n${facts.settings.join("\n")}`);
      parts.push(...(await runAll(scenarios, work, { TENON_NETWORK: dir })));
      await network?.end();
    }
    if (given === undefined) parts.push(...(await runAll(files, work, {})));
    else parts.push(...files.map((file) => leftOut(file, "TENON_NETWORK names a network that is in use")));
  } finally {
    await endAll(work);
    rmSync(work, { recursive: true, force: true, maxRetries: 5 });
  }
  if (interruption.asked) throw new TenonError("Interrupted", "The run was interrupted");
  const passed = parts.every(({ passed }) => passed);
  if (chosen.length === 0) {
    writeFileSync(REPORT, reportOf({ parts, facts: facts!, started, commit: tried }));
    console.log(`${REPORT} is written.`);
  }
  console.log(passed ? "The network holds." : "Something did not hold.");
  return passed;
}

async function runAll(files: string[], work: string, env: Record<string, string>): Promise<Part[]> {
  const parts: Part[] = [];
  for (const file of files) {
    if (interruption.asked) throw new TenonError("Interrupted", "The run was interrupted");
    console.log(`\n${file}`);
    parts.push(await run(file, work, env));
  }
  return parts;
}

/** Runs one test file in a process of its own. */
async function run(file: string, work: string, env: Record<string, string>): Promise<Part> {
  const results = join(work, `${basename(file)}.jsonl`);
  const begin = Date.now();
  const { TENON_NETWORK: _, ...inherited } = process.env;
  const child = spawn(
    process.execPath,
    [hardhat, "test", "mocha", "--no-compile", "test/network/results.ts", file],
    { stdio: "inherit", env: { ...inherited, ...env, TENON_RESULTS: results } },
  );
  interruption.child = child;
  const limit = setTimeout(() => child.kill("SIGKILL"), FILE_LIMIT_MS);
  const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  clearTimeout(limit);
  const lines = existsSync(results) ? readFileSync(results, "utf8").trim().split("\n") : [];
  const told = lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Result);
  const passed = code === 0 && told.every(({ state }) => state !== "failed" && state !== "not reached");
  return { file, results: told, ms: Date.now() - begin, passed, code };
}

function leftOut(file: string, reason: string): Part {
  return { file, results: [], ms: 0, passed: true, code: 0, skipped: reason };
}

/** Ends every node of every bundle under a folder; one that cannot be ended does not keep the others running. */
async function endAll(work: string): Promise<void> {
  for (const manifest of globSync("**/network.json", { cwd: work })) {
    const dir = join(work, dirname(manifest));
    try {
      const runner = await runnerOf(openBundle(dir));
      for (const name of await runner.running()) await runner.kill(name);
    } catch (error) {
      console.error(`The nodes of ${dir} could not be ended: ${String(error)}`);
    }
  }
}

/** Ctrl-C ends the file that runs, and then everything in order. */
const interruption: { asked: boolean; child: ChildProcess | undefined } = { asked: false, child: undefined };
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    interruption.asked = true;
    interruption.child?.kill("SIGTERM");
  });
}

/** What ran, from the bundle and from a node itself. */
async function factsOf(dir: string): Promise<NetworkFacts> {
  const bundle = openBundle(dir);
  const { manifest } = bundle;
  const genesis = JSON.parse(readFileSync(join(dir, layout.genesis), "utf8")) as { gasLimit: string };
  const count = (role: NodeRole) => manifest.nodes.filter((node) => node.role === role).length;
  const client = await withIpc(bundle, ownNodes(bundle)[0]!.name, (ipc) => ipc.call("web3_clientVersion"));
  return {
    client: String(client),
    settings: [
      `${count("validator")} validators and ${count("rpc")} for RPC, as ${manifest.mode === "local" ? "processes" : "containers"} on one machine`,
      `QBFT, a block every ${manifest.blockPeriodSeconds} s, request timeout ${manifest.requestTimeoutSeconds} s, gas limit ${BigInt(genesis.gasLimit)}, storage ${manifest.storage}`,
      `heap of a node: ${process.env.BESU_OPTS}; ${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GB for everything; Node ${process.versions.node}`,
    ],
  };
}

/** The commit that is tried, and whether the files are another. */
function commit(): string {
  const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8" }).trim();
  try {
    const changed = git("status", "--porcelain", "--", ".", `:!${REPORT}`) !== "";
    return `${git("rev-parse", "HEAD")}${changed ? ", with changes that are not committed" : ""}`;
  } catch {
    return "not known: this is no git checkout";
  }
}

main(process.argv.slice(2)).then(
  (passed) => process.exit(passed ? 0 : 1),
  (error: unknown) => {
    console.error(error instanceof TenonError ? `${error.code}: ${error.message}` : error);
    process.exit(1);
  },
);
