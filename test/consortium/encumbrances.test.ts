import { expect } from "chai";
import { encodeBytes32String, ZeroAddress } from "ethers";
import {
  type Assets,
  deployAssets,
  inDays,
  issue,
  Kind,
  newChain,
  pledge,
  Scope,
  Status,
  strikeSubject,
  UNTIL,
} from "../support/assets.js";
import { admit, DAY, grant, Role } from "../support/consortium.js";
import { expectGas } from "../support/gas.js";
import { expectRefused } from "../support/refused.js";
import { signAct } from "../support/signed-acts.js";

const { ethers, networkHelpers } = await newChain();
const { time } = networkHelpers;

describe("Encumbrances", () => {
  let world: Assets;
  const fixture = () => deployAssets(ethers);
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
  });

  /** Everything anybody can learn about the two goods. */
  const state = async () => {
    const { encumbrances, goods, crane, truck } = world;
    return Promise.all(
      [crane, truck].flatMap((asset) => [
        encumbrances.encumbrancesOf(goods, asset),
        encumbrances.holdsOf(goods, asset),
        encumbrances.isEncumbered(goods, asset),
        goods.isLocked(asset),
        goods.holderOf(asset),
      ]),
    );
  };

  /** What stands on an asset: its encumbrances by rank, its holds, and both locks. */
  const expectBound = async (asset: string, ids: bigint[], holds = 0n) => {
    const { encumbrances, goods } = world;
    const line = await encumbrances.encumbrancesOf(goods, asset);
    expect(line.map(({ id, rank }) => [id, rank])).to.deep.equal(ids.map((id, i) => [id, BigInt(i + 1)]));
    expect(await encumbrances.holdsOf(goods, asset)).to.equal(holds);
    const bound = ids.length > 0 || holds > 0n;
    expect(await encumbrances.isEncumbered(goods, asset)).to.equal(bound);
    expect(await goods.isLocked(asset), "the pushed bit").to.equal(bound);
    for (const one of line) expect(await encumbrances.encumbranceOf(goods, asset, one.id)).to.deep.equal(one);
  };

  describe("place", () => {
    for (const [name, kind] of Object.entries(Kind)) {
      it(`binds an asset, kind ${name}, and locks it where it lies`, async () => {
        const { encumbrances, goods, keeper, orgs, crane, truck } = world;
        await expect(encumbrances.connect(keeper).place(goods, crane, kind, orgs.bank, 1n, UNTIL))
          .to.emit(encumbrances, "EncumbrancePlaced")
          .withArgs(await goods.getAddress(), crane, orgs.bank, 1n, kind, 1n, UNTIL, keeper.address);
        expect(await encumbrances.encumbrancesOf(goods, crane)).to.deep.equal([
          [1n, 1n, kind, orgs.bank, UNTIL, ZeroAddress],
        ]);
        await expectBound(crane, [1n]);
        await expectBound(truck, []);
        await expect(goods.connect(keeper).move(crane, orgs.agency))
          .to.be.revertedWithCustomError(goods, "GoodsLocked")
          .withArgs(crane);
      });
    }

    it("puts each behind the last, and only there", async () => {
      const { encumbrances, goods, keeper, orgs, crane } = world;
      const placer = encumbrances.connect(keeper);
      const place = (rank: bigint, sent?: object) =>
        placer.place(goods, crane, Kind.Pledge, orgs.bank, rank, UNTIL, sent ?? {});
      for (let next = 1n; next <= 8n; next++) {
        for (const rank of [0n, next - 1n, next + 1n, 255n]) {
          const args = [await goods.getAddress(), crane, rank, next];
          await expectRefused((sent) => place(rank, sent), encumbrances, "RankTaken", args, state);
        }
        await place(next);
      }
      await expectBound(crane, [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]);
      for (const rank of [8n, 9n]) {
        const args = [await goods.getAddress(), crane];
        await expectRefused((sent) => place(rank, sent), encumbrances, "RanksFull", args, state);
      }
    });

    it("refuses everybody but the holder's keeper", async () => {
      const { encumbrances, consortium, guardian, goods, orgs, crane } = world;
      const { keeper, banker, chest, stranger } = world;
      const refused = (
        by: typeof keeper,
        contract: typeof encumbrances | typeof consortium,
        error: string,
        args: unknown[],
      ) =>
        expectRefused(
          (sent) => encumbrances.connect(by).place(goods, crane, Kind.Pledge, orgs.agency, 1n, UNTIL, sent),
          contract,
          error,
          args,
          state,
        );
      const asset = [await goods.getAddress(), crane];
      await refused(stranger, consortium, "SignatoryUnknown", [stranger.address]);
      await refused(chest, consortium, "RoleMissing", [chest.address, Role.DeviceManager]);
      await refused(banker, encumbrances, "AssetKeeperRefused", [...asset, banker.address]);
      await consortium.connect(guardian).suspend(orgs.holder);
      await refused(keeper, consortium, "OrganisationNotActive", [orgs.holder, 2n]);
    });

    it("refuses an unknown module, asset or beneficiary, the holder itself, and an end that is none", async () => {
      const { encumbrances, consortium, guardian, goods, keeper, orgs, crane, orders } = world;
      const module = await goods.getAddress();
      const [nothing, foreign] = [encodeBytes32String("nothing"), await orders.getAddress()];
      const max = await encumbrances.MAX_ENCUMBRANCE_TERM();
      expect(max).to.equal(7305n * DAY);
      await consortium.connect(guardian).suspend(orgs.agency);
      const none = () => [];
      const cases = [
        [foreign, crane, orgs.bank, DAY, encumbrances, "ModuleNotAdmitted", () => [foreign]],
        [module, nothing, orgs.bank, DAY, encumbrances, "AssetUnknown", () => [module, nothing]],
        [module, crane, 0n, DAY, consortium, "OrganisationUnknown", () => [0n]],
        [module, crane, 99n, DAY, consortium, "OrganisationUnknown", () => [99n]],
        [module, crane, orgs.agency, DAY, consortium, "OrganisationNotActive", () => [orgs.agency, 2n]],
        [
          module,
          crane,
          orgs.holder,
          DAY,
          encumbrances,
          "BeneficiaryIsHolder",
          () => [module, crane, orgs.holder],
        ],
        [
          module,
          crane,
          orgs.bank,
          0n,
          encumbrances,
          "EncumbranceTermInvalid",
          (now: bigint) => [now, now + max],
        ],
        [
          module,
          crane,
          orgs.bank,
          max + 1n,
          encumbrances,
          "EncumbranceTermInvalid",
          (now: bigint) => [now + max + 1n, now + max],
        ],
      ] as const;
      for (const [at, asset, to, length, contract, error, args] of cases) {
        const now = BigInt(await time.latest()) + 100n;
        await time.setNextBlockTimestamp(now);
        await expectRefused(
          (sent) => encumbrances.connect(keeper).place(at, asset, Kind.Sale, to, 1n, now + length, sent),
          contract,
          error,
          (args ?? none)(now),
          state,
        );
      }
    });

    it("takes the longest term to the second", async () => {
      const { encumbrances, goods, keeper, orgs, crane } = world;
      const now = BigInt(await time.latest()) + 100n;
      await time.setNextBlockTimestamp(now);
      await encumbrances.connect(keeper).place(goods, crane, Kind.Lease, orgs.bank, 1n, now + 7305n * DAY);
      await expectBound(crane, [1n]);
    });

    it("is done in a keeper's name by its signature", async () => {
      const { encumbrances, goods, keeper, stranger, orgs, crane } = world;
      const values = [await goods.getAddress(), crane, Kind.Pledge, orgs.bank, 1n, UNTIL] as const;
      const call = encumbrances.interface.encodeFunctionData("place", [...values]);
      const act = { signer: keeper.address, call, nonce: 0n, deadline: UNTIL };
      const signature = await signAct(encumbrances, keeper, act);
      const relay = (by: string) => encumbrances.connect(stranger).act(by, call, 0n, UNTIL, signature);
      await expect(relay(stranger.address)).to.be.revertedWithCustomError(
        encumbrances,
        "ActSignatureInvalid",
      );
      await expect(relay(keeper.address))
        .to.emit(encumbrances, "EncumbrancePlaced")
        .withArgs(...values.slice(0, 2), orgs.bank, 1n, Kind.Pledge, 1n, UNTIL, keeper.address);
      await expectBound(crane, [1n]);
    });

    it("is paused by the guardian; releases and holds never are", async () => {
      const { encumbrances, guardian, goods, keeper, till, orgs, crane, truck } = world;
      const id = await pledge(world, crane);
      const { selector } = encumbrances.interface.getFunction("place");
      const until = await inDays(world, 3n);
      await encumbrances.connect(guardian).pause([selector], until, "a fault was found");
      await expectRefused(
        (sent) => encumbrances.connect(keeper).place(goods, truck, Kind.Sale, orgs.bank, 1n, UNTIL, sent),
        encumbrances,
        "ActionPaused",
        [selector, until],
        state,
      );
      for (const name of ["release", "strike", "hold", "releaseHold"] as const) {
        const other = encumbrances.interface.getFunction(name).selector;
        await expect(encumbrances.connect(guardian).pause([other], until, "no"))
          .to.be.revertedWithCustomError(encumbrances, "ActionNotPausable")
          .withArgs(other);
      }
      await encumbrances.connect(till).release(goods, crane, id);
      await expectBound(crane, []);
      await time.increaseTo(until);
      await pledge(world, truck);
    });
  });

  describe("release", () => {
    it("takes one away by the beneficiary's treasurer; those behind move up", async () => {
      const { encumbrances, goods, till, orgs, crane } = world;
      for (const rank of [1n, 2n, 3n, 4n]) await pledge(world, crane, rank);
      const releaser = encumbrances.connect(till);
      await expect(releaser.release(goods, crane, 2n))
        .to.emit(encumbrances, "EncumbranceReleased")
        .withArgs(await goods.getAddress(), crane, orgs.bank, 2n, 0n, till.address);
      await expectBound(crane, [1n, 3n, 4n]);
      await releaser.release(goods, crane, 1n);
      await expectBound(crane, [3n, 4n]);
      await releaser.release(goods, crane, 4n);
      await expectBound(crane, [3n]);
      await releaser.release(goods, crane, 3n);
      await expectBound(crane, []);
      expect(await pledge(world, crane), "a number is never used twice").to.equal(5n);
    });

    it("frees a line of eight from any place", async () => {
      const { encumbrances, goods, till, crane } = world;
      for (let rank = 1n; rank <= 8n; rank++) await pledge(world, crane, rank);
      await encumbrances.connect(till).release(goods, crane, 1n);
      await expectBound(crane, [2n, 3n, 4n, 5n, 6n, 7n, 8n]);
      expect(await pledge(world, crane, 8n)).to.equal(9n);
      await encumbrances.connect(till).release(goods, crane, 9n);
      await encumbrances.connect(till).release(goods, crane, 5n);
      await expectBound(crane, [2n, 3n, 4n, 6n, 7n, 8n]);
    });

    it("moves the asset again afterwards", async () => {
      const { encumbrances, eligibility, registrar, goods, keeper, till, orgs, holders, crane } = world;
      for (const org of [orgs.holder, orgs.bank]) await eligibility.connect(registrar).set(org, 16n, UNTIL);
      const id = await pledge(world, crane);
      await expect(goods.connect(keeper).move(crane, orgs.bank)).to.be.revertedWithCustomError(
        goods,
        "GoodsLocked",
      );
      await encumbrances.connect(till).release(goods, crane, id);
      await goods.connect(keeper).move(crane, orgs.bank);
      expect(await goods.holderOf(crane)).to.equal(holders.bank);
    });

    it("is refused to everybody else until it has expired", async () => {
      const { encumbrances, goods, crane, keeper, chest, banker, judge, stranger } = world;
      const id = await pledge(world, crane, 1n, 1n);
      const { until } = await encumbrances.encumbranceOf(goods, crane, id);
      await time.increaseTo(until - 10n);
      for (const by of [keeper, chest, banker, judge, stranger]) {
        await expectRefused(
          (sent) => encumbrances.connect(by).release(goods, crane, id, sent),
          encumbrances,
          "ReleaseRefused",
          [await goods.getAddress(), crane, id, by.address],
          state,
        );
      }
      await time.increaseTo(until);
      await expectBound(crane, [id]); // it stands until somebody releases it
      await encumbrances.connect(stranger).release(goods, crane, id);
      await expectBound(crane, []);
    });

    it("is refused to a beneficiary that may not act", async () => {
      const { encumbrances, consortium, guardian, goods, crane, till, orgs } = world;
      const id = await pledge(world, crane);
      await consortium.connect(guardian).suspend(orgs.bank);
      await expectRefused(
        (sent) => encumbrances.connect(till).release(goods, crane, id, sent),
        encumbrances,
        "ReleaseRefused",
        [await goods.getAddress(), crane, id, till.address],
        state,
      );
    });

    it("is refused for what does not stand", async () => {
      const { encumbrances, goods, crane, truck, till } = world;
      const id = await pledge(world, crane);
      const cases = [
        [truck, id],
        [crane, 0n],
        [crane, id + 1n],
      ] as const;
      const refused = async (asset: string, which: bigint) =>
        expectRefused(
          (sent) => encumbrances.connect(till).release(goods, asset, which, sent),
          encumbrances,
          "EncumbranceUnknown",
          [await goods.getAddress(), asset, which],
          state,
        );
      for (const [asset, which] of cases) await refused(asset, which);
      await encumbrances.connect(till).release(goods, crane, id);
      await refused(crane, id);
    });
  });

  describe("strike", () => {
    it("takes one away by an order of force, once", async () => {
      const { encumbrances, orders, goods, crane, bailiff, stranger, orgs } = world;
      for (const rank of [1n, 2n]) await pledge(world, crane, rank);
      const order = await issue(world, Scope.Force, encumbrances, await strikeSubject(world, crane, 1n));
      await orders.connect(bailiff).confirm(order);
      const striker = encumbrances.connect(stranger);
      await expectRefused(
        (sent) => striker.strike(goods, crane, 2n, order, sent),
        orders,
        "OrderMismatch",
        [order, Scope.Force, await encumbrances.getAddress(), await strikeSubject(world, crane, 2n)],
        state,
      );
      await expect(striker.strike(goods, crane, 1n, order))
        .to.emit(encumbrances, "EncumbranceReleased")
        .withArgs(await goods.getAddress(), crane, orgs.bank, 1n, order, stranger.address);
      await expectBound(crane, [2n]);
      expect(await orders.statusOf(order)).to.equal(Status.Consumed);
      await expectRefused(
        (sent) => striker.strike(goods, crane, 1n, order, sent),
        encumbrances,
        "EncumbranceUnknown",
        [await goods.getAddress(), crane, 1n],
        state,
      );
    });

    it("needs the second person", async () => {
      const { encumbrances, orders, goods, crane, stranger } = world;
      await pledge(world, crane);
      const order = await issue(world, Scope.Force, encumbrances, await strikeSubject(world, crane, 1n));
      await expectRefused(
        (sent) => encumbrances.connect(stranger).strike(goods, crane, 1n, order, sent),
        orders,
        "OrderNotActive",
        [order, Status.Unconfirmed],
        state,
      );
    });
  });

  describe("holds", () => {
    it("lock an asset by an order, whoever brings it, and free it when the order was lifted", async () => {
      const { encumbrances, orders, goods, crane, judge, stranger } = world;
      const order = await issue(world, Scope.Hold, goods, crane);
      const anyone = encumbrances.connect(stranger);
      await expect(anyone.hold(goods, crane, order))
        .to.emit(encumbrances, "HoldPlaced")
        .withArgs(await goods.getAddress(), crane, order, stranger.address);
      expect(await encumbrances.isHeld(order)).to.equal(true);
      await expectBound(crane, [], 1n);
      const refused = (error: string) =>
        expectRefused(
          (sent) => anyone.releaseHold(goods, crane, order, sent),
          encumbrances,
          error,
          [order],
          state,
        );
      await refused("HoldStands");
      await orders.connect(judge).lift(order);
      await expectBound(crane, [], 1n);
      await expect(anyone.releaseHold(goods, crane, order))
        .to.emit(encumbrances, "HoldReleased")
        .withArgs(await goods.getAddress(), crane, order, stranger.address);
      expect(await encumbrances.isHeld(order)).to.equal(false);
      await expectBound(crane, []);
      await refused("HoldUnknown");
    });

    it("end with the order's time", async () => {
      const { encumbrances, goods, crane, stranger } = world;
      const order = await issue(world, Scope.Hold, goods, crane, 1n);
      await encumbrances.connect(stranger).hold(goods, crane, order);
      await time.increase(DAY);
      await encumbrances.connect(stranger).releaseHold(goods, crane, order);
      await expectBound(crane, []);
    });

    it("stand beside any number of ranks, and the lock stays until the last of all is gone", async () => {
      const { encumbrances, orders, goods, crane, judge, till } = world;
      for (let rank = 1n; rank <= 8n; rank++) await pledge(world, crane, rank);
      const first = await issue(world, Scope.Hold, goods, crane);
      const second = await issue(world, Scope.Hold, goods, crane);
      for (const order of [first, second]) await encumbrances.hold(goods, crane, order);
      await expectBound(crane, [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n], 2n);
      for (let id = 1n; id <= 8n; id++) await encumbrances.connect(till).release(goods, crane, id);
      await expectBound(crane, [], 2n);
      for (const [order, left] of [
        [first, 1n],
        [second, 0n],
      ] as const) {
        await orders.connect(judge).lift(order);
        await encumbrances.releaseHold(goods, crane, order);
        await expectBound(crane, [], left);
      }
    });

    it("need an active order that names this asset, once, and an asset", async () => {
      const { encumbrances, orders, goods, crane, truck, judge } = world;
      const module = await goods.getAddress();
      const order = await issue(world, Scope.Hold, goods, crane);
      const force = await issue(world, Scope.Force, goods, crane);
      const unheard = await issue(world, Scope.Hold, goods, encodeBytes32String("nothing"));
      const lifted = await issue(world, Scope.Hold, goods, crane);
      await orders.connect(judge).lift(lifted);
      await encumbrances.hold(goods, crane, order);
      const nothing = encodeBytes32String("nothing");
      const cases = [
        [module, crane, order, encumbrances, "HoldTaken", [order]],
        [module, truck, order, orders, "OrderMismatch", [order, Scope.Hold, module, truck]],
        [module, crane, force, orders, "OrderMismatch", [force, Scope.Hold, module, crane]],
        [module, crane, lifted, orders, "OrderNotActive", [lifted, Status.Lifted]],
        [module, crane, 99n, orders, "OrderUnknown", [99n]],
        [module, nothing, unheard, encumbrances, "AssetUnknown", [module, nothing]],
        [judge.address, crane, order, encumbrances, "ModuleNotAdmitted", [judge.address]],
      ] as const;
      for (const [at, asset, which, contract, error, args] of cases) {
        await expectRefused(
          (sent) => encumbrances.hold(at, asset, which, sent),
          contract,
          error,
          [...args],
          state,
        );
      }
      await orders.connect(judge).lift(order);
      await expectRefused(
        (sent) => encumbrances.releaseHold(goods, truck, order, sent),
        encumbrances,
        "HoldUnknown",
        [order],
        state,
      );
    });
  });

  describe("modules and binders", () => {
    it("are admitted and dismissed by the administrator alone", async () => {
      const { encumbrances, admin, registrar, goods } = world;
      const module = await goods.getAddress();
      const acts = ["admitModule", "dismissModule", "admitBinder", "dismissBinder"] as const;
      for (const act of acts) {
        await expectRefused(
          (sent) => encumbrances.connect(registrar)[act](module, sent),
          encumbrances,
          "AccessManagedUnauthorized",
          [registrar.address],
          state,
        );
      }
      const office = encumbrances.connect(admin);
      expect(await encumbrances.moduleOf(module)).to.deep.equal([true, Role.DeviceManager]);
      const refusals = [
        ["admitModule", module, "ModuleInvalid"],
        ["admitModule", registrar.address, "ModuleInvalid"],
        ["dismissModule", registrar.address, "ModuleNotAdmitted"],
        ["admitBinder", registrar.address, "BinderInvalid"],
        ["dismissBinder", registrar.address, "BinderNotAdmitted"],
      ] as const;
      for (const [act, at, error] of refusals) {
        await expectRefused((sent) => office[act](at, sent), encumbrances, error, [at], state);
      }
    });

    it("a dismissed module takes nothing new, but its assets are freed, and held by orders", async () => {
      const { encumbrances, admin, goods, keeper, till, orgs, crane, truck } = world;
      const id = await pledge(world, crane);
      await encumbrances.connect(admin).dismissModule(goods);
      expect(await encumbrances.moduleOf(goods)).to.deep.equal([false, Role.DeviceManager]);
      await expectRefused(
        (sent) => encumbrances.connect(keeper).place(goods, truck, Kind.Sale, orgs.bank, 1n, UNTIL, sent),
        encumbrances,
        "ModuleNotAdmitted",
        [await goods.getAddress()],
        state,
      );
      await encumbrances.hold(goods, truck, await issue(world, Scope.Hold, goods, truck));
      await expectBound(truck, [], 1n);
      await encumbrances.connect(till).release(goods, crane, id);
      await expectBound(crane, []);
      await encumbrances.connect(admin).admitModule(goods);
      await pledge(world, crane);
    });

    it("a binder places for the holder and releases what it placed, also when it was dismissed", async () => {
      const { encumbrances, admin, goods, orgs, crane, truck } = world;
      const binder = await binderAccount();
      const place = (asset: string, sent = {}) =>
        encumbrances.connect(binder).place(goods, asset, Kind.Lease, orgs.bank, 1n, UNTIL, sent);
      const unknown = ["SignatoryUnknown", [binder.address]] as const;
      await expectRefused((sent) => place(crane, sent), world.consortium, unknown[0], [...unknown[1]], state);

      await expect(encumbrances.connect(admin).admitBinder(binder.address))
        .to.emit(encumbrances, "BinderAdmitted")
        .withArgs(binder.address, 1n);
      await place(crane);
      await place(truck);
      expect(await encumbrances.encumbrancesOf(goods, crane)).to.deep.equal([
        [1n, 1n, Kind.Lease, orgs.bank, UNTIL, binder.address],
      ]);
      await encumbrances.connect(binder).release(goods, crane, 1n);
      await encumbrances.connect(admin).dismissBinder(binder.address);
      expect(await encumbrances.binderOf(binder.address)).to.deep.equal([false, 1n]);
      await expectRefused((sent) => place(crane, sent), world.consortium, unknown[0], [...unknown[1]], state);
      await encumbrances.connect(binder).release(goods, truck, 1n);
      await expectBound(truck, []);
      await encumbrances.connect(admin).admitBinder(binder.address);
      expect(await encumbrances.binderOf(binder.address)).to.deep.equal([true, 1n]);
    });

    it("a binder releases nothing that it did not place", async () => {
      const { encumbrances, admin, goods, crane } = world;
      const binder = await binderAccount();
      await encumbrances.connect(admin).admitBinder(binder.address);
      const id = await pledge(world, crane);
      await expectRefused(
        (sent) => encumbrances.connect(binder).release(goods, crane, id, sent),
        encumbrances,
        "ReleaseRefused",
        [await goods.getAddress(), crane, id, binder.address],
        state,
      );
    });

    /** The key of an account that has code, as a binding contract has. */
    const binderAccount = async () => {
      const [, , , ...rest] = world.others;
      const binder = rest.at(-1)!;
      await networkHelpers.setCode(binder.address, "0x00");
      return binder;
    };
  });

  it("costs this much gas", async () => {
    const { encumbrances, goods, keeper, till, orgs, crane, truck } = world;
    const placer = encumbrances.connect(keeper);
    const place = (asset: string, rank: bigint) =>
      gasOf(placer.place(goods, asset, Kind.Pledge, orgs.bank, rank, UNTIL));
    const release = (id: bigint) => gasOf(encumbrances.connect(till).release(goods, crane, id));
    expectGas("Place the first encumbrance an asset ever has, lock pushed", await place(crane, 1n));
    expectGas("Release the only encumbrance, lock pushed", await release(1n));
    expectGas("Place an encumbrance on an asset that had one before, lock pushed", await place(crane, 1n));
    expectGas("Place an encumbrance of the second rank", await place(crane, 2n));
    expectGas("Release the first of two encumbrances", await release(2n));
    const order = await issue(world, Scope.Hold, goods, truck);
    expectGas("Hold an asset by an order, lock pushed", await gasOf(encumbrances.hold(goods, truck, order)));
  });

  it("binds what later organisations hold, too", async () => {
    const { encumbrances, goods, others, orgs } = world;
    const newcomer = others[12]!;
    const org = await admit(world, "newcomer", newcomer);
    await grant(world, newcomer, Role.DeviceManager);
    const asset = encodeBytes32String("digger");
    await goods.connect(newcomer).store(asset);
    await encumbrances.connect(newcomer).place(goods, asset, Kind.Pledge, orgs.holder, 1n, UNTIL);
    expect((await encumbrances.encumbrancesOf(goods, asset))[0]!.beneficiary).to.equal(orgs.holder);
    expect(org).to.equal(5n);
  });
});

async function gasOf(sending: Promise<{ wait(): Promise<{ gasUsed: bigint } | null> }>): Promise<bigint> {
  return (await (await sending).wait())!.gasUsed;
}
