import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createBundle } from "../../../../besu-network/bundle/create.js";
import type { Bundle } from "../../../../besu-network/bundle/manifest.js";
import { type CreateOptions, PORTS_PER_NODE } from "../../../../besu-network/bundle/plan.js";
import { waitForBlocks } from "../../../../besu-network/run/blocks.js";
import { dockerState } from "../../../../besu-network/run/docker.js";
import { type Runner, runnerOf } from "../../../../besu-network/run/runner.js";
import { findBesu } from "../../../../besu-network/run/version.js";

/** A network that was made for one test file and is gone with it. */
export interface TestNetwork {
  bundle: Bundle;
  runner: Runner;
  /** A folder beside the bundle, for what the tests write. */
  folder: string;
  /** Kills what runs and removes everything. */
  end(): Promise<void>;
}

/** Four validators and one RPC node unless told otherwise, on free ports, started, and making blocks. */
export async function startNetwork(options: Omit<CreateOptions, "out"> = {}): Promise<TestNetwork> {
  const folder = mkdtempSync(join(tmpdir(), "tenon-besu-"));
  const mode = options.mode ?? (findBesu() === undefined ? "docker" : "local");
  const nodes = (options.validators ?? 4) + (options.rpcNodes ?? 1) + (options.observers ?? 0);
  const portBase = await freePorts(PORTS_PER_NODE * nodes);
  const [bundle] = await createBundle({ ...options, mode, portBase, out: join(folder, "network") });
  const runner = await runnerOf(bundle!);
  const end = async () => {
    for (const name of await runner.running()) await runner.kill(name);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await runner.start();
    await waitForBlocks(bundle!, { blocks: 2, timeout: 120_000 });
  } catch (error) {
    await end();
    throw error;
  }
  return { bundle: bundle!, runner, folder, end };
}

/** Why no network can be made here; undefined when one can. */
export async function besuMissing(): Promise<string | undefined> {
  if (findBesu() !== undefined) return undefined;
  const docker = {
    works: undefined,
    "no-client": "there is no docker either",
    "no-compose": "docker has no compose",
    "no-engine": "docker's engine does not answer",
  }[await dockerState()];
  if (docker === undefined) return undefined;
  const looked = process.env.BESU_HOME
    ? `in BESU_HOME (${process.env.BESU_HOME})`
    : "on the PATH (BESU_HOME is not set)";
  return `there is no besu ${looked}, and ${docker}`;
}

/** The first of so many free ports in a row. Below those that the system gives to outgoing connections. */
async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = randomInt(12_000, 32_000 - count);
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(first + i)));
    if (free.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Waits until something holds; asks again after errors, which are part of a fault. */
export async function until(what: string, ms: number, holds: () => Promise<boolean>): Promise<number> {
  const begin = Date.now();
  let last: unknown;
  while (Date.now() - begin < ms) {
    try {
      if (await holds()) return Date.now() - begin;
    } catch (error) {
      last = error;
    }
    await sleep(250);
  }
  throw new Error(`not within ${ms / 1000} s: ${what}${last === undefined ? "" : ` (${String(last)})`}`);
}

/** Milliseconds as people say them. */
export function spoken(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
