import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "chai";
import { SegmentLog } from "../../oracle/src/log/log.js";
import { BATCH, FRAME, type LogRecord, REJECT } from "../../oracle/src/log/record.js";
import { HEADER_SIZE } from "../../oracle/src/log/segment.js";
import type { VerifyReport } from "../../oracle/src/verify/report.js";
import { verifyState } from "../../oracle/src/verify/verify.js";
import { failure } from "../support/failure.js";
import { TestLogger, until } from "./support/chain.js";
import { eventually, get, type Plant, startPlant } from "./support/plant.js";

describe("verify", () => {
  let plant: Plant;
  /** The finished state folder; each test forges a copy. */
  let original: string;
  let copy: string;
  let device: string;

  before(async () => {
    plant = await startPlant();
    const oracle = await plant.startOracle();
    const made = await plant.newDevice(1);
    device = made.device.id;
    await eventually(oracle.url, `/devices/${device}`);
    for (let batch = 0; batch < 4; batch++) {
      for (let i = 0; i < 5; i++) made.device.record([{ name: "t", unit: "Cel", value: 10 * batch + i }]);
      const last = 5 * (batch + 1);
      await until(
        async () =>
          (await get(oracle.url, `/proof/frame?device=${device}&epoch=1&seq=${last}`)).status === 200,
        "anchored",
      );
    }
    await oracle.stop();
    original = plant.config.state;
    copy = join(plant.folder, "copy");
  });
  after(() => plant.close());

  beforeEach(() => {
    rmSync(copy, { recursive: true, force: true });
    cpSync(original, copy, { recursive: true });
  });

  const run = (stateDir = copy): Promise<VerifyReport> =>
    verifyState({
      stateDir,
      deployment: plant.chain.deployment,
      rpc: plant.chain.rpc.url,
      stream: plant.chain.stream,
      logger: new TestLogger(),
    });

  /** Writes the copy's log anew, with every checksum right, from what `forge` makes of each record. */
  async function forge(
    change: (record: LogRecord) => LogRecord | undefined,
    segmentBytes = 64 << 20,
  ): Promise<void> {
    const dir = join(copy, "log");
    const from = await SegmentLog.open(join(original, "log"), { readOnly: true });
    rmSync(dir, { recursive: true });
    const to = await SegmentLog.open(dir, { segmentBytes });
    for (const { record } of from.replay({ segment: 0, offset: HEADER_SIZE })) {
      const forged = change(record);
      if (forged === undefined) continue;
      const index =
        forged.type === FRAME ? to.nextFrame : forged.type === REJECT ? to.nextReject : forged.index;
      await to.append([{ ...forged, index }]);
    }
    await to.close();
    await from.close();
  }

  const messages = ({ differences }: VerifyReport) => differences.map(({ message }) => message).join("\n");
  const segmentFile = (number: number) => join(copy, "log", `${String(number).padStart(8, "0")}.seg`);

  it("finds nothing in a sound folder and counts what it read", async () => {
    const report = await run();
    expect(messages(report)).to.equal("");
    expect(report).to.include({ ok: true, frames: 20, unlisted: 0, consequences: 0 });
    expect(report.batches).to.equal(report.anchored);
    expect(report.batches).to.be.greaterThan(3);
  });

  it("finds nothing in the same log cut into many segments", async () => {
    await forge((record) => record, 700);
    expect(readdirSync(join(copy, "log")).length).to.be.greaterThan(5);
    expect(messages(await run())).to.equal("");
  });

  it("names a frame whose bytes were flipped, by its checksum, and goes on behind it", async () => {
    const bytes = readFileSync(segmentFile(0));
    const log = await SegmentLog.open(join(original, "log"), { readOnly: true });
    const at = bytes.indexOf(Buffer.from(log.frame(7).raw));
    await log.close();
    bytes[at + 100]! ^= 1;
    writeFileSync(segmentFile(0), bytes);
    const report = await run();
    expect(report.ok).to.equal(false);
    expect(messages(report)).to.include("the log is damaged at frame 7");
    expect(messages(report)).to.include(`frame 7 (device ${device}, epoch 1, seq 8) is missing from the log`);
    expect(report.frames, "it read the rest").to.equal(20);
  });

  it("names a reading that was changed with all checksums made right, and its batch", async () => {
    await forge((record) => {
      if (record.type !== FRAME || record.index !== 7) return record;
      const raw = new Uint8Array(record.raw);
      raw[raw.length - 68]! ^= 1; // the last byte of the payload, before the signature
      return { ...record, raw };
    });
    const report = await run();
    const frame = report.differences.find(({ part }) => part === "frame");
    expect(frame).to.deep.include({ logIndex: 7, device, epoch: 1, seq: 8n });
    expect(frame?.message).to.include("is not what the device signed");
    const batch = report.differences.find(
      ({ part, message }) => part === "batch" && message.includes("the chain"),
    );
    expect(batch?.message).to.include("framesRoot");
  });

  it("names a frame that was removed, with and without the database", async () => {
    await forge((record) => (record.type === FRAME && record.index === 7 ? undefined : record));
    const report = await run();
    const frame = report.differences.find(({ part }) => part === "frame");
    expect(frame).to.deep.include({ logIndex: 7, device, epoch: 1, seq: 8n });
    expect(messages(report)).to.match(/batch \d+ has \d+ frames in the log and was closed with/);
    expect(messages(report)).to.include(`seq 8 of device ${device}, epoch 1, is missing`);

    for (const file of readdirSync(copy)) if (file.startsWith("state.db")) rmSync(join(copy, file));
    const without = await run();
    expect(without.notes.join()).to.include("no state database");
    expect(messages(without)).to.include(`seq 8 of device ${device}, epoch 1, is missing`);
  });

  it("notices a removed frame even when the batch's own record was forged to agree", async () => {
    const victim = 7;
    await forge((record) => {
      if (record.type === FRAME && record.index === victim) return undefined;
      if (record.type === BATCH && record.first <= victim && victim < record.first + record.count) {
        return { ...record, count: record.count - 1 };
      }
      return record;
    });
    const report = await run();
    expect(report.ok).to.equal(false);
    expect(messages(report)).to.match(/batch \d+: .*count.* differ from the chain/);
  });

  it("names a missing segment and the frames that went with it", async () => {
    await forge((record) => record, 700);
    rmSync(segmentFile(2));
    const report = await run();
    expect(messages(report)).to.include("segment 2 is missing");
    expect(messages(report)).to.match(
      /frame \d+ \(device 0x[0-9a-f]{64}, epoch 1, seq \d+\) is missing from the log/,
    );
  });

  it("names anchored batches that the end of the log no longer has", async () => {
    let batches = 0;
    await forge((record) => {
      if (batches >= 2) return undefined;
      if (record.type === BATCH) batches += 1;
      return record;
    });
    const report = await run();
    expect(messages(report)).to.match(/batch 2 \(frames \d+ to \d+\) is anchored and not in the log/);
    expect(messages(report)).to.include("the database has");
  });

  it("names a batch that was changed in the database", async () => {
    const db = new DatabaseSync(join(copy, "state.db"));
    db.prepare("UPDATE batches SET rejects_root = ? WHERE batch = 1").run(new Uint8Array(32).fill(9));
    db.close();
    const report = await run();
    expect(report.differences).to.have.length(1);
    expect(report.differences[0]).to.deep.include({ part: "batch", batch: 1 });
    expect(messages(report)).to.include("rejectsRoot rebuilt from the log differ from the database");
  });

  it("says when the node leaves out an anchor", async () => {
    plant.chain.rpc.fault = async ({ method, params }, forward) => {
      const answer = await forward();
      const { address } = (params[0] ?? {}) as { address?: string };
      const anchors =
        address?.toLowerCase() === plant.chain.deployment.contracts.AnchorLog.address.toLowerCase();
      return method === "eth_getLogs" && anchors ? (answer as unknown[]).filter((_, i) => i !== 1) : answer;
    };
    const report = await run();
    plant.chain.rpc.fault = undefined;
    expect(report.differences[0]).to.include({ part: "chain" });
    expect(messages(report)).to.include("the node's events");
  });

  it("refuses a folder without a log, and another chain", async () => {
    expect((await failure(run(join(plant.folder, "nothing")))).code).to.equal("StateMissing");
    const deployment = { ...plant.chain.deployment, genesisHash: `0x${"ab".repeat(32)}` as const };
    const options = {
      stateDir: copy,
      deployment,
      rpc: plant.chain.rpc.url,
      stream: 2,
      logger: new TestLogger(),
    };
    expect((await failure(verifyState(options))).code).to.equal("GenesisMismatch");
  });
});
