import { expect } from "chai";
import { type ContractTransactionResponse, id } from "ethers";
import { network } from "hardhat";
import type { Hex } from "../../sdk/src/bytes.js";
import { register } from "../support/devices.js";
import { expectGas } from "../support/gas.js";
import { makeKey, type TestKey } from "../support/keys.js";
import {
  deployOwners,
  engagement,
  factoryList,
  listEntry,
  NO_KEY,
  type Owners,
  publicKey,
  recoveryProof,
  registrationOf,
  rotation,
  signTransfer,
  voucherOf,
} from "../support/registry.js";

const { ethers, networkHelpers } = await network.create();

const MAX_GAS = 2n ** 24n;

/** Without zero bytes: they would make calldata cheaper than it is on average by luck. */
const isDense = (word: string) => !/^0x(..)*00/.test(word);
function denseKey(seed: string): TestKey {
  for (let i = 0; ; ++i) {
    const key = makeKey(1, id(`${seed} ${i}`) as Hex);
    if (isDense(key.x) && isDense(key.y)) return key;
  }
}
const hashes = { parametersHash: `0x${"aa".repeat(32)}`, certificateHash: `0x${"bb".repeat(32)}` };

describe("DeviceRegistry: gas", () => {
  const fixture = async () => {
    const world = await deployOwners(ethers);
    // The maker's word is in use: the first device of an account costs more.
    await register(world, makeKey(1), world.makerOrg);
    return world;
  };
  let world: Owners;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
  });

  const gasOf = async (sent: Promise<ContractTransactionResponse>) => (await (await sent).wait())!.gasUsed;
  const isDenseNumber = (value: bigint) => isDense(`0x${value.toString(16).padStart(8, "0")}`);
  const soon = async () => {
    let until = BigInt(await networkHelpers.time.latest()) + 86_400n;
    while (!isDenseNumber(until)) ++until;
    return until;
  };

  /** A registration whose signature has no zero byte either; another deadline gives another signature. */
  const dense = (key: TestKey, owner: bigint) => {
    for (let deadline = 4_000_000_000n; ; ++deadline) {
      const registration = registrationOf(world, key, owner, { ...hashes, deadline });
      const { r, s } = registration;
      if (isDenseNumber(deadline) && isDense(r) && isDense(s)) return registration;
    }
  };

  /** P-256 signatures differ at every signing: signs until none of them has a zero byte. */
  const sign = async <T extends { r: string; s: string }[]>(make: () => Promise<T>): Promise<T> => {
    for (;;) {
      const proofs = await make();
      if (proofs.every(({ r, s }) => isDense(r) && isDense(s))) return proofs;
    }
  };

  it("of a batch of 100 with proofs, each", async () => {
    const { registry, maker, makerOrg } = world;
    const batch = Array.from({ length: 100 }, (_, i) => dense(denseKey(`batch ${i}`), makerOrg));
    const gas = await gasOf(registry.connect(maker).registerBatch(batch));
    expect(gas).to.be.lessThan(MAX_GAS);
    expectGas("Register a device in a batch of 100, each with its proof", gas / 100n);
  });

  it("of a factory list of 10,000, and of activation from it", async () => {
    const { registry, maker, makerOrg, buyer, buyerOrg } = world;
    const key = denseKey("listed");
    const own = listEntry(key.id, hashes.parametersHash, hashes.certificateHash);
    const entries = Array.from({ length: 10_000 }, (_, i) => (i === 4_321 ? own : listEntry(id(`${i}`))));
    const { root, count, proofOf } = factoryList(entries);
    const opened = await gasOf(registry.connect(maker).openList(root, count, await soon(), 0));
    expectGas("Open a factory list of 10,000 devices", opened);
    const proof = proofOf(makerOrg, 4_321);
    expect(proof.path).to.have.length(14);
    const activated = await gasOf(registry.connect(buyer).activate(dense(key, buyerOrg), proof));
    expectGas("Activate a device from a factory list of 10,000", activated);
  });

  it("of a registration by voucher", async () => {
    const { registry, maker, buyer, buyerOrg } = world;
    const key = denseKey("voucher");
    const voucher = await voucherOf(world, maker, key.id, hashes);
    const gas = await gasOf(registry.connect(buyer).registerByVoucher(dense(key, buyerOrg), voucher));
    expectGas("Register a device by voucher, P-256 proof and the maker's signature", gas);
  });

  it("of a transfer with both signatures", async () => {
    const { registry, key, tenantOrg, buyer, tenant, stranger } = world;
    const given = await signTransfer(world, buyer, key.id, tenantOrg);
    const taken = await signTransfer(world, tenant, key.id, tenantOrg);
    const sent = registry.connect(stranger).transfer(key.id, tenantOrg, 4_000_000_000n, given, taken);
    expectGas("Transfer a device with both signatures", await gasOf(sent));
  });

  it("of offer, acceptance and engagement", async () => {
    const { registry, key, tenantOrg, buyer, tenant, stranger } = world;
    const offer = await gasOf(registry.connect(buyer).offer(key.id, tenantOrg, await soon()));
    expectGas("Offer a device", offer);
    expectGas("Accept an offered device", await gasOf(registry.connect(tenant).acceptOffer(key.id)));
    const [proof] = await sign(async () => [await engagement(world, key.id, key)]);
    const engaged = registry.connect(stranger).engage(key.id, proof!, 4_000_000_000n);
    expectGas("Engage a device with its new owner, P-256 proof", await gasOf(engaged));
  });

  it("of the lock of an encumbered device", async () => {
    const { registry, encumbrances, key } = world;
    await networkHelpers.setBalance(await encumbrances.getAddress(), 1n);
    const module = await ethers.getImpersonatedSigner(await encumbrances.getAddress());
    expectGas(
      "Lock a device, as a transaction",
      await gasOf(registry.connect(module).onEncumbered(key.id, true)),
    );
  });

  it("of a rotation and a recovery", async () => {
    const { registry, recovery, key, buyer, buyerOrg, maker, authority } = world;
    const fresh = denseKey("fresh");
    const [present, next] = await sign(() => rotation(world, key.id, key, fresh));
    const rotated = registry.connect(buyer).rotateKey(key.id, present, next, 4_000_000_000n);
    expectGas("Rotate a device's key, both keys P-256", await gasOf(rotated));

    const at = await registry.getAddress();
    const lost = denseKey("lost");
    const [proof] = await sign(async () => [await recoveryProof(world, key.id, buyerOrg, lost)]);
    const proposed = recovery.connect(maker).propose(at, key.id, buyerOrg, proof!, 4_000_000_000n);
    expectGas("Propose a recovery with a new key", await gasOf(proposed));
    expectGas(
      "Confirm a recovery",
      await gasOf(recovery.connect(authority).confirm(at, key.id, buyerOrg, lost.id)),
    );
    await networkHelpers.time.increase(7n * 86_400n);
    const executed = recovery.connect(buyer).execute(at, key.id, publicKey(lost));
    expectGas("Execute a recovery with a new key", await gasOf(executed));
    expect(NO_KEY.key.curve).to.equal(0);
  });

  it("does not grow with the number of devices", async () => {
    const { registry, maker, makerOrg } = world;
    const measured: bigint[] = [];
    for (let batch = 0; batch < 4; ++batch) {
      const key = denseKey(`single ${batch}`);
      measured.push(await gasOf(registry.connect(maker).register(dense(key, makerOrg))));
      const more = Array.from({ length: 200 }, () => registrationOf(world, makeKey(1), makerOrg));
      await registry.connect(maker).registerBatch(more);
    }
    const [low, high] = [measured, measured].map((all, i) =>
      all.reduce((a, b) => (a < b === (i === 0) ? a : b)),
    );
    expect(high! - low!, `${measured}`).to.equal(0n);
  });
});
