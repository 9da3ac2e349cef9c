import { expect } from "chai";
import { toBeHex, zeroPadValue } from "ethers";
import { network } from "hardhat";
import {
  type AnchorData,
  checkDeployment,
  commitmentOf,
  createTenon,
  type Deployment,
  EPOCH,
  type Hex,
  type Tenon,
} from "../../../sdk/src/index.js";
import { tenonOn } from "../../support/fixture.js";
import { anchorFrames, placeOf, TestDevice } from "../../support/proven-frames.js";
import { refusal } from "../../support/refusal.js";

interface Log {
  address: string;
  topics: string[];
}
type Call = { method: string; params?: unknown[] | Record<string, unknown> };

describe("tenon.telemetry", () => {
  type World = Awaited<ReturnType<typeof tenonOn>>;
  let world: World;
  let provider: Awaited<ReturnType<typeof network.create>>["provider"];
  let deployment: Deployment;
  let oracle: Tenon;

  beforeEach(async () => {
    const connection = await network.create();
    provider = connection.provider;
    world = await tenonOn(connection, { sealed: false });
    deployment = checkDeployment(world.record);
    oracle = await createTenon({ signer: world.signers.oracle, deployment });
  });

  async function now(): Promise<number> {
    return (await world.ethers.provider.getBlock("latest"))!.timestamp;
  }

  async function batchOf(count: number) {
    const device = new TestDevice(deployment);
    const frames = Array.from({ length: count }, (_, i) => device.meter(BigInt(i)));
    return { device, batch: await anchorFrames(oracle, frames, [device.head()], await now()) };
  }

  it("anchors a batch, moves the head, and finds the batch again by number", async () => {
    expect(await oracle.telemetry.head(1)).to.deep.include({ next: 0, size: 0n });
    const { batch } = await batchOf(3);
    const head = await oracle.telemetry.head(1);
    expect(head).to.deep.include({ key: world.signers.oracle.address, next: 1, size: 3n });
    expect(head.until).to.be.greaterThan(await now());
    const { at, ...found } = await oracle.telemetry.batch(1, 0);
    expect(found).to.deep.equal(batch.anchor);
    expect(at.block).to.equal(await world.ethers.provider.getBlockNumber());
    const { stream, ...struct } = batch.anchor;
    expect(commitmentOf(batch.anchor)).to.equal(await world.anchorLog.commitmentOf(stream, struct));
  });

  it("gives refusals by name: wrong key, wrong order, unknown batch and stream", async () => {
    const { batch } = await batchOf(1);
    const code = async (promise: Promise<unknown>) => (await refusal(promise)).code;
    expect(await code(oracle.telemetry.anchor(batch.anchor).send())).to.equal("AnchorOutOfOrder");
    const strangers = await createTenon({ signer: world.signers.stranger, deployment });
    expect(await code(strangers.telemetry.anchor(batch.anchor).send())).to.equal("AnchorKeyRefused");
    expect(await code(oracle.telemetry.batch(1, 7))).to.equal("BatchUnknown");
    expect(await code(oracle.telemetry.epochPath(1, 7))).to.equal("BatchUnknown");
    expect(await code(oracle.telemetry.head(9))).to.equal("StreamUnknown");
  });

  it("lets the contract verify a completed proof, with and without the device's signature, and read the meter", async () => {
    const { device, batch } = await batchOf(5);
    const proof = await oracle.telemetry.completeProof(placeOf(batch, 3));
    expect(proof.epochPath).to.deep.equal([]);
    const header = await oracle.telemetry.verifyFrame(proof);
    expect(header).to.deep.include({
      device: device.signer.id,
      epoch: 1,
      seq: 4n,
      clock: "synced",
      algorithm: -7,
    });
    expect(await oracle.telemetry.verifyFrame(proof, device.signer.key)).to.deep.equal(header);

    const { meter, ...read } = await oracle.telemetry.readMeter(proof.frame);
    expect(read).to.deep.equal(header);
    expect(meter).to.deep.equal({ name: "hours", unit: "s", value: 10_800n, time: 1_700_010_800n });

    const other = new TestDevice(deployment).signer.key;
    const code = async (promise: Promise<unknown>) => (await refusal(promise)).code;
    expect(await code(oracle.telemetry.verifyFrame(proof, other))).to.equal("FrameKeyMismatch");
    expect(await code(oracle.telemetry.verifyFrame({ ...proof, index: 2 }))).to.equal("FrameNotInBatch");
    expect(await code(oracle.telemetry.readMeter("0x1234"))).to.equal("FrameMalformed");
    const changed = { ...proof.anchor, headsRoot: proof.anchor.framesRoot };
    expect(await code(oracle.telemetry.verifyFrame({ ...proof, anchor: changed }))).to.equal("BatchMismatch");
  });

  it("believes no log of another address, whatever a node answers", async () => {
    const { batch } = await batchOf(2);
    const lying = {
      request: async ({ method, params = [] }: Call) => {
        const answer = await provider.request({ method, params: params as unknown[] });
        if (method !== "eth_getLogs") return answer;
        const [real] = answer as [Log & { data: string }];
        const forged = {
          ...real,
          address: world.signers.stranger.address,
          data: real.data.replace(/.$/, "0"),
        };
        return [forged, real];
      },
    };
    const { telemetry } = await createTenon({ provider: lying, deployment });
    const { at: _, ...found } = await telemetry.batch(1, 0);
    expect(found).to.deep.equal(batch.anchor);
  });

  it("searches in parts on a node that limits the range of blocks", async () => {
    const { batch } = await batchOf(2);
    let calls = 0;
    const limited = {
      request: async ({ method, params = [] }: Call) => {
        const [filter] = params as [{ fromBlock: string; toBlock: string }];
        if (method === "eth_getLogs" && Number(filter.toBlock) - Number(filter.fromBlock) >= 4) {
          throw Object.assign(new Error("Requested range exceeds maximum range limit"), { code: -32005 });
        }
        if (method === "eth_getLogs") calls++;
        return provider.request({ method, params: params as unknown[] });
      },
    };
    const { telemetry } = await createTenon({ provider: limited, deployment });
    const { at: _, ...found } = await telemetry.batch(1, 0);
    expect(found).to.deep.equal(batch.anchor);
    expect(calls).to.be.greaterThan(1);
  });

  it("proves a batch by its epoch for ever: computed from 1,024 events, held against the root on chain", async () => {
    const device = new TestDevice(deployment);
    const first = await anchorFrames(
      oracle,
      [device.meter(1n), device.meter(2n)],
      [device.head()],
      await now(),
    );
    await anchorEmptyish(EPOCH - 1);
    const second = await anchorFrames(oracle, [device.meter(3n)], [device.head()], await now());
    await anchorEmptyish(EPOCH);

    const proof = await oracle.telemetry.completeProof(placeOf(first, 1));
    expect(proof.epochPath).to.have.length(10);
    expect((await oracle.telemetry.verifyFrame(proof, device.signer.key)).seq).to.equal(2n);
    const stale = await refusal(oracle.telemetry.verifyFrame({ ...proof, epochPath: [] }));
    expect([stale.code, stale.args.epoch]).to.deep.equal(["EpochPathRequired", 0n]);
    expect((await oracle.telemetry.epochPath(1, EPOCH)).length, "epoch 1 is sealed").to.equal(10);
    const later = await oracle.telemetry.completeProof(placeOf(second, 0));
    expect((await oracle.telemetry.verifyFrame(later)).seq).to.equal(3n);
    expect(await oracle.telemetry.epochPath(1, 2 * EPOCH)).to.deep.equal([]);

    const forgetful = {
      request: async ({ method, params = [] }: Call) => {
        const answer = await provider.request({ method, params: params as unknown[] });
        return method === "eth_getLogs" ? (answer as Log[]).filter((_, i) => i !== 500) : answer;
      },
    };
    const partial = await createTenon({ provider: forgetful, deployment });
    expect((await refusal(partial.telemetry.epochPath(1, 3))).code).to.equal("EpochLogsIncomplete");
  });

  /** Anchors `count` batches of one frame each, a hundred in a block. */
  async function anchorEmptyish(count: number): Promise<void> {
    const { signers, anchorLog } = world;
    const time = BigInt(await now());
    const { next, size } = await oracle.telemetry.head(1);
    const log = anchorLog.connect(signers.oracle);
    let nonce = await signers.oracle.getNonce();
    await provider.request({ method: "evm_setAutomine", params: [false] });
    for (let i = 0; i < count; i++) {
      const root = zeroPadValue(toBeHex(next + i + 1), 32) as Hex;
      const batch: Omit<AnchorData, "stream"> = {
        batch: next + i,
        first: size + BigInt(i),
        count: 1,
        minTime: time,
        maxTime: time,
        framesRoot: root,
        headsRoot: root,
        rejectsRoot: root,
      };
      await log.anchor(1, batch, { nonce: nonce++, gasLimit: 4_000_000n, gasPrice: 0n });
      if (i % 40 === 39 || i === count - 1) await provider.request({ method: "evm_mine", params: [] });
    }
    await provider.request({ method: "evm_setAutomine", params: [true] });
    expect((await oracle.telemetry.head(1)).next).to.equal(next + count);
  }
});
