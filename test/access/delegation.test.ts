import { expect } from "chai";
import { id, ZeroHash } from "ethers";
import { network } from "hardhat";
import {
  type AccessWorld,
  ask,
  deployAccess,
  give,
  handOver,
  keyGrantee,
  now,
  Permission,
  passFor,
  Reason,
  redeem,
  type TestPass,
} from "../support/access.js";
import { DAY } from "../support/consortium.js";
import { expectRefused } from "../support/refused.js";

const { ethers, networkHelpers } = await network.create();
const { time } = networkHelpers;

describe("DeviceAccess: delegation", () => {
  const fixture = async () => deployAccess(ethers);
  let world: AccessWorld;
  let expiry: bigint;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
    expiry = (await now(world)) + 20n * DAY;
  });

  type Who = AccessWorld["key"];

  /** What `from` passes on to `to` when nothing else is said: telemetry, for twenty days. */
  const part = async (to: string, changes: Partial<TestPass> = {}) =>
    passFor(world, to, { permissions: Permission.readTelemetry, expiry, ...changes });
  const pass = async (from: Who, to: Who, changes: Partial<TestPass> = {}, whose = keyGrantee(from)) =>
    world.access.connect(from).delegate(whose, await part(keyGrantee(to), changes), "0x");
  const expectNo = (from: Who, given: TestPass, error: string, args: unknown[], whose = keyGrantee(from)) =>
    expectRefused(
      (sent) => world.access.connect(from).delegate(whose, given, "0x", sent),
      world.access,
      error,
      args,
      async () => world.access.passOf(world.device.id, given.grantee),
    );
  const reasonFor = async (who: Who, whose = keyGrantee(who)) => (await ask(world, who, whose)).reason;

  it("gives a part of a pass to another key, which uses it as its own", async () => {
    const { access, device, key, thief } = world;
    await give(world, keyGrantee(key), { delegations: 1n });
    await expect(pass(key, thief))
      .to.emit(access, "PassDelegated")
      .withArgs(device.id, keyGrantee(thief), keyGrantee(key), 1n, 1n);
    const given = await access.passOf(device.id, keyGrantee(thief));
    expect([given.parent, given.parentRev, given.permissions]).to.deep.equal([keyGrantee(key), 1n, 1n]);
    const { token } = await ask(world, thief);
    expect((await redeem(world, thief, token)).reason).to.equal(Reason.Allowed);
    expect((await ask(world, thief, keyGrantee(thief), Permission.readState)).reason).to.equal(
      Reason.PermissionMissing,
    );
  });

  it("goes on from a role to a key, and from an organisation to another", async () => {
    const { tech, member, nextKeeper, techs } = world;
    await give(world, techs, { delegations: 2n });
    await pass(tech, member, { delegations: 1n }, techs);
    await pass(member, nextKeeper);
    expect(await reasonFor(nextKeeper)).to.equal(Reason.Allowed);
  });

  it("only narrows: permissions, end, depth and endpoint", async () => {
    const { key, thief } = world;
    const given = { delegations: 2n, endpointCommitment: id("endpoint"), expiry };
    const { permissions } = await give(world, keyGrantee(key), given);
    const child = keyGrantee(thief);
    const limits = [permissions, expiry, 2n];
    for (const changes of [
      { permissions: Permission.startStop },
      { permissions: permissions | Permission.startStop },
      { permissions: 0n },
      { expiry: expiry + 1n },
      { delegations: 2n },
      { delegations: 3n },
    ]) {
      await expectNo(key, await part(child, changes), "DelegationTooWide", limits);
    }
    const elsewhere = await part(child, { endpointCommitment: id("elsewhere") });
    await expectNo(key, elsewhere, "EndpointCommitmentMismatch", [id("elsewhere"), id("endpoint")]);
    await pass(key, thief, { permissions, expiry, delegations: 1n, endpointCommitment: id("endpoint") });
    expect((await ask(world, thief)).endpointCommitment).to.equal(id("endpoint"));
    expect((await world.access.passOf(world.device.id, child)).endpointCommitment).to.equal(id("endpoint"));
  });

  it("names no endpoint where the pass above has none", async () => {
    const { key, thief } = world;
    await give(world, keyGrantee(key), { delegations: 1n });
    const given = await part(keyGrantee(thief), { endpointCommitment: id("elsewhere") });
    await expectNo(key, given, "EndpointCommitmentMismatch", [id("elsewhere"), ZeroHash]);
  });

  it("goes no deeper than the owner allowed, and never more than three times", async () => {
    const { key, thief, member, nextKeeper, regulator } = world;
    await give(world, keyGrantee(key), { delegations: 3n });
    await pass(key, thief, { delegations: 2n });
    await pass(thief, member, { delegations: 1n });
    await pass(member, nextKeeper);
    expect(await reasonFor(nextKeeper)).to.equal(Reason.Allowed);
    await expectNo(nextKeeper, await part(keyGrantee(regulator)), "DelegationTooWide", [1n, expiry, 0n]);
  });

  it("is done by whoever holds the pass, and only while it counts", async () => {
    const { access, device, key, thief, tech, member, techs } = world;
    const child = await part(keyGrantee(thief));
    const refused = (who: Who, whose: string, reason: bigint) =>
      expectNo(who, child, "DelegationRefused", [device.id, whose, reason], whose);
    await refused(key, keyGrantee(key), Reason.PassMissing);
    await give(world, keyGrantee(key), { delegations: 1n });
    await give(world, techs, { delegations: 1n });
    await refused(thief, keyGrantee(key), Reason.NotGrantee);
    await refused(member, techs, Reason.NotGrantee);
    for (let i = 0; i < 3; i++) await ask(world, key, keyGrantee(key), Permission.startStop);
    await refused(key, keyGrantee(key), Reason.Blocked);
    await world.consortium.connect(world.guardian).suspend(world.firm);
    await refused(tech, techs, Reason.RequesterSuspended);
    await access.connect(world.keeper).revoke(device.id, keyGrantee(key));
    await refused(key, keyGrantee(key), Reason.PassRevoked);
  });

  describe("ends with the pass above", () => {
    const endings: [string, () => Promise<unknown>, bigint][] = [
      [
        "revoked",
        () => world.access.connect(world.keeper).revoke(world.device.id, keyGrantee(world.key)),
        Reason.DelegationEnded,
      ],
      [
        "given up",
        () => world.access.connect(world.key).revoke(world.device.id, keyGrantee(world.key)),
        Reason.DelegationEnded,
      ],
      [
        "changed, even to more",
        () => give(world, keyGrantee(world.key), { delegations: 3n }),
        Reason.DelegationEnded,
      ],
      ["of another owner", () => handOver(world, world.device, { engaged: true }), Reason.PassEpochEnded],
      [
        "blocked for misuse",
        async () => {
          for (let i = 0; i < 3; i++)
            await ask(world, world.key, keyGrantee(world.key), Permission.startStop);
        },
        Reason.DelegationEnded,
      ],
    ];
    for (const [how, end, reason] of endings) {
      it(`when that is ${how}, at any depth, open tokens too`, async () => {
        const { key, thief, regulator } = world;
        await give(world, keyGrantee(key), { delegations: 2n });
        await pass(key, thief, { delegations: 1n });
        await pass(thief, regulator);
        const tokens = [await ask(world, thief), await ask(world, regulator)];
        expect(tokens.map((answer) => answer.reason)).to.deep.equal([Reason.Allowed, Reason.Allowed]);
        await end();
        expect(await reasonFor(thief)).to.equal(reason);
        expect(await reasonFor(regulator)).to.equal(reason);
        expect((await redeem(world, thief, tokens[0]!.token)).reason).to.equal(reason);
        expect((await redeem(world, regulator, tokens[1]!.token)).reason).to.equal(reason);
      });
    }

    it("when the organisation that passed it on is suspended, and comes back with it", async () => {
      const { consortium, guardian, registrar, tech, key, techs, firm } = world;
      await give(world, techs, { delegations: 1n });
      await pass(tech, key, {}, techs);
      await consortium.connect(guardian).suspend(firm);
      expect(await reasonFor(key)).to.equal(Reason.DelegationEnded);
      await consortium.connect(registrar).reinstate(firm);
      expect(await reasonFor(key)).to.equal(Reason.Allowed);
    });

    it("with its time, to the second", async () => {
      const { key, thief } = world;
      await give(world, keyGrantee(key), { delegations: 1n, expiry });
      await pass(key, thief);
      await time.setNextBlockTimestamp(expiry - 1n);
      expect(await reasonFor(thief)).to.equal(Reason.Allowed);
      await time.setNextBlockTimestamp(expiry);
      expect(await reasonFor(thief)).to.equal(Reason.PassExpired);
    });
  });

  describe("never works against the owner", () => {
    it("replaces nothing that somebody else gave", async () => {
      const { access, device, key, thief, member, keeper } = world;
      for (const who of [key, member]) await give(world, keyGrantee(who), { delegations: 1n });
      await give(world, keyGrantee(thief));
      const child = keyGrantee(thief);
      await expectNo(key, await part(child), "GranteeHasPass", [device.id, child, 1n]);
      await access.connect(thief).revoke(device.id, child);
      await pass(key, thief);
      await expectNo(member, await part(child), "GranteeHasPass", [device.id, child, 3n]);
      await pass(key, thief); // its own it may change
      await give(world, child, { permissions: Permission.startStop }); // and the owner anything
      expect((await ask(world, thief, child, Permission.startStop)).reason).to.equal(Reason.Allowed);
      await access.connect(keeper).revoke(device.id, keyGrantee(key));
      expect((await ask(world, thief, child, Permission.startStop)).reason).to.equal(Reason.Allowed);
    });

    it("makes no circle", async () => {
      const { device, key, thief } = world;
      await give(world, keyGrantee(key), { delegations: 3n });
      await pass(key, thief, { delegations: 2n });
      for (const [from, to] of [
        [thief, key],
        [key, key],
        [thief, thief],
      ] as const) {
        const { rev } = await world.access.passOf(device.id, keyGrantee(to));
        await expectNo(from, await part(keyGrantee(to)), "GranteeHasPass", [device.id, keyGrantee(to), rev]);
      }
    });

    it("does not give back what the owner took away, until the owner does or another owner comes", async () => {
      const { access, device, key, thief, keeper, nextKeeper } = world;
      const child = keyGrantee(thief);
      await give(world, keyGrantee(key), { delegations: 1n });
      await pass(key, thief);
      await access.connect(keeper).revoke(device.id, child);
      const barred = await part(child);
      await expectNo(key, barred, "GranteeBarred", [device.id, child]);
      await access.connect(thief).revoke(device.id, child); // the bar cannot be washed off
      await expectNo(key, await part(child), "GranteeBarred", [device.id, child]);
      await handOver(world, device, { engaged: true });
      const next = await passFor(world, keyGrantee(key), { delegations: 1n });
      await access.connect(nextKeeper).grant(next, "0x");
      await pass(key, thief);
      expect(await reasonFor(thief)).to.equal(Reason.Allowed);
    });

    it("is taken back by whoever gave it, and by nobody in between", async () => {
      const { access, consortium, device, key, thief, member, regulator } = world;
      await give(world, keyGrantee(key), { delegations: 1n });
      await give(world, keyGrantee(member), { delegations: 1n });
      await pass(key, thief);
      const child = keyGrantee(thief);
      await expect(access.connect(member).revoke(device.id, child)).to.be.revertedWithCustomError(
        consortium,
        "RoleMissing",
      );
      await expect(access.connect(regulator).revoke(device.id, child)).to.be.revertedWithCustomError(
        consortium,
        "RoleMissing",
      );
      await access.connect(key).revoke(device.id, child);
      expect(await reasonFor(thief)).to.equal(Reason.PassRevoked);
      await pass(key, thief); // it may give it again: it was its own to give
      expect(await reasonFor(thief)).to.equal(Reason.Allowed);
    });

    it("multiplies no rate limit: a pass with one cannot be passed on", async () => {
      const pass = await passFor(world, keyGrantee(world.key), { delegations: 1n, minInterval: 60n });
      await expect(world.access.connect(world.keeper).grant(pass, "0x"))
        .to.be.revertedWithCustomError(world.access, "PassDelegationsInvalid")
        .withArgs(1n, 60n, 3n);
    });
  });
});
