import { EventEmitter, once } from "node:events";
import { availableParallelism } from "node:os";
import { equalBytes } from "@tenon/sdk/bytes";
import { frameAad } from "@tenon/sdk/frame/index";
import { DEFAULT_BATCH } from "../batch/batcher.js";
import { type AcceptedFrame, type Entry, Ledger, type RefusedInput } from "../batch/ledger.js";
import { BatchStore } from "../batch/store.js";
import { failpoint } from "../failpoint.js";
import { SegmentLog } from "../log/log.js";
import type { BatchRules, PipelineOptions } from "../options.js";
import { type ClosedBatch, LANES, type RejectReason } from "../state/types.js";
import { type Candidate, Intake, type Sorted } from "./intake.js";
import { type Incoming, LaneConsumer } from "./lane.js";
import { DEFAULT_RATE, SourceLimits } from "./limits.js";
import type { MqttConnection } from "./mqtt.js";
import { ReceiptOutbox } from "./receipts.js";
import { PipelineStats } from "./stats.js";
import { type Verified, VerifyPool } from "./verify-pool.js";

/** Messages with everything known about them that does not depend on the order of the log. */
interface Group {
  messages: Incoming[];
  sorted: Sorted;
  /** For each candidate among the rows, in order. */
  verdicts: (Verified | RejectReason)[];
}

interface PipelineEvents {
  /** The batch is durable in log and database. */
  batchClosed: [ClosedBatch];
}

const DEFAULT_COMMIT = 1_000;
const RETRY_MS = [100, 500, 1_000, 5_000];
/** Without a failure for so long, the next one is tried again at once. */
const WELL_MS = 30_000;
/** While a batch waits for an anchor before it, how often that is asked again. */
const ANCHOR_POLL_MS = 20;
const RECEIPT_DRAIN_MS = 1_000;

/**
 * From the broker to closed batches: take, check, commit, acknowledge, send receipts, close batches. One commit is
 * one fdatasync; while it runs, the next group is being verified. Nothing is acknowledged before it is durable. When
 * log or database cannot be written, the connections are dropped, `health` says so, and it tries again until it can.
 */
export class Pipeline extends EventEmitter<PipelineEvents> {
  readonly #options: PipelineOptions;
  readonly #rules: BatchRules;
  readonly #commitSize: number;
  readonly #lanes: LaneConsumer[];
  readonly #intake: Intake;
  readonly #aad: Uint8Array;
  readonly #outbox: ReceiptOutbox;
  #log!: SegmentLog;
  #ledger!: Ledger;
  #pool!: VerifyPool;
  #running: Promise<void> | undefined;
  #stopping = false;
  #failure: string | undefined;
  #failures = 0;
  #failedAt = Number.NEGATIVE_INFINITY;
  readonly #signal = new EventEmitter<{ wake: [] }>();
  readonly stats = new PipelineStats();

  constructor(options: PipelineOptions) {
    super();
    this.#options = options;
    this.#rules = { ...DEFAULT_BATCH, ...options.batch };
    this.#commitSize = options.commitSize ?? DEFAULT_COMMIT;
    this.#aad = frameAad(options.domain);
    const wake = () => this.wake();
    const { broker, logger, domain, receiptKey } = options;
    this.#lanes = LANES.map((lane) => new LaneConsumer(lane, broker, this.#commitSize, logger, wake));
    const rate = { ...DEFAULT_RATE, ...options.rate };
    // A whole commit of one honest device must fit its budget.
    rate.burst = Math.max(rate.burst, this.#commitSize);
    this.#intake = new Intake(options.directory, new SourceLimits(rate));
    const head = (num: number, epoch: number) => this.#ledger.tracker.head(num, epoch);
    this.#outbox = new ReceiptOutbox(broker, domain, receiptKey, head, logger);
  }

  /**
   * Opens the log and takes the state to where it ends, without taking a frame: what the chain has can be compared
   * with it before `start`.
   * @throws TenonError LogCorrupt, LogBehindState, BatchRebuildMismatch, DeviceNotInDirectory
   */
  async open(): Promise<void> {
    const { logDir, db, directory, segmentBytes, logger } = this.#options;
    const durable = new BatchStore(db).durable();
    const size = segmentBytes === undefined ? {} : { segmentBytes };
    this.#log = await SegmentLog.open(logDir, { ...size, durable });
    if (this.#log.torn !== undefined) logger.warn({ ...this.#log.torn }, "torn tail cut from the log");
    this.#ledger = new Ledger(this.#log, db, directory, this.#aad);
    this.#restore();
  }

  /** The log, for those who only read it. Defined from `open` on. */
  get log(): Pick<SegmentLog, "frame" | "frames" | "nextFrame"> {
    return this.#log;
  }

  /** Starts to listen, after `open` if that was not done. The broker need not be there yet. @throws what `open` does */
  async start(): Promise<void> {
    if (this.#log === undefined) await this.open();
    const { verifyWorkers, logger } = this.#options;
    const workers = verifyWorkers ?? Math.max(1, availableParallelism() - 1);
    this.#pool = new VerifyPool(workers, this.#aad, logger);
    this.#outbox.start();
    for (const lane of this.#lanes) lane.start();
    this.#running = this.#run();
  }

  /** Takes nothing more, commits and acknowledges what waits, closes the batch, sends the receipts. */
  async stop(): Promise<void> {
    if (this.#running === undefined) return this.#log?.close();
    this.#stopping = true;
    for (const lane of this.#lanes) lane.pause();
    this.wake();
    await this.#running;
    await this.#outbox.close(RECEIPT_DRAIN_MS);
    await Promise.all(this.#lanes.map((lane) => lane.close()));
    await this.#pool.close();
    await this.#log.close();
  }

  /** Looks at once whether the batch may close: call it when an anchor has settled. */
  wake(): void {
    this.#signal.emit("wake");
  }

  /** Whether frames are being taken, and if not, why. */
  health(): { ready: boolean; reasons: string[] } {
    const reasons = this.#lanes.flatMap(({ lane, down }) => (down === undefined ? [] : [`${lane}: ${down}`]));
    if (this.#failure !== undefined) reasons.unshift(this.#failure);
    if (this.#pool?.ready !== true) reasons.push("no verification thread is ready");
    if (this.#stopping) reasons.push("stopping");
    return { ready: reasons.length === 0, reasons };
  }

  /** Frames and rejects in the log, and the messages and receipts that wait, for metrics. */
  position() {
    const waiting = Object.fromEntries(this.#lanes.map(({ lane, waiting: count }) => [lane, count]));
    return {
      frames: this.#log.nextFrame,
      rejects: this.#log.nextReject,
      openBatch: { batch: this.#ledger.open.batch, frames: this.#ledger.open.frames.size },
      waiting,
      receiptsWaiting: this.#outbox.waiting,
      receiptsSent: this.#outbox.sent,
      verifyThreadsLost: this.#pool.losses,
    };
  }

  async #run(): Promise<void> {
    let committing: Promise<void> = Promise.resolve();
    for (;;) {
      try {
        const messages = this.#take();
        if (messages.length > 0) {
          const group = await this.#check(messages);
          await committing;
          committing = this.#commit(group);
          // Awaited in the next round; until then a failure must not count as unhandled.
          committing.catch(() => undefined);
          continue;
        }
        await committing;
        await this.#closeIfDue();
        if (this.#lanes.some(({ waiting }) => waiting > 0)) continue;
        if (this.#stopping) return await this.#closeLast();
        await this.#idle();
      } catch (error) {
        committing = Promise.resolve();
        if (!(await this.#recover(error))) return;
      }
    }
  }

  /** The next messages by priority; backfill gets at most a quarter, and always its share when it has that much. */
  #take(): Incoming[] {
    const [alarm, telemetry, backfill] = this.#lanes as [LaneConsumer, LaneConsumer, LaneConsumer];
    const share = Math.min(backfill.waiting, Math.ceil(this.#commitSize / 4));
    const taken = alarm.take(this.#commitSize - share);
    taken.push(...telemetry.take(this.#commitSize - share - taken.length));
    taken.push(...backfill.take(share));
    return taken;
  }

  async #check(messages: Incoming[]): Promise<Group> {
    this.stats.received += messages.length;
    const { asOf = 0 } = this.#options.directory;
    for (const message of messages) message.receivedAt = Math.max(message.receivedAt, asOf);
    const sorted = this.#intake.sort(messages);
    const candidates = sorted.rows.filter((row): row is Candidate => "entry" in row);
    const from = performance.now();
    const verdicts = await this.#pool.verify(
      candidates.map(({ incoming, device, entry }) => ({
        raw: incoming.raw,
        signer: { device, key: entry.key, epoch: entry.keyEpoch },
      })),
    );
    this.stats.verifySeconds += (performance.now() - from) / 1_000;
    candidates.forEach(({ source }, i) => {
      if (typeof verdicts[i] !== "string") this.#intake.refund(source);
    });
    failpoint("verify");
    return { messages, sorted, verdicts };
  }

  async #commit(group: Group): Promise<void> {
    const { entries, touched } = this.#judge(group);
    const from = performance.now();
    await this.#ledger.commit(entries);
    this.stats.commits++;
    this.stats.commitSeconds += (performance.now() - from) / 1_000;
    this.#count(group, entries);
    this.#acknowledge(group.messages);
    failpoint("ack");
    for (const [num, epoch] of touched.values()) this.#outbox.mark(num, epoch);
    await this.#closeIfDue();
  }

  /** Decides in log order what is new; earlier frames of the same group count as known. */
  #judge({ sorted, verdicts }: Group): { entries: Entry[]; touched: Map<string, [number, number]> } {
    const entries: Entry[] = [];
    const touched = new Map<string, [number, number]>();
    const inGroup = new Map<string, Uint8Array[]>();
    let next = 0;
    for (const row of sorted.rows) {
      if (!("entry" in row)) {
        entries.push({ refused: row });
        continue;
      }
      const verdict = verdicts[next++]!;
      if (typeof verdict === "string") {
        entries.push({ refused: this.#refuse(row, verdict) });
        continue;
      }
      const frame = acceptedFrame(row, verdict);
      const place = `${frame.num}:${frame.epoch}:${frame.seq}`;
      const here = inGroup.get(place) ?? [];
      const repeated = here.some((hash) => equalBytes(hash, frame.hash));
      const judged = repeated ? "duplicate" : this.#ledger.tracker.judge(frame, here.length);
      if (judged !== "new" && judged !== "duplicate") {
        this.#intake.charge(row.source);
        entries.push({ refused: this.#refuse(row, judged) });
        continue;
      }
      touched.set(`${frame.num}:${frame.epoch}`, [frame.num, frame.epoch]);
      if (judged === "duplicate") {
        this.stats.duplicates++;
        continue;
      }
      entries.push({ frame });
      inGroup.set(place, [...here, frame.hash]);
    }
    for (const refused of sorted.limited) entries.push({ refused });
    return { entries, touched };
  }

  #refuse(row: Candidate, reason: RejectReason): RefusedInput {
    return this.#intake.refuse(row.incoming, reason, row.source);
  }

  #count({ sorted, verdicts }: Group, entries: Entry[]): void {
    for (const entry of entries) {
      if ("frame" in entry) {
        this.stats.frames++;
        this.stats.bytes += entry.frame.raw.length;
      } else {
        this.stats.reject(entry.refused.reason);
      }
    }
    this.stats.rateLimited += sorted.limitedCount;
    for (const verdict of verdicts) if (typeof verdict !== "string") this.stats.readings += verdict.readings;
  }

  /** In arrival order on each connection, one write each. */
  #acknowledge(messages: Incoming[]): void {
    const ids = new Map<MqttConnection, number[]>();
    for (const { connection, messageId } of messages) {
      if (messageId === undefined) continue;
      const known = ids.get(connection);
      if (known === undefined) ids.set(connection, [messageId]);
      else known.push(messageId);
    }
    for (const [connection, messageIds] of ids) connection.acknowledge(messageIds);
  }

  async #closeIfDue(): Promise<void> {
    const waiting = this.#options.anchorWaiting();
    if (this.#ledger.open.dueIn(this.#rules, waiting, performance.now()) > 0) return;
    this.#announce(await this.#ledger.close(Date.now()));
  }

  async #closeLast(): Promise<void> {
    if (this.#ledger.open.frames.size > 0) this.#announce(await this.#ledger.close(Date.now()));
  }

  #announce(closed: ClosedBatch): void {
    this.stats.batches++;
    this.emit("batchClosed", closed);
  }

  /** Waits for a message, a `wake`, or the time the batch is due. */
  async #idle(): Promise<void> {
    const { open } = this.#ledger;
    const due = open.dueIn(this.#rules, this.#options.anchorWaiting(), performance.now());
    const poll = open.frames.size > 0 ? ANCHOR_POLL_MS : 60_000;
    const timer = setTimeout(() => this.wake(), Math.min(due, poll));
    await once(this.#signal, "wake");
    clearTimeout(timer);
  }

  /** Brings the state to the end of the log, and asks for receipts that a crash may have swallowed. */
  #restore(): void {
    const { closed, touched } = this.#ledger.restore();
    for (const { num, epoch } of touched) this.#outbox.mark(num, epoch);
    for (const batch of closed) this.#announce(batch);
  }

  /**
   * Drops what is not durable and tries until log and state can be written; false when stopped meanwhile. A disk that
   * takes the first bytes and no more fails again at once: the pauses grow until it has been well for a while.
   */
  async #recover(error: unknown): Promise<boolean> {
    if (performance.now() - this.#failedAt > WELL_MS) this.#failures = 0;
    for (let why = error; ; ) {
      this.#failedAt = performance.now();
      for (const lane of this.#lanes) lane.drop();
      this.#failure = why instanceof Error ? why.message : String(why);
      this.#options.logger.error({ why: this.#failure }, "cannot store: connections dropped");
      if (this.#stopping) return false;
      const pause = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)];
      await new Promise((resolve) => setTimeout(resolve, pause));
      try {
        await this.#log.recover();
        this.#restore();
        this.#failure = undefined;
        for (const lane of this.#lanes) if (!this.#stopping) lane.start();
        this.#options.logger.info({}, "storing again");
        return true;
      } catch (again) {
        why = again;
      }
    }
  }
}

function acceptedFrame({ incoming, device, entry }: Candidate, verified: Verified): AcceptedFrame {
  const { epoch, seq, hash, prev, leaf } = verified;
  const { raw, lane, receivedAt } = incoming;
  return { num: entry.num, device, epoch, seq, hash, prev, leaf, raw, lane, receivedAt };
}
