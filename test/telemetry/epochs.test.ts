import { expect } from "chai";
import { ZeroHash } from "ethers";
import { network } from "hardhat";
import type { Hex } from "../../sdk/src/bytes.js";
import {
  anchor,
  commitmentOf,
  deployTelemetry,
  EPOCH,
  makeAnchor,
  PAST,
  type Telemetry,
  type TestAnchor,
} from "../support/anchors.js";
import { expectGas, gasOfView } from "../support/gas.js";
import { leafOf, pathOf, rootOf } from "../support/rfc9162.js";

const { ethers, provider, networkHelpers } = await network.create();

/** Anchors until `batches` stand, 256 a block, and returns the gas of each. */
async function anchorUntil(world: Telemetry, batches: number, anchors: TestAnchor[]): Promise<bigint[]> {
  const { log, oracle, stream } = world;
  const to = await log.getAddress();
  const gas: bigint[] = [];
  const hashes: unknown[] = [];
  await provider.request({ method: "evm_setAutomine", params: [false] });
  while (anchors.length < batches) {
    for (let i = 0; i < 256 && anchors.length < batches; i++) {
      const a = makeAnchor(anchors.length, BigInt(anchors.length * 5), PAST);
      anchors.push(a);
      const data = log.interface.encodeFunctionData("anchor", [stream, a]);
      const transaction = { from: oracle.address, to, data, gas: "0x300000", gasPrice: "0x0" };
      hashes.push(await provider.request({ method: "eth_sendTransaction", params: [transaction] }));
    }
    await networkHelpers.mine();
    for (const hash of hashes.splice(0)) {
      const receipt = await provider.request({ method: "eth_getTransactionReceipt", params: [hash] });
      const { gasUsed, status } = receipt as { gasUsed: string; status: string };
      expect(status).to.equal("0x1");
      gas.push(BigInt(gasUsed));
    }
  }
  await provider.request({ method: "evm_setAutomine", params: [true] });
  return gas;
}

const sum = (values: bigint[]) => values.reduce((a, b) => a + b, 0n);

describe("AnchorLog: epochs", () => {
  let world: Telemetry;
  const anchors: TestAnchor[] = [];
  let first: bigint[];
  let leaves: Hex[];
  const path = (batch: number) => pathOf(batch % EPOCH, leaves);

  before(async function () {
    this.timeout(120_000);
    world = await deployTelemetry(ethers);
    first = await anchorUntil(world, EPOCH, anchors);
    leaves = anchors.map((a) => leafOf(commitmentOf(world.stream, a)));
  });

  it("seals a full ring under the RFC 9162 root of its commitments", async () => {
    const { log, stream } = world;
    const root = rootOf(leaves);
    expect(await log.epochRoot(stream, 0)).to.equal(root);
    const sealed = await log.queryFilter(log.filters.EpochSealed());
    expect(sealed.map(({ args }) => [...args])).to.deep.equal([[stream, 0n, root]]);
  });

  it("proves a batch by ring and by epoch while both hold", async () => {
    const { log, stream } = world;
    for (const batch of [0, 1, 511, 1022, 1023]) {
      await log.requireAnchored(stream, anchors[batch]!, []);
      await log.requireAnchored(stream, anchors[batch]!, path(batch));
    }
  });

  it("asks for the path as soon as the ring has moved on, and the path never goes stale", async () => {
    const { log, stream } = world;
    const before = await networkHelpers.takeSnapshot();
    const next = await anchor(world);
    await log.requireAnchored(stream, next, []);
    await log.requireAnchored(stream, anchors[1]!, []);
    await expect(log.requireAnchored(stream, anchors[0]!, []))
      .to.be.revertedWithCustomError(log, "EpochPathRequired")
      .withArgs(stream, 0n, 0n);
    await log.requireAnchored(stream, anchors[0]!, path(0));
    await expect(log.requireAnchored(stream, next, path(0)))
      .to.be.revertedWithCustomError(log, "EpochNotSealed")
      .withArgs(stream, 1n);
    await before.restore();
  });

  it("keeps the gas of a proof by ring and of one by epoch", async () => {
    const { log, stream, stranger } = world;
    for (const [how, siblings] of Object.entries({ ring: [], epoch: path(77) })) {
      const gas = await gasOfView(stranger, log, "requireAnchored", [stream, anchors[77]!, siblings]);
      expectGas(`Require a batch to be anchored, by ${how}`, gas);
    }
  });

  it("refuses a path of another batch, with another sibling, too short or too long, and another anchor", async () => {
    const { log, stream } = world;
    const good = path(77);
    const bad: [TestAnchor, string[]][] = [
      [anchors[77]!, path(78)],
      [anchors[78]!, good],
      [anchors[77]!, good.with(3, ZeroHash as Hex)],
      [anchors[77]!, good.slice(1)],
      [anchors[77]!, good.slice(0, -1)],
      [anchors[77]!, [...good, ZeroHash]],
      [{ ...anchors[77]!, count: 4 }, good],
    ];
    await log.requireAnchored(stream, anchors[77]!, good);
    for (const [a, siblings] of bad) {
      await expect(log.requireAnchored(stream, a, siblings))
        .to.be.revertedWithCustomError(log, "BatchMismatch")
        .withArgs(stream, BigInt(a.batch));
    }
  });

  it("costs 41,000 gas on average from the second epoch on, sealing included", async function () {
    this.timeout(120_000);
    const second = await anchorUntil(world, 2 * EPOCH, anchors);
    const average = sum(second) / BigInt(EPOCH);
    expectGas("Anchor, average over the first epoch", sum(first) / BigInt(EPOCH));
    expectGas("Anchor, average over the second epoch, sealing included", average);
    expectGas("Anchor, not the last of its epoch", second[512]!);
    expectGas("Anchor, last of its epoch", second.at(-1)!);
    expect(average).to.be.lessThanOrEqual(41_000n);
    expect(Number((await world.log.head(world.stream)).size)).to.equal(2 * EPOCH * 5);
  });
});
