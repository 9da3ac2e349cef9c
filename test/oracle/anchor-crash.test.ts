import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "chai";
import { Transaction } from "ethers";
import { AnchorLogReader } from "../../oracle/src/chain/anchor-log.js";
import { SegmentLog } from "../../oracle/src/log/log.js";
import { type Hex, toHex } from "../../sdk/src/bytes.js";
import type { Device } from "../../sdk/src/device/index.js";
import { decodeFrame } from "../../sdk/src/frame/index.js";
import { NoAnswer } from "../support/rpc-server.js";
import { until } from "./support/chain.js";
import { eventually, type Plant, startPlant } from "./support/plant.js";
import { OracleProcess, runOracle } from "./support/process.js";

describe("oracle process", function () {
  this.timeout(120_000);
  let plant: Plant;
  let device: Device;
  let value = 0;
  const running: OracleProcess[] = [];

  const serve = (env: Record<string, string> = {}) => {
    const child = new OracleProcess(["serve", "--config", plant.configFile], env);
    running.push(child);
    return child;
  };
  const record = (frames = 3) => {
    for (let i = 0; i < frames; i++) device.record([{ name: "t", unit: "Cel", value: ++value }]);
  };
  const lastProven = async (url: string) => {
    const { seq } = device.journal.next();
    await eventually(url, `/proof/frame?device=${device.id}&epoch=1&seq=${seq - 1n}`);
  };

  before(async () => {
    plant = await startPlant();
    ({ device } = await plant.newDevice(1));
  });
  afterEach(async () => {
    plant.chain.rpc.fault = undefined;
    for (const child of running.splice(0)) await child.kill("SIGKILL");
    await requireInvariants(plant, device);
  });
  after(() => plant.close());

  for (const point of ["intent", "send", "receipt"]) {
    it(`I3, I4, I7: goes on after kill -9 at the point "${point}"`, async () => {
      const doomed = serve({ TENON_FAILPOINT: point });
      await doomed.ready();
      record();
      expect((await doomed.ended).signal).to.equal("SIGKILL");
      record();
      const next = serve();
      await lastProven(await next.ready());
      expect((await next.kill("SIGTERM")).code).to.equal(0);
    });
  }

  it("I3, I4, I7: goes on after kill -9 at moments that nothing chose", async () => {
    for (let round = 0; round < 3; round++) {
      const child = serve();
      await child.ready();
      for (let i = 0; i < 8; i++) {
        record(2);
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
      await child.kill("SIGKILL");
    }
    await lastProven(await serve().ready());
  });

  it("I7: after a kill with an answer lost, sends the bytes it had signed", async () => {
    const sent: string[] = [];
    let answers = false;
    plant.chain.rpc.fault = async ({ method, params }, forward) => {
      if (method !== "eth_sendRawTransaction") return forward();
      sent.push(String(params[0]));
      if (!answers) throw new NoAnswer();
      return forward();
    };
    const first = serve();
    await first.ready();
    record();
    await until(() => sent.length > 0, "it was sent");
    await first.kill("SIGKILL");
    answers = true;
    await lastProven(await serve().ready());
    const nonces = sent.map((raw) => Transaction.from(raw).nonce);
    expect(nonces[0]).to.equal(nonces[1]);
    expect(sent[1]).to.equal(sent[0]);
  });

  it("stops in order at SIGTERM while the chain stands still, with an intent for what it took", async () => {
    const child = serve();
    const url = await child.ready();
    record();
    await lastProven(url);
    await plant.chain.provider.request({ method: "evm_setAutomine", params: [false] });
    record();
    await until(() => device.journal.next().seq - 1n === BigInt(value), "recorded");
    await new Promise((resolve) => setTimeout(resolve, 300));
    const from = performance.now();
    const ended = await child.kill("SIGTERM");
    expect(ended.code, ended.stderr).to.equal(0);
    expect(performance.now() - from).to.be.lessThan(15_000);
    await plant.chain.provider.request({ method: "evm_setAutomine", params: [true] });
    await plant.chain.networkHelpers.mine();
    await lastProven(await serve().ready());
  });

  it("refuses a second process on the key, in words and with exit code 1", async () => {
    await serve().ready();
    const second = await runOracle(
      "serve",
      "--config",
      plant.configFile,
      "--state",
      join(plant.folder, "state-2"),
    );
    expect(second.code).to.equal(1);
    expect(second.stderr).to.include("LeaseHeld: Another oracle holds this key or this state folder");
  });

  it("verify, prove, gaps and rejects read its folder", async () => {
    const url = await serve().ready();
    await lastProven(url);
    const from = ["--config", plant.configFile];
    const verified = await runOracle("verify", ...from);
    expect(verified.code, verified.stdout + verified.stderr).to.equal(0);
    expect(verified.stdout.trim().split("\n").at(-1)).to.match(
      /^\d+ frames and 0 rejects in \d+ batches, .*nothing differs$/,
    );

    const file = join(plant.folder, "proof.json");
    const proven = await runOracle("prove", ...from, "--device", device.id, "--seq", "2", "--out", file);
    expect(proven.code, proven.stderr).to.equal(0);
    expect(proven.stderr).to.include("✔ device signature").and.to.include("✔ block");
    const range = await runOracle("prove", "--url", url, "--device", device.id, "--from", "1", "--to", "4");
    expect(JSON.parse(range.stdout).frames).to.have.length(4);
    const unknown = await runOracle("prove", "--url", url, "--device", device.id, "--seq", "99999");
    expect(unknown.code).to.equal(1);
    expect(unknown.stderr).to.include("FrameUnknown");

    const gaps = await runOracle("gaps", ...from);
    expect(gaps.stdout).to.equal("0 gaps open, 0 forks, 0 equivocations\n");
    const rejects = await runOracle("rejects", ...from);
    expect(rejects.stdout).to.include("0 of 0 rejects");
    expect((await runOracle("rejects", ...from, "--show", "3")).stderr).to.include("RejectUnknown");
  });

  it("explains itself and refuses what it does not understand", async () => {
    expect((await runOracle("--help")).code).to.equal(0);
    expect((await runOracle("verify", "--help")).stdout).to.include("--stream N");
    const unknown = await runOracle("sevre");
    expect(unknown.code).to.equal(2);
    expect(unknown.stderr).to.include('There is no command "sevre"');
    expect((await runOracle("gaps", "--stat", "x")).code).to.equal(2);
    const printed = await runOracle("serve", "--config", plant.configFile, "--print");
    expect(JSON.parse(printed.stdout)).to.have.nested.property("chain.stream", 2);
  });
});

/**
 * I3: what is anchored is contiguous. I4: no frame is anchored twice, none that was made is lost from the middle.
 * I7: no nonce of ours has two transactions unless the first is recorded as replaced.
 */
async function requireInvariants(plant: Plant, device: Device): Promise<void> {
  const { chain, config } = plant;
  const address = chain.deployment.contracts.AnchorLog.address as Hex;
  const reader = new AnchorLogReader(chain.ethers.provider, address, chain.stream);
  const events = await reader.anchored(0, await chain.ethers.provider.getBlockNumber());
  let size = 0n;
  events.forEach(({ content }, i) => {
    expect(content.batch, "I3").to.equal(i);
    expect(content.first, "I3").to.equal(size);
    size += BigInt(content.count);
  });
  const log = await SegmentLog.open(join(config.state, "log"), { readOnly: true });
  const seqs = [...log.frames(0, Number(size))].map(({ raw }) => decodeFrame(raw).header.seq);
  await log.close();
  expect(new Set(seqs).size, "I4: none twice").to.equal(seqs.length);
  expect(BigInt(seqs.length), "I4: none lost").to.equal(seqs.reduce((a, b) => (a > b ? a : b), 0n));
  expect(device.journal.next().seq > (seqs.at(-1) ?? 0n)).to.equal(true);

  const db = new DatabaseSync(join(config.state, "state.db"), { readOnly: true });
  const intents = db.prepare("SELECT nonce, hash, state FROM intents").all();
  db.close();
  const kept = intents.filter(({ state }) => state !== "replaced");
  expect(new Set(kept.map(({ nonce }) => nonce)).size, "I7").to.equal(kept.length);
  expect(new Set(intents.map(({ hash }) => toHex(hash as Uint8Array))).size, "I7").to.equal(intents.length);
}
