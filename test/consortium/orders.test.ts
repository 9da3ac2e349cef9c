import { expect } from "chai";
import { ZeroAddress, ZeroHash } from "ethers";
import {
  type Assets,
  deployAssets,
  inDays,
  issue,
  moveSubject,
  newChain,
  PAPER,
  Scope,
  Status,
  UNTIL,
} from "../support/assets.js";
import { DAY, grant, holderOf, Role } from "../support/consortium.js";
import { expectGas } from "../support/gas.js";
import { expectRefused } from "../support/refused.js";
import { signAct } from "../support/signed-acts.js";

const { ethers, networkHelpers } = await newChain();
const { time } = networkHelpers;

describe("Orders", () => {
  let world: Assets;
  const fixture = () => deployAssets(ethers);
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
  });

  /** Everything anybody can learn about the orders. */
  const state = async () => {
    const count = await world.orders.orders();
    const ids = Array.from({ length: Number(count) + 1 }, (_, i) => BigInt(i));
    return Promise.all(ids.map((id) => world.orders.orderOf(id)));
  };

  const expectStatus = async (id: bigint, status: bigint) => {
    expect(await world.orders.statusOf(id)).to.equal(status);
    expect((await world.orders.orderOf(id)).status).to.equal(status);
  };

  describe("issue", () => {
    for (const [name, scope] of Object.entries(Scope)) {
      it(`issues an order of scope ${name}, which is about one thing of one contract`, async () => {
        const { orders, goods, judge, orgs, crane, truck } = world;
        const until = await inDays(world, 30n);
        const module = await goods.getAddress();
        await expect(orders.connect(judge).issue(PAPER, scope, module, crane, until))
          .to.emit(orders, "OrderIssued")
          .withArgs(1n, scope, module, crane, PAPER, until, orgs.court, judge.address);
        const status = scope === Scope.Force ? Status.Unconfirmed : Status.Active;
        const issuedAt = BigInt(await time.latest());
        expect(await orders.orderOf(1n)).to.deep.equal([
          orgs.court,
          scope,
          issuedAt,
          until,
          module,
          crane,
          PAPER,
          judge.address,
          ZeroAddress,
          status,
        ]);
        expect(await orders.isActive(1n, scope, module, crane)).to.equal(status === Status.Active);
        expect(await orders.isActive(1n, scope, module, truck)).to.equal(false);
        expect(await orders.isActive(1n, scope, judge.address, crane)).to.equal(false);
        for (const [asked, about] of [
          [(scope + 1n) % 4n, [module, crane]],
          [scope, [module, truck]],
          [scope, [judge.address, crane]],
        ] as const) {
          await expect(orders.requireActive(1n, asked, ...about))
            .to.be.revertedWithCustomError(orders, "OrderMismatch")
            .withArgs(1n, asked, ...about);
        }
      });
    }

    it("refuses whoever is not a regulator now", async () => {
      const { orders, consortium, guardian, goods, crane, bailiff, keeper, stranger, judge, clerk } = world;
      const until = await inDays(world, 30n);
      const refused = (by: typeof judge, error: string, args: unknown[]) =>
        expectRefused(
          (sent) => orders.connect(by).issue(PAPER, Scope.Hold, goods, crane, until, sent),
          consortium,
          error,
          args,
          state,
        );
      await refused(stranger, "SignatoryUnknown", [stranger.address]);
      await refused(keeper, "RoleMissing", [keeper.address, Role.Regulator]);
      await refused(bailiff, "RoleMissing", [bailiff.address, Role.Regulator]);
      await consortium.connect(guardian).revokeRole(clerk.address, Role.Regulator);
      await refused(clerk, "RoleMissing", [clerk.address, Role.Regulator]);
      await consortium.connect(guardian).suspend(world.orgs.court);
      await refused(judge, "OrganisationNotActive", [world.orgs.court, 2n]);
    });

    it("refuses an order without paper, without a contract, or without a near end", async () => {
      const { orders, goods, crane, judge, stranger } = world;
      const max = await orders.MAX_ORDER_TERM();
      expect(max).to.equal(1096n * DAY);
      const cases = [
        [ZeroHash, goods, DAY, "OrderDocumentMissing", () => []],
        [PAPER, stranger, DAY, "OrderModuleInvalid", () => [stranger.address]],
        [PAPER, goods, -1n, "OrderTermInvalid", (now: bigint) => [now - 1n, now + max]],
        [PAPER, goods, 0n, "OrderTermInvalid", (now: bigint) => [now, now + max]],
        [PAPER, goods, max + 1n, "OrderTermInvalid", (now: bigint) => [now + max + 1n, now + max]],
      ] as const;
      for (const [paper, module, length, error, args] of cases) {
        const now = BigInt(await time.latest()) + 100n;
        await time.setNextBlockTimestamp(now);
        await expectRefused(
          (sent) => orders.connect(judge).issue(paper, Scope.Hold, module, crane, now + length, sent),
          orders,
          error,
          args(now),
          state,
        );
      }
    });

    it("takes the longest term to the second", async () => {
      const { orders, goods, crane, judge } = world;
      const now = BigInt(await time.latest()) + 1_000n;
      await time.setNextBlockTimestamp(now);
      await orders.connect(judge).issue(PAPER, Scope.Hold, goods, crane, now + 1096n * DAY);
      await expectStatus(1n, Status.Active);
    });

    it("is done in a regulator's name by its signature, whoever brings it, once", async () => {
      const { orders, goods, crane, judge, stranger } = world;
      const until = await inDays(world, 30n);
      const values = [PAPER, Scope.Hold, await goods.getAddress(), crane, until] as const;
      const call = orders.interface.encodeFunctionData("issue", [...values]);
      const act = { signer: judge.address, call, nonce: 0n, deadline: until };
      const signature = await signAct(orders, judge, act);
      const relay = () => orders.connect(stranger).act(judge.address, call, 0n, until, signature);
      await relay();
      expect((await orders.orderOf(1n)).issuer).to.equal(judge.address);
      await expect(relay()).to.be.revertedWithCustomError(orders, "InvalidAccountNonce");
    });

    it("costs this much gas", async () => {
      const { orders, goods, crane, judge } = world;
      await issue(world, Scope.Hold, goods, crane);
      const sent = await orders.connect(judge).issue(PAPER, Scope.Hold, goods, crane, UNTIL);
      expectGas("Issue an order", (await sent.wait())!.gasUsed);
    });
  });

  describe("confirm", () => {
    it("makes a Force order count, by an enforcer", async () => {
      const { orders, goods, crane, bailiff, orgs } = world;
      const id = await issue(world, Scope.Force, goods, crane);
      await expectStatus(id, Status.Unconfirmed);
      await expect(orders.requireActive(id, Scope.Force, goods, crane))
        .to.be.revertedWithCustomError(orders, "OrderNotActive")
        .withArgs(id, Status.Unconfirmed);
      await expect(orders.connect(bailiff).confirm(id))
        .to.emit(orders, "OrderConfirmed")
        .withArgs(id, orgs.court, bailiff.address);
      await expectStatus(id, Status.Active);
      expect((await orders.orderOf(id)).confirmer).to.equal(bailiff.address);
      const { until } = await orders.orderOf(id);
      expect(await orders.requireActive(id, Scope.Force, goods, crane)).to.equal(until);
    });

    it("refuses the issuer's own hand, also when it has become an enforcer since", async () => {
      const { orders, consortium, goods, crane, judge } = world;
      const id = await issue(world, Scope.Force, goods, crane);
      await consortium.connect(judge).forfeit(Role.Regulator);
      await grant(world, judge, Role.Enforcer);
      await expectRefused(
        (sent) => orders.connect(judge).confirm(id, sent),
        orders,
        "OrderSecondPersonRequired",
        [id, judge.address],
        state,
      );
    });

    it("refuses whoever is no enforcer, and an order that waits for nobody", async () => {
      const { orders, consortium, goods, crane, judge, clerk, bailiff, usher, stranger } = world;
      const force = await issue(world, Scope.Force, goods, crane);
      const refused = (
        by: typeof judge,
        id: bigint,
        contract: typeof orders | typeof consortium,
        error: string,
        args: unknown[],
      ) => expectRefused((sent) => orders.connect(by).confirm(id, sent), contract, error, args, state);
      await refused(stranger, force, consortium, "SignatoryUnknown", [stranger.address]);
      await refused(judge, force, consortium, "RoleMissing", [judge.address, Role.Enforcer]);
      await refused(clerk, force, consortium, "RoleMissing", [clerk.address, Role.Enforcer]);
      for (const id of [0n, force + 1n]) await refused(bailiff, id, orders, "OrderUnknown", [id]);

      await orders.connect(bailiff).confirm(force);
      const twice = [force, Scope.Force, Status.Active];
      await refused(usher, force, orders, "OrderConfirmationRefused", twice);
      const hold = await issue(world, Scope.Hold, goods, crane);
      await refused(bailiff, hold, orders, "OrderConfirmationRefused", [hold, Scope.Hold, Status.Active]);
      const lifted = await issue(world, Scope.Force, goods, crane);
      await orders.connect(judge).lift(lifted);
      const over = [lifted, Scope.Force, Status.Lifted];
      await refused(bailiff, lifted, orders, "OrderConfirmationRefused", over);
      const expired = await issue(world, Scope.Force, goods, crane, 1n);
      await time.increase(DAY);
      const late = [expired, Scope.Force, Status.Expired];
      await refused(bailiff, expired, orders, "OrderConfirmationRefused", late);
    });
  });

  describe("the end of an order", () => {
    it("comes by itself, to the second", async () => {
      const { orders, goods, crane } = world;
      const id = await issue(world, Scope.Hold, goods, crane, 1n);
      const { until } = await orders.orderOf(id);
      await time.increaseTo(until - 1n);
      await expectStatus(id, Status.Active);
      await time.increaseTo(until);
      await expectStatus(id, Status.Expired);
      await expect(orders.requireActive(id, Scope.Hold, goods, crane))
        .to.be.revertedWithCustomError(orders, "OrderNotActive")
        .withArgs(id, Status.Expired);
    });

    it("comes when a regulator of the same organisation lifts it", async () => {
      const { orders, goods, crane, clerk } = world;
      for (const scope of [Scope.Hold, Scope.Force]) {
        const id = await issue(world, scope, goods, crane);
        await expect(orders.connect(clerk).lift(id))
          .to.emit(orders, "OrderLifted")
          .withArgs(id, clerk.address);
        await expectStatus(id, Status.Lifted);
        expect(await orders.isActive(id, scope, goods, crane)).to.equal(false);
      }
    });

    it("is not brought about by another organisation's regulator, an enforcer or a stranger, nor twice", async () => {
      const { orders, consortium, goods, crane, watch, bailiff, stranger, judge, orgs } = world;
      const id = await issue(world, Scope.Hold, goods, crane, 1n);
      const refused = (
        by: typeof judge,
        which: bigint,
        contract: typeof orders | typeof consortium,
        error: string,
        args: unknown[],
      ) => expectRefused((sent) => orders.connect(by).lift(which, sent), contract, error, args, state);
      await refused(watch, id, orders, "OrderLiftRefused", [id, orgs.agency, orgs.court]);
      await refused(bailiff, id, consortium, "RoleMissing", [bailiff.address, Role.Regulator]);
      await refused(stranger, id, consortium, "SignatoryUnknown", [stranger.address]);
      await refused(judge, 0n, orders, "OrderUnknown", [0n]);
      await refused(judge, id + 1n, orders, "OrderUnknown", [id + 1n]);
      await time.increase(DAY);
      await refused(judge, id, orders, "OrderNotActive", [id, Status.Expired]);
      const second = await issue(world, Scope.Hold, goods, crane);
      await orders.connect(judge).lift(second);
      await refused(judge, second, orders, "OrderNotActive", [second, Status.Lifted]);
    });
  });

  describe("force", () => {
    const order = async () => {
      const { orders, goods, crane, bailiff, orgs } = world;
      const id = await issue(world, Scope.Force, goods, moveSubject(crane, orgs.bank));
      await orders.connect(bailiff).confirm(id);
      return id;
    };

    it("moves a thing against its holder's will, once, with two persons", async () => {
      const { orders, goods, crane, usher, orgs, holders } = world;
      const id = await order();
      await expect(goods.connect(usher).forceMove(crane, orgs.bank, id))
        .to.emit(orders, "OrderConsumed")
        .withArgs(id, await goods.getAddress());
      expect(await goods.holderOf(crane)).to.equal(holders.bank);
      await expectStatus(id, Status.Consumed);
      await expect(goods.connect(usher).forceMove(crane, orgs.bank, id))
        .to.be.revertedWithCustomError(orders, "OrderNotActive")
        .withArgs(id, Status.Consumed);
    });

    it("does nothing that the order does not name", async () => {
      const { orders, goods, crane, truck, usher, keeper, orgs } = world;
      const id = await order();
      const mover = goods.connect(usher);
      for (const [thing, to] of [
        [truck, orgs.bank],
        [crane, orgs.agency],
      ] as const) {
        await expectRefused(
          (sent) => mover.forceMove(thing, to, id, sent),
          orders,
          "OrderMismatch",
          [id, Scope.Force, await goods.getAddress(), moveSubject(thing, to)],
          async () => [await state(), await goods.holderOf(crane), await goods.holderOf(truck)],
        );
      }
      await expect(goods.connect(keeper).forceMove(crane, orgs.bank, id)).to.be.revertedWithCustomError(
        world.consortium,
        "RoleMissing",
      );
      expect(await goods.holderOf(crane)).to.equal(holderOf(orgs.holder));
    });

    it("needs an order that was confirmed, and has neither ended nor been lifted", async () => {
      const { orders, goods, crane, usher, judge, orgs } = world;
      const refused = async (id: bigint, status: bigint) =>
        expectRefused(
          (sent) => goods.connect(usher).forceMove(crane, orgs.bank, id, sent),
          orders,
          "OrderNotActive",
          [id, status],
          async () => [await state(), await goods.holderOf(crane)],
        );
      await refused(
        await issue(world, Scope.Force, goods, moveSubject(crane, orgs.bank)),
        Status.Unconfirmed,
      );
      const lifted = await order();
      await orders.connect(judge).lift(lifted);
      await refused(lifted, Status.Lifted);
      const expired = await order();
      await time.increase(30n * DAY);
      await refused(expired, Status.Expired);
    });

    it("is used up by nobody but the contract that the order names", async () => {
      const { orders, goods, crane, judge, bailiff, stranger, orgs } = world;
      const id = await order();
      const subject = moveSubject(crane, orgs.bank);
      for (const by of [judge, bailiff, stranger]) {
        await expectRefused(
          (sent) => orders.connect(by).consume(id, subject, sent),
          orders,
          "OrderMismatch",
          [id, Scope.Force, by.address, subject],
          state,
        );
      }
      const hold = await issue(world, Scope.Hold, goods, subject);
      await expectRefused(
        (sent) => goods.connect(bailiff).forceMove(crane, orgs.bank, hold, sent),
        orders,
        "OrderMismatch",
        [hold, Scope.Force, await goods.getAddress(), subject],
        state,
      );
    });
  });
});
