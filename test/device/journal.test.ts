import fs, {
  closeSync,
  cpSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename, join } from "node:path";
import { expect } from "chai";
import { toHex } from "../../sdk/src/bytes.js";
import { type Device, DeviceSigner } from "../../sdk/src/device/index.js";
import { decodeFrame, frameHash } from "../../sdk/src/frame/index.js";
import { aad, openDevice, ReceiptSigner, refusal, seeded, temporaryFolder, testSeed } from "./support.js";

describe("device journal", () => {
  const folder = temporaryFolder();
  after(() => folder.remove());
  const oracle = new ReceiptSigner();
  const signer = DeviceSigner.generate();
  let dir = "";
  let number = 0;
  const opened: Device[] = [];

  beforeEach(() => {
    dir = join(folder.path, `journal-${number++}`);
  });
  afterEach(() => {
    for (const device of opened.splice(0)) device.close();
  });

  function open(journal: object = {}): Device {
    const device = openDevice(dir, oracle, { signer, journal: { dir, ...journal } });
    opened.push(device);
    return device;
  }

  function reopen(device: Device, journal: object = {}): Device {
    device.close();
    return open(journal);
  }

  const reading = (i: number) => [{ name: "t", value: BigInt(i) }];
  const pending = (device: Device): Uint8Array[] => {
    const frames: Uint8Array[] = [];
    const { journal } = device;
    for (let at = journal.pendingFrom(0); at !== undefined; at = journal.pendingFrom(at + 1)) {
      frames.push(journal.read(at).bytes);
    }
    return frames;
  };
  const segments = () =>
    readdirSync(dir)
      .filter((name) => name.endsWith(".seg"))
      .sort();
  const lastSegment = () => join(dir, segments().at(-1)!);

  it("chains frames by number and hash and keeps the chain over a restart", () => {
    let device = open();
    const frames = [0, 1, 2].map((i) => device.record(reading(i)));
    device = reopen(device);
    frames.push(device.record(reading(3)));
    const decoded = frames.map(decodeFrame);
    expect(decoded.map((one) => one.header.seq)).to.deep.equal([1n, 2n, 3n, 4n]);
    expect(decoded[0]!.header.prev).to.deep.equal(new Uint8Array(32));
    for (const i of [1, 2, 3]) expect(decoded[i]!.header.prev).to.deep.equal(frameHash(decoded[i - 1]!, aad));
    expect(pending(device)).to.deep.equal(frames);
    expect(device.journal.recovery).to.deep.equal({
      cutBytes: 0,
      setAside: [],
      counterDoubtful: undefined,
      epochsBegun: [],
    });
  });

  it("forgets exactly what a receipt covers, also after a restart, and keeps the receipt", () => {
    let device = open();
    const frames = [0, 1, 2, 3].map((i) => device.record(reading(i)));
    const receipt = oracle.receipt(frames[2]!);
    expect(device.acceptReceipt(receipt)).to.deep.equal({ epoch: 1, seqUpTo: 3n, covered: 3 });
    expect(device.acceptReceipt(oracle.receipt(frames[1]!)).covered, "an older one").to.equal(0);
    device = reopen(device);
    expect(pending(device)).to.deep.equal([frames[3]]);
    expect(device.journal.lastReceipt).to.deep.equal(receipt);
    expect(device.journal.pendingFrames).to.equal(1);
    device.acceptReceipt(oracle.receipt(frames[3]!));
    expect(device.journal.pendingBytes).to.equal(0);
  });

  it("refuses receipts that are forged, another device's, or for a hash it does not know, and keeps its frames", () => {
    const device = open();
    const frame = device.record(reading(0));
    device.record(reading(1));
    const forger = new ReceiptSigner();
    const flipped = oracle.receipt(frame);
    flipped[flipped.length - 1]! ^= 1;
    const cases: [string, Uint8Array][] = [
      ["ReceiptSignatureInvalid", forger.receipt(frame)],
      ["ReceiptSignatureInvalid", flipped],
      ["ReceiptForeign", oracle.receipt(frame, { device: `0x${"77".repeat(32)}` })],
      ["ReceiptHeadUnknown", oracle.receipt(frame, { headHash: new Uint8Array(32).fill(9) })],
    ];
    for (const [code, receipt] of cases)
      expect(refusal(() => device.acceptReceipt(receipt)).code).to.equal(code);
    expect(() => device.acceptReceipt(new Uint8Array([1, 2, 3]))).to.throw();
    expect(device.journal.pendingFrames).to.equal(2);
    expect(device.journal.next()).to.include({ epoch: 1, seq: 3n });
  });

  it("begins a new epoch when the oracle holds a later frame than the device remembers", () => {
    const device = open();
    const frame = device.record(reading(0));
    const error = refusal(() => device.acceptReceipt(oracle.receipt(frame, { seqUpTo: 40n })));
    expect(error.code).to.equal("ReceiptHeadUnknown");
    expect(device.journal.next()).to.deep.include({ epoch: 2, seq: 1n });
    const first = decodeFrame(device.record(reading(1)));
    expect(first.header.prev, "links the last head it knows").to.deep.equal(
      frameHash(decodeFrame(frame), aad),
    );
    expect(device.acceptReceipt(oracle.receipt(frame)).covered, "the old epoch is still receipted").to.equal(
      1,
    );
    expect(pending(device)).to.deep.equal([first.bytes]);
  });

  it("refuses new readings when full, drops none, and takes them again after a receipt", () => {
    const device = open({ maxBytes: 4000 });
    const frames: Uint8Array[] = [];
    let error = undefined as ReturnType<typeof refusal> | undefined;
    while (error === undefined && frames.length < 100) {
      try {
        frames.push(device.record(reading(frames.length)));
      } catch (refused) {
        error = refused as ReturnType<typeof refusal>;
      }
    }
    expect(error?.code).to.equal("JournalFull");
    expect(error?.remedy).to.contain("Connect the device");
    expect(device.journal.next().seq).to.equal(BigInt(frames.length + 1));
    expect(pending(device)).to.deep.equal(frames);
    device.acceptReceipt(oracle.receipt(frames[4]!));
    const next = decodeFrame(device.record(reading(99)));
    expect(next.header.seq).to.equal(BigInt(frames.length + 1));
    expect(next.header.prev).to.deep.equal(frameHash(decodeFrame(frames.at(-1)!), aad));
  });

  it("deletes old segments and keeps only the newest for ever", () => {
    let device = open({ segmentBytes: 1000 });
    for (let i = 0; i < 60; i++) {
      const frame = device.record(reading(i));
      if (i % 10 === 9) device.acceptReceipt(oracle.receipt(frame));
    }
    expect(segments().length).to.be.lessThan(4);
    device = reopen(device, { segmentBytes: 1000 });
    expect(device.journal.next().seq).to.equal(61n);
    expect(device.journal.end).to.equal(60);
  });

  it("opens after a power cut at the moment it deletes what a receipt covers", () => {
    const device = open({ segmentBytes: 600 });
    const cut = join(folder.path, "power-cut");
    const { fdatasyncSync, unlinkSync } = fs;
    const synced = new Map<number, number>();
    // What a power cut leaves at the first deletion: each file as far as it was synced, and the deleted one gone.
    fs.fdatasyncSync = (file) => {
      fdatasyncSync(file);
      const { ino, size } = fstatSync(file);
      synced.set(ino, size);
    };
    fs.unlinkSync = (path) => {
      unlinkSync(path);
      if (!existsSync(cut)) {
        cpSync(dir, cut, { recursive: true, filter: (name) => basename(name) !== "lock" });
        cpSync(`${dir}.epoch`, `${cut}.epoch`);
        for (const name of segments())
          truncateSync(join(cut, name), synced.get(statSync(join(dir, name)).ino));
      }
    };
    syncBuiltinESMExports();
    try {
      const frames = Array.from({ length: 20 }, (_, i) => device.record(reading(i)));
      device.acceptReceipt(oracle.receipt(frames[14]!));
    } finally {
      Object.assign(fs, { fdatasyncSync, unlinkSync });
      syncBuiltinESMExports();
    }
    expect(existsSync(cut), "something was deleted").to.equal(true);
    dir = cut;
    expect(open().journal.pendingFrames).to.be.at.least(5);
  });

  it("uses no number when the disk refuses a new epoch, and opens again", () => {
    const device = open();
    const first = device.record(reading(0));
    // The segment of the new epoch cannot be made: its name is taken by a folder.
    const taken = join(dir, "00000000000001-00000002.seg");
    mkdirSync(taken);
    const later = oracle.receipt(first, { seqUpTo: 9n });
    expect(refusal(() => device.acceptReceipt(later)).code).to.equal("JournalWriteFailed");
    expect(refusal(() => device.record(reading(1))).code).to.equal("JournalBroken");
    rmdirSync(taken);
    const again = reopen(device);
    const next = decodeFrame(again.record(reading(1))).header;
    expect([next.epoch, next.seq]).to.deep.equal([3, 1n]);
    expect(pending(again)[0]).to.deep.equal(first);
  });

  it("refuses a second opener, another device's journal, and use after closing", () => {
    const device = open();
    expect(refusal(() => open()).code).to.equal("FileLocked");
    device.close();
    const stranger = refusal(() => openDevice(dir, oracle));
    expect(stranger.code).to.equal("JournalForeign");
    expect(refusal(() => device.record(reading(0))).code).to.equal("JournalBroken");
    expect(open().journal.next().seq).to.equal(1n);
  });

  it("uses no number when the readings do not fit a frame", () => {
    const device = open();
    const tooMany = Array.from({ length: 1025 }, (_, i) => ({ name: "t", value: i + 0.5 }));
    expect(() => device.record(tooMany))
      .to.throw()
      .with.property("code")
      .that.matches(/^Frame/);
    expect(() => device.recordMeter({ name: "", unit: "Wh", value: 1n, time: 1_700_000_000n })).to.throw();
    expect(decodeFrame(device.record(reading(0))).header.seq).to.equal(1n);
  });

  describe("after a crash or damage", () => {
    function written(count: number): { frames: Uint8Array[]; ends: number[] } {
      const device = open();
      const ends = [statSync(lastSegment()).size];
      const frames: Uint8Array[] = [];
      for (let i = 0; i < count; i++) {
        frames.push(device.record(reading(i)));
        ends.push(statSync(lastSegment()).size);
      }
      device.close();
      return { frames, ends };
    }

    function flip(path: string, offset: number): void {
      const data = readFileSync(path);
      data[offset]! ^= 0x10;
      writeFileSync(path, data);
    }

    it("cuts a record at every byte a crash can stop at, and uses its number again", () => {
      const { frames, ends } = written(3);
      const image = readFileSync(lastSegment());
      const path = lastSegment();
      for (let size = ends[2]!; size < ends[3]!; size++) {
        writeFileSync(path, image.subarray(0, size));
        const device = open();
        expect(pending(device)).to.deep.equal(frames.slice(0, 2));
        expect(device.journal.next()).to.deep.include({ epoch: 1, seq: 3n });
        expect(device.journal.recovery.cutBytes).to.equal(size - ends[2]!);
        device.close();
      }
    });

    it("begins a new epoch when the last record is whole and wrong, for it may have been sent", () => {
      const { frames, ends } = written(3);
      flip(lastSegment(), ends[3]! - 5);
      const device = open();
      expect(device.journal.next()).to.deep.include({ epoch: 2, seq: 1n });
      expect(device.journal.recovery.epochsBegun[0]!.reason).to.contain("damaged");
      expect(existsSync(device.journal.recovery.setAside[0]!)).to.equal(true);
      expect(pending(device)).to.deep.equal(frames.slice(0, 2));
    });

    it("refuses to open over a hole, and repair keeps what is readable and begins a new epoch", () => {
      const { frames, ends } = written(4);
      flip(lastSegment(), ends[2]! + 40);
      const error = refusal(() => open());
      expect(error.code).to.equal("JournalDamaged");
      expect(error.args).to.deep.include({ offset: ends[2] });
      const device = open({ repair: true });
      expect(pending(device)).to.deep.equal(frames.slice(0, 2));
      expect(device.journal.next()).to.deep.include({ epoch: 2, seq: 1n });
      expect(readFileSync(device.journal.recovery.setAside[0]!).length).to.equal(ends[4]);
      expect(reopen(device).journal.next()).to.deep.include({ epoch: 2, seq: 1n });
    });

    it("does not take a damaged length for a torn record", () => {
      const { ends } = written(3);
      const file = openSync(lastSegment(), "r+");
      writeSync(file, Buffer.from([0xff]), 0, 1, ends[1]! + 1);
      closeSync(file);
      expect(refusal(() => open()).code).to.equal("JournalDamaged");
    });

    it("begins a new epoch when the journal is gone or an older copy comes back", () => {
      const { ends } = written(2);
      expect(ends.length).to.equal(3);
      const copy = `${dir}-copy`;
      cpSync(dir, copy, { recursive: true });
      rmSync(dir, { recursive: true });
      const device = open();
      expect(device.journal.next()).to.deep.include({ epoch: 2, seq: 1n });
      expect(device.journal.recovery.epochsBegun[0]!.reason).to.contain("older than its epoch mark");
      device.close();
      rmSync(dir, { recursive: true });
      cpSync(copy, dir, { recursive: true });
      const restored = open();
      expect(restored.journal.next()).to.deep.include({ epoch: 3, seq: 1n });
      expect(pending(restored).length).to.equal(2);
    });

    it("never goes below the registry's epoch", () => {
      let device = open({ epochAtLeast: 5 });
      expect(device.journal.next().epoch).to.equal(5);
      device = reopen(device, { epochAtLeast: 3 });
      expect(device.journal.next().epoch).to.equal(5);
      device = reopen(device, { epochAtLeast: 6 });
      expect(device.journal.next()).to.deep.include({ epoch: 6, seq: 1n });
    });

    it("recovers from a segment that a crash left empty or torn", () => {
      const { frames } = written(2);
      for (const content of [Buffer.alloc(0), Buffer.from([7, 0, 0])]) {
        writeFileSync(join(dir, "00000000000002-00000001.seg"), content);
        const device = open();
        expect(pending(device)).to.deep.equal(frames);
        expect(device.journal.next()).to.deep.include({ epoch: 1, seq: 3n });
        device.close();
      }
    });

    const seed = testSeed();
    it(`either recovers or refuses, but repeats no number, whatever bytes are hit (seed ${seed})`, () => {
      const random = seeded(seed);
      const { frames } = written(6);
      const byNumber = new Map(frames.map((bytes, i) => [`1/${i + 1}`, toHex(bytes)]));
      const image = readFileSync(lastSegment());
      const path = lastSegment();
      const outcomes = new Set<string>();
      for (let round = 0; round < 150; round++) {
        for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true });
        writeFileSync(`${dir}.epoch`, "1\n");
        const data = Buffer.from(image);
        for (let i = 0; i <= random(3); i++) data[random(data.length)] = random(256);
        writeFileSync(path, data);
        const truncated = random(4) === 0;
        if (truncated) truncateSync(path, random(data.length));
        outcomes.add(tryAgain(byNumber, truncated));
      }
      expect([...outcomes].sort()).to.deep.equal(["recovered", "refused"]);
    });

    /** Survivors must be the originals, and no number is used again unless the end of the file was missing. */
    function tryAgain(byNumber: Map<string, string>, truncated: boolean): string {
      let device: Device;
      try {
        device = open();
      } catch (error) {
        expect((error as { code?: string }).code).to.be.oneOf(["JournalDamaged", "JournalForeign"]);
        return "refused";
      }
      for (const bytes of pending(device)) {
        const { epoch, seq } = decodeFrame(bytes).header;
        expect(byNumber.get(`${epoch}/${seq}`)).to.equal(toHex(bytes));
      }
      const { epoch, seq } = device.journal.next();
      if (!truncated && device.journal.recovery.cutBytes === 0)
        expect(epoch > 1 || seq === 7n, `number ${epoch}/${seq} used twice`).to.equal(true);
      device.close();
      return "recovered";
    }
  });
});
