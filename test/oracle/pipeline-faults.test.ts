import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { toHex } from "@tenon/sdk/bytes";
import { decodeFrame } from "@tenon/sdk/frame/index";
import { expect } from "chai";
import { EmbeddedBroker } from "../../oracle/src/broker.js";
import { LaneConsumer } from "../../oracle/src/ingest/lane.js";
import { VerifyPool } from "../../oracle/src/ingest/verify-pool.js";
import { AAD, DataPath, hashOf, ORACLE, SILENT, TestDevice, until } from "./support.js";

describe("oracle/ingest: faults", function () {
  this.timeout(60_000);
  let path: DataPath;
  beforeEach(async () => {
    path = await DataPath.create();
  });
  afterEach(() => path.close());

  it("I8: junk at full rate buys few signature checks, is counted to the last message, and delays nobody", async () => {
    const { device: hostile, client: hostileClient } = await path.device();
    const { device: live, client } = await path.device();
    const pipeline = await path.start({ commitSize: 200, rate: { perSecond: 50, burst: 200 } });
    const junk = hostile.frame();
    junk[junk.length - 1]! ^= 1;
    let sent = 0;
    const start = performance.now();
    const flood = (async () => {
      for (let i = 0; i < 100; i++) {
        sent += await hostileClient.offer(Array.from({ length: 100 }, () => junk));
      }
    })();
    const waits: number[] = [];
    for (let seq = 1n; seq <= 20n; seq++) {
      const from = performance.now();
      const frame = live.frame();
      while ((await client.offer([frame])) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      await path.confirmed(client, seq);
      waits.push(performance.now() - from);
    }
    await flood;
    const checked = () => pipeline.stats.rejects.get("bad-signature") ?? 0;
    await until("all junk is accounted for", () => checked() + pipeline.stats.rateLimited === sent);
    const seconds = (performance.now() - start) / 1_000;
    expect(checked()).to.be.at.most(200 + 50 * seconds + 50);
    expect(pipeline.stats.rateLimited).to.be.greaterThan(5_000);
    expect(Math.max(...waits), "slowest receipt, ms").to.be.lessThan(2_000);

    const log = await path.stored();
    const rejects = [...log.rejects()];
    const counted = rejects
      .filter(({ reason }) => reason === "rate-limited")
      .reduce((sum, { raw }) => sum + Buffer.from(raw).readUInt32BE(0), 0);
    const single = rejects.filter(({ reason }) => reason === "bad-signature").length;
    expect(counted + single).to.equal(sent);
    await log.close();
  });

  it("keeps few of a flood of frames signed for one place, as refusals the rest, and delays nobody", async () => {
    const { device: hostile, client: hostileClient } = await path.device();
    const { device: live, client } = await path.device();
    const pipeline = await path.start({ commitSize: 200, rate: { perSecond: 50, burst: 200 } });
    const flood = Array.from({ length: 2_000 }, (_, i) => hostile.frame({ seq: 1n }, i));
    const sending = hostileClient.send(flood);
    for (let seq = 1n; seq <= 10n; seq++) {
      const from = performance.now();
      await client.send([live.frame()]);
      await path.confirmed(client, seq);
      expect(performance.now() - from, "ms to a receipt").to.be.lessThan(2_000);
    }
    await sending;
    const refused = () => pipeline.stats.rejects.get("too-many-equivocations") ?? 0;
    await until("all are accounted for", () => 16 + refused() + pipeline.stats.rateLimited === flood.length);
    expect(refused()).to.be.greaterThan(50);
    const log = await path.stored();
    const kept = [...log.frames(0, 4_000)].filter(({ raw }) => decodeFrame(raw).header.device === hostile.id);
    expect(kept).to.have.length(16);
    await log.close();
  });

  it("keeps an honest device that sends as fast as it can below every limit", async () => {
    const { device, client } = await path.device();
    const pipeline = await path.start({ rate: { perSecond: 1, burst: 1_000 } });
    for (let i = 0; i < 4; i++) await client.send(device.frames(1_000));
    await path.confirmed(client, 4_000n);
    expect(pipeline.stats.rateLimited).to.equal(0);
  });

  it("keeps the raw bytes of refused input only up to its source's share, and length and hash always", async () => {
    const { client } = await path.device();
    const pipeline = await path.start({ rate: { rejectBytesPerSecond: 0, rejectBytesBurst: 1_500 } });
    for (let i = 0; i < 4; i++) await client.send([new Uint8Array(500).fill(i)]);
    await until("refusals", () => pipeline.position().rejects === 4);
    const log = await path.stored();
    const lengths = [...log.rejects()].map(({ raw, rawLength }) => [raw.length, rawLength]);
    expect(lengths).to.deep.equal([
      [500, 500],
      [500, 500],
      [500, 500],
      [0, 500],
    ]);
    await log.close();
  });

  it("stops taking when the log cannot be written, says so, and goes on by itself without a loss", async () => {
    const { device, client } = await path.device();
    const pipeline = await path.start({ segmentBytes: 4_096, batch: { intervalMs: 10 } });
    // The next segment cannot be made: its name is taken by a folder.
    mkdirSync(join(path.logDir, "00000001.seg"), { recursive: true });
    const frames = device.frames(60);
    await client.send(frames);
    await until("it reports the fault", () => !pipeline.health().ready);
    expect(pipeline.health().reasons[0]).to.match(/log cannot be written/);
    const stuck = pipeline.position().frames;
    expect(stuck).to.be.lessThan(60);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(pipeline.position().frames).to.equal(stuck);
    expect(path.receipts(client).every(({ seqUpTo }) => seqUpTo <= BigInt(stuck))).to.equal(true);
    rmdirSync(join(path.logDir, "00000001.seg"));
    await path.confirmed(client, 60n);
    expect(pipeline.health().ready).to.equal(true);
    const log = await path.stored();
    expect([...log.frames(0, 100)].map(({ raw }) => toHex(raw)).sort()).to.deep.equal(
      frames.map(toHex).sort(),
    );
    await log.close();
  });

  it("tries less and less often while the disk takes something and then no more", async () => {
    const { device, client } = await path.device();
    let failures = 0;
    const error = (_: object, message: string) => {
      if (message.startsWith("cannot store")) failures++;
    };
    await path.start({ segmentBytes: 4_096, batch: { intervalMs: 10 }, logger: { ...SILENT, error } });
    mkdirSync(join(path.logDir, "00000001.seg"), { recursive: true });
    await client.send(device.frames(60));
    await until("it fails", () => failures > 0);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(failures).to.be.at.most(5);
    rmdirSync(join(path.logDir, "00000001.seg"));
    await path.confirmed(client, 60n);
  });

  it("comes back to a broker that was restarted empty", async () => {
    const { device, client } = await path.device();
    const pipeline = await path.start();
    await client.send(device.frames(3));
    await path.confirmed(client, 3n);
    const { port } = path.broker;
    await client.close();
    await path.broker.stop();
    await until("it notices", () => !pipeline.health().ready);
    const broker = await EmbeddedBroker.start({ oracle: ORACLE, port });
    broker.addDevice(device.id, device.user);
    Object.assign(path, { broker });
    await until("it is back", () => pipeline.health().ready);
    const again = await path.connect(device);
    await again.send(device.frames(3));
    await path.confirmed(again, 6n);
  });

  it("bounds what waits in memory when nothing is taken, by stopping to read", async () => {
    const { client } = await path.device();
    const lane = new LaneConsumer(
      "telemetry",
      { url: path.broker.url, ...ORACLE },
      10_000,
      SILENT,
      () => undefined,
    );
    lane.start();
    await until("connected", () => lane.down === undefined);
    const [large, count] = [new Uint8Array(60_000), 600];
    void client.offer(Array.from({ length: count }, () => large));
    await until("reading stops", () => lane.waiting > 250);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(lane.waiting * large.length).to.be.lessThan((16 << 20) + (2 << 20));
    let taken = 0;
    await until("it goes on when taken", () => {
      taken += lane.take(50).length;
      return taken === count;
    });
    await lane.close();
  });

  it("replaces a verification thread that ends in the middle of its work", async () => {
    const device = new TestDevice();
    const frames = device.frames(400);
    const signer = { device: device.id, key: device.key, epoch: 1 };
    const pool = new VerifyPool(2, AAD, SILENT);
    const verified = pool.verify(frames.map((raw) => ({ raw, signer })));
    await until("threads are up", () => pool.ready);
    await pool.workers[0]!.terminate();
    const results = await verified;
    expect(results.map((result) => (typeof result === "string" ? result : toHex(result.hash)))).to.deep.equal(
      frames.map((frame) => toHex(hashOf(frame))),
    );
    expect(pool.losses).to.equal(1);
    const [again] = await pool.verify([{ raw: frames[0]!, signer: { ...signer, epoch: 2 } }]);
    expect(again).to.equal("epoch-stale");
    await pool.close();
  });

  it("ends a verification thread that hangs, and neither loses its frames nor lets them through", async () => {
    const device = new TestDevice();
    const frames = device.frames(5);
    frames[3]![frames[3]!.length - 1]! ^= 1;
    const signer = { device: device.id, key: device.key, epoch: 1 };
    const pool = new VerifyPool(1, AAD, SILENT, 1_000);
    await until("threads are up", () => pool.ready);
    // Work that nobody waits for keeps the thread busy for minutes.
    const endless = { bytes: new Uint8Array(), ends: new Uint32Array(50_000_000), signers: [signer] };
    pool.workers[0]!.postMessage({ ...endless, signer: new Uint32Array(50_000_000) });
    const results = await pool.verify(frames.map((raw) => ({ raw, signer })));
    const shown = results.map((result) => (typeof result === "string" ? result : Number(result.seq)));
    expect(shown).to.deep.equal([1, 2, 3, "bad-signature", 5]);
    expect(pool.losses).to.equal(1);
    await pool.close();
  });
});
