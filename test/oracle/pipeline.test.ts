import { equalBytes, toHex } from "@tenon/sdk/bytes";
import { encodeFrame, frameAad, signerOf } from "@tenon/sdk/frame/index";
import { leafHash, MerkleTree } from "@tenon/sdk/proof/merkle";
import { encodeReject, rejectsTree } from "@tenon/sdk/proof/rejects";
import { expect } from "chai";
import { DataPath, DOMAIN, hashOf, type TestClient, TestDevice, until } from "./support.js";

describe("oracle/ingest: pipeline", function () {
  this.timeout(60_000);
  let path: DataPath;
  beforeEach(async () => {
    path = await DataPath.create();
  });
  afterEach(() => path.close());

  it("I1, I2: stores frames byte for byte, closes batches over them and sends signed receipts", async () => {
    const { device, client } = await path.device();
    await path.start({ batch: { intervalMs: 50 } });
    const frames = device.frames(300);
    await client.send(frames);
    const receipt = await path.confirmed(client, 300n);
    expect(equalBytes(receipt.headHash, hashOf(frames.at(-1)!))).to.equal(true);

    const log = await path.stored();
    const stored = [...log.frames(0, 1_000)];
    expect(stored.map(({ raw }) => toHex(raw))).to.deep.equal(frames.map(toHex));
    expect(equalBytes(log.frame(Number(receipt.logIndex)).raw, frames.at(-1)!)).to.equal(true);
    expect(log.frame(Number(receipt.logIndex)).receivedAt).to.equal(Number(receipt.receivedAt));
    let next = 0;
    for (const batch of path.batches) {
      expect(batch.first).to.equal(next);
      const leaves = [...log.frames(batch.first, batch.count)].map(({ raw }) => leafHash(raw));
      expect(toHex(batch.framesRoot)).to.equal(toHex(new MerkleTree(leaves).root));
      next += batch.count;
    }
    expect(next).to.equal(300);
    await log.close();
  });

  it("takes frames of a secp256k1 device too", async () => {
    const { device, client } = await path.device(new TestDevice("secp256k1"));
    await path.start();
    await client.send(device.frames(5));
    await path.confirmed(client, 5n);
  });

  it("I8: records every refusal with its reason and bytes, and hashes it into the next batch", async () => {
    const { device: good, client } = await path.device();
    const { device: suspended, client: suspendedClient } = await path.device();
    const { device: revoked, client: revokedClient } = await path.device();
    const stranger = new TestDevice();
    path.broker.addDevice(stranger.id, stranger.user);
    const strangerClient = await path.connect(stranger);
    path.directory.entries.get(suspended.id)!.status = "suspended";
    path.directory.entries.get(revoked.id)!.status = "revoked";
    path.directory.entries.get(good.id)!.keyEpoch = 5;
    good.epoch = 5;

    const signed = good.frame();
    const forged = new Uint8Array(signed);
    forged[forged.length - 1]! ^= 1;
    const elsewhere = elsewhereFrame(good);
    const reencoded = new Uint8Array([...signed, 0]);
    const sent: [TestClient, Uint8Array, string][] = [
      [client, new Uint8Array(70_000), "oversize"],
      [client, new Uint8Array([1, 2, 3]), "malformed:FrameMalformed"],
      [client, reencoded, "malformed:FrameMalformed"],
      [client, forged, "bad-signature"],
      [client, elsewhere, "bad-signature"],
      [client, suspended.frame(), "wrong-topic"],
      [client, good.frame({ epoch: 4, seq: 9n }), "epoch-stale"],
      [strangerClient, stranger.frame(), "unknown-device"],
      [suspendedClient, suspended.frame(), "suspended"],
      [revokedClient, revoked.frame(), "revoked"],
    ];
    const pipeline = await path.start();
    for (const [from, raw] of sent) await from.send([raw]);
    await until("refusals", () => pipeline.position().rejects === sent.length);
    expect(path.batches, "refusals alone make no batch").to.deep.equal([]);
    await client.send([signed]);
    const { seqUpTo } = await path.confirmed(client, 1n);
    expect(seqUpTo).to.equal(1n);
    await until("batch", () => path.batches.length === 1);
    expect(path.receipts(suspendedClient)).to.deep.equal([]);

    const log = await path.stored();
    const rejects = [...log.rejects()];
    const seen = rejects
      .map(({ raw, reason }) => `${toHex(raw).slice(0, 80)} ${reason.replace(/:.*/, "")}`)
      .sort();
    const told = sent
      .map(([, raw, reason]) => `${toHex(raw).slice(0, 80)} ${reason.replace(/:.*/, "")}`)
      .sort();
    expect(seen).to.deep.equal(told);
    const entries = rejects.map(({ index, receivedAt, reason, source, rawLength: length, rawHash: hash }) =>
      encodeReject({ index: BigInt(index), receivedAt: BigInt(receivedAt), reason, source, length, hash }),
    );
    expect(toHex(path.batches[0]!.rejectsRoot)).to.equal(toHex(rejectsTree(entries).root));
    expect(path.batches[0]!.rejectCount).to.equal(sent.length);
    expect(path.db.prepare("SELECT count(*) AS n FROM rejects").get()?.n).to.equal(sent.length);
    await log.close();
  });

  /** A good frame, signed for another chain. */
  function elsewhereFrame(device: TestDevice): Uint8Array {
    const other = frameAad({ ...DOMAIN, chainId: 1n });
    const header = {
      algorithm: -7,
      contentType: 42,
      device: device.id,
      epoch: device.epoch,
      seq: 3n,
      prev: new Uint8Array(32),
      time: 0n,
      clock: "unset",
      uptime: 0n,
      beacon: null,
    } as const;
    return encodeFrame(header, new Uint8Array([1]), other, signerOf(device.privateKey));
  }

  it("I5: a gap opens, moves nothing, and closes when it is filled; forks and equivocations are kept as facts", async () => {
    const { device, client } = await path.device();
    const pipeline = await path.start({ batch: { intervalMs: 20 } });
    const [one, two, three, four] = device.frames(4) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    await client.send([one, four], "telemetry");
    await path.confirmed(client, 1n);
    await until("batch", () => path.batches.length >= 1);
    const gaps = () => path.db.prepare("SELECT * FROM facts WHERE kind = 'gap'").all();
    await until("gap", () => gaps().length === 1);
    expect(gaps()[0]).to.include({ seq: 2, seq_to: 3, missing: 2, closed_index: null });
    expect(path.receipts(client).every(({ seqUpTo }) => seqUpTo === 1n)).to.equal(true);
    await client.send([three, two], "backfill");
    await path.confirmed(client, 4n);
    await until("closed gap", () => gaps()[0]!.closed_index !== null);

    const twin = device.frame({ seq: 4n, prev: hashOf(three) }, 99);
    const fork = device.frame({ seq: 5n, prev: hashOf(one) });
    await client.send([twin]);
    await client.send([fork]);
    await path.confirmed(client, 5n);
    const before = path.receipts(client).length;
    await client.send([two, two]);
    await until("duplicates", () => pipeline.stats.duplicates === 2);
    await until("the receipt again", () => path.receipts(client).length > before);

    const log = await path.stored();
    expect([...log.frames(0, 100)]).to.have.length(6);
    const facts = path.db.prepare("SELECT kind, seq FROM facts WHERE kind <> 'gap' ORDER BY id").all();
    expect(facts.map(({ kind, seq }) => `${kind} ${seq}`)).to.deep.equal(["equivocation 4", "fork 5"]);
    await log.close();
  });

  it("closes a batch at once for an alarm, and not for telemetry", async () => {
    const { device, client } = await path.device();
    await path.start({ batch: { intervalMs: 600_000 } });
    await client.send([device.frame()]);
    await path.confirmed(client, 1n);
    expect(path.batches).to.have.length(0);
    await client.send([device.frame()], "alarm");
    await until("batch", () => path.batches.length === 1, 2_000);
    expect(path.batches[0]!.count).to.equal(2);
  });

  it("grows one batch while an anchor is on its way, and closes it only when it is full", async () => {
    const { device, client } = await path.device();
    let waiting = true;
    const pipeline = await path.start({ batch: { intervalMs: 1, frames: 50 }, anchorWaiting: () => waiting });
    for (let i = 0; i < 10; i++) await client.send([device.frame()], "alarm");
    await path.confirmed(client, 10n);
    expect(path.batches).to.have.length(0);
    await client.send(device.frames(45));
    await until("the full batch", () => path.batches.length === 1);
    expect(path.batches[0]!.count).to.be.at.least(50);
    await client.send([device.frame()]);
    await path.confirmed(client, 56n);
    waiting = false;
    pipeline.wake();
    await until(
      "all frames in batches",
      () => path.batches.reduce((sum, { count }) => sum + count, 0) === 56,
    );
  });

  it("lets an alarm overtake a backfill that waits", async () => {
    const { device, client } = await path.device();
    const { device: other, client: alarmClient } = await path.device();
    await path.start({ commitSize: 40 });
    const backfill = client.send(device.frames(2_000), "backfill");
    await until("backfill under way", () => path.pipeline!.stats.frames > 100);
    await alarmClient.send([other.frame()], "alarm");
    const { logIndex } = await path.confirmed(alarmClient, 1n);
    expect(Number(logIndex)).to.be.lessThan(1_900);
    await backfill;
    await path.confirmed(client, 2_000n);
  });

  it("continues after a restart with the same state, and asks nothing of the devices", async () => {
    const { device, client } = await path.device();
    await path.start();
    await client.send(device.frames(20));
    await path.confirmed(client, 20n);
    await path.pipeline!.stop();
    await client.send(device.frames(20));
    await path.start();
    await path.confirmed(client, 40n);
    const log = await path.stored();
    expect(log.nextFrame).to.equal(40);
    expect(path.batches.reduce((sum, { count }) => sum + count, 0)).to.equal(40);
    await log.close();
  });
});
