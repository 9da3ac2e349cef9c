import { expect } from "chai";
import { DeviceSigner } from "../../../sdk/src/device/index.js";
import { historyEntryHash, historyHeading } from "../../../sdk/src/devices/history-voucher.js";
import {
  createTenon,
  type Hex,
  type HistoryVoucher,
  ProofError,
  TenonError,
  verifyHistory,
} from "../../../sdk/src/index.js";
import { type DeviceWorld, deviceWorld, enrolled, handOver, LATER, org } from "../../support/device-world.js";

/** A device with a life: sold twice, given a new key, sold again, ended. */
async function livedDevice(world: DeviceWorld): Promise<Hex> {
  const { owner, networkHelpers } = world;
  const signer = await enrolled(world);
  const { id } = signer;
  await networkHelpers.mine(20);
  await handOver(world, id, "owner", "buyer");
  await networkHelpers.mine(3);
  await handOver(world, id, "buyer", "owner");
  const next = DeviceSigner.generate("secp256k1", id);
  const rotation = await owner.devices.rotation(id, next.key, LATER);
  const signed = { consent: signer.signRotation(rotation), proof: next.signRotation(rotation) };
  await owner.devices.rotateKey(rotation, signer.key, signed).wait();
  await owner.devices.suspend(id).wait();
  await owner.devices.resume(id).wait();
  await handOver(world, id, "owner", "buyer");
  await world.buyer.devices.revoke(id).wait();
  return id;
}

/** The code a verification is refused with, and the step. */
function refused(action: () => unknown): [string, string | undefined] {
  try {
    action();
  } catch (error) {
    if (error instanceof TenonError)
      return [error.code, error instanceof ProofError ? error.step : undefined];
    throw error;
  }
  return ["held", undefined];
}

describe("tenon.devices: history", () => {
  let world: DeviceWorld;
  let id: Hex;
  let voucher: HistoryVoucher;
  let trustedBlockHash: Hex;
  before(async () => {
    world = await deviceWorld();
    id = await livedDevice(world);
    const block = await world.ethers.provider.getBlock("latest");
    trustedBlockHash = block!.hash as Hex;
    voucher = await world.maker.devices.exportHistory(id);
  });

  it("walks from event to event, one block each, and never searches", async () => {
    const { provider, deployment } = world;
    const asked: { fromBlock: string; toBlock: string }[] = [];
    const watched = {
      request: ({ method, params }: { method: string; params?: unknown[] | object }) => {
        if (method === "eth_getLogs") asked.push((params as [{ fromBlock: string; toBlock: string }])[0]);
        return provider.request({ method, ...(params === undefined ? {} : { params: params as unknown[] }) });
      },
    };
    const reader = await createTenon({ provider: watched, deployment });
    const history = await reader.devices.history(id);
    expect(history.map(({ kind, epoch }) => `${epoch} ${kind}`)).to.deep.equal([
      "1 registered",
      "2 transferred",
      "3 transferred",
      "4 rotated",
      "5 transferred",
      "6 revoked",
    ]);
    expect(asked).to.have.length(6);
    for (const { fromBlock, toBlock } of asked) expect(fromBlock).to.equal(toBlock);
    expect(await reader.devices.history(`0x${"ab".repeat(32)}`)).to.deep.equal([]);
  });

  it("keeps the order of several changes in one block", async () => {
    const { ethers, networkHelpers, signers, deployment } = world;
    const { id: other } = await enrolled(world);
    await world.owner.devices.offer(other, org.buyer, LATER - 4_000_000_000 + (await soon(world))).wait();
    const registry = await ethers.getContractAt(
      "DeviceRegistry",
      deployment.contracts.DeviceRegistry.address,
    );
    await ethers.provider.send("evm_setAutomine", [false]);
    try {
      const gas = { gasLimit: 300_000n };
      await registry.connect(signers.buyer).acceptOffer(other, gas);
      await registry.connect(signers.buyer).offer(other, org.owner, await soon(world), { ...gas });
      await registry.connect(signers.owner).acceptOffer(other, gas);
      await registry.connect(signers.owner).revoke(other, gas);
      await networkHelpers.mine();
    } finally {
      await ethers.provider.send("evm_setAutomine", [true]);
    }
    const history = await world.maker.devices.history(other);
    const kinds = history.map(({ kind, epoch }) => `${epoch} ${kind}`);
    expect(kinds[0]).to.equal("1 registered");
    expect(kinds.at(-1)).to.equal(`${history.length} revoked`);
    expect(new Set(history.slice(1).map(({ at }) => at.block)).size, "all in one block").to.equal(1);
    const block = await ethers.provider.getBlock("latest");
    const own = await world.maker.devices.exportHistory(other);
    const trust = { deployment, trustedBlockHash: block!.hash as Hex };
    expect(verifyHistory(own, trust).epochs).to.have.length(history.length);
  });

  it("exports a chain of hashes that one trusted block proves, through JSON and without a node", () => {
    const { deployment } = world;
    const text = JSON.parse(JSON.stringify(voucher));
    const { events, epochs, steps } = verifyHistory(text, { deployment, trustedBlockHash });
    expect(events.map(({ kind }) => kind)).to.deep.equal([
      "registered",
      "transferred",
      "transferred",
      "rotated",
      "transferred",
      "revoked",
    ]);
    expect(epochs.map(({ organisation, rotated }) => [organisation, rotated])).to.deep.equal([
      [org.owner, false],
      [org.buyer, false],
      [org.owner, false],
      [org.owner, true],
      [org.buyer, true],
      [org.buyer, true],
    ]);
    expect(steps.map(({ name }) => name)).to.deep.equal([
      "deployment",
      "history",
      "block",
      "contract code",
      "device record",
    ]);
  });

  it("takes an entry that is known already as trust, for all before it and none after", () => {
    const { deployment } = world;
    expect(verifyHistory(voucher, { deployment, trustedHead: voucher.head }).events).to.have.length(6);
    const earlier = voucher.entries[4]!.previous;
    expect(refused(() => verifyHistory(voucher, { deployment, trustedHead: earlier }))).to.deep.equal([
      "ProofInvalid",
      "history",
    ]);
    const both = verifyHistory(voucher, { deployment, trustedHead: earlier, trustedBlockHash });
    expect(both.steps.some(({ detail }) => detail.includes("entry 3 is the trusted one"))).to.equal(true);
    expect(refused(() => verifyHistory(voucher, { deployment }))[0]).to.equal("TrustMissing");
  });

  it("refuses every change: of an entry, its place, the heading, the state, and a chain hashed anew", () => {
    const { deployment } = world;
    const trust = { deployment, trustedBlockHash };
    const { entries, state } = voucher;
    const swap = (index: number, change: object) =>
      entries.map((entry, i) => (i === index ? { ...entry, ...change } : entry));
    /** As somebody would do it who hashes the chain anew after a change. */
    const rehashed = (changed: typeof entries): HistoryVoucher => {
      let previous = historyHeading(voucher);
      const again = changed.map((entry) => {
        const own = { ...entry, previous };
        previous = historyEntryHash(own);
        return own;
      });
      return { ...voucher, entries: again, head: previous };
    };
    const flipped = (data: Hex) => data.replace(/.$/, (digit) => (digit === "1" ? "2" : "1")) as Hex;
    const to = entries[1]!.topics.with(3, entries[1]!.topics[2]!);
    const cases: [string, HistoryVoucher, string | undefined][] = [
      ["a changed block", { ...voucher, entries: swap(2, { block: entries[2]!.block + 1 }) }, "history"],
      ["a changed head", { ...voucher, head: flipped(voucher.head) }, "history"],
      ["another device", { ...voucher, device: `0x${"12".repeat(32)}` }, "history"],
      ["another chain", { ...voucher, chainId: "1" }, "deployment"],
      ["another registry", { ...voucher, registry: `0x${"12".repeat(20)}` }, "deployment"],
      ["a removed sale", rehashed(entries.toSpliced(2, 1)), "history"],
      ["a sale told twice", rehashed(entries.toSpliced(2, 0, entries[1]!)), "history"],
      ["another buyer", rehashed(swap(1, { topics: to })), "history"],
      ["the last sale left out", rehashed(entries.slice(0, -1)), "device record"],
      ["a later block", rehashed(swap(5, { block: entries[5]!.block + 1 })), "device record"],
      ["another key", rehashed(swap(3, { data: keyChanged(entries[3]!.data) })), undefined],
      ["no state", { ...voucher, state: undefined as never }, undefined],
      ["a cut state", { ...voucher, state: { ...state!, words: state!.words.slice(1) } }, "device record"],
      ["another header", { ...voucher, state: { ...state!, header: flipped(state!.header) } }, "block"],
    ];
    for (const [what, changed, step] of cases) {
      const found = refused(() => verifyHistory(JSON.parse(JSON.stringify(changed)), trust));
      expect(found[0], what).to.equal("ProofInvalid");
      if (step !== undefined) expect(found[1], what).to.equal(step);
    }
    const wrongBlock = { deployment, trustedBlockHash: `0x${"12".repeat(32)}` as Hex };
    expect(refused(() => verifyHistory(voucher, wrongBlock))).to.deep.equal(["ProofInvalid", "block"]);
    expect(refused(() => verifyHistory([], trust))[0]).to.equal("FormInvalid");
  });
});

async function soon({ ethers }: DeviceWorld): Promise<number> {
  return (await ethers.provider.getBlock("latest"))!.timestamp + 86_400;
}

/** The same event with another x coordinate of the key. */
function keyChanged(data: Hex): Hex {
  const at = 2 + 64;
  return `${data.slice(0, at)}${"ab".repeat(32)}${data.slice(at + 64)}` as Hex;
}
