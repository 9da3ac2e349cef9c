import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { fromHex, type Hex, toHex } from "../../sdk/src/bytes.js";
import {
  algorithmOf,
  decodeFrame,
  decodeSenml,
  deviceIdOf,
  encodeFrame,
  encodeProtected,
  encodeSenml,
  exportDeviceKey,
  type Frame,
  FrameError,
  type FrameHeader,
  importDeviceKey,
  type SenmlRecord,
  verifyFrame,
} from "../../sdk/src/frame/index.js";
import { Random, testSeed } from "../support/random.js";

const seed = testSeed();
const file = new URL("../../sdk/vectors/frames.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as {
  aad: Hex;
  keys: { name: string; curve: 1 | 8; x: Hex; y: Hex }[];
  valid: { name: string; key: string; frame: Hex }[];
};
const aad = fromHex(vectors.aad);

/** The frame, or undefined when it was refused the only way it may be. */
function tryDecode(bytes: Uint8Array): Frame | undefined {
  try {
    return decodeFrame(bytes);
  } catch (error) {
    if (error instanceof FrameError) return undefined;
    throw error;
  }
}

/** Strict decoding means: what is accepted is the one encoding of what it says. */
function expectOnlyEncoding(frame: Frame): void {
  expect(toHex(encodeProtected(frame.header))).to.equal(toHex(frame.protectedBytes));
  if (frame.header.contentType === 112) {
    expect(toHex(encodeSenml(decodeSenml(frame.payload)))).to.equal(toHex(frame.payload));
  }
  const again = encodeFrame(frame.header, frame.payload, aad, () => frame.signature);
  expect(toHex(again)).to.equal(toHex(frame.bytes));
}

describe(`frame codec under fuzzing (seed ${seed}; TENON_TEST_SEED repeats it)`, () => {
  for (const { name, key: keyName, frame: hex } of vectors.valid) {
    it(`no changed byte goes unnoticed: ${name}`, () => {
      const random = new Random(seed);
      const { curve, x, y } = vectors.keys.find((key) => key.name === keyName)!;
      const key = importDeviceKey({ curve, x, y });
      const original = fromHex(hex);
      expect(verifyFrame(decodeFrame(original), aad, key)).to.equal(true);
      for (let position = 0; position < original.length; position++) {
        const changed = new Uint8Array(original);
        changed[position]! ^= 1 + random.below(255);
        const frame = tryDecode(changed);
        if (frame === undefined) continue;
        expectOnlyEncoding(frame);
        expect(verifyFrame(frame, aad, key), `byte ${position}: ${toHex(changed)}`).to.equal(false);
      }
    });
  }

  it("accepts nothing that has a second encoding", () => {
    const random = new Random(seed);
    let accepted = 0;
    for (let round = 0; round < 20_000; round++) {
      const bytes = fromHex(random.pick(vectors.valid).frame);
      for (let edits = 1 + random.below(3); edits > 0; edits--)
        bytes[random.below(bytes.length)] = random.below(256);
      const frame = tryDecode(bytes);
      if (frame === undefined) continue;
      accepted++;
      expectOnlyEncoding(frame);
    }
    // Edits of names, values, hashes and signatures leave a well-formed frame: the check above must have run.
    expect(accepted).to.be.greaterThan(1_000);
  });

  it("refuses random bytes with a FrameError and nothing else", () => {
    const random = new Random(seed);
    for (let round = 0; round < 20_000; round++) {
      const bytes = random.bytes(random.below(300));
      if (round % 2 === 1) bytes.set([0xd2, 0x84].slice(0, bytes.length));
      expect(tryDecode(bytes), toHex(bytes)).to.equal(undefined);
    }
  });

  it("refuses every cut of a frame", () => {
    const whole = fromHex(vectors.valid[0]!.frame);
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeFrame(whole.subarray(0, length)))
        .to.throw(FrameError)
        .with.property("code", "FrameTruncated");
    }
  });

  it("refuses CBOR bombs without working or allocating for what they declare", () => {
    const heads = [[0x81], [0xa1], [0x9f], [0xbf], [0x5f], [0xc1], [0xd2, 0x84]];
    const huge = [0x5b, 0x7b, 0x9b, 0xbb].map((first) => [
      0xd2,
      0x84,
      first,
      ...new Array<number>(8).fill(0xff),
    ]);
    const bombs = [...heads, ...huge].map((head) =>
      Uint8Array.from({ length: 65_535 }, (_, i) => head[i % head.length]!),
    );
    const frame = decodeFrame(fromHex(vectors.valid[0]!.frame));
    // The same inside a payload: the outer structure is in order.
    const inside = [0x81, 0xa1, 0x9f, 0xbf, 0xc1].map((first) => {
      const payload = new Uint8Array(65_000).fill(first);
      return wrap(frame, payload);
    });
    const start = process.cpuUsage();
    for (let round = 0; round < 1_000; round++) {
      for (const bomb of [...bombs, ...inside]) expect(tryDecode(bomb)).to.equal(undefined);
    }
    const used = process.cpuUsage(start);
    // 16,000 refusals of 64 KB each; reading all bytes once would already be a gigabyte.
    expect((used.user + used.system) / 1e6).to.be.lessThan(5);
  });

  it("round-trips random headers and packs", () => {
    const random = new Random(seed);
    const key = exportDeviceKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey);
    for (let round = 0; round < 2_000; round++) {
      const header: FrameHeader = {
        algorithm: algorithmOf(key),
        contentType: random.pick([112, 42] as const),
        device: deviceIdOf(key),
        epoch: 1 + random.below(2 ** 32 - 1),
        seq: 1n + random.uint(62),
        prev: random.bytes(32),
        time: random.uint(63),
        clock: random.pick(["free-running", "synced"] as const),
        uptime: random.uint(63),
        beacon: random.below(2) === 0 ? null : { batch: random.below(2 ** 32), root8: random.bytes(8) },
      };
      const records = Array.from({ length: 1 + random.below(20) }, () => randomRecord(random));
      const payload = header.contentType === 112 ? encodeSenml(records) : random.bytes(random.below(300));
      const signature = random.bytes(64);
      const frame = decodeFrame(encodeFrame(header, payload, aad, () => signature));
      expect(frame.header).to.deep.equal(header);
      expect(toHex(frame.payload)).to.equal(toHex(payload));
      if (header.contentType === 112) expect(decodeSenml(frame.payload)).to.deep.equal(records);
    }
  });
});

function wrap(frame: Frame, payload: Uint8Array): Uint8Array {
  const outer = Buffer.from(frame.bytes);
  const payloadHead = frame.payload.byteOffset - frame.bytes.byteOffset - 2;
  return Buffer.concat([
    outer.subarray(0, payloadHead),
    Uint8Array.of(0x59, payload.length >> 8, payload.length & 255),
    payload,
    Uint8Array.of(0x58, 0x40),
    frame.signature,
  ]);
}

function randomNumber(random: Random): number | bigint {
  const kind = random.below(4);
  if (kind === 0) return BigInt.asIntN(64, random.uint(64));
  if (kind === 1) return random.below(2_000) / 8 - 100;
  if (kind === 2) return Math.fround((random.float() - 0.5) * 1e6);
  return (random.float() - 0.5) * 10 ** (random.below(600) - 300);
}

function randomRecord(random: Random): SenmlRecord {
  const text = () => random.pick(["", "a", "Cel", "Kühlhaus/3", "温度", "x".repeat(255)]);
  const record: SenmlRecord = {};
  if (random.below(2) === 0) record.name = text();
  if (random.below(2) === 0) record.unit = text();
  if (random.below(2) === 0) record.time = randomNumber(random);
  if (random.below(8) === 0) record.baseName = text();
  if (random.below(8) === 0) record.baseTime = randomNumber(random);
  const kind = random.below(6);
  if (kind === 0) record.text = text();
  else if (kind === 1) record.flag = random.below(2) === 0;
  else if (kind === 2) record.data = random.bytes(random.below(255));
  else if (kind === 3) record.sum = randomNumber(random);
  else record.value = randomNumber(random);
  return record;
}
