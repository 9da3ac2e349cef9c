/**
 * Kills the oracle of a running plant (`kill -9`) at random moments and checks afterwards that no frame was lost and
 * none stored or anchored twice.
 *
 *   npx tsx scripts/kill-oracle.ts [--times 10] [--seed N] [--data FILE]
 *
 * The plant runs with `--once`, so it also proves and pays meanwhile; every one of its checks must hold as well.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { decodeFrame, TenonError } from "@tenon/sdk";
import { FrameJournal, loadKey, simulate } from "@tenon/sdk/device";
import { SegmentLog } from "../oracle/src/log/log.js";

const { values } = parseArgs({
  options: {
    times: { type: "string", default: "10" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    data: { type: "string" },
  },
});
const times = Number(values.times);
const random = generator(Number(values.seed));
const state = mkdtempSync(join(tmpdir(), "tenon-kill-"));
console.log(`seed ${values.seed}, state in ${state}`);

const plant = spawn(
  process.execPath,
  [
    "--import",
    "tsx",
    "scripts/start.ts",
    "--once",
    "--state",
    state,
    "--data",
    values.data ?? simulatedData(join(state, "machine.csv")),
  ],
  { stdio: ["ignore", "pipe", "inherit"] },
);
const running = Promise.withResolvers<void>();
createInterface({ input: plant.stdout }).on("line", (line) => {
  console.log(line);
  if (line.includes("machines running")) running.resolve();
});
const ended = new Promise<number>((resolve) => plant.once("exit", (code) => resolve(code ?? 1)));

await Promise.race([running.promise, ended]);
const killed = await killing(times);
const code = await ended;
console.log(`\nThe oracle was killed ${killed} times; the plant ended with ${code}.`);
if (code !== 0 || killed < times) {
  console.error(`Expected ${times} kills and exit code 0.`);
  process.exit(1);
}
const { frames, machines } = await audit();
console.log(`${frames} frames of ${machines} machines are in the log, each exactly once, none is missing.`);

async function killing(count: number): Promise<number> {
  let done = 0;
  let gone = false;
  void ended.then(() => {
    gone = true;
  });
  while (done < count && !gone) {
    await Promise.race([sleep(1_000 + random() * 9_000), ended]);
    const pid = Number(readFileSync(join(state, "oracle.pid"), "utf8"));
    try {
      process.kill(pid, "SIGKILL");
      done += 1;
      console.log(`✂ kill -9 ${pid} (${done} of ${count})`);
    } catch {
      // It is just being started again after the last one.
    }
  }
  return done;
}

/** 70 days of a simulated machine, a reading every five minutes, as a file. */
function simulatedData(path: string): string {
  const rows = ["timestamp,value"];
  for (const frame of simulate({ seed: 1, start: 1_800_000_000, readings: 20_000, meterEvery: 0 })) {
    if (frame.kind !== "readings") continue;
    for (const { time, value } of frame.readings) {
      const stamp = new Date(Number(time) * 1000).toISOString().slice(0, 19).replace("T", " ");
      rows.push(`${stamp},${value}`);
    }
  }
  writeFileSync(path, `${rows.join("\n")}\n`);
  return path;
}

/** Compares what each machine's own journal says it made with what is in the log. */
async function audit(): Promise<{ frames: number; machines: number }> {
  const log = await SegmentLog.open(join(state, "oracle", "log"), { readOnly: true });
  const seen = new Map<string, Set<string>>();
  let frames = 0;
  for (const { raw } of log.frames(0, log.nextFrame)) {
    const { device, epoch, seq } = decodeFrame(raw).header;
    const own = seen.get(device) ?? new Set();
    if (own.has(`${epoch}/${seq}`)) throw wrong("A frame is in the log twice", { device, epoch, seq });
    seen.set(device, own.add(`${epoch}/${seq}`));
    frames += 1;
  }
  const folder = join(state, "machines");
  const keys = readdirSync(folder).filter((name) => name.endsWith(".pem"));
  for (const name of keys) {
    const { id } = loadKey(join(folder, name));
    const dir = join(folder, name.replace(".pem", ".journal"));
    if (!existsSync(dir)) throw wrong("A machine has no journal", { device: id });
    const journal = FrameJournal.open({ dir, device: id });
    const { epoch, seq } = journal.next();
    journal.close();
    for (let number = 1n; number < seq; number++) {
      if (!seen.get(id)?.has(`${epoch}/${number}`)) {
        throw wrong("A frame was lost", { device: id, epoch, seq: number });
      }
    }
    const extra = (seen.get(id)?.size ?? 0) - Number(seq - 1n);
    if (extra !== 0) throw wrong("The log has frames the machine does not know", { device: id, extra });
  }
  return { frames, machines: keys.length };
}

function wrong(message: string, args: Record<string, unknown>): TenonError {
  return new TenonError("AuditFailed", message, { args: { ...args, state, seed: values.seed } });
}

/** A small generator (mulberry32), so that a run can be repeated from its seed. */
function generator(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
