import { expect } from "chai";
import { id, ZeroHash } from "ethers";
import { network } from "hardhat";
import { type AccessWorld, deployAccess, now, Permission, Reason } from "../support/access.js";
import { DAY, Role } from "../support/consortium.js";
import { LATER } from "../support/devices.js";
import { signAct } from "../support/signed-acts.js";

const { ethers, networkHelpers } = await network.create();
const Scope = { Hold: 0n, Freeze: 1n, Force: 2n, Disclose: 3n } as const;

describe("AccessAudit", () => {
  const fixture = async () => deployAccess(ethers);
  let world: AccessWorld;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
  });

  describe("accesses decided off chain", () => {
    const entry = async (changes = {}) => ({
      requester: world.key.address,
      permissions: Permission.startStop,
      time: (await now(world)) - 60n,
      outcome: Reason.Allowed,
      ...changes,
    });

    it("are written by anybody who signs for the owner, each as an event, in order", async () => {
      const { audit, device, gateway, site, thief } = world;
      const entries = [
        await entry(),
        await entry({ requester: thief.address, outcome: 22n, time: (await now(world)) - 10n }),
      ];
      const sent = await audit.connect(gateway).record(device.id, entries, id("details"));
      const logs = (await sent.wait())!.logs.map((log) => audit.interface.parseLog(log)!);
      expect(logs.map(({ name }) => name)).to.deep.equal([
        "BatchRecorded",
        "AccessRecorded",
        "AccessRecorded",
      ]);
      expect(logs[0]!.args.toArray()).to.deep.equal([device.id, site, gateway.address, 2n, id("details")]);
      for (const [i, { requester, permissions, time, outcome }] of entries.entries()) {
        expect(logs[i + 1]!.args.toArray()).to.deep.equal([device.id, requester, permissions, time, outcome]);
      }
    });

    it("are nobody else's to write, nor of a future, nor none at all", async () => {
      const { audit, registry, consortium, device, gateway, nextKeeper, thief, guardian, site } = world;
      const record = (
        who: typeof gateway,
        entries: Awaited<ReturnType<typeof entry>>[],
        where: string = device.id,
      ) => audit.connect(who).record(where, entries, ZeroHash);
      const good = [await entry()];
      await expect(record(nextKeeper, good))
        .to.be.revertedWithCustomError(audit, "AuditRefused")
        .withArgs(device.id, nextKeeper.address, site);
      await expect(record(thief, good)).to.be.revertedWithCustomError(consortium, "SignatoryUnknown");
      await expect(record(gateway, good, id("nothing"))).to.be.revertedWithCustomError(
        registry,
        "DeviceUnknown",
      );
      await expect(record(gateway, [])).to.be.revertedWithCustomError(audit, "AuditEmpty");
      const ahead = await entry({ time: (await now(world)) + DAY });
      await expect(record(gateway, [...good, ahead])).to.be.revertedWithCustomError(audit, "AuditTimeAhead");
      await consortium.connect(guardian).suspend(site);
      await expect(record(gateway, good)).to.be.revertedWithCustomError(consortium, "OrganisationNotActive");
    });
  });

  describe("hash chains kept off chain", () => {
    const anchor = (from: bigint, to: bigint, { who = world.gateway, chain = id("gateway 1") } = {}) =>
      world.audit.connect(who).anchorChain(chain, from, to, id("head"), id("root"));

    it("are anchored without gaps, each event naming the block of the one before", async () => {
      const { audit, site } = world;
      await expect(anchor(0n, 99n))
        .to.emit(audit, "ChainAnchored")
        .withArgs(site, id("gateway 1"), 0n, 99n, id("head"), id("root"), 0n);
      const { blockNumber } = await audit.chainOf(site, id("gateway 1"));
      expect(blockNumber).to.equal(BigInt(await ethers.provider.getBlockNumber()));
      await expect(anchor(100n, 100n))
        .to.emit(audit, "ChainAnchored")
        .withArgs(site, id("gateway 1"), 100n, 100n, id("head"), id("root"), blockNumber);
      expect((await audit.chainOf(site, id("gateway 1"))).next).to.equal(101n);
    });

    it("have neither gap, fork nor empty piece", async () => {
      const { audit, site } = world;
      await anchor(0n, 9n);
      for (const [from, to] of [
        [0n, 9n],
        [9n, 12n],
        [11n, 12n],
      ] as const) {
        await expect(anchor(from, to))
          .to.be.revertedWithCustomError(audit, "ChainGap")
          .withArgs(site, id("gateway 1"), from, 10n);
      }
      for (const [from, to] of [
        [10n, 9n],
        [10n, 2n ** 64n - 1n],
      ] as const) {
        await expect(anchor(from, to)).to.be.revertedWithCustomError(audit, "ChainEmpty");
      }
      const empty = audit.connect(world.gateway).anchorChain(id("gateway 1"), 10n, 11n, ZeroHash, id("root"));
      await expect(empty).to.be.revertedWithCustomError(audit, "ChainEmpty");
    });

    it("belong to the organisation that keeps them", async () => {
      const { audit, consortium, next, nextKeeper, thief } = world;
      await anchor(0n, 9n);
      await anchor(0n, 4n, { who: nextKeeper });
      expect((await audit.chainOf(next, id("gateway 1"))).next).to.equal(5n);
      await expect(anchor(10n, 11n, { who: thief })).to.be.revertedWithCustomError(
        consortium,
        "SignatoryUnknown",
      );
    });
  });

  describe("a regulator's reading", () => {
    const subject = id("plant 7, October");
    const log = (order: bigint, who = world.regulator, what = subject) =>
      world.audit.connect(who).logReading(order, what, id("content"));
    const issue = async (scope: bigint, { module = "", what = subject } = {}) => {
      const { orders, audit, regulator } = world;
      const where = module === "" ? await audit.getAddress() : module;
      const until = (await now(world)) + 30n * DAY;
      await orders.connect(regulator).issue(id("paper"), scope, where, what, until);
      return orders.orders();
    };

    it("is logged, under general supervision or under an order that covers it", async () => {
      const { audit, consortium, regulator } = world;
      const org = await consortium.orgOf(regulator.address);
      for (const order of [0n, await issue(Scope.Disclose)]) {
        await expect(log(order))
          .to.emit(audit, "ReadingLogged")
          .withArgs(org, order, subject, id("content"), regulator.address);
      }
    });

    it("cannot claim an order that does not cover it, or has ended", async () => {
      const { consortium, orders, regulator, gateway, registry } = world;
      await expect(log(99n)).to.be.revertedWithCustomError(orders, "OrderUnknown");
      for (const order of [
        await issue(Scope.Hold),
        await issue(Scope.Disclose, { module: await registry.getAddress() }),
        await issue(Scope.Disclose, { what: id("plant 8") }),
      ]) {
        await expect(log(order)).to.be.revertedWithCustomError(orders, "OrderMismatch");
      }
      const lifted = await issue(Scope.Disclose);
      await orders.connect(regulator).lift(lifted);
      await expect(log(lifted)).to.be.revertedWithCustomError(orders, "OrderNotActive");
      await expect(log(0n, gateway))
        .to.be.revertedWithCustomError(consortium, "RoleMissing")
        .withArgs(gateway.address, Role.Regulator);
      await expect(log(0n, regulator, ZeroHash)).to.be.revertedWithCustomError(
        world.audit,
        "ReadingSubjectMissing",
      );
    });

    it("may be a signed act that somebody else sends", async () => {
      const { audit, consortium, regulator, thief } = world;
      const call = audit.interface.encodeFunctionData("logReading", [0n, subject, id("content")]);
      const message = { signer: regulator.address, call, nonce: 0n, deadline: LATER };
      const signature = await signAct(audit, regulator, message);
      await expect(audit.connect(thief).act(regulator.address, call, 0n, LATER, signature))
        .to.emit(audit, "ReadingLogged")
        .withArgs(await consortium.orgOf(regulator.address), 0n, subject, id("content"), regulator.address);
    });
  });
});
