import { expect } from "chai";
import {
  type Assets,
  deployAssets,
  freezeSubject,
  issue,
  MACHINES,
  newChain,
  Reason,
  Scope,
  Status,
  UNTIL,
} from "../support/assets.js";
import { DAY, holderOf } from "../support/consortium.js";
import { expectGas, gasOfView } from "../support/gas.js";
import { expectRefused } from "../support/refused.js";

const { ethers, networkHelpers } = await newChain();
const { time } = networkHelpers;

describe("Eligibility", () => {
  const fixture = async () => {
    const base = await deployAssets(ethers);
    const { eligibility, registrar, orgs } = base;
    for (const org of [orgs.holder, orgs.bank])
      await eligibility.connect(registrar).set(org, 0b10001n, UNTIL);
    return base;
  };
  let world: Assets;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
  });

  /** Everything anybody can learn about the two holders. */
  const state = async () => {
    const { eligibility, holders } = world;
    return Promise.all(
      Object.values(holders).flatMap((holder) => [
        eligibility.recordOf(holder),
        eligibility.freezesOf(holder),
        eligibility.explain(holder, MACHINES),
      ]),
    );
  };

  /** The answer of all four ways to ask whether `to` may take from `from`; a giver's fault goes first. */
  const expectReasons = async (
    from: bigint,
    to: bigint,
    giver: bigint,
    taker: bigint,
    assetClass = MACHINES,
  ) => {
    const { eligibility } = world;
    const [a, b] = [holderOf(from), holderOf(to)];
    expect(await eligibility.explain(b, assetClass)).to.equal(taker);
    const alone = eligibility.requireEligible(b, assetClass);
    if (taker === Reason.Eligible) await alone;
    else await expectHolderRefused(alone, b, assetClass, taker);

    const [party, reason] = giver !== Reason.Eligible ? [a, giver] : [b, taker];
    const answer = await eligibility.explainPair(a, b, assetClass);
    const pair = eligibility.checkPair(a, b, assetClass);
    if (reason !== Reason.Eligible) {
      expect(answer).to.deep.equal([party, reason]);
      return expectHolderRefused(pair, party, assetClass, reason);
    }
    expect(answer).to.deep.equal([ethers.ZeroAddress, reason]);
    await pair;
  };

  const expectHolderRefused = (call: Promise<unknown>, ...args: unknown[]) =>
    expect(call)
      .to.be.revertedWithCustomError(world.eligibility, "HolderRefused")
      .withArgs(...args);

  /** A Freeze order against the holder of goods. */
  const freezeOrder = (days?: bigint) =>
    issue(world, Scope.Freeze, world.eligibility, freezeSubject(world.holders.holder), days);

  describe("classes", () => {
    it("are what the registrar said last, until their end, to the second", async () => {
      const { eligibility, registrar, orgs, holders } = world;
      const until = BigInt(await time.latest()) + DAY;
      await expect(eligibility.connect(registrar).set(orgs.bank, 0b10000n, until))
        .to.emit(eligibility, "EligibilitySet")
        .withArgs(orgs.bank, holders.bank, 0b10000n, until, registrar.address);
      expect(await eligibility.recordOf(holders.bank)).to.deep.equal([orgs.bank, true, 0b10000n, until, 0n]);
      await expectReasons(orgs.holder, orgs.bank, Reason.Eligible, Reason.Eligible);
      await expectReasons(orgs.holder, orgs.bank, Reason.Eligible, Reason.ClassMissing, 0n);
      await time.increaseTo(until - 1n);
      await expectReasons(orgs.holder, orgs.bank, Reason.Eligible, Reason.Eligible);
      await time.increaseTo(until);
      await expectReasons(orgs.holder, orgs.bank, Reason.Eligible, Reason.Expired);
      // Who may take no more can still give.
      await expectReasons(orgs.bank, orgs.holder, Reason.Eligible, Reason.Eligible);
      await eligibility.connect(registrar).set(orgs.bank, 0n, UNTIL);
      await expectReasons(orgs.holder, orgs.bank, Reason.Eligible, Reason.ClassMissing);
      await expectReasons(orgs.bank, orgs.holder, Reason.Eligible, Reason.Eligible);
    });

    it("are none for a stranger, and none above 31", async () => {
      const { orgs } = world;
      await expectReasons(orgs.holder, orgs.agency, Reason.Eligible, Reason.HolderUnknown);
      await expectReasons(orgs.agency, orgs.holder, Reason.HolderUnknown, Reason.Eligible);
      for (const high of [31n, 32n, 36n, 255n]) {
        await expectReasons(orgs.holder, orgs.bank, Reason.Eligible, Reason.ClassMissing, high);
      }
    });

    it("end with the organisation's membership, and rest while it is suspended", async () => {
      const { consortium, guardian, registrar, orgs } = world;
      await consortium.connect(guardian).suspend(orgs.bank);
      await expectReasons(orgs.holder, orgs.bank, Reason.Eligible, Reason.OrganisationNotActive);
      await expectReasons(orgs.bank, orgs.holder, Reason.OrganisationNotActive, Reason.Eligible);
      await consortium.connect(registrar).reinstate(orgs.bank);
      await expectReasons(orgs.holder, orgs.bank, Reason.Eligible, Reason.Eligible);
      await consortium.connect(registrar).exit(orgs.bank);
      await expectReasons(orgs.holder, orgs.bank, Reason.Eligible, Reason.OrganisationNotActive);
    });

    it("are set by the registrar alone, for an active organisation, for at most 400 days", async () => {
      const { eligibility, consortium, guardian, registrar, judge, orgs } = world;
      const max = await eligibility.MAX_ELIGIBILITY();
      expect(max).to.equal(400n * DAY);
      await consortium.connect(guardian).suspend(orgs.agency);
      const cases = [
        [judge, orgs.bank, DAY, eligibility, "AccessManagedUnauthorized", () => [judge.address]],
        [registrar, 0n, DAY, consortium, "OrganisationUnknown", () => [0n]],
        [registrar, 99n, DAY, consortium, "OrganisationUnknown", () => [99n]],
        [registrar, orgs.agency, DAY, consortium, "OrganisationNotActive", () => [orgs.agency, 2n]],
        [registrar, orgs.bank, 0n, eligibility, "EligibilityTermInvalid", (now: bigint) => [now, now + max]],
        [
          registrar,
          orgs.bank,
          max + 1n,
          eligibility,
          "EligibilityTermInvalid",
          (now: bigint) => [now + max + 1n, now + max],
        ],
      ] as const;
      for (const [by, org, length, contract, error, args] of cases) {
        const now = BigInt(await time.latest()) + 100n;
        await time.setNextBlockTimestamp(now);
        await expectRefused(
          (sent) => eligibility.connect(by).set(org, 1n, now + length, sent),
          contract,
          error,
          args(now),
          state,
        );
      }
    });

    it("hear of organisations from the consortium alone", async () => {
      const { eligibility, admin, orgs } = world;
      await expectRefused(
        (sent) => eligibility.connect(admin).onOrganisationChanged(orgs.bank, 2n, sent),
        eligibility,
        "OrganisationSourceRefused",
        [admin.address],
        state,
      );
    });
  });

  describe("freezes", () => {
    it("stop a holder from giving and taking by an order, until it was lifted and unfrozen", async () => {
      const { eligibility, orders, judge, stranger, orgs, holders } = world;
      const order = await freezeOrder();
      const anyone = eligibility.connect(stranger);
      const { until } = await orders.orderOf(order);
      await expect(anyone.freeze(order))
        .to.emit(eligibility, "HolderFrozen")
        .withArgs(holders.holder, order, until, stranger.address);
      expect(await eligibility.freezesOf(holders.holder)).to.deep.equal([order]);
      await expectReasons(orgs.holder, orgs.bank, Reason.Frozen, Reason.Eligible);
      await expectReasons(orgs.bank, orgs.holder, Reason.Eligible, Reason.Frozen);
      const refused = (error: string) =>
        expectRefused((sent) => anyone.unfreeze(order, sent), eligibility, error, [order], state);
      await refused("FreezeStands");
      await orders.connect(judge).lift(order);
      await expectReasons(orgs.holder, orgs.bank, Reason.Frozen, Reason.Eligible);
      await expect(anyone.unfreeze(order))
        .to.emit(eligibility, "HolderUnfrozen")
        .withArgs(holders.holder, order, 0n, stranger.address);
      expect(await eligibility.freezesOf(holders.holder)).to.deep.equal([]);
      await expectReasons(orgs.holder, orgs.bank, Reason.Eligible, Reason.Eligible);
      await refused("FreezeUnknown");
    });

    it("end with their order, to the second, by themselves", async () => {
      const { eligibility, orders, orgs } = world;
      const order = await freezeOrder(1n);
      await eligibility.freeze(order);
      const { until } = await orders.orderOf(order);
      await time.increaseTo(until - 1n);
      await expectReasons(orgs.holder, orgs.bank, Reason.Frozen, Reason.Eligible);
      await time.increaseTo(until);
      await expectReasons(orgs.holder, orgs.bank, Reason.Eligible, Reason.Eligible);
      await eligibility.unfreeze(order); // clears the list; nobody has to
    });

    for (const lifted of ["shorter", "longer"] as const) {
      it(`of two orders last as long as one stands: the ${lifted} is lifted`, async () => {
        const { eligibility, orders, judge, orgs, holders } = world;
        const [shorter, longer] = [await freezeOrder(10n), await freezeOrder(20n)];
        for (const order of [longer, shorter]) await eligibility.freeze(order);
        const [ended, left] = lifted === "shorter" ? [shorter, longer] : [longer, shorter];
        await orders.connect(judge).lift(ended);
        await eligibility.unfreeze(ended);
        const { until } = await orders.orderOf(left);
        expect((await eligibility.recordOf(holders.holder)).frozenUntil).to.equal(until);
        await expectReasons(orgs.holder, orgs.bank, Reason.Frozen, Reason.Eligible);
        await time.increaseTo(until);
        await expectReasons(orgs.holder, orgs.bank, Reason.Eligible, Reason.Eligible);
      });
    }

    it("are not lost when the registrar sets classes, and hold also who has none", async () => {
      const { eligibility, registrar, orgs } = world;
      await eligibility.freeze(await freezeOrder());
      await eligibility.connect(registrar).set(orgs.holder, 1n, UNTIL);
      await expectReasons(orgs.holder, orgs.bank, Reason.Frozen, Reason.Eligible);
      const early = await issue(world, Scope.Freeze, eligibility, freezeSubject(holderOf(orgs.agency)));
      await eligibility.freeze(early);
      await eligibility.connect(registrar).set(orgs.agency, 16n, UNTIL);
      await expectReasons(orgs.agency, orgs.bank, Reason.Frozen, Reason.Eligible);
    });

    it("need an active order for this, once, and no more than sixteen at a time", async () => {
      const { eligibility, orders, goods, judge, holders } = world;
      const module = await eligibility.getAddress();
      const subject = freezeSubject(holders.holder);
      const dirty = `0x01${subject.slice(4)}`;
      const cleaned = subject;
      const hold = await issue(world, Scope.Hold, eligibility, subject);
      const elsewhere = await issue(world, Scope.Freeze, goods, subject);
      const marked = await issue(world, Scope.Freeze, eligibility, dirty);
      const lifted = await freezeOrder();
      await orders.connect(judge).lift(lifted);
      const order = await freezeOrder();
      await eligibility.freeze(order);
      const mismatch = (id: bigint) => [id, Scope.Freeze, module, cleaned];
      const cases = [
        [order, eligibility, "FreezeTaken", [order]],
        [hold, orders, "OrderMismatch", mismatch(hold)],
        [elsewhere, orders, "OrderMismatch", mismatch(elsewhere)],
        [marked, orders, "OrderMismatch", mismatch(marked)],
        [lifted, orders, "OrderNotActive", [lifted, Status.Lifted]],
        [99n, orders, "OrderUnknown", [99n]],
      ] as const;
      for (const [id, contract, error, args] of cases) {
        await expectRefused((sent) => eligibility.freeze(id, sent), contract, error, [...args], state);
      }
      for (const id of [hold, elsewhere, marked, lifted, 0n, 99n]) {
        await expectRefused(
          (sent) => eligibility.unfreeze(id, sent),
          eligibility,
          "FreezeUnknown",
          [id],
          state,
        );
      }
      for (let count = 2n; count <= 16n; count++) await eligibility.freeze(await freezeOrder());
      const more = await freezeOrder();
      const full = [holders.holder, 16n];
      await expectRefused((sent) => eligibility.freeze(more, sent), eligibility, "FreezesFull", full, state);
      // An order that has ended makes room by itself.
      await orders.connect(judge).lift(order);
      await eligibility.freeze(more);
      expect(await eligibility.freezesOf(holders.holder)).to.have.length(16);
    });
  });

  it("lets goods move between those who may, and says who may not", async () => {
    const { eligibility, goods, keeper, crane, orgs, holders } = world;
    const mover = goods.connect(keeper);
    await expectHolderRefused(
      mover.move(crane, orgs.agency),
      holderOf(orgs.agency),
      MACHINES,
      Reason.HolderUnknown,
    );
    await eligibility.freeze(await freezeOrder());
    await expectHolderRefused(mover.move(crane, orgs.bank), holders.holder, MACHINES, Reason.Frozen);
    expect(await goods.holderOf(crane)).to.equal(holders.holder);
  });

  it("costs this much gas", async () => {
    const { eligibility, stranger, holders } = world;
    const gas = (name: string, args: unknown[]) => gasOfView(stranger, eligibility, name, args);
    expectGas("Ask whether a holder is eligible", await gas("requireEligible", [holders.bank, MACHINES]));
    const pair = [holders.holder, holders.bank, MACHINES];
    expectGas("Ask whether two holders may trade, one call", await gas("checkPair", pair));
  });

  it("costs a suspension this much more to be told", async () => {
    const { consortium, guardian, orgs } = world;
    const receipt = await (await consortium.connect(guardian).suspend(orgs.bank)).wait();
    expectGas("Suspend an organisation of two signatories, eligibility told", receipt!.gasUsed);
  });
});
