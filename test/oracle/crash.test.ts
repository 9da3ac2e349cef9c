import { type ChildProcess, spawn } from "node:child_process";
import { createPublicKey, type KeyObject } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { toHex } from "@tenon/sdk/bytes";
import { decodeFrame, type Receipt, receiptAad, verifyReceipt } from "@tenon/sdk/frame/index";
import { leafHash, treeRoot } from "@tenon/sdk/proof/merkle";
import { expect } from "chai";
import { Ledger } from "../../oracle/src/batch/ledger.js";
import { EmbeddedBroker } from "../../oracle/src/broker.js";
import { SegmentLog } from "../../oracle/src/log/log.js";
import { openState } from "../../oracle/src/state/db.js";
import { Random, testSeed } from "../support/random.js";
import {
  AAD,
  DOMAIN,
  enrol,
  hashOf,
  ORACLE,
  receiptKey,
  TestClient,
  type TestDevice,
  TestDirectory,
  temporaryFolder,
} from "./support.js";

const seed = testSeed();
const POINTS = [
  "receive:40",
  "verify:2",
  "append:2",
  "fsync:2",
  "fsync:3",
  "ack:2",
  "batch-close:1",
  "checkpoint:1",
];

const started: PipelineProcess[] = [];

/** Runs the data path in a process of its own until it ends by itself or `stop` is called. */
class PipelineProcess {
  readonly child: ChildProcess;
  readonly exit: Promise<unknown[]>;
  readonly started: Promise<unknown[]>;

  constructor(folder: string, url: string, failpoint?: string) {
    const program = new URL("./pipeline-process.ts", import.meta.url).pathname;
    this.child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), program, folder, url], {
      env: { ...process.env, ...(failpoint === undefined ? {} : { TENON_FAILPOINT: failpoint }) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    started.push(this);
    this.exit = once(this.child, "exit");
    this.started = Promise.race([once(this.child.stdout!, "data"), this.exit]);
  }

  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    const [code] = await this.exit;
    expect(code, "a graceful stop").to.equal(0);
  }
}

/** A device that sends each frame again until a receipt covers it. */
class Sender {
  readonly frames: Uint8Array[];
  readonly receipts: Receipt[] = [];

  constructor(
    readonly device: TestDevice,
    readonly client: TestClient,
    count: number,
  ) {
    this.frames = device.frames(count);
  }

  confirmed(key: KeyObject): number {
    for (const bytes of this.client.receipts.splice(0)) {
      this.receipts.push(verifyReceipt(bytes, receiptAad(DOMAIN), createPublicKey(key)));
    }
    return this.receipts.reduce((most, { seqUpTo }) => Math.max(most, Number(seqUpTo)), 0);
  }
}

describe(`oracle: kill -9 at every named point (seed ${seed})`, function () {
  this.timeout(120_000);
  let folder: ReturnType<typeof temporaryFolder>;
  let broker: EmbeddedBroker;
  let db: DatabaseSync;
  let key: KeyObject;
  const directory = new TestDirectory();
  const senders: Sender[] = [];

  before(async () => {
    folder = temporaryFolder();
    broker = await EmbeddedBroker.start({ oracle: ORACLE });
    db = openState(`${folder.path}/state.db`);
    key = receiptKey();
    writeFileSync(`${folder.path}/receipt-key.pem`, key.export({ type: "pkcs8", format: "pem" }));
    for (let i = 0; i < 4; i++) {
      const device = enrol({ directory, db, broker });
      senders.push(new Sender(device, await TestClient.connect(broker.url, device), 60 * POINTS.length));
    }
  });

  after(async () => {
    for (const { child } of started) child.kill("SIGKILL");
    for (const { client } of senders) await client.close();
    await broker.stop();
    db.close();
    folder.remove();
  });

  /** Sends frames, and junk between them, until all of `upTo` is confirmed or the process has ended. */
  async function feed(running: PipelineProcess, upTo: number, random: Random): Promise<void> {
    let ended = false;
    void running.exit.then(() => {
      ended = true;
    });
    await running.started;
    const end = performance.now() + 60_000;
    for (;;) {
      const open = senders.filter((sender) => sender.confirmed(key) < upTo);
      if (ended || open.length === 0) return;
      if (performance.now() > end) throw new Error("frames were not confirmed within a minute");
      for (const sender of open) {
        const { client, frames } = sender;
        const from = Math.max(0, sender.confirmed(key) - 3);
        const some = frames.slice(from, upTo).slice(0, 10 + random.below(30));
        // A broker whose queue for the oracle is full refuses: the device keeps its frames and tries again.
        await Promise.all([client.offer(some), client.offer([random.bytes(50)], "alarm")]);
      }
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
  }

  it("loses nothing that was confirmed, stores each frame once and rebuilds every batch bit for bit (I1, I2, I5, I8)", async () => {
    const random = new Random(seed);
    const died: string[] = [];
    for (const [i, point] of POINTS.entries()) {
      const doomed = new PipelineProcess(folder.path, broker.url, point);
      await feed(doomed, 60 * (i + 1), random);
      const survived = new Promise<unknown[]>((resolve) => setTimeout(resolve, 5_000, [0, "survived"]));
      const [, signal] = await Promise.race([doomed.exit, survived]);
      if (signal === "SIGKILL") died.push(point);
      else await doomed.stop();
    }
    const healthy = new PipelineProcess(folder.path, broker.url);
    await feed(healthy, 60 * POINTS.length, random);
    await healthy.stop();
    expect(died, "every point was reached").to.deep.equal(POINTS);
    await checkAll();
  });

  async function checkAll(): Promise<void> {
    const log = await SegmentLog.open(`${folder.path}/log`, { readOnly: true });
    for (const { number } of log.segments) log.check(number);
    const stored = [...log.frames(0, log.nextFrame)];
    for (const { device, frames, receipts } of senders) {
      const own = stored.filter(({ raw }) => decodeFrame(raw).header.device === device.id);
      expect(own.length, "each frame exactly once").to.equal(frames.length);
      expect(new Set(own.map(({ raw }) => toHex(raw)))).to.deep.equal(new Set(frames.map(toHex)));
      for (const { logIndex, seqUpTo, headHash } of receipts) {
        const confirmed = log.frame(Number(logIndex)).raw;
        expect(toHex(confirmed)).to.equal(toHex(frames[Number(seqUpTo) - 1]!));
        expect(toHex(headHash)).to.equal(toHex(hashOf(confirmed)));
      }
    }
    const facts = db.prepare("SELECT count(*) AS n FROM facts WHERE closed_index IS NULL").get();
    expect(facts?.n, "no gap, fork or equivocation is left").to.equal(0);
    checkBatches(log);
    rebuildFromLog(log);
    await log.close();
  }

  function checkBatches(log: SegmentLog): void {
    const batches = db.prepare("SELECT * FROM batches ORDER BY batch").all();
    expect(batches.length).to.be.greaterThan(POINTS.length);
    let [first, rejectFirst] = [0, 0];
    for (const [i, batch] of batches.entries()) {
      expect([batch.batch, batch.first, batch.reject_first]).to.deep.equal([i, first, rejectFirst]);
      const leaves = [...log.frames(first, Number(batch.count))].map(({ raw }) => leafHash(raw));
      expect(toHex(batch.frames_root as Uint8Array)).to.equal(toHex(treeRoot(leaves)));
      first += Number(batch.count);
      rejectFirst += Number(batch.reject_count);
    }
    expect(first, "each frame in one batch").to.equal(log.nextFrame);
    expect(log.nextReject).to.be.greaterThan(0);
    expect(rejectFirst).to.be.at.most(log.nextReject);
  }

  /** A database made anew from the log alone has the same rows. */
  function rebuildFromLog(log: SegmentLog): void {
    const fresh = openState(":memory:");
    for (const row of db.prepare("SELECT * FROM devices").all()) {
      fresh
        .prepare("INSERT INTO devices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .run(...(Object.values(row) as never[]));
    }
    new Ledger(log, fresh, directory, AAD).restore();
    for (const table of ["batches", "frames", "heads", "missing", "facts"]) {
      const rows = (from: DatabaseSync) => JSON.stringify(from.prepare(`SELECT * FROM ${table}`).all());
      expect(rows(fresh), `table ${table}`).to.equal(rows(db));
    }
    const rejects = (from: DatabaseSync) =>
      from
        .prepare("SELECT * FROM rejects WHERE idx < ?")
        .all(batchedRejects())
        .map((row) => JSON.stringify(row));
    expect(rejects(fresh)).to.deep.equal(rejects(db));
    fresh.close();
  }

  function batchedRejects(): number {
    return Number(db.prepare("SELECT max(reject_first + reject_count) AS n FROM batches").get()?.n);
  }
});
