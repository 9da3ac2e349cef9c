import type { DatabaseSync } from "node:sqlite";
import { equalBytes, toHex } from "@tenon/sdk/bytes";
import { expect } from "chai";
import { openState, transaction } from "../../oracle/src/state/db.js";
import { type Arrival, DeviceTracker } from "../../oracle/src/state/tracker.js";
import { Random, testSeed } from "../support/random.js";

const seed = testSeed();
const ROUNDS = 300;
const DEVICE = `0x${"11".repeat(32)}` as const;

/** The rules of the frame format over the plain list of all frames, recomputed for each question. */
class Model {
  readonly frames: Arrival[] = [];
  readonly facts: string[] = [];

  judge(frame: Arrival): "new" | "duplicate" {
    return this.at(frame, frame.seq).some(({ hash }) => equalBytes(hash, frame.hash)) ? "duplicate" : "new";
  }

  record(frame: Arrival): void {
    const here = this.at(frame, frame.seq);
    const previous = this.at(frame, frame.seq - 1n);
    const next = this.at(frame, frame.seq + 1n);
    if (here.length > 0)
      this.facts.push(`equivocation ${frame.epoch}/${frame.seq} ${frame.index} ${here[0]!.index}`);
    if (previous.length > 0 && !previous.some(({ hash }) => equalBytes(hash, frame.prev))) {
      this.facts.push(`fork ${frame.epoch}/${frame.seq} ${frame.index} ${previous[0]!.index}`);
    }
    if (here.length === 0) {
      for (const { prev, index } of next) {
        if (!equalBytes(prev, frame.hash)) {
          this.facts.push(`fork ${frame.epoch}/${frame.seq + 1n} ${index} ${frame.index}`);
        }
      }
    }
    this.frames.push(frame);
  }

  at({ epoch }: { epoch: number }, seq: bigint): Arrival[] {
    return this.frames.filter((known) => known.epoch === epoch && known.seq === seq);
  }

  head(epoch: number) {
    const seqs = this.frames.filter((frame) => frame.epoch === epoch).map(({ seq }) => seq);
    if (seqs.length === 0) return undefined;
    let contiguous = 0n;
    while (seqs.includes(contiguous + 1n)) contiguous++;
    const frame = contiguous === 0n ? undefined : this.at({ epoch }, contiguous)[0];
    const highest = seqs.reduce((a, b) => (a > b ? a : b));
    return { contiguous, highest, index: frame?.index ?? 0, hash: toHex(frame?.hash ?? new Uint8Array(32)) };
  }

  /** The sequence numbers below the highest that never came. */
  missing(epoch: number): bigint[] {
    const head = this.head(epoch);
    const all =
      head === undefined ? [] : Array.from({ length: Number(head.highest) }, (_, i) => BigInt(i + 1));
    return all.filter((seq) => this.at({ epoch }, seq).length === 0);
  }
}

describe(`oracle/state: device tracker against a plain model (seed ${seed})`, () => {
  let db: DatabaseSync;
  beforeEach(() => {
    db = openState(":memory:");
    db.prepare("INSERT INTO devices VALUES (7, ?, 1, ?, ?, ?, 'active', 1, 1)").run(
      Buffer.from(DEVICE.slice(2), "hex"),
      new Uint8Array(32),
      new Uint8Array(32),
      new Uint8Array(20),
    );
  });
  afterEach(() => db.close());

  /** A chain in two epochs with forks, equivocations, losses and repeats, in a random order. */
  function story(random: Random): Omit<Arrival, "index">[] {
    const made: Omit<Arrival, "index">[] = [];
    for (const epoch of [1, 2]) {
      let prev: Uint8Array = new Uint8Array(32);
      const length = 1 + random.below(14);
      for (let seq = 1n; seq <= BigInt(length); seq++) {
        const versions = random.below(6) === 0 ? 2 : 1;
        const hashes = Array.from({ length: versions }, () => random.bytes(32));
        const link = random.below(8) === 0 ? random.bytes(32) : prev;
        for (const hash of hashes) {
          made.push({
            num: 7,
            device: DEVICE,
            epoch,
            seq,
            hash,
            prev: link,
            receivedAt: 1_000 + made.length,
          });
        }
        prev = random.pick(hashes);
      }
    }
    const kept = made.filter(() => random.below(7) > 0);
    const order = random.below(3);
    const shuffled = order === 0 ? kept : order === 1 ? kept.reverse() : shuffle(kept, random);
    return [...shuffled, ...shuffled.filter(() => random.below(4) === 0)];
  }

  function shuffle<T>(items: T[], random: Random): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [items[i], items[j]] = [items[j]!, items[i]!];
    }
    return items;
  }

  const factsInDb = () =>
    db
      .prepare("SELECT * FROM facts WHERE kind <> 'gap' ORDER BY id")
      .all()
      .map((row) => `${row.kind} ${row.epoch}/${row.seq} ${row.log_index} ${row.other_index}`);

  function missingInDb(epoch: number): bigint[] {
    const rows = db.prepare("SELECT seq, seq_to FROM missing WHERE epoch = ? ORDER BY seq").all(epoch);
    return rows.flatMap(({ seq, seq_to }) =>
      Array.from({ length: Number(seq_to) - Number(seq) + 1 }, (_, i) => BigInt(Number(seq) + i)),
    );
  }

  it(`I5: gaps, forks, equivocations, duplicates and heads agree in any order, with saves and reloads (${ROUNDS} stories)`, () => {
    let [forks, equivocations, gaps] = [0, 0, 0];
    for (let round = 0; round < ROUNDS; round++) {
      const random = new Random(seed + round);
      for (const table of ["frames", "heads", "facts", "missing"]) db.exec(`DELETE FROM ${table}`);
      const model = new Model();
      const readLogged = (index: number) => model.frames.find((frame) => frame.index === index)!;
      let tracker = new DeviceTracker(db, readLogged);
      const save = () => {
        transaction(db, () => tracker.save());
        tracker.saved();
      };
      let index = 0;
      for (const told of story(random)) {
        const frame = { ...told, index };
        const verdict = tracker.judge(frame);
        expect(verdict, `round ${round}`).to.equal(model.judge(frame));
        if (verdict === "new") {
          tracker.record(frame);
          model.record(frame);
          index++;
        }
        for (const epoch of [1, 2]) {
          const head = tracker.head(7, epoch);
          const shown = head && {
            contiguous: head.contiguous,
            highest: head.highest,
            index: head.headIndex,
            hash: toHex(head.hash),
          };
          expect(shown, `round ${round}, epoch ${epoch}`).to.deep.equal(model.head(epoch));
        }
        if (random.below(6) === 0) save();
        if (random.below(10) === 0) {
          save();
          tracker = new DeviceTracker(db, readLogged);
        }
      }
      save();
      expect(factsInDb().sort(), `round ${round}`).to.deep.equal(model.facts.sort());
      for (const epoch of [1, 2]) expect(missingInDb(epoch)).to.deep.equal(model.missing(epoch));
      checkGaps(model);
      forks += model.facts.filter((fact) => fact.startsWith("fork")).length;
      equivocations += model.facts.filter((fact) => fact.startsWith("equivocation")).length;
      gaps += Number(db.prepare("SELECT count(*) AS n FROM facts WHERE kind = 'gap'").get()?.n);
    }
    expect(Math.min(forks, equivocations, gaps), "the stories hold what they should").to.be.greaterThan(50);
  });

  /** Every open gap misses exactly its missing frames, every closed one none: no gap unreported, none false. */
  function checkGaps(model: Model): void {
    const open = db.prepare("SELECT * FROM facts WHERE kind = 'gap'").all();
    for (const gap of open) {
      const { epoch, seq, seq_to, missing, closed_index } = gap as Record<string, number>;
      const still = model.missing(epoch!).filter((lost) => lost >= BigInt(seq!) && lost <= BigInt(seq_to!));
      expect(missing).to.equal(still.length);
      expect(closed_index === null).to.equal(still.length > 0);
    }
    for (const epoch of [1, 2]) {
      for (const lost of model.missing(epoch)) {
        const covering = open.filter(
          (gap) =>
            gap.epoch === epoch && lost >= BigInt(gap.seq as number) && lost <= BigInt(gap.seq_to as number),
        );
        expect(covering, `missing ${epoch}/${lost}`).to.have.length(1);
      }
    }
  }

  const arrival = (seq: bigint, epoch = 1, hash: Uint8Array = Buffer.alloc(32, `${seq}`)): Arrival => ({
    num: 7,
    device: DEVICE,
    epoch,
    seq,
    hash,
    prev: new Uint8Array(32),
    index: Number(seq),
    receivedAt: 0,
  });
  const fresh = () => new DeviceTracker(db, () => ({ prev: new Uint8Array(32), receivedAt: 0 }));

  it("refuses to open more gaps than it can hold, and still takes what fills them", () => {
    const tracker = fresh();
    for (let gap = 0n; gap < 65_536n; gap++) tracker.record(arrival(2n * gap + 2n));
    expect(tracker.judge(arrival(200_000n))).to.equal("too-many-gaps");
    expect(tracker.judge(arrival(131_073n)), "the next one in order").to.equal("new");
    expect(tracker.judge(arrival(65_537n)), "one that fills a gap").to.equal("new");
    expect(tracker.judge(arrival(5n, 2)), "a gap in another epoch").to.equal("too-many-gaps");
    expect(tracker.judge(arrival(1n, 2)), "the first of another epoch").to.equal("new");
    tracker.record(arrival(65_537n));
    expect(tracker.judge(arrival(200_000n))).to.equal("new");
  });

  it("holds a bounded number of epochs of a device, and goes on with those it has", () => {
    const tracker = fresh();
    for (let epoch = 1; epoch <= 1_024; epoch++) tracker.record(arrival(1n, epoch));
    expect(tracker.judge(arrival(1n, 5_000))).to.equal("too-many-epochs");
    expect(tracker.judge(arrival(2n, 1_024))).to.equal("new");
    expect(tracker.judge({ ...arrival(1n, 5_000), num: 8 }), "another device").to.equal("new");
    expect(tracker.newestHead(7)?.epoch).to.equal(1_024);
  });

  it("keeps a bounded number of frames at one place, saved or not, and knows each of them again", () => {
    const tracker = fresh();
    const version = (n: number) => arrival(1n, 1, Buffer.alloc(32, n + 1));
    for (let n = 0; n < 16; n++) {
      expect(tracker.judge(version(n))).to.equal("new");
      tracker.record({ ...version(n), index: n });
      if (n !== 7) continue;
      transaction(db, () => tracker.save());
      tracker.saved();
    }
    expect(tracker.judge(version(16))).to.equal("too-many-equivocations");
    expect(tracker.judge(version(3))).to.equal("duplicate");
    expect(tracker.judge(arrival(2n))).to.equal("new");
    expect(tracker.judge(arrival(2n), 16), "16 of the same commit").to.equal("too-many-equivocations");
  });
});
