import { readFileSync } from "node:fs";
import { expect } from "chai";
import { encodeBytes32String } from "ethers";
import { network } from "hardhat";
import { fromHex, type Hex, toHex } from "../../sdk/src/bytes.js";
import { decodeFrame, FrameError, readMeter } from "../../sdk/src/frame/index.js";
import type { FrameReader } from "../../sdk/src/generated/typechain/index.js";
import { deployTelemetry, type Telemetry } from "../support/anchors.js";
import { anchorFrames } from "../support/frames.js";

interface Vector {
  name: string;
  key: string;
  frame: Hex;
  header: { epoch: number; seq: string; prev: Hex; time: string };
}
interface Vectors {
  domain: { registry: string };
  keys: { name: string; id: Hex; x: Hex; y: Hex }[];
  valid: Vector[];
  invalid: Vector[];
  notMeter: Vector[];
  badSignature: Vector[];
}

const file = new URL("../../sdk/vectors/frames.json", import.meta.url);
const vectors: Vectors = JSON.parse(readFileSync(file, "utf8"));
const { ethers, networkHelpers } = await network.create();

describe("FrameReader and the codec of the SDK", () => {
  let world: Telemetry;
  let reader: FrameReader;
  const keyOf = ({ key }: Vector) => vectors.keys.find(({ name }) => name === key)!;

  before(async () => {
    world = await deployTelemetry(ethers);
    // The vectors were signed for a registry at this address: one that knows no device, so birth keys are in force.
    const code = await ethers.provider.getCode(world.registry);
    await networkHelpers.setCode(vectors.domain.registry, code);
    reader = await ethers.deployContract("FrameReader", [
      await world.log.getAddress(),
      vectors.domain.registry,
    ]);
  });

  for (const vector of vectors.valid) {
    it(`agree on the vector "${vector.name}"`, async () => {
      const [proof] = await anchorFrames(world, [vector.frame]);
      const { id, x, y } = keyOf(vector);
      const header = await reader.verifySigned(proof!, x, y);
      const { epoch, seq, prev, time } = vector.header;
      expect(header.device).to.equal(id);
      expect([header.epoch, header.seq, header.prev, header.time].map(String)).to.deep.equal(
        [epoch, seq, prev, time].map(String),
      );
      expect(await onChain(reader, vector.frame)).to.equal(offChain(vector.frame));
    });
  }

  for (const vector of vectors.badSignature) {
    it(`refuse the signature of the vector "${vector.name}"`, async () => {
      const [proof] = await anchorFrames(world, [vector.frame]);
      const { device } = decodeFrame(fromHex(vector.frame)).header;
      const { id, x, y } = keyOf(vector);
      const call = expect(reader.verifySigned(proof!, x, y)).to.be;
      if (id === device) await call.revertedWithCustomError(reader, "FrameSignatureInvalid").withArgs(device);
      else await call.revertedWithCustomError(reader, "FrameKeyMismatch");
    });
  }

  for (const vector of vectors.notMeter) {
    it(`refuse to read a meter in the vector "${vector.name}"`, async () => {
      await expect(reader.readMeter(vector.frame)).to.be.revertedWithCustomError(reader, "FrameNotMeter");
    });
  }

  for (const vector of vectors.invalid) {
    it(`refuse the vector "${vector.name}"`, async () => {
      expect(offChain(vector.frame)).to.equal("refused");
      expect(await onChain(reader, vector.frame)).to.equal("refused");
    });
  }

  it("agree on whatever becomes of a frame when bytes are changed, put in or left out", async function () {
    this.timeout(120_000);
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    const random = generator(seed);
    const meters = vectors.valid.map(({ frame }) => frame).filter((frame) => offChain(frame) !== "refused");
    expect(meters).to.have.length.greaterThan(1);
    let read = 0;
    for (let i = 0; i < 1_500; i++) {
      const frame = mutate(fromHex(meters[i % meters.length]!), random);
      const expected = offChain(frame);
      expect(await onChain(reader, frame), `SEED=${seed}, frame ${frame}`).to.equal(expected);
      if (expected !== "refused") read++;
    }
    // Some changes only make another frame, for instance in `prev` or in the signature.
    expect(read, `SEED=${seed}`).to.be.within(100, 1_400);
  });
});

/** What the codec reads of a meter frame, as one text, or "refused". */
function offChain(bytes: Hex): string {
  try {
    const frame = decodeFrame(fromHex(bytes));
    const { name, unit, value, time } = readMeter(frame);
    const { device, algorithm, epoch, seq, prev, time: clock } = frame.header;
    const words = [encodeBytes32String(name), encodeBytes32String(unit)];
    return [device, algorithm, epoch, seq, toHex(prev), clock, ...words, value, time].join();
  } catch (error) {
    if (error instanceof FrameError) return "refused";
    throw error;
  }
}

/** The same by the contract. */
async function onChain(reader: FrameReader, bytes: Hex): Promise<string> {
  try {
    const [header, meter] = await reader.readMeter(bytes);
    const { device, algorithm, epoch, seq, prev, time } = header;
    return [device, algorithm, epoch, seq, prev, time, ...meter].join();
  } catch (error) {
    if (/FrameMalformed|FrameNotMeter/.test(String(error))) return "refused";
    throw error;
  }
}

type Random = (below: number) => number;

/** One to three changes near one another: a bit, a byte, an insertion, a deletion. */
function mutate(frame: Uint8Array, random: Random): Hex {
  const bytes = [...frame];
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const i = random(bytes.length);
    const kind = random(4);
    if (kind === 0) bytes[i]! ^= 1 << random(8);
    else if (kind === 1) bytes[i] = random(256);
    else if (kind === 2) bytes.splice(i, 0, random(256));
    else bytes.splice(i, 1);
  }
  return toHex(Uint8Array.from(bytes));
}

/** Mulberry32. */
function generator(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}
