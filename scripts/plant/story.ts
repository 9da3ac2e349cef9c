import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TenonError } from "@tenon/sdk";
import { handingOver } from "./hand-over.js";
import { forged, type Machine } from "./machines.js";
import { maintaining } from "./maintenance.js";
import { ORACLE, type Plant } from "./plant.js";
import { type Prover, proofOf, proveFrame, proveRange } from "./proving.js";
import { runCommand } from "./service.js";
import { settle } from "./settlement.js";
import { forgeLog } from "./tamper.js";
import { bold, cyan, dim, green } from "./view.js";

/** Fen for one unit of the first machine's counter. */
const PRICE = 3n;

/** Metric of refused input. */
const REJECTED = "tenon_rejects_total";

/** How long `--once` lets the data run on before it ends the plant. */
const ONCE_DATA_MS = 150_000;

/**
 * What the plant shows while it runs: a proof, two forgeries that are caught, a payment, a sale, and access given and taken. Throws at the first thing
 * that does not hold. With `--once` it then lets the data end and proves the whole of it.
 */
export async function tellStory(plant: Plant): Promise<void> {
  const machine = plant.machines[0]!;
  const prover: Prover = plant;
  await metersOf(machine, 3);
  await proving(plant, prover, machine);
  await refusing(plant, plant.machines.at(-1)!);
  await forging(plant);
  await settling(plant, prover, machine);
  const sold = plant.machines.length - 2;
  await handingOver(plant, plant.machines[sold]!, plant.signers[sold]!);
  await maintaining(plant, plant.machines[sold - 1]!);
  if (plant.options.once) await ending(plant, prover, machine);
  else tellNext(plant, machine);
}

async function proving(plant: Plant, prover: Prover, machine: Machine): Promise<void> {
  const { view } = plant;
  const frame = { device: machine.id, ...machine.meters[1]! };
  view.say(bold(`\n1 One reading, from the device to the block`));
  const { key } = plant.signers[0]!;
  for (const { name, detail } of await proveFrame(prover, key, frame)) {
    view.say(`  ${green("✔")} ${name.padEnd(17)} ${dim(detail)}`);
  }
  const { frames } = await proveRange(prover, key, frame, 1n, frame.seq);
  view.say(`  ${green("✔")} frames 1 to ${frame.seq} of this machine are all there: ${frames}, none removed`);
}

/** A frame with one bit turned over goes in by the machine's own login; it must come out as refused, and kept. */
async function refusing(plant: Plant, machine: Machine): Promise<void> {
  const { view, oracle } = plant;
  view.say(bold("\n2 A frame that was changed on its way"));
  const before = (await oracle.metrics()).get(REJECTED) ?? 0;
  await machine.publishForged();
  const deadline = Date.now() + 20_000;
  while (((await oracle.metrics()).get(REJECTED) ?? 0) <= before) {
    if (Date.now() > deadline) throw new TenonError("RefusalMissing", "The oracle took a changed frame");
    await sleep(300);
  }
  view.say(`  ${green("✔")} refused, and kept with its reason: it will be in the next anchor's rejects root`);
}

/** Forged copies of the log must not stand up to what is anchored. */
async function forging(plant: Plant): Promise<void> {
  const { view, state } = plant;
  view.say(bold("\n3 A copy of the log, forged twice"));
  const victim = 5;
  const forgeries = {
    "a reading changed": (bytes: Uint8Array) => forged(bytes),
    "a frame removed": () => undefined,
  };
  for (const [what, forge] of Object.entries(forgeries)) {
    const copy = join(state, "forged");
    forgeLog(join(state, "oracle"), copy, (frame) => {
      if (frame.index !== victim) return frame;
      const raw = forge(frame.raw);
      return raw && { ...frame, raw };
    });
    const output = await runCommand(
      "verify-forged",
      [...ORACLE, "verify", "--config", join(state, "oracle.json"), "--state", copy],
      { state, expect: "failure" },
    );
    view.say(`  ${green("✔")} ${what}, checksums made right: caught`);
    // Database and log could be forged together; what stands on the chain could not.
    const differences = output.split("\n").filter((line) => /^✘.* chain/.test(line));
    if (differences.length === 0) throw new TenonError("ForgeryUnexplained", output.trim());
    view.say(dim(`      ${differences[0]!.slice(2)}`));
  }
}

async function settling(plant: Plant, prover: Prover, machine: Machine): Promise<void> {
  const { view, deployment, people, signers } = plant;
  view.say(bold("\n4 A contract pays for what the machine counted"));
  const [start, ...later] = machine.meters;
  const end = later.findLast((meter) => meter.value > start!.value);
  if (start === undefined || end === undefined) {
    throw new TenonError("CounterStill", "The machine's counter has not moved yet");
  }
  const { contracts } = deployment;
  await settle({
    contracts: {
      Consortium: contracts.Consortium.address,
      DeviceRegistry: contracts.DeviceRegistry.address,
      FrameReader: contracts.FrameReader.address,
    },
    people,
    signer: signers[0]!,
    from: await proofOf(prover, { device: machine.id, ...start }),
    to: await proofOf(prover, { device: machine.id, ...end }),
    price: PRICE,
    say: (line) => view.say(line.replace("refused:", `${green("✔")} refused:`)),
  });
}

/** Lets the data end, waits until every frame is receipted and anchored, and checks the whole log. */
async function ending(plant: Plant, prover: Prover, machine: Machine): Promise<void> {
  const { view, machines, state } = plant;
  view.say(bold("\n7 The end of the data"));
  const deadline = Date.now() + (plant.options.data === undefined ? 5_000 : ONCE_DATA_MS);
  while (!machine.finished && Date.now() < deadline) await sleep(250);
  const whole = plant.options.data !== undefined && machine.finished ? "the whole file" : "everything so far";
  await Promise.all(machines.map((one) => one.halt()));
  await until("every frame has a receipt", 60_000, () => machines.every((one) => one.pending === 0));
  const { epoch, seq } = machine.device.journal.next();
  const last = { device: machine.id, epoch, seq: seq - 1n };
  await proofOf(prover, last);
  view.say(`  ${green("✔")} ${plant.made} frames made, every one has the oracle's signed receipt`);
  const { key } = plant.signers[0]!;
  const step = 1_000n;
  let proven = 0;
  for (let from = 1n; from <= last.seq; from += step) {
    const to = from + step - 1n < last.seq ? from + step - 1n : last.seq;
    proven += (await proveRange(prover, key, last, from, to)).frames;
  }
  view.say(`  ${green("✔")} machine-01: ${proven} frames proven to be all there are (${whole})`);
  const output = await runCommand("verify", [...ORACLE, "verify", "--config", join(state, "oracle.json")], {
    state,
  });
  view.say(`  ${green("✔")} verify: ${output.trim().split("\n").at(-1)}`);
}

async function until(what: string, ms: number, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > deadline) throw new TenonError("WaitedInVain", `Not within ${ms / 1000} s: ${what}`);
    await sleep(200);
  }
}

/** Waits until a machine has sent so many meter frames, and the counter has moved between them. */
async function metersOf(machine: Machine, count: number): Promise<void> {
  await until("the machine sends its counter", 120_000, () => {
    const { meters } = machine;
    return meters.length >= count && meters.at(-1)!.value > meters[0]!.value;
  });
}

function tellNext(plant: Plant, machine: Machine): void {
  const { view, oracle, state, record, chain } = plant;
  const { epoch, seq } = machine.meters[0]!;
  const connection = { urls: chain.rpc.split(","), ...(chain.jwtKey && { jwtKey: chain.jwtKey }) };
  const code = [
    'import { connectRpc, createTenon, loadDeployment } from "@tenon/sdk";',
    `const provider = await connectRpc(${JSON.stringify(connection)});`,
    `const tenon = await createTenon({ provider, deployment: loadDeployment("${record}") });`,
    "console.log(await tenon.devices.list(), await tenon.telemetry.head(1));",
  ];
  // Inside the repository, wherever the state is: from there the imports are found.
  const example = join(".tenon", "try.ts");
  mkdirSync(".tenon", { recursive: true });
  writeFileSync(example, `${code.join("\n")}\n`);
  const environment = Object.entries(chain.env())
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
  view.say(bold("\nThe plant goes on. In another terminal, try"));
  for (const line of [
    `curl -s ${oracle.url}/devices/${machine.id}`,
    `curl -s ${oracle.url}/batches`,
    `curl -s "${oracle.url}/proof/frame?device=${machine.id}&epoch=${epoch}&seq=${seq}" > proof.json`,
    `${environment} npx hardhat frame verify proof.json --rpc --network ${chain.network} --record ${join(state, "deployments")}`,
    `npx tsx ${example}`,
  ]) {
    view.say(`  ${cyan(line)}`);
  }
  view.say(dim("Ctrl-C stops it.\n"));
}
