import { expect } from "chai";
import { encodeBytes32String, ZeroHash } from "ethers";
import { network } from "hardhat";
import type { Hex } from "../../sdk/src/bytes.js";
import { encodeSenml, meterPayload } from "../../sdk/src/frame/index.js";
import { deployTelemetry } from "../support/anchors.js";
import { admit, DAY, grant, holderOf, Role } from "../support/consortium.js";
import { DeviceStatus, register } from "../support/devices.js";
import {
  anchorFrames,
  anchorInFullBatch,
  domainOf,
  type FrameOptions,
  K1_DEVICE,
  METER,
  METER_WORDS,
  makeFrame,
  P256_DEVICE,
  type TestProof,
} from "../support/frames.js";
import { expectGas } from "../support/gas.js";
import { leafOf } from "../support/rfc9162.js";

const { ethers, networkHelpers } = await network.create();
const { loadFixture, time } = networkHelpers;

const PRICE = 25n; // fen a second
const MONEY = 1_000_000n;

/** A tenant with money pays for the machine of a lessor, from the frame where its counter stood at 1,000. */
async function deploy() {
  const world = await deployTelemetry(ethers);
  const [tenant, lessor, issuer] = world.others.slice(6);
  const { consortium, registry, reader, buyerOrg } = world;
  const tenantOrg = await admit(world, "tenant", tenant!);
  await consortium.connect(world.registrar).addSignatory(buyerOrg, lessor!.address);
  for (const treasurer of [tenant!, lessor!]) await grant(world, treasurer, Role.Treasurer, 300n);
  await register(world, P256_DEVICE, buyerOrg);
  await register(world, K1_DEVICE, buyerOrg);

  const at = await consortium.getAddress();
  const cash = await ethers.deployContract("ExampleCash", [at, issuer!.address]);
  const use = await ethers.deployContract("PayPerUse", [
    await reader.getAddress(),
    await registry.getAddress(),
    await cash.getAddress(),
    at,
  ]);
  const frameDomain = await domainOf(world);
  const frames = [1_000n, 1_600n, 1_600n, 4_000n].map((value, i) =>
    makeFrame(frameDomain, P256_DEVICE, value, { seq: BigInt(i + 1) }),
  );
  const proofs = await anchorFrames(world, frames);
  await cash.connect(issuer!).mint(holderOf(tenantOrg), MONEY);
  await cash.connect(tenant!).approve(await use.getAddress(), MONEY);
  const { name, unit } = METER_WORDS;
  await use.connect(tenant!).open(P256_DEVICE.id, PRICE, name, unit, leafOf(frames[0]!));
  await use.connect(tenant!).deposit(1n, 500_000n);
  const people = { tenant: tenant!, lessor: lessor!, issuer: issuer! };
  return { ...world, ...people, tenantOrg, cash, use, frameDomain, proofs };
}

type World = Awaited<ReturnType<typeof deploy>>;

describe("PayPerUse", () => {
  let world: World;
  beforeEach(async () => {
    world = await loadFixture(deploy);
  });

  const { x, y } = P256_DEVICE;
  const settle = (from: TestProof, to: TestProof) =>
    world.use.connect(world.stranger).settle(1n, from, to, x, y);
  const frame = (value: bigint, options: FrameOptions = {}, key = P256_DEVICE) =>
    makeFrame(world.frameDomain, key, value, { seq: 9n, ...options });
  const proven = async (bytes: Hex) => (await anchorFrames(world, [bytes]))[0]!;

  /** Everything a refusal must leave alone. */
  async function state() {
    const { cash, use, tenantOrg, buyerOrg } = world;
    const holders = [holderOf(tenantOrg), holderOf(buyerOrg), await use.getAddress()];
    const balances = await Promise.all(holders.map((holder) => cash.balanceOf(holder)));
    return { account: [...(await use.account(1n))], balances, count: await use.accountCount() };
  }

  async function expectRefused(
    call: () => Promise<unknown>,
    error: string,
    args: unknown[],
    contract?: unknown,
  ) {
    const before = await state();
    const refusal = expect(call()).to.be.revertedWithCustomError(
      (contract ?? world.use) as World["use"],
      error,
    );
    await (args.length === 0 ? refusal : refusal.withArgs(...args));
    expect(await state()).to.deep.equal(before);
  }

  describe("an account", () => {
    it("belongs to the organisation whose treasurer opens it", async () => {
      const { use, tenantOrg } = world;
      const account = await use.account(1n);
      expect(account.payer).to.equal(holderOf(tenantOrg));
      expect([account.price, account.device, account.balance]).to.deep.equal([
        PRICE,
        P256_DEVICE.id,
        500_000n,
      ]);
    });

    it("may belong to somebody without organisation", async () => {
      const { use, stranger } = world;
      const { name, unit } = METER_WORDS;
      await expect(use.connect(stranger).open(K1_DEVICE.id, 1n, name, unit, ZeroHash)).to.emit(
        use,
        "AccountOpened",
      );
      expect((await use.account(2n)).payer).to.equal(stranger.address);
    });

    it("is refused without a price, for an unknown device and for a revoked one", async () => {
      const { use, registry, buyer } = world;
      const { name, unit } = METER_WORDS;
      const open = (device: string, price: bigint) => () => use.open(device, price, name, unit, ZeroHash);
      await expectRefused(open(P256_DEVICE.id, 0n), "PriceZero", []);
      await expectRefused(open(ZeroHash, 1n), "DeviceUnusable", [ZeroHash, DeviceStatus.None]);
      await registry.connect(buyer).revoke(K1_DEVICE.id);
      await expectRefused(open(K1_DEVICE.id, 1n), "DeviceUnusable", [K1_DEVICE.id, DeviceStatus.Revoked]);
    });

    it("takes deposits from anybody, and none that is not paid", async () => {
      const { use, cash, tenant, tenantOrg, stranger } = world;
      await expect(use.connect(tenant).deposit(1n, 1_000n))
        .to.emit(use, "Deposited")
        .withArgs(1n, holderOf(tenantOrg), 1_000n);
      expect((await use.account(1n)).balance).to.equal(501_000n);
      await expectRefused(
        () => use.connect(stranger).deposit(1n, 1n),
        "ERC20InsufficientAllowance",
        [await use.getAddress(), 0n, 1n],
        cash,
      );
      await expectRefused(() => use.deposit(2n, 1n), "AccountUnknown", [2n]);
      await expect(use.account(0n)).to.be.revertedWithCustomError(use, "AccountUnknown").withArgs(0n);
    });
  });

  describe("settle", () => {
    it("pays the owner's organisation for the difference of the counter, whoever calls", async () => {
      const { use, cash, buyerOrg, proofs } = world;
      const before = await state();
      const settling = settle(proofs[0]!, proofs[1]!);
      await expect(settling).to.emit(use, "Settled").withArgs(1n, holderOf(buyerOrg), 1n, 2n, 600n, 15_000n);
      expect(await cash.balanceOf(holderOf(buyerOrg))).to.equal(15_000n);
      expect(await cash.balanceOf(await use.getAddress())).to.equal(485_000n);
      expect(await cash.balanceOf(holderOf(world.tenantOrg))).to.equal(before.balances[0]);
      const account = await use.account(1n);
      expect([account.balance, account.last]).to.deep.equal([485_000n, leafOf(proofs[1]!.frame)]);
    });

    it("goes on where it ended, over frames in between, and pays nothing when nothing was counted", async () => {
      const { cash, buyerOrg, proofs } = world;
      await settle(proofs[0]!, proofs[1]!);
      await settle(proofs[1]!, proofs[2]!);
      await settle(proofs[2]!, proofs[3]!);
      expect(await cash.balanceOf(holderOf(buyerOrg))).to.equal(3_000n * PRICE);
      const other = await loadFixture(deploy);
      await other.use.settle(1n, other.proofs[0]!, other.proofs[3]!, x, y);
      expect(await other.cash.balanceOf(holderOf(buyerOrg))).to.equal(3_000n * PRICE);
    });

    it("pays money that the owner's treasurer can spend, and nobody else", async () => {
      const { cash, buyerOrg, buyer, lessor, stranger, proofs } = world;
      await settle(proofs[0]!, proofs[1]!);
      for (const nobody of [buyer, stranger]) {
        await expect(cash.connect(nobody).transfer(stranger.address, 1n))
          .to.be.revertedWithCustomError(cash, "ERC20InsufficientBalance")
          .withArgs(nobody.address, 0n, 1n);
      }
      await expect(cash.connect(lessor).transfer(stranger.address, 15_000n))
        .to.emit(cash, "Transfer")
        .withArgs(holderOf(buyerOrg), stranger.address, 15_000n);
      expect(await cash.balanceOf(holderOf(buyerOrg))).to.equal(0n);
    });

    it("still works for a suspended device, for what it counted before", async () => {
      const { registry, buyer, cash, buyerOrg, proofs } = world;
      await registry.connect(buyer).suspend(P256_DEVICE.id);
      await settle(proofs[0]!, proofs[1]!);
      expect(await cash.balanceOf(holderOf(buyerOrg))).to.equal(15_000n);
    });

    it("keeps its gas", async () => {
      const { use, cash, tenant, stranger } = world;
      // secp256k1, whose signatures are the same in every run.
      const meter = (value: bigint, seq: bigint) =>
        anchorInFullBatch(world, makeFrame(world.frameDomain, K1_DEVICE, value, { seq }));
      const [start, middle, end] = [
        await meter(1_000n, 1n),
        await meter(1_600n, 2n),
        await meter(2_000n, 3n),
      ];
      const { name, unit } = METER_WORDS;
      await use.connect(tenant).open(K1_DEVICE.id, PRICE, name, unit, leafOf(start.frame));
      await cash.connect(tenant).approve(await use.getAddress(), MONEY);
      await use.connect(tenant).deposit(2n, 100_000n);
      await use.settle(2n, start, middle, K1_DEVICE.x, K1_DEVICE.y);
      const settled = await (
        await use.connect(stranger).settle(2n, middle, end, K1_DEVICE.x, K1_DEVICE.y)
      ).wait();
      expectGas("Settle a pay-per-use account, two batches of 1,024 frames", settled!.gasUsed);
    });

    it("refuses the replay of a settlement", async () => {
      const { proofs } = world;
      await settle(proofs[0]!, proofs[1]!);
      const [last, start] = [leafOf(proofs[1]!.frame), leafOf(proofs[0]!.frame)];
      await expectRefused(() => settle(proofs[0]!, proofs[1]!), "StartRefused", [1n, last, start]);
      await expectRefused(() => settle(proofs[0]!, proofs[3]!), "StartRefused", [1n, last, start]);
      await expectRefused(() => settle(proofs[1]!, proofs[1]!), "FrameNotLater", [1n, 2n, 2n]);
    });

    it("refuses a rollback: an earlier frame, and a later one whose counter fell", async () => {
      const { proofs } = world;
      await settle(proofs[0]!, proofs[1]!);
      await expectRefused(() => settle(proofs[1]!, proofs[0]!), "FrameNotLater", [1n, 2n, 1n]);
      const fallen = await proven(frame(1_599n));
      await expectRefused(() => settle(proofs[1]!, fallen), "CounterFell", [1n, 1_600n, 1_599n]);
      const negative = await proven(frame(-1n));
      await expectRefused(() => settle(proofs[1]!, negative), "CounterFell", [1n, 1_600n, -1n]);
    });

    it("refuses a frame that is not anchored, at either end", async () => {
      const { proofs, reader, log } = world;
      const forged = { ...proofs[1]!, frame: frame(9_999n) };
      await expectRefused(() => settle(proofs[0]!, forged), "FrameNotInBatch", [1n, 0n, 1n], reader);
      const ahead = { ...proofs[1]!, anchor: { ...proofs[1]!.anchor, batch: 1 } };
      await expectRefused(() => settle(proofs[0]!, ahead), "BatchUnknown", [1n, 1n, 1n], log);
      const misplaced = { ...proofs[0]!, index: 1 };
      await expectRefused(() => settle(misplaced, proofs[1]!), "FrameNotInBatch", [1n, 0n, 1n], reader);
    });

    it("takes no oracle's word: refuses anchored frames that the device did not sign, at either end", async () => {
      const { proofs, reader } = world;
      const unsigned = (bytes: Hex) => `${bytes.slice(0, -128)}${"11".repeat(64)}` as Hex;
      const invented = await proven(unsigned(frame(3_000n)));
      await expectRefused(
        () => settle(proofs[0]!, invented),
        "FrameSignatureInvalid",
        [P256_DEVICE.id],
        reader,
      );
      const { name, unit } = METER_WORDS;
      const start = await proven(unsigned(frame(0n, { seq: 1n })));
      await world.use.connect(world.tenant).open(P256_DEVICE.id, PRICE, name, unit, leafOf(start.frame));
      await expectRefused(
        () => world.use.settle(2n, start, proofs[1]!, x, y),
        "FrameSignatureInvalid",
        [P256_DEVICE.id],
        reader,
      );
      // Nor does the oracle's own key stand in for the device's.
      await expectRefused(
        () => world.use.settle(1n, proofs[0]!, invented, K1_DEVICE.x, K1_DEVICE.y),
        "FrameKeyMismatch",
        [],
        reader,
      );
    });

    it("refuses a frame of another device, of another meter, and without one", async () => {
      const { proofs, reader } = world;
      const foreign = await proven(frame(2_000n, {}, K1_DEVICE));
      await expectRefused(() => settle(proofs[0]!, foreign), "DeviceMismatch", [
        1n,
        P256_DEVICE.id,
        K1_DEVICE.id,
      ]);
      for (const meter of [
        { ...METER, name: "pump" },
        { ...METER, unit: "h" },
      ]) {
        const payload = meterPayload({ ...meter, value: 2_000n, time: 1_767_225_600n });
        const other = await proven(frame(0n, { payload }));
        const [name, unit] = [encodeBytes32String(meter.name), encodeBytes32String(meter.unit)];
        await expectRefused(() => settle(proofs[0]!, other), "MeterMismatch", [1n, name, unit]);
      }
      const readings = await proven(frame(0n, { payload: encodeSenml([{ name: "engine", value: 1.5 }]) }));
      await expectRefused(() => settle(proofs[0]!, readings), "FrameNotMeter", [P256_DEVICE.id, 9n], reader);
    });

    it("refuses a frame of another epoch, whose counter may have started anew", async () => {
      const later = await proven(frame(2_000n, { epoch: 2 }));
      await expectRefused(() => settle(world.proofs[0]!, later), "EpochMismatch", [1n, 1n, 2n]);
    });

    it("refuses a device that has been revoked", async () => {
      const { proofs, registry, buyer } = world;
      await registry.connect(buyer).revoke(P256_DEVICE.id);
      await expectRefused(() => settle(proofs[0]!, proofs[1]!), "DeviceUnusable", [
        P256_DEVICE.id,
        DeviceStatus.Revoked,
      ]);
    });

    it("refuses when the money does not suffice, by a fen or by more than exists", async () => {
      const { proofs, use, tenant } = world;
      const dear = await proven(frame(21_001n));
      await expectRefused(() => settle(proofs[0]!, dear), "FundsInsufficient", [
        1n,
        20_001n * PRICE,
        500_000n,
      ]);
      await settle(proofs[0]!, await proven(frame(21_000n)));
      expect((await use.account(1n)).balance).to.equal(0n);

      const [low, high] = [-(2n ** 63n), 2n ** 63n - 1n];
      const start = await proven(frame(low));
      const { name, unit } = METER_WORDS;
      await use.connect(tenant).open(P256_DEVICE.id, 2n ** 64n - 1n, name, unit, leafOf(start.frame));
      const end = await proven(frame(high, { seq: 10n }));
      await expectRefused(() => use.settle(2n, start, end, x, y), "FundsInsufficient", [
        2n,
        (2n ** 64n - 1n) ** 2n,
        0n,
      ]);
    });

    it("refuses an account that is not there", async () => {
      const { use, proofs } = world;
      await expectRefused(() => use.settle(2n, proofs[0]!, proofs[1]!, x, y), "AccountUnknown", [2n]);
    });
  });

  describe("refund", () => {
    it("pays back announced money after the notice, to the payer", async () => {
      const { use, cash, tenant, tenantOrg } = world;
      await use.connect(tenant).announceRefund(1n, 200_000n);
      expect(await use.secured(1n)).to.equal(300_000n);
      await time.increase(7n * DAY);
      await expect(use.connect(tenant).refund(1n)).to.emit(use, "Refunded").withArgs(1n, 200_000n);
      expect(await cash.balanceOf(holderOf(tenantOrg))).to.equal(700_000n);
      expect((await use.account(1n)).balance).to.equal(300_000n);
      await expectRefused(() => use.connect(tenant).refund(1n), "RefundNotAnnounced", [1n]);
    });

    it("comes after what the owner settled in the meantime", async () => {
      const { use, cash, tenant, buyerOrg, proofs } = world;
      await use.connect(tenant).announceRefund(1n, 500_000n);
      expect(await use.secured(1n)).to.equal(0n);
      await settle(proofs[0]!, proofs[3]!);
      await time.increase(7n * DAY);
      await expect(use.connect(tenant).refund(1n)).to.emit(use, "Refunded").withArgs(1n, 425_000n);
      expect(await cash.balanceOf(holderOf(buyerOrg))).to.equal(75_000n);
      expect(await cash.balanceOf(await use.getAddress())).to.equal(0n);
    });

    it("is refused before the notice is over, and a new announcement starts it anew", async () => {
      const { use, tenant } = world;
      await use.connect(tenant).announceRefund(1n, 1n);
      await time.increase(6n * DAY);
      await use.connect(tenant).announceRefund(1n, 500_000n);
      const { refundableAt } = await use.account(1n);
      await time.setNextBlockTimestamp(refundableAt - 1n);
      await expectRefused(() => use.connect(tenant).refund(1n), "RefundTooEarly", [1n, refundableAt]);
      await time.increaseTo(refundableAt);
      await use.connect(tenant).refund(1n);
      expect((await use.account(1n)).balance).to.equal(0n);
    });

    it("can be taken back", async () => {
      const { use, tenant } = world;
      await use.connect(tenant).announceRefund(1n, 5n);
      await use.connect(tenant).announceRefund(1n, 0n);
      await time.increase(7n * DAY);
      await expectRefused(() => use.connect(tenant).refund(1n), "RefundNotAnnounced", [1n]);
      expect(await use.secured(1n)).to.equal(500_000n);
    });

    it("is the payer's alone, by whichever treasurer it has", async () => {
      const { use, consortium, registrar, tenant, tenantOrg, lessor, stranger, buyerOrg } = world;
      await expectRefused(() => use.connect(stranger).announceRefund(1n, 1n), "PayerRefused", [
        1n,
        stranger.address,
      ]);
      await expectRefused(() => use.connect(lessor).refund(1n), "PayerRefused", [1n, holderOf(buyerOrg)]);

      await consortium.connect(tenant).forfeit(Role.Treasurer);
      await expectRefused(() => use.connect(tenant).announceRefund(1n, 1n), "PayerRefused", [
        1n,
        tenant.address,
      ]);
      await consortium.connect(registrar).addSignatory(tenantOrg, stranger.address);
      await grant(world, stranger, Role.Treasurer);
      await use.connect(stranger).announceRefund(1n, 1n);
      expect((await use.account(1n)).announced).to.equal(1n);
    });
  });

  describe("ExampleCash", () => {
    it("counts in fen", async () => {
      expect(await world.cash.decimals()).to.equal(2n);
      expect(await world.cash.totalSupply()).to.equal(MONEY);
    });

    it("is minted by its issuer only", async () => {
      const { cash, tenant } = world;
      const mint = () => cash.connect(tenant).mint(tenant.address, 1n);
      await expectRefused(mint, "IssuerRefused", [tenant.address], cash);
      expect(await cash.totalSupply()).to.equal(MONEY);
    });
  });
});
