import { expect } from "chai";
import { concat, decodeBytes32String, id, ZeroHash } from "ethers";
import { network } from "hardhat";
import { type Hex, toHex } from "../../sdk/src/bytes.js";
import { encodeSenml } from "../../sdk/src/frame/index.js";
import { deployTelemetry } from "../support/anchors.js";
import { LATER } from "../support/devices.js";
import {
  anchorFrames,
  domainOf,
  type FrameOptions,
  K1_DEVICE,
  METER_WORDS,
  makeFrame,
  P256_DEVICE,
  type TestProof,
} from "../support/frames.js";
import { makeKey, type TestKey } from "../support/keys.js";
import { registrationOf, rotation } from "../support/registry.js";

const { ethers, networkHelpers } = await network.create();

async function deploy() {
  const world = await deployTelemetry(ethers);
  return { ...world, frameDomain: await domainOf(world) };
}

type World = Awaited<ReturnType<typeof deploy>>;

describe("FrameReader", () => {
  let world: World;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(deploy);
  });

  const frame = (key: TestKey, value = 7n, options: FrameOptions = {}) =>
    makeFrame(world.frameDomain, key, value, options);

  /** The frame in the middle of a batch of five. */
  async function prove(bytes: Hex): Promise<TestProof> {
    const others = [1n, 2n, 3n, 4n].map((value) => frame(P256_DEVICE, value));
    const proofs = await anchorFrames(world, [...others.slice(0, 2), bytes, ...others.slice(2)]);
    return proofs[2]!;
  }

  describe("verify", () => {
    it("returns the header of a frame at every place of batches of every size up to nine", async () => {
      for (let size = 1; size <= 9; size++) {
        const seqs = Array.from({ length: size }, (_, i) => BigInt(i + 1));
        const proofs = await anchorFrames(
          world,
          seqs.map((seq) => frame(P256_DEVICE, seq, { seq })),
        );
        for (const [i, proof] of proofs.entries())
          expect((await world.reader.verify(proof)).seq).to.equal(seqs[i]);
      }
    });

    it("reads every field of the header", async () => {
      const prev = new Uint8Array(32).fill(0xab);
      const options: FrameOptions = {
        epoch: 3,
        seq: 70_000n,
        prev,
        time: 12n,
        clock: "free-running",
        uptime: 0n,
      };
      const beacon = { batch: 300, root8: new Uint8Array(8).fill(9) };
      const header = await world.reader.verify(await prove(frame(K1_DEVICE, 0n, { ...options, beacon })));
      expect([...header]).to.deep.equal([K1_DEVICE.id, -47n, 3n, 70_000n, toHex(prev), 12n, 1n]);
    });

    it("takes an opaque payload and any SenML, whose inside it does not look at", async () => {
      const readings = encodeSenml([
        { name: "a", value: 1.5 },
        { name: "b", flag: true },
      ]);
      for (const options of [
        { contentType: 42, payload: new Uint8Array(300) } as const,
        { payload: readings },
      ]) {
        const header = await world.reader.verify(await prove(frame(P256_DEVICE, 0n, options)));
        expect(header.device).to.equal(P256_DEVICE.id);
      }
    });

    it("refuses a wrong index, a wrong size, a wrong sibling, and a path too short or too long", async () => {
      const proof = await prove(frame(P256_DEVICE));
      const { path } = proof;
      const elsewhere: Partial<TestProof>[] = [
        { index: 1 },
        { index: 3 },
        { index: 5 },
        { index: 2 ** 32 - 1 },
        { path: path.with(0, ZeroHash as Hex) },
        { path: path.with(2, path[1]!) },
        { path: path.slice(1) },
        { path: path.slice(0, -1) },
        { path: [] },
        { path: [...path, ZeroHash as Hex] },
        { frame: frame(P256_DEVICE) },
      ];
      await world.reader.verify(proof);
      for (const change of elsewhere) {
        const index = BigInt(change.index ?? proof.index);
        await expect(world.reader.verify({ ...proof, ...change }), JSON.stringify(change))
          .to.be.revertedWithCustomError(world.reader, "FrameNotInBatch")
          .withArgs(world.stream, 0n, index);
      }
    });

    it("binds the size: the same path in a batch said to be larger or smaller is not anchored", async () => {
      const proof = await prove(frame(P256_DEVICE));
      for (const count of [4, 6]) {
        await expect(world.reader.verify({ ...proof, anchor: { ...proof.anchor, count } }))
          .to.be.revertedWithCustomError(world.log, "BatchMismatch")
          .withArgs(world.stream, 0n);
      }
    });

    it("refuses a frame that is not anchored", async () => {
      const proof = await prove(frame(P256_DEVICE));
      await expect(world.reader.verify({ ...proof, anchor: { ...proof.anchor, batch: 1 } }))
        .to.be.revertedWithCustomError(world.log, "BatchUnknown")
        .withArgs(world.stream, 1n, 1n);
      await expect(world.reader.verify({ ...proof, stream: 2n })).to.be.revertedWithCustomError(
        world.log,
        "BatchUnknown",
      );
    });

    it("refuses other bytes under the same root", async () => {
      const proof = await prove(frame(P256_DEVICE));
      const flipped = `${proof.frame.slice(0, -2)}${proof.frame.endsWith("00") ? "01" : "00"}` as Hex;
      await expect(world.reader.verify({ ...proof, frame: flipped })).to.be.revertedWithCustomError(
        world.reader,
        "FrameNotInBatch",
      );
    });
  });

  describe("verifySigned", () => {
    for (const [name, key] of [
      ["P-256", P256_DEVICE],
      ["secp256k1", K1_DEVICE],
    ] as const) {
      for (const signing of ["low", "high"] as const) {
        it(`accepts a ${name} signature with ${signing} s`, async () => {
          const proof = await prove(frame(key, 5n, { signing }));
          expect((await world.reader.verifySigned(proof, key.x, key.y)).device).to.equal(key.id);
        });
      }

      it(`refuses a ${name} key that is not the device's, and one of another curve`, async () => {
        const proof = await prove(frame(key));
        const other = makeKey(key.curve);
        await expect(world.reader.verifySigned(proof, other.x, other.y))
          .to.be.revertedWithCustomError(world.reader, "FrameKeyMismatch")
          .withArgs(key.id, other.id, key.id);
        const curve = key === P256_DEVICE ? K1_DEVICE : P256_DEVICE;
        await expect(world.reader.verifySigned(proof, curve.x, curve.y)).to.be.revertedWithCustomError(
          world.reader,
          "FrameKeyMismatch",
        );
      });

      it(`refuses a ${name} frame made for another chain, or another registry`, async () => {
        for (const other of [
          { ...world.frameDomain, chainId: 1n },
          { ...world.frameDomain, registry: await world.log.getAddress() },
        ]) {
          const proof = await prove(makeFrame(other, key, 7n));
          await expect(world.reader.verifySigned(proof, key.x, key.y))
            .to.be.revertedWithCustomError(world.reader, "FrameSignatureInvalid")
            .withArgs(key.id);
        }
      });

      it(`refuses a ${name} frame with any half of the signature replaced`, async () => {
        const good = frame(key);
        const length = good.length;
        const r = good.slice(length - 128, length - 64);
        const s = good.slice(length - 64);
        const halves = [ZeroHash.slice(2), "ff".repeat(32), id("other").slice(2)];
        for (const half of halves) {
          for (const signature of [`${half}${s}`, `${r}${half}`]) {
            const proof = await prove(`${good.slice(0, length - 128)}${signature}` as Hex);
            await expect(world.reader.verifySigned(proof, key.x, key.y)).to.be.revertedWithCustomError(
              world.reader,
              "FrameSignatureInvalid",
            );
          }
        }
      });
    }

    it("takes the key that was in force when the batch was received, before and after a rotation", async () => {
      const { registry, maker, makerOrg, reader } = world;
      const [birth, next] = [makeKey(1), makeKey(8)];
      await registry.connect(maker).register(registrationOf(world, birth, makerOrg));
      const before = await prove(frame(birth));
      await networkHelpers.time.increase(100);
      await registry
        .connect(maker)
        .rotateKey(birth.id, ...(await rotation(world, birth.id, birth, next)), LATER);
      await networkHelpers.time.increase(100);
      const made = (key: TestKey, options: FrameOptions) =>
        prove(makeFrame(world.frameDomain, key, 7n, { device: birth.id, ...options }));
      // Old frames keep their key; the new key signs for the old id.
      expect((await reader.verifySigned(before, birth.x, birth.y)).device).to.equal(birth.id);
      const after = await made(next, { epoch: 2 });
      expect((await reader.verifySigned(after, next.x, next.y)).device).to.equal(birth.id);
      // Devices may count epochs ahead of the registry.
      const ahead = await made(next, { epoch: 9 });
      expect((await reader.verifySigned(ahead, next.x, next.y)).epoch).to.equal(9n);

      const mismatch = (proof: TestProof, key: TestKey, inForce: TestKey) =>
        expect(reader.verifySigned(proof, key.x, key.y))
          .to.be.revertedWithCustomError(reader, "FrameKeyMismatch")
          .withArgs(birth.id, key.id, inForce.id);
      await mismatch(before, makeKey(1), birth);
      await mismatch(await made(birth, { epoch: 2 }), birth, next);
      await expect(reader.verifySigned(await made(next, { epoch: 1 }), next.x, next.y))
        .to.be.revertedWithCustomError(reader, "FrameEpochStale")
        .withArgs(birth.id, 1n, 2n);
    });

    it("refuses a frame whose header says the other algorithm", async () => {
      const proof = await prove(frame(P256_DEVICE, 7n, { algorithm: -47 }));
      await expect(
        world.reader.verifySigned(proof, P256_DEVICE.x, P256_DEVICE.y),
      ).to.be.revertedWithCustomError(world.reader, "FrameKeyMismatch");
    });

    it("refuses what verify refuses, before it looks at the key", async () => {
      const proof = await prove(frame(P256_DEVICE));
      await expect(
        world.reader.verifySigned({ ...proof, index: 0 }, ZeroHash, ZeroHash),
      ).to.be.revertedWithCustomError(world.reader, "FrameNotInBatch");
    });
  });

  describe("readMeter", () => {
    const MAX = 2n ** 63n - 1n;

    it("reads name, unit, value and time", async () => {
      const [header, meter] = await world.reader.readMeter(frame(P256_DEVICE, 3_600n, { seq: 9n }));
      expect(header.seq).to.equal(9n);
      expect([...meter]).to.deep.equal([METER_WORDS.name, METER_WORDS.unit, 3_600n, 1_767_225_600n]);
    });

    for (const value of [0n, 23n, 24n, 255n, 256n, 65_535n, 65_536n, 2n ** 32n - 1n, 2n ** 32n, MAX]) {
      it(`reads ${value} and its negative counterpart, in their shortest forms`, async () => {
        for (const each of [value, -1n - value]) {
          const [, meter] = await world.reader.readMeter(frame(K1_DEVICE, each));
          expect(meter.value).to.equal(each);
        }
      });
    }

    it("reads texts of 1 to 31 printable characters", async () => {
      for (const length of [1, 23, 24, 31]) {
        const name = "~ !azAZ09./_-:%".repeat(3).slice(0, length);
        const payload = encodeSenml([{ name, unit: name, value: 1n, time: 2n ** 28n }]);
        const [, meter] = await world.reader.readMeter(frame(P256_DEVICE, 0n, { payload }));
        expect([decodeBytes32String(meter.name), decodeBytes32String(meter.unit)]).to.deep.equal([
          name,
          name,
        ]);
        expect(meter.time).to.equal(2n ** 28n);
      }
    });

    const good = { name: "engine", unit: "s", value: 1n, time: 2n ** 28n };
    const notMeters: Record<string, Uint8Array> = {
      "two records": encodeSenml([good, good]),
      "a float": encodeSenml([{ ...good, value: 1.5 }]),
      "a boolean": encodeSenml([{ name: "engine", unit: "s", flag: true, time: 2n ** 28n }]),
      "a relative time": encodeSenml([{ ...good, time: 2n ** 28n - 1n }]),
      "a negative time": encodeSenml([{ ...good, time: -1n }]),
      "a field too many": encodeSenml([{ ...good, sum: 1n }]),
      "no unit": encodeSenml([{ name: "engine", value: 1n, time: 2n ** 28n }]),
      "an empty name": encodeSenml([{ ...good, name: "" }]),
      "a name of 32 bytes": encodeSenml([{ ...good, name: "n".repeat(32) }]),
      "a name that ends in a zero byte": encodeSenml([{ ...good, name: "engine\0" }]),
      "a unit with a DEL": encodeSenml([{ ...good, unit: "s\x7f" }]),
      "a unit that is not ASCII": encodeSenml([{ ...good, unit: "°C" }]),
    };
    for (const [what, payload] of Object.entries(notMeters)) {
      it(`refuses ${what}`, async () => {
        await expect(world.reader.readMeter(frame(P256_DEVICE, 0n, { payload, seq: 4n })))
          .to.be.revertedWithCustomError(world.reader, "FrameNotMeter")
          .withArgs(P256_DEVICE.id, 4n);
      });
    }

    it("refuses an opaque payload, even one that looks like a meter", async () => {
      const options = { contentType: 42, payload: encodeSenml([good]) } as const;
      await expect(world.reader.readMeter(frame(P256_DEVICE, 0n, options))).to.be.revertedWithCustomError(
        world.reader,
        "FrameNotMeter",
      );
    });

    it("refuses more than 65,535 bytes, and takes that many", async () => {
      const payload = (length: number) => ({ contentType: 42, payload: new Uint8Array(length) }) as const;
      const largest = frame(
        P256_DEVICE,
        0n,
        payload(65_535 - (frame(P256_DEVICE, 0n, payload(60_000)).length / 2 - 1 - 60_000)),
      );
      expect(largest.length).to.equal(2 + 2 * 65_535);
      await expect(world.reader.readMeter(largest)).to.be.revertedWithCustomError(
        world.reader,
        "FrameNotMeter",
      );
      await expect(world.reader.readMeter(concat([largest, "0x00"])))
        .to.be.revertedWithCustomError(world.reader, "FrameMalformed")
        .withArgs(65_535n);
    });
  });
});
