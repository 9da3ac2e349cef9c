import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { brokers } from "../../test/scenarios/support/brokers.js";
import type { ChainKind } from "../../test/scenarios/support/chain.js";
import type { Machine } from "../../test/scenarios/support/machine.js";
import { OracleProcess } from "../../test/scenarios/support/oracle-process.js";
import { type Plant, startPlant } from "../../test/scenarios/support/plant.js";
import { percentiles } from "./load.js";

export interface FrameRate {
  /** Frames a second that were meant and that were made. */
  asked: number;
  made: number;
  /** Milliseconds from making a frame in its device until the oracle gives its proof, anchored on the chain. */
  latency: { p50: number; p90: number; p99: number };
  samples: number;
}

const SECONDS = 30;
/** So many frames a second are followed to their proof. */
const SAMPLED = 5;

/**
 * From a frame to its proof at each rate: device (key, journal on disk) → broker → oracle process → anchor on the chain →
 * `/proof/frame`. The oracle has its ordinary settings.
 */
export async function framesToProofs(
  on: ChainKind,
  rates: readonly number[],
  say: (line: string) => void,
): Promise<FrameRate[]> {
  const plant = await startPlant(brokers[0]!, on);
  const machines = await enrol(plant);
  const oracle = await OracleProcess.start(ordinarySettings(plant));
  try {
    const results: FrameRate[] = [];
    for (const rate of rates) {
      results.push(await measure(oracle, machines, rate));
      say(`${rate} frames a second: ${JSON.stringify(results.at(-1))}`);
    }
    return results;
  } finally {
    await oracle.stop();
    await plant.close();
  }
}

/** The scenario's configuration without what makes tests quick. */
function ordinarySettings(plant: Plant): string {
  const path = join(plant.folder, "oracle.json");
  const { batch: _, verifyWorkers: __, ...settings } = JSON.parse(readFileSync(path, "utf8"));
  delete settings.chain.pollMs;
  const ordinary = join(plant.folder, "ordinary.json");
  writeFileSync(ordinary, JSON.stringify(settings), { mode: 0o600 });
  return ordinary;
}

async function enrol(plant: Plant): Promise<Machine[]> {
  const maker = await plant.tenonOf("manufacturer");
  const deadline = Math.floor(Date.now() / 1000) + 3_600;
  const signers = [plant.signers.loader, plant.signers.crane, plant.signers.drill];
  for (const signer of signers) {
    const registration = maker.devices.registration({ owner: 2, deadline });
    await maker.devices.register(signer.key, registration, signer.signRegistration(registration)).wait();
  }
  return signers.map((signer) => plant.commission(signer));
}

async function measure(oracle: OracleProcess, machines: Machine[], rate: number): Promise<FrameRate> {
  const latencies: number[] = [];
  const followed: Promise<void>[] = [];
  const every = Math.max(1, Math.floor(rate / SAMPLED));
  const begin = performance.now();
  let made = 0;
  while (performance.now() - begin < SECONDS * 1_000) {
    const due = Math.floor(((performance.now() - begin) / 1_000) * rate);
    for (; made < due; made++) {
      const machine = machines[made % machines.length]!;
      const seq = machine.measure(20 + (made % 7));
      if (made % every !== 0) continue;
      const at = performance.now();
      const path = `${oracle.url}/proof/frame?device=${machine.id}&epoch=1&seq=${seq}`;
      followed.push(proofOf(path).then(() => void latencies.push(performance.now() - at)));
    }
    await sleep(5);
  }
  const seconds = (performance.now() - begin) / 1_000;
  await Promise.all(followed);
  return { asked: rate, made: made / seconds, latency: percentiles(latencies), samples: latencies.length };
}

async function proofOf(url: string): Promise<void> {
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(25)) {
    const response = await fetch(url);
    await response.arrayBuffer();
    if (response.ok) return;
  }
  throw new Error(`no proof within two minutes: ${url}`);
}
