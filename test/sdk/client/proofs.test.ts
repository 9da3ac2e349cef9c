import { expect } from "chai";
import { toHex } from "../../../sdk/src/bytes.js";
import {
  checkDeployment,
  createTenon,
  type Deployment,
  type DeviceRangeProof,
  deviceRangeProofFrom,
  type FrameProof,
  frameProofFrom,
  type Hex,
  ProofError,
  type ProofStep,
  proofToJson,
  type Tenon,
  type Trust,
  verifyDeviceRange,
  verifyFrameProof,
} from "../../../sdk/src/index.js";
import { newTenon } from "../../support/fixture.js";
import { anchorFrames, placeOf, type TestBatch, TestDevice } from "../../support/proven-frames.js";
import { Random, testSeed } from "../../support/random.js";
import { type Json, leaves, tampered } from "../../support/tampering.js";

function failedStep(check: () => unknown): ProofStep | "held" {
  try {
    check();
  } catch (error) {
    if (error instanceof ProofError) return error.step;
    throw error;
  }
  return "held";
}

describe("proofs from a trusted block hash alone", () => {
  const seed = testSeed();
  let deployment: Deployment;
  let tenon: Tenon;
  let device: TestDevice;
  let batches: TestBatch[];

  // Device: frames 1-4 in batch 0, 5-7 in batch 1, each between frames of another device.
  before(async () => {
    const { record, signers, ethers } = await newTenon();
    deployment = checkDeployment(record);
    tenon = await createTenon({ signer: signers.oracle, deployment });
    device = new TestDevice(deployment);
    const other = new TestDevice(deployment, "secp256k1");
    const time = (await ethers.provider.getBlock("latest"))!.timestamp;
    batches = [];
    for (const count of [4, 3]) {
      const frames: Uint8Array[] = [];
      for (let i = 0; i < count; i++) frames.push(device.meter(BigInt(i)), other.meter(BigInt(i)));
      batches.push(await anchorFrames(tenon, frames, [device.head(), other.head()], time));
    }
  });

  const trustIn = (...proofs: { block: { hash: Hex } }[]): Trust => ({
    trustedBlockHash: proofs.map(({ block }) => block.hash),
    deployment,
  });

  async function frameProof(batch: number, index: number): Promise<FrameProof> {
    return tenon.telemetry.completeProof(placeOf(batches[batch]!, index));
  }

  /** Frames `from` to `to` of the device; the head of batch `headOf` (default: the batch of the last frame). */
  async function rangeProof(from: number, to: number, headOf?: number): Promise<DeviceRangeProof> {
    const all = batches.flatMap(({ frames }) => frames.filter((_, i) => i % 2 === 0));
    const [batch, index] = to <= 4 ? [0, 2 * (to - 1)] : [1, 2 * (to - 5)];
    const last = await frameProof(batch, index);
    const { heads, anchor } = batches[headOf ?? batch]!;
    const at = heads.entries.findIndex((entry) => toHex(entry.subarray(0, 32)) === device.signer.id);
    const { version, chainId, genesisHash, anchorLog, registry } = last;
    return {
      ...{ version, chainId, genesisHash, anchorLog, registry },
      device: device.signer.id,
      epoch: 1,
      from: BigInt(from),
      to: BigInt(to),
      frames: all.slice(from - 1, to).map(toHex),
      last,
      head: {
        entry: toHex(heads.entries[at]!),
        index: at,
        size: heads.entries.length,
        path: heads.tree.path(at).map(toHex),
        root: toHex(heads.tree.root),
        anchor,
        block: (await frameProof(headOf ?? batch, 0)).block,
      },
    };
  }

  it("verifies a frame link by link, from its JSON as well", async () => {
    const proof = await frameProof(0, 2);
    const trust = { ...trustIn(proof), deviceKey: device.signer.key };
    const steps = verifyFrameProof(proof, trust);
    expect(steps.map(({ name }) => name)).to.deep.equal([
      "deployment",
      "frame",
      "device signature",
      "batch root",
      "contract",
      "receipt",
      "block",
    ]);
    expect(steps[1]!.detail).to.include(device.signer.id).and.to.include("seq 2");
    const json = proofToJson(proof);
    expect(frameProofFrom(json)).to.deep.equal({ ...proof, ...lowerCase(proof) });
    expect(verifyFrameProof(json, trust)).to.deep.equal(steps);
    const { deviceKey: _, ...unsigned } = trust;
    expect(verifyFrameProof(JSON.parse(json), unsigned).map(({ name }) => name)).to.not.include(
      "device signature",
    );
  });

  it("names the link that fails: foreign deployment, key, block; a frame, path or batch of another", async () => {
    const [proof, next] = [await frameProof(0, 2), await frameProof(1, 2)];
    const trust = trustIn(proof);
    const step = (change: object, other: Partial<Trust> = {}) =>
      failedStep(() => verifyFrameProof({ ...proof, ...change }, { ...trust, ...other }));
    expect(step({})).to.equal("held");
    const upper = `0x${proof.block.hash.slice(2).toUpperCase()}` as Hex;
    expect(step({}, { trustedBlockHash: upper }), "hex has no case").to.equal("held");
    expect(step({ chainId: "1" })).to.equal("deployment");
    expect(step({ anchorLog: proof.registry }), "a log of somebody else's").to.equal("deployment");
    expect(step({}, { deviceKey: new TestDevice(deployment).signer.key })).to.equal("device signature");
    expect(step({ frame: next.frame })).to.equal("batch root");
    expect(step({ index: 3 })).to.equal("batch root");
    expect(step({ anchor: { ...proof.anchor, count: 7 } }), "a tree of another size").to.not.equal("held");
    expect(step({ path: proof.path.slice(1) })).to.equal("batch root");
    expect(step({ frame: next.frame, index: 2, path: next.path, anchor: next.anchor })).to.equal("contract");
    expect(step({ block: next.block }, { trustedBlockHash: next.block.hash })).to.equal("contract");
    expect(step({}, { trustedBlockHash: next.block.hash })).to.equal("block");
    expect(step({ block: { ...proof.block, header: next.block.header } })).to.equal("block");
    expect(step({ block: { ...proof.block, receiptPath: next.block.receiptPath } })).to.equal("receipt");
    expect(step({ path: [...proof.path, "0x12"] })).to.equal("form");
    expect(step({ frame: "0x12" })).to.equal("frame");
  });

  it("does not believe the same event from another contract", async () => {
    const proof = await frameProof(0, 2);
    const { AnchorLog, ...others } = deployment.contracts;
    const elsewhere = {
      ...deployment,
      contracts: { ...others, AnchorLog: { ...AnchorLog, address: proof.registry } },
    };
    const forged = { ...proof, anchorLog: proof.registry };
    const trust = { ...trustIn(proof), deployment: elsewhere };
    expect(failedStep(() => verifyFrameProof(forged, trust))).to.equal("contract");
  });

  it(`refuses a frame proof in which any byte or number is changed (seed ${seed})`, async () => {
    const random = new Random(seed);
    const proof = await frameProof(0, 4);
    const json = JSON.parse(proofToJson(proof)) as Json;
    for (const path of leaves(json)) {
      for (let i = 0; i < (path.at(-1) === "frame" || path[0] === "block" ? 40 : 10); i++) {
        const { proof: bad, what } = tampered(json, path, random);
        expect(
          failedStep(() => verifyFrameProof(bad, trustIn(proof))),
          what,
        ).to.not.equal("held");
      }
    }
  });

  it("verifies that a range of a device's frames is complete, across batches", async () => {
    for (const [from, to, headOf] of [
      [1, 7],
      [3, 6],
      [2, 4],
      [2, 3, 0],
      [1, 4, 1],
      [7, 7],
    ] as const) {
      const proof = await rangeProof(from, to, headOf);
      const trust = { ...trustIn(proof.last, proof.head), deviceKey: device.signer.key };
      const steps = verifyDeviceRange(proofToJson(proof), trust);
      const names = steps.map(({ name }) => name);
      expect(names.slice(0, 3)).to.deep.equal(["deployment", "chain of frames", "device signature"]);
      expect(names).to.include.members(["batch root", "device head", "contract", "receipt", "block"]);
      expect(deviceRangeProofFrom(proofToJson(proof)).frames).to.deep.equal(proof.frames);
    }
  });

  it("catches a frame removed, replaced or moved, and a head that does not reach", async () => {
    const proof = await rangeProof(2, 7);
    const trust = { ...trustIn(proof.last, proof.head), deviceKey: device.signer.key };
    const step = (change: object) => failedStep(() => verifyDeviceRange({ ...proof, ...change }, trust));
    expect(step({})).to.equal("held");
    const { frames } = proof;
    expect(step({ frames: frames.filter((_, i) => i !== 2) }), "removed").to.equal("chain of frames");
    expect(step({ frames: frames.filter((_, i) => i !== 2), to: 6n }), "removed and renumbered").to.equal(
      "chain of frames",
    );
    expect(step({ frames: [frames[1], frames[0], ...frames.slice(2)] }), "moved").to.equal("chain of frames");
    expect(step({ frames: [], from: 8n })).to.equal("chain of frames");
    expect(step({ from: 0n })).to.equal("chain of frames");
    expect(step({ frames: frames.slice(0, -1), to: 6n }), "last frame is not the anchored one").to.equal(
      "frame",
    );
    const older = await rangeProof(2, 4);
    expect(
      failedStep(() =>
        verifyDeviceRange({ ...proof, head: older.head }, { ...trustIn(older.head, proof.last) }),
      ),
      "an older head",
    ).to.equal("device head");
  });

  it("catches a device that told two stories", async () => {
    const twin = new TestDevice(deployment);
    const frames = [twin.meter(1n), twin.meter(2n), twin.meter(3n, { prev: new Uint8Array(32).fill(7) })];
    const batch = await anchorFrames(tenon, frames, [twin.head()], Number(batches[0]!.anchor.maxTime));
    const last = await tenon.telemetry.completeProof(placeOf(batch, 2));
    const sound = await rangeProof(1, 4);
    const forked = {
      ...sound,
      device: twin.signer.id,
      from: 1n,
      to: 3n,
      frames: frames.map(toHex),
      last,
    };
    expect(failedStep(() => verifyDeviceRange(forked, trustIn(last, sound.head)))).to.equal(
      "chain of frames",
    );
  });

  it(`refuses a range proof in which any byte or number is changed (seed ${seed})`, async () => {
    const random = new Random(seed + 1);
    const proof = await rangeProof(2, 6, 1);
    const json = JSON.parse(proofToJson(proof)) as Json;
    const trust = { ...trustIn(proof.last, proof.head), deviceKey: device.signer.key };
    for (const path of leaves(json)) {
      for (let i = 0; i < 5; i++) {
        const { proof: bad, what } = tampered(json, path, random);
        expect(
          failedStep(() => verifyDeviceRange(bad, trust)),
          what,
        ).to.not.equal("held");
      }
    }
  });

  it("refuses what is no proof at all", () => {
    const trust: Trust = { trustedBlockHash: `0x${"00".repeat(32)}`, deployment };
    for (const nothing of ["", "{", "null", "[]", "{}", undefined, 7, { version: 2 }]) {
      expect(failedStep(() => verifyFrameProof(nothing, trust))).to.equal("form");
      expect(failedStep(() => verifyDeviceRange(nothing, trust))).to.equal("form");
    }
  });

  function lowerCase({ anchorLog, registry }: FrameProof) {
    return { anchorLog: anchorLog.toLowerCase(), registry: registry.toLowerCase() };
  }
});
