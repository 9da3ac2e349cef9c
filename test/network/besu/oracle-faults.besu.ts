import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { verifyState } from "../../../oracle/src/verify/verify.js";
import { TestLogger } from "../../oracle/support/chain.js";
import { brokers } from "../../scenarios/support/brokers.js";
import { besuOf } from "../../scenarios/support/chain.js";
import { organisation } from "../../scenarios/support/consortium.js";
import type { Machine } from "../../scenarios/support/machine.js";
import type { OracleProcess } from "../../scenarios/support/oracle-process.js";
import { answer, type Plant, startPlant, until } from "../../scenarios/support/plant.js";
import { seen } from "../seen.js";
import { spoken, startNetwork, type TestNetwork } from "./support/network.js";

const PATIENCE_MS = 120_000;

describe("an oracle and a plant on a network, and faults under them", function () {
  this.timeout(600_000);
  let network: TestNetwork;
  let plant: Plant;
  let oracle: OracleProcess;
  let machine: Machine;

  before(async () => {
    network = await startNetwork();
    plant = await startPlant(brokers[0]!, besuOf(network.bundle.dir));
    const { devices } = await plant.tenonOf("manufacturer");
    const { loader } = plant.signers;
    const registration = devices.registration({ owner: organisation.owner, deadline: 4_000_000_000n });
    await devices.register(loader.key, registration, loader.signRegistration(registration)).wait();
    machine = plant.commission(loader);
    oracle = await plant.startOracle();
  });
  after(async () => {
    await oracle?.stop();
    await plant?.close();
    await network?.end();
  });

  const head = () => plant.tenon.telemetry.head(1);
  /** What the oracle says of itself, whether it is ready or not. */
  const readiness = async () => {
    const response = await fetch(`${oracle.url}/readyz`);
    return (await response.json()) as { ready: boolean; reasons: { part: string; message: string }[] };
  };
  const proven = (seq: bigint) =>
    answer(oracle, `/proof/frame?device=${machine.id}&epoch=1&seq=${seq}`, PATIENCE_MS);

  it("its RPC node killed: it keeps what machines send, says that it is not ready, and anchors all of it once", async () => {
    await proven(machine.measure(60));
    const { next } = await head();
    machine.work();
    await until("anchors go on", async () => (await head()).next > next, PATIENCE_MS);
    await network.runner.kill("rpc1");
    const made = machine.frames.length;
    await until("it is not ready", async () => !(await readiness()).ready, PATIENCE_MS);
    const { reasons } = await readiness();
    await until(
      "it takes frames all the same",
      () => machine.frames.length - machine.pending > made,
      PATIENCE_MS,
    );
    machine.rest();
    await until("receipts for all", () => machine.pending === 0, PATIENCE_MS);
    const why = reasons.map(({ part, message }) => `${part}: ${message.split("\n")[0]}`).join("; ");
    seen(`without its node: ${machine.frames.length - made} frames taken; not ready, because ${why}`);

    const begin = Date.now();
    await network.runner.start(["rpc1"]);
    const answered = Date.now() - begin;
    await proven(BigInt(machine.frames.length));
    seen(
      `node back after ${spoken(answered)}; every frame provable ${spoken(Date.now() - begin)} after its start`,
    );
    await until("it is ready again", async () => (await readiness()).ready, PATIENCE_MS);
  });

  it("all validators stopped for a while: it waits, and nothing is anchored twice", async () => {
    const names = network.bundle.manifest.nodes
      .filter(({ role }) => role === "validator")
      .map(({ name }) => name);
    machine.work();
    await network.runner.stop(names);
    const { next } = await head();
    await until("frames wait", () => machine.frames.length - machine.pending > 500, PATIENCE_MS);
    expect((await head()).next).to.be.at.most(next + 1);
    await network.runner.start(names);
    machine.rest();
    await proven(BigInt(machine.frames.length));
    seen(`${machine.frames.length} frames in ${(await head()).next} batches`);
  });

  it("and the log, the database and the chain agree on every batch", async () => {
    expect(await oracle.stop(), "exit code").to.equal(0);
    const { config, deployment } = plant;
    const report = await verifyState({
      ...{ stateDir: config.state, deployment, stream: 1, logger: new TestLogger() },
      ...plant.settings,
    });
    expect(report.differences).to.deep.equal([]);
    seen(`${(await head()).size} frames anchored, ${machine.frames.length} made`);
    expect((await head()).size).to.equal(BigInt(machine.frames.length));
  });

  it("the plant in a box, npm start -- --network DIR --once, ends with every proof held", async () => {
    const options = ["--network", network.bundle.dir, "--once", "--state", join(network.folder, "plant")];
    const args = ["--import", "tsx", "scripts/start.ts", ...options];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 600_000 });
    const held = stdout.split("\n").filter((line) => line.includes("✔"));
    expect(held.length, stdout).to.be.at.least(17);
    for (const line of held.slice(-3)) seen(line.replace(/^\W*✔/, "").trim());
  });
});
