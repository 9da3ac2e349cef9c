import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { type MachineFrame, play, readCsv, replayCsv, simulate } from "../../sdk/src/device/index.js";
import type { TenonError } from "../../sdk/src/errors.js";
import { decodeFrame, decodeSenml, readMeter } from "../../sdk/src/frame/index.js";
import { openDevice, ReceiptSigner, refusalOf, seeded, temporaryFolder, testSeed } from "./support.js";

async function all<T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const meters = (frames: MachineFrame[]) => frames.flatMap((one) => (one.kind === "meter" ? [one.meter] : []));
const readings = (frames: MachineFrame[]) =>
  frames.flatMap((one) => (one.kind === "readings" ? one.readings : []));

describe("CSV replay", () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  function csv(...lines: string[]): string {
    const path = join(folder.path, "data.csv");
    writeFileSync(path, ["timestamp,value", ...lines, ""].join("\n"));
    return path;
  }

  it("reads times without a zone as UTC, and with one as they say", async () => {
    const rows = await all(
      readCsv(
        csv(
          "2013-12-02 21:15:00,73.96",
          "2013-12-02T21:15:00Z,1",
          "2013-12-02 22:15+01:00,-2e1",
          "2013-12-02 21:15:00.5,.5",
        ),
      ),
    );
    const time = Date.UTC(2013, 11, 2, 21, 15) / 1000;
    expect(rows.map((row) => row.time)).to.deep.equal([time, time, time, time + 0.5]);
    expect(rows.map((row) => row.value)).to.deep.equal([73.96, 1, -20, 0.5]);
    expect(rows.map((row) => row.line)).to.deep.equal([2, 3, 4, 5]);
  });

  it("takes Windows line ends and a last line without one", async () => {
    const path = join(folder.path, "crlf.csv");
    writeFileSync(path, "timestamp,value\r\n2020-01-01 00:00:00,1\r\n2020-01-01 00:05:00,2");
    expect((await all(readCsv(path))).map((row) => row.value)).to.deep.equal([1, 2]);
  });

  const wrong = [
    "2013-12-02 21:15:00",
    "2013-12-02 21:15:00,1,2",
    "2013-12-02 21:15:00,",
    "2013-12-02 21:15:00,NaN",
    "2013-12-02 21:15:00,0x10",
    "2013-12-02 21:15:00,1e999",
    "2013-12-02 21:15:00, 1",
    "2013-02-30 21:15:00,1",
    "2013-12-02 24:15:00,1",
    "02.12.2013 21:15,1",
    "1970-01-01 00:00:00,1",
    "",
    "x".repeat(3000),
  ];
  for (const line of wrong) {
    it(`refuses the line "${line.slice(0, 40)}" and names it`, async () => {
      const path = csv("2013-12-02 21:10:00,1", line, "2013-12-02 21:20:00,1");
      const error = await refusalOf(all(readCsv(path)));
      expect(error.code).to.equal("CsvInvalid");
      expect(error.args).to.include({ line: 3, text: line.slice(0, 80) });
    });
  }

  it("refuses a missing file, a folder, an empty file and another header", async () => {
    for (const path of [join(folder.path, "absent.csv"), folder.path]) {
      expect((await refusalOf(all(readCsv(path)))).code).to.equal("CsvUnreadable");
    }
    const path = join(folder.path, "head.csv");
    for (const text of ["", "time,value\n"]) {
      writeFileSync(path, text);
      expect((await refusalOf(all(readCsv(path)))).args).to.include({ line: 1 });
    }
  });

  it("keeps the order and the times of a clock that steps back, and paces by the steps forward", async () => {
    const path = csv(
      "2014-01-07 02:50:00,80",
      "2014-01-07 02:55:00,81",
      "2014-01-07 02:00:00,82",
      "2014-01-07 02:05:00,83",
    );
    const frames = await all(replayCsv(path, { speed: 10, meterEvery: 0 }));
    expect(frames.map((one) => one.delayMs)).to.deep.equal([0, 30_000, 0, 30_000]);
    expect(readings(frames).map((one) => one.value)).to.deep.equal([80, 81, 82, 83]);
    const times = readings(frames).map((one) => Number(one.time));
    expect(times[2]! - times[1]!).to.equal(-55 * 60);
  });

  it("packs rows into frames without losing the rest or the pace", async () => {
    const rows = Array.from({ length: 7 }, (_, i) => `2020-01-01 00:0${i}:00,${i}`);
    const frames = await all(replayCsv(csv(...rows), { readingsPerFrame: 3, meterEvery: 0 }));
    expect(frames.map((one) => (one.kind === "readings" ? one.readings.length : 0))).to.deep.equal([3, 3, 1]);
    expect(frames.reduce((sum, one) => sum + one.delayMs, 0)).to.equal(6 * 60_000);
  });

  it("counts the seconds the machine ran: not while it stood, not over gaps, never down", async () => {
    const path = csv(
      "2020-01-01 00:00:00,80", // +300
      "2020-01-01 00:05:00,80", // +300, then stands
      "2020-01-01 00:10:00,20",
      "2020-01-01 00:15:00,80", // runs, but the next row is 20 minutes away
      "2020-01-01 00:35:00,80", // clock steps back
      "2020-01-01 00:05:00,80", // +0.5
      "2020-01-01 00:05:00.500,80", // +0.5
      "2020-01-01 00:05:01,80",
    );
    const frames = await all(replayCsv(path, { meterEvery: 1, meterStart: 1000n }));
    expect(meters(frames).map((one) => Number(one.value))).to.deep.equal([
      1000, 1300, 1600, 1600, 1600, 1600, 1600, 1601,
    ]);
    expect(meters(frames)[0]).to.include({ name: "running-time", unit: "s" });
  });

  const seed = testSeed();
  it(`reads any file row for row or refuses it with its line, whatever bytes it has (seed ${seed})`, async () => {
    const random = seeded(seed);
    const outcomes = new Set<string>();
    for (let round = 0; round < 200; round++) {
      const lines = Array.from(
        { length: 1 + random(20) },
        (_, i) => `2020-01-01 00:${10 + i}:00,${random(1000) / 10}`,
      );
      const text = Buffer.from(["timestamp,value", ...lines].join("\n"));
      for (let i = random(3); i > 0; i--) text[random(text.length)] = random(256);
      const path = join(folder.path, "fuzz.csv");
      writeFileSync(path, text);
      try {
        const rows = await all(readCsv(path));
        expect(rows.length).to.equal(text.toString().replace(/\n$/, "").split("\n").length - 1);
        for (const row of rows) expect(Number.isFinite(row.value) && row.time >= 2 ** 28).to.equal(true);
        outcomes.add("read");
      } catch (error) {
        expect((error as TenonError).code).to.equal("CsvInvalid");
        outcomes.add("refused");
      }
    }
    expect([...outcomes].sort()).to.deep.equal(["read", "refused"]);
  });
});

describe("machine simulator", () => {
  it("gives the same machine for the same seed and another for another", () => {
    const run = (seed: number) =>
      readings([...simulate({ seed, start: 1_700_000_000, readings: 50 })]).map((one) => one.value);
    expect(run(7)).to.deep.equal(run(7));
    expect(run(7)).not.to.deep.equal(run(8));
  });

  const seed = testSeed();
  it(`behaves like a machine: a daily cycle, a planned stop, an energy counter that never falls (seed ${seed})`, () => {
    const frames = [...simulate({ seed, start: 1_700_000_000, readings: 30 * 288 })];
    const values = readings(frames).map((one) => Number(one.value));
    const standing = values.filter((value) => value < 40).length / 12;
    expect(standing, "hours of standing in thirty days").to.be.within(6, 40);
    const running = values.filter((value) => value > 50);
    expect(Math.min(...running)).to.be.lessThan(Math.max(...running) - 6);
    expect(Math.max(...values)).to.be.lessThan(90);
    const energy = meters(frames).map((one) => one.value);
    expect(energy.length).to.equal((30 * 288) / 12);
    let still = 0;
    for (const [i, value] of energy.slice(1).entries()) {
      expect(value >= energy[i]!).to.equal(true);
      if (value === energy[i]) still++;
    }
    expect(still, "hours without energy").to.be.within(3, 40);
    expect(meters(frames)[0]).to.include({ name: "energy", unit: "Wh" });
  });

  it("plays on a device at its pace, frames and meters, and waits for room instead of dropping", async () => {
    const folder = temporaryFolder();
    const oracle = new ReceiptSigner();
    const device = openDevice(join(folder.path, "journal"), oracle, {
      journal: { dir: join(folder.path, "journal"), maxBytes: 1500 },
    });
    const source = [
      ...simulate({ seed: 1, start: 1_700_000_000, readings: 24, readingsPerFrame: 4, speed: 60_000 }),
    ];
    const frames: Uint8Array[] = [];
    let full = 0;
    const onFull = () => {
      full++;
      for (
        let at = device.journal.pendingFrom(0);
        at !== undefined;
        at = device.journal.pendingFrom(at + 1)
      ) {
        frames.push(device.journal.read(at).bytes);
      }
      device.acceptReceipt(oracle.receipt(frames.at(-1)!));
    };
    const started = performance.now();
    expect(await play(device, source, { onFull })).to.equal(source.length);
    const paced = source.reduce((sum, one) => sum + one.delayMs, 0);
    expect(performance.now() - started).to.be.greaterThan(paced - 5);
    expect(full).to.be.greaterThan(0);
    onFull();
    expect(frames.length).to.equal(source.length);
    const decoded = frames.map(decodeFrame);
    expect(decoded.map((one) => Number(one.header.seq))).to.deep.equal(source.map((_, i) => i + 1));
    for (const [i, one] of source.entries()) {
      if (one.kind === "meter") expect(readMeter(decoded[i]!)).to.deep.equal(one.meter);
      else expect(decodeSenml(decoded[i]!.payload)).to.deep.equal(one.readings);
    }
    device.close();
    folder.remove();
  });

  it("ends the play when told", async () => {
    const folder = temporaryFolder();
    const device = openDevice(join(folder.path, "journal"), new ReceiptSigner());
    const stop = new AbortController();
    const played = play(device, simulate({ seed: 1, speed: 30_000 }), { signal: stop.signal });
    setTimeout(() => stop.abort(), 60);
    expect(await played).to.equal(device.journal.end);
    device.close();
    folder.remove();
  });
});
