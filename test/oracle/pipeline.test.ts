import { createPublicKey, type KeyObject } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { equalBytes, toHex } from "@tenon/sdk/bytes";
import { receiptAad, verifyReceipt } from "@tenon/sdk/frame/index";
import { leafHash, MerkleTree } from "@tenon/sdk/proof/merkle";
import { expect } from "chai";
import { EmbeddedBroker } from "../../oracle/src/broker.js";
import { Pipeline } from "../../oracle/src/ingest/pipeline.js";
import { SegmentLog } from "../../oracle/src/log/log.js";
import type { PipelineOptions } from "../../oracle/src/options.js";
import { openState } from "../../oracle/src/state/db.js";
import type { ClosedBatch } from "../../oracle/src/state/types.js";
import {
  DOMAIN,
  enrol,
  hashOf,
  ORACLE,
  pipelineOptions,
  receiptKey,
  TestClient,
  TestDirectory,
  temporaryFolder,
  until,
} from "./support.js";

describe("oracle/ingest: pipeline", function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let broker: EmbeddedBroker;
  let db: DatabaseSync;
  let key: KeyObject;
  const directory = { current: new TestDirectory() };
  const running: Pipeline[] = [];
  const clients: TestClient[] = [];

  beforeEach(async () => {
    folder = temporaryFolder();
    broker = await EmbeddedBroker.start({ oracle: ORACLE });
    db = openState(`${folder.path}/state.db`);
    key = receiptKey();
    directory.current = new TestDirectory();
  });

  afterEach(async () => {
    for (const pipeline of running.splice(0)) await pipeline.stop();
    for (const client of clients.splice(0)) await client.close();
    await broker.stop();
    db.close();
    folder.remove();
  });

  async function start(options: Partial<PipelineOptions> = {}) {
    const pipeline = new Pipeline(
      pipelineOptions({
        logDir: `${folder.path}/log`,
        db,
        directory: directory.current,
        receiptKey: key,
        broker: { url: broker.url, ...ORACLE },
        ...options,
      }),
    );
    const batches: ClosedBatch[] = [];
    pipeline.on("batchClosed", (batch) => batches.push(batch));
    await pipeline.start();
    running.push(pipeline);
    await until("ready", () => pipeline.health().ready);
    return { pipeline, batches };
  }

  async function device() {
    const enrolled = enrol({ directory: directory.current, db, broker });
    const client = await TestClient.connect(broker.url, enrolled);
    clients.push(client);
    return { device: enrolled, client };
  }

  const receiptsOf = (client: TestClient) =>
    client.receipts.map((bytes) => verifyReceipt(bytes, receiptAad(DOMAIN), createPublicKey(key)));

  it("stores frames byte for byte, closes batches over them and sends signed receipts (I1, I2)", async () => {
    const { device: first, client } = await device();
    const { pipeline, batches } = await start({ batch: { intervalMs: 50 } });
    const frames = first.frames(300);
    await client.send(frames);
    await until("receipt", () => receiptsOf(client).some(({ seqUpTo }) => seqUpTo === 300n));
    await until("batches", () => batches.reduce((sum, { count }) => sum + count, 0) === 300);
    const last = receiptsOf(client).at(-1)!;
    expect(equalBytes(last.headHash, hashOf(frames.at(-1)!))).to.equal(true);
    await pipeline.stop();

    const log = await SegmentLog.open(`${folder.path}/log`, { readOnly: true });
    const stored = [...log.frames(0, 1_000)];
    expect(stored.map(({ raw }) => toHex(raw))).to.deep.equal(frames.map(toHex));
    expect(equalBytes(log.frame(Number(last.logIndex)).raw, frames.at(-1)!)).to.equal(true);
    let next = 0;
    for (const batch of batches) {
      expect(batch.first).to.equal(next);
      const leaves = [...log.frames(batch.first, batch.count)].map(({ raw }) => leafHash(raw));
      expect(toHex(batch.framesRoot)).to.equal(toHex(new MerkleTree(leaves).root));
      next += batch.count;
    }
    expect(next).to.equal(300);
    await log.close();
  });
});
