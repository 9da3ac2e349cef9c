import { hash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { equalBytes, toHex } from "@tenon/sdk/bytes";
import { TenonError } from "@tenon/sdk/errors";
import { expect } from "chai";
import { crc32c, RangeCrc } from "../../oracle/src/log/crc32c.js";
import { SegmentLog } from "../../oracle/src/log/log.js";
import { BATCH, FRAME, type LogRecord, REJECT, recordSize } from "../../oracle/src/log/record.js";
import { Random, testSeed } from "../support/random.js";
import { temporaryFolder } from "./support.js";

const seed = testSeed();

async function refusal(action: () => unknown): Promise<TenonError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof TenonError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** Random commits of frames, rejects and batch ends whose indices follow each other. */
class Writer {
  readonly commits: LogRecord[][] = [];
  frames = 0;
  rejects = 0;
  batches = 0;

  constructor(readonly random: Random) {}

  commit(most = 40): LogRecord[] {
    const records = Array.from({ length: 1 + this.random.below(most) }, () => this.record());
    this.commits.push(records);
    return records;
  }

  get records(): LogRecord[] {
    return this.commits.flat();
  }

  private record(): LogRecord {
    const { random } = this;
    const receivedAt = 1_790_000_000_000 + random.below(1e9);
    const raw = random.bytes(random.below(400));
    const kind = random.below(20);
    const lane = random.pick(["alarm", "telemetry", "backfill"] as const);
    if (kind < 16) return { type: FRAME, index: this.frames++, receivedAt, lane, source: "", raw };
    if (kind < 19) {
      const source = random.pick(["", "tenon/v1/ü", "x".repeat(255)]);
      const rawHash = hash("sha256", raw, "buffer");
      const rest = { reason: "bad-signature", rawLength: raw.length, rawHash, raw };
      return { type: REJECT, index: this.rejects++, receivedAt, lane, source, ...rest };
    }
    const [framesRoot, headsRoot, rejectsRoot] = [random.bytes(32), random.bytes(32), random.bytes(32)];
    const counts = { first: random.below(2 ** 40), count: 7, rejectFirst: 3, rejectCount: 2 };
    const place = { type: BATCH, index: this.batches++, receivedAt, lane: "telemetry", source: "" } as const;
    return { ...place, ...counts, framesRoot, headsRoot, rejectsRoot };
  }
}

/** A record as a short string that differs when any field of it does. */
const sorted = (record: LogRecord) => {
  const fields = Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = fields.map(([name, value]) => `${name}=${value instanceof Uint8Array ? toHex(value) : value}`);
  return `${record.type}:${record.index}:${hash("sha256", text.join()).slice(0, 16)}`;
};
const stored = (log: SegmentLog) =>
  [...log.replay({ segment: 0, offset: 36 })].map(({ record }) => sorted(record));

describe(`oracle/log: segment log (seed ${seed})`, () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let dir: string;
  beforeEach(() => {
    folder = temporaryFolder();
    dir = join(folder.path, "log");
  });
  afterEach(() => folder.remove());

  it("computes CRC-32C as RFC 3720 B.4 gives it", () => {
    expect(crc32c(new Uint8Array(32)).toString(16)).to.equal("8a9136aa");
    expect(crc32c(new Uint8Array(32).fill(0xff)).toString(16)).to.equal("62a8ab43");
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)).toString(16)).to.equal("46dd794e");
    expect(crc32c(Buffer.from("123456789")).toString(16)).to.equal("e3069283");
    expect(crc32c(Buffer.from("xx123456789y"), 2, 11).toString(16)).to.equal("e3069283");
  });

  /** A log of several segments with everything that was written to it. */
  async function written(random: Random, commits: number, segmentBytes = 16_384): Promise<Writer> {
    const writer = new Writer(random);
    const log = await SegmentLog.open(dir, { segmentBytes });
    for (let i = 0; i < commits; i++) await log.append(writer.commit());
    await log.close();
    return writer;
  }

  it("computes the CRC-32C of any range from one pass", () => {
    const random = new Random(seed);
    const bytes = random.bytes(5_000);
    const crc = new RangeCrc(bytes, 100);
    for (let i = 0; i < 500; i++) {
      const from = 100 + random.below(4_901);
      const to = from + random.below(5_001 - from);
      expect(crc.of(from, to)).to.equal(crc32c(bytes, from, to));
    }
  });

  it("opens in time when the torn tail is full of what looks like long records", async () => {
    const log = await SegmentLog.open(dir);
    const at = { receivedAt: 1, lane: "telemetry", source: "" } as const;
    await log.append([{ type: FRAME, index: 0, ...at, raw: new Uint8Array(100) }]);
    const { path, size } = log.segments[0]!;
    await log.close();
    const tail = Buffer.alloc(4 << 20);
    for (let i = 0; i + 20 < tail.length; i += 20) tail.writeUInt32BE(0x0007ffff, i);
    writeFileSync(path, tail, { flag: "a" });
    const start = performance.now();
    const again = await SegmentLog.open(dir);
    expect(again.torn).to.include({ offset: size, bytes: tail.length });
    expect(performance.now() - start, "ms").to.be.lessThan(10_000);
    await again.close();
  });

  it("gives back every record, by index, by range and in order, over many segments and after reopening", async () => {
    const random = new Random(seed);
    const writer = await written(random, 60);
    const log = await SegmentLog.open(dir, { segmentBytes: 16_384 });
    expect(log.torn).to.equal(undefined);
    expect(log.segments.length).to.be.greaterThan(5);
    expect(stored(log)).to.deep.equal(writer.records.map(sorted));
    const frames = writer.records.filter((record) => record.type === FRAME);
    for (let i = 0; i < 50; i++) {
      const [first, count] = [random.below(frames.length), random.below(300)];
      const range = [...log.frames(first, count)].map(sorted);
      expect(range).to.deep.equal(frames.slice(first, first + count).map(sorted));
      const index = random.below(frames.length);
      expect(sorted(log.frame(index))).to.equal(sorted(frames[index]!));
    }
    const rejects = writer.records.filter((record) => record.type === REJECT);
    expect([...log.rejects()].map(sorted)).to.deep.equal(rejects.map(sorted));
    expect([...log.rejects(3, 4)].map(sorted)).to.deep.equal(rejects.slice(3, 7).map(sorted));
    expect((await refusal(() => log.frame(frames.length))).code).to.equal("LogIndexUnknown");
    for (const { number } of log.segments) log.check(number);
    await log.append(writer.commit());
    expect(stored(log)).to.deep.equal(writer.records.map(sorted));
    await log.close();
  });

  it("reads a frame without the frames before it, which may be damaged", async () => {
    const log = await SegmentLog.open(dir);
    const raws = Array.from({ length: 600 }, (_, i) => new Uint8Array(Buffer.from(`frame ${i}`.padEnd(50))));
    const at = { receivedAt: 1, lane: "telemetry", source: "" } as const;
    await log.append(raws.map((raw, index) => ({ type: FRAME, index, ...at, raw })));
    const path = log.segments[0]!.path;
    const bytes = readFileSync(path);
    const damaged = bytes.indexOf(Buffer.from(raws[258]!));
    bytes[damaged]! ^= 1;
    writeFileSync(path, bytes);
    for (const index of [0, 255, 256, 257, 259, 511, 512, 599]) {
      expect(log.frame(index).raw, `${index}`).to.deep.equal(raws[index]);
    }
    expect(() => log.frame(258))
      .to.throw()
      .with.property("code", "LogCorrupt");
    expect(() => log.frame(600))
      .to.throw()
      .with.property("code", "LogIndexUnknown");
    await log.close();
  });

  it("refuses a record whose index does not follow, and writes nothing of it", async () => {
    const writer = await written(new Random(seed), 3);
    const log = await SegmentLog.open(dir);
    const [record] = writer.commit(1);
    const wrong = { ...record!, type: FRAME, index: writer.frames + 5, raw: new Uint8Array(3) } as LogRecord;
    expect((await refusal(() => log.append([wrong]))).code).to.equal("LogUnwritable");
    await log.recover();
    expect(stored(log)).to.deep.equal(writer.commits.slice(0, 3).flat().map(sorted));
    await log.close();
  });

  it("cuts a torn tail at any byte back to a whole commit, keeps what it cut, and goes on", async () => {
    const random = new Random(seed + 1);
    const writer = await written(random, 25, 1 << 20);
    const [name] = readdirSync(dir);
    const size = statSync(join(dir, name!)).size;
    const whole = readFileSync(join(dir, name!));
    for (let i = 0; i < 60; i++) {
      const copy = join(folder.path, `copy-${i}`);
      cpSync(dir, copy, { recursive: true });
      const path = join(copy, name!);
      const length = random.below(size);
      if (i % 3 === 0 && length > 36)
        writeFileSync(path, Buffer.concat([whole.subarray(0, length), random.bytes(300)]));
      else truncateSync(path, length);
      const log = await SegmentLog.open(copy);
      const kept = stored(log);
      // Exactly the commits that are whole.
      let [count, end] = [0, 36];
      for (const commit of writer.commits) {
        end += commit.reduce((sum, record) => sum + recordSize(record), 0);
        if (end > length) break;
        count += commit.length;
      }
      expect(kept.length, `cut at ${length}`).to.equal(count);
      expect(kept).to.deep.equal(writer.records.slice(0, count).map(sorted));
      if (log.torn !== undefined) {
        expect(readFileSync(log.torn.keptIn).length).to.equal(log.torn.bytes);
      }
      const next: LogRecord = {
        type: FRAME,
        index: log.nextFrame,
        receivedAt: 1,
        lane: "alarm",
        source: "",
        raw: new Uint8Array([1, 2, 3]),
      };
      await log.append([next]);
      await log.close();
      const again = await SegmentLog.open(copy);
      expect(again.torn).to.equal(undefined);
      expect(stored(again).at(-1)).to.equal(sorted(next));
      await again.close();
    }
  });

  it("reports a flipped bit in a sealed segment with segment and offset, wherever it is", async () => {
    const random = new Random(seed + 2);
    const writer = await written(random, 40);
    const sealed = readdirSync(dir)
      .filter((name) => name.endsWith(".seg"))
      .slice(0, -1);
    expect(sealed.length).to.be.greaterThan(2);
    for (let i = 0; i < 80; i++) {
      const copy = join(folder.path, `copy-${i}`);
      cpSync(dir, copy, { recursive: true });
      const path = join(copy, random.pick(sealed));
      const bytes = readFileSync(path);
      const at = random.below(bytes.length);
      bytes[at]! ^= 1 << random.below(8);
      writeFileSync(path, bytes);
      const error = await refusal(async () => {
        const log = await SegmentLog.open(copy);
        try {
          for (const { number } of log.segments) log.check(number);
        } finally {
          await log.close();
        }
      });
      expect(["LogCorrupt", "LogVersion"], `bit in byte ${at}`).to.include(error.code);
      if (error.code === "LogCorrupt") expect(error.args.segment).to.match(/\.seg$/);
      // Read as it is, the log never gives back other bytes than were written.
      await refusalOrPrefix(copy, writer);
    }
  });

  async function refusalOrPrefix(copy: string, writer: Writer): Promise<void> {
    const expected = writer.records.map(sorted);
    try {
      const log = await SegmentLog.open(copy, { readOnly: true });
      let at = 0;
      for (const { record } of log.replay({ segment: 0, offset: 36 }))
        expect(sorted(record)).to.equal(expected[at++]);
      await log.close();
    } catch (error) {
      if (!(error instanceof TenonError)) throw error;
    }
  }

  it("tells a damaged record before later commits from a torn tail in the open segment", async () => {
    const random = new Random(seed + 3);
    await written(random, 12, 1 << 20);
    const path = join(dir, "00000000.seg");
    const bytes = readFileSync(path);
    const before = Buffer.from(bytes);
    bytes[36 + 100]! ^= 1;
    writeFileSync(path, bytes);
    const error = await refusal(() => SegmentLog.open(dir));
    expect(error.code).to.equal("LogCorrupt");
    expect(error.args.segment).to.equal(path);
    expect(error.args.offset).to.be.a("number");
    expect(equalBytes(readFileSync(path), bytes), "left as it was").to.equal(true);
    writeFileSync(path, before);
    await (await SegmentLog.open(dir)).close();
  });

  it("refuses a log that ends before what is known to be durable", async () => {
    const writer = await written(new Random(seed + 4), 10, 1 << 20);
    const durable = { frames: writer.frames, rejects: writer.rejects };
    await (await SegmentLog.open(dir, { durable })).close();
    const error = await refusal(() =>
      SegmentLog.open(dir, { durable: { ...durable, frames: writer.frames + 1 } }),
    );
    expect(error.code).to.equal("LogBehindState");
    // Also when its end is torn: then it is left as it is.
    truncateTail(dir);
    const before = readFileSync(join(dir, "00000000.seg"));
    expect((await refusal(() => SegmentLog.open(dir, { durable }))).code).to.equal("LogBehindState");
    expect(equalBytes(readFileSync(join(dir, "00000000.seg")), before)).to.equal(true);
    expect(readdirSync(dir)).to.have.length(1);
  });

  it("reads beside a writer without changing anything", async () => {
    const writer = new Writer(new Random(seed + 5));
    const log = await SegmentLog.open(dir);
    await log.append(writer.commit());
    truncateTail(dir);
    const size = statSync(join(dir, "00000000.seg")).size;
    const reader = await SegmentLog.open(dir, { readOnly: true });
    expect(stored(reader)).to.deep.equal([]);
    expect(statSync(join(dir, "00000000.seg")).size).to.equal(size);
    await reader.close();
    await log.close();
  });
});

function truncateTail(dir: string): void {
  const path = join(dir, "00000000.seg");
  truncateSync(path, statSync(path).size - 1);
}
