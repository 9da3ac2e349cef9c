import { expect } from "chai";
import { id, ZeroHash } from "ethers";
import { network } from "hardhat";
import {
  type AccessWorld,
  type Answer,
  ask,
  BLOCK_TIME,
  deployAccess,
  give,
  handOver,
  keyGrantee,
  now,
  Permission,
  proveRedemption,
  Reason,
  type ReasonName,
  redeem,
  TOKEN_LIFE,
  tokenName,
} from "../support/access.js";
import { DAY } from "../support/consortium.js";
import { CURVES, LATER, register } from "../support/devices.js";
import { flipS, makeKey, type TestKey } from "../support/keys.js";

const { ethers, networkHelpers } = await network.create();
const { time } = networkHelpers;

describe("DeviceAccess: tokens", () => {
  const fixture = async () => deployAccess(ethers);
  let world: AccessWorld;
  let grantee: string;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
    grantee = keyGrantee(world.key);
  });

  const usageOf = (who = world.key, whose = keyGrantee(who)) =>
    world.access.usageOf(world.device.id, whose, who.address);

  describe("requesting one", () => {
    it("gives a key a token of its own, for what it asked and no longer than a quarter of an hour", async () => {
      const { device, key } = world;
      const { expiry } = await give(world, grantee);
      const answer = await ask(world, key, grantee, Permission.readState);
      const until = (await now(world)) + TOKEN_LIFE;
      expect(answer).to.include({
        reason: Reason.Allowed,
        counter: 1n,
        permissions: Permission.readState,
        until,
        endpointCommitment: ZeroHash,
      });
      const parts = { device: device.id, grantee, requester: key.address, epoch: 1n, rev: 1n };
      const name = tokenName(world.accessDomain, {
        ...parts,
        counter: 1n,
        permissions: Permission.readState,
        until,
      });
      expect(answer.token).to.equal(name);
      expect(
        await world.access.tokenOf(device.id, grantee, key.address, 1, 1, 1, Permission.readState, until),
      ).to.equal(name);
      expect(await usageOf()).to.deep.equal([1n, name, Permission.readState, until, 0n, 0n]);
      expect(expiry > until).to.equal(true);
    });

    it("ends a token with its pass, if that is sooner", async () => {
      const expiry = (await now(world)) + 100n;
      await give(world, grantee, { expiry });
      expect((await ask(world, world.key)).until).to.equal(expiry);
    });

    it("gives each holder of a role tokens of its own", async () => {
      const { tech, colleague, member, techs } = world;
      await give(world, techs);
      const [first, second] = [await ask(world, tech, techs), await ask(world, colleague, techs)];
      expect([first.reason, second.reason]).to.deep.equal([Reason.Allowed, Reason.Allowed]);
      expect(first.token).not.to.equal(second.token);
      for (const [who, token] of [
        [tech, second.token],
        [colleague, first.token],
      ] as const) {
        expect((await redeem(world, who, token!, { grantee: techs })).reason).to.equal(Reason.TokenUnknown);
      }
      expect((await redeem(world, tech, first.token, { grantee: techs })).reason).to.equal(Reason.Allowed);
      expect((await redeem(world, colleague, second.token, { grantee: techs })).reason).to.equal(
        Reason.Allowed,
      );
      expect((await ask(world, member, techs)).reason).to.equal(Reason.NotGrantee);
    });

    it("puts a new token in place of the one before", async () => {
      await give(world, grantee);
      const first = await ask(world, world.key);
      const second = await ask(world, world.key);
      expect(second.counter).to.equal(2n);
      expect((await redeem(world, world.key, first.token)).reason).to.equal(Reason.TokenUnknown);
      expect((await redeem(world, world.key, second.token)).reason).to.equal(Reason.Allowed);
    });
  });

  describe("redeeming one", () => {
    for (const who of ["key", "gateway", "keeper"] as const) {
      it(`works once, for the ${who === "key" ? "requester" : `owner's ${who}`}`, async () => {
        const { key } = world;
        await give(world, grantee);
        const { token } = await ask(world, key, grantee, Permission.readState);
        const by = world[who];
        expect(await redeem(world, key, token, { by })).to.include({
          reason: Reason.Allowed,
          token,
          requester: key.address,
          permissions: Permission.readState,
          by: by.address,
        });
        expect((await redeem(world, key, token, { by })).reason).to.equal(Reason.TokenSpent);
        expect((await usageOf()).token).to.equal(ZeroHash);
      });
    }

    for (const [curve, name] of CURVES) {
      it(`works once with the signature of a ${name} device, whoever brings it`, async () => {
        const { access, accessDomain, key, thief } = world;
        const device = makeKey(curve);
        await register(world, device, world.site);
        await give(world, grantee, { device: device.id });
        const { token } = await ask({ access, device }, key);
        const proof = proveRedemption(accessDomain, device, { device: device.id, token, deadline: LATER });
        const sent = () => redeemByDevice(device, token, LATER, proof);
        await expect(access.connect(thief).redeemByDevice(...sent()))
          .to.emit(access, "TokenRedeemed")
          .withArgs(device.id, key.address, grantee, token, 1n, ethers.ZeroAddress);
        await expect(access.connect(thief).redeemByDevice(...sent()))
          .to.emit(access, "AccessDenied")
          .withArgs(device.id, key.address, grantee, Reason.TokenSpent, 0n, token, ethers.ZeroAddress);
      });

      it(`takes no signature of a ${name} key that is not exactly the device's over this token`, async () => {
        const { access, accessDomain, key } = world;
        const device = makeKey(curve);
        await register(world, device, world.site);
        await give(world, grantee, { device: device.id });
        const { token } = await ask({ access, device }, key);
        const message = { device: device.id, token, deadline: LATER };
        const good = proveRedemption(accessDomain, device, message);
        const wrong = [
          proveRedemption(accessDomain, device, { ...message, token: id("another") }),
          proveRedemption(accessDomain, device, { ...message, device: world.device.id }),
          proveRedemption(accessDomain, device, { ...message, deadline: LATER + 1n }),
          proveRedemption({ ...accessDomain, chainId: 1n }, device, message),
          proveRedemption({ ...accessDomain, verifyingContract: key.address }, device, message),
          proveRedemption(world.domain, device, message),
          proveRedemption(accessDomain, makeKey(curve), message),
          flipS(curve, good),
          { r: ZeroHash, s: ZeroHash } as never,
        ];
        for (const proof of wrong) {
          await expect(
            access.redeemByDevice(...redeemByDevice(device, token, LATER, proof)),
          ).to.be.revertedWithCustomError(access, "RedemptionProofInvalid");
        }
        const other = makeKey(curve);
        await expect(access.redeemByDevice(...redeemByDevice(device, token, LATER, good, other)))
          .to.be.revertedWithCustomError(access, "RedemptionKeyRefused")
          .withArgs(device.id, other.id);
        const early = (await now(world)) - 1n;
        await expect(
          access.redeemByDevice(...redeemByDevice(device, token, early, good)),
        ).to.be.revertedWithCustomError(access, "RedemptionDeadlinePassed");
        expect((await redeem({ access, device }, key, token)).reason).to.equal(Reason.Allowed);
      });
    }

    function redeemByDevice(
      device: TestKey,
      token: string,
      deadline: bigint,
      { r, s }: { r: string; s: string },
      { curve, x, y }: TestKey = device,
    ) {
      const { key } = world;
      return [device.id, grantee, key.address, token, { curve, x, y }, deadline, r, s] as const;
    }

    it("ends at the last second of the token's life", async () => {
      await give(world, grantee);
      for (const [seconds, reason] of [
        [TOKEN_LIFE - 1n, Reason.Allowed],
        [TOKEN_LIFE, Reason.TokenExpired],
      ] as const) {
        const { token } = await ask(world, world.key);
        await time.setNextBlockTimestamp((await now(world)) + seconds);
        expect((await redeem(world, world.key, token)).reason).to.equal(reason);
      }
    });
  });

  describe("refuses with its reason, and commits the refusal", () => {
    type Case = [reason: ReasonName, how: string, arrange: () => Promise<unknown>];
    const cases: Case[] = [
      ["DeviceNotActive", "the owner suspended the device", () => asKeeper("suspend")],
      ["DeviceNotActive", "the device is revoked", () => asKeeper("revoke")],
      ["AccessStopped", "the owner pulled the emergency stop", () => asKeeper("stopAccess")],
      [
        "DeviceNotEngaged",
        "the device changed hands and has not signed yet",
        () => handOver(world, world.device),
      ],
      ["PassRevoked", "the pass was revoked", () => revokePass()],
      [
        "PassEpochEnded",
        "the device has a new owner",
        () => handOver(world, world.device, { engaged: true }),
      ],
      ["PassExpired", "the pass is over", async () => time.increase(31n * DAY)],
      [
        "RequesterSuspended",
        "the requester's organisation is suspended",
        () => world.consortium.connect(world.guardian).suspend(world.firm),
      ],
      [
        "RequesterSuspended",
        "the requester was removed from its organisation",
        () => world.consortium.connect(world.guardian).removeSignatory(world.tech.address),
      ],
    ];
    const asKeeper = (name: "suspend" | "revoke" | "stopAccess") =>
      world.registry.connect(world.keeper)[name](world.device.id);
    const revokePass = () =>
      world.access.connect(world.keeper).revoke(world.device.id, keyGrantee(world.tech));

    for (const [reason, how, arrange] of cases) {
      it(`${reason}: ${how}, before a request and between request and redemption`, async () => {
        const { access, device, tech } = world;
        const whose = keyGrantee(tech);
        await give(world, whose);
        const { token } = await ask(world, tech);
        await arrange();
        const before = [await access.passOf(device.id, whose), await usageOf(tech)];
        expect(await access.explain(device.id, whose, tech.address, 1n)).to.equal(Reason[reason]);
        expect(await access.explainToken(device.id, whose, tech.address, token)).to.equal(Reason[reason]);
        expect(await ask(world, tech)).to.include({
          reason: Reason[reason],
          requester: tech.address,
          permissions: 1n,
          token: ZeroHash,
        });
        for (const by of [tech, world.keeper]) {
          const answer = await redeem(world, tech, token, { by });
          // A former owner is no gateway any more.
          const own = (await world.registry.record(device.id)).org === world.site;
          const expected = by === tech || own ? Reason[reason] : Reason.NotHolder;
          expect(answer).to.include({ reason: expected, token, by: by.address });
        }
        expect([await access.passOf(device.id, whose), await usageOf(tech)]).to.deep.equal(before);
      });
    }

    it("DeviceUnknown: no such device", async () => {
      const { access, key } = world;
      const nowhere = { access, device: makeKey(1) };
      expect((await ask(nowhere, key)).reason).to.equal(Reason.DeviceUnknown);
      expect((await redeem(nowhere, key, id("token"))).reason).to.equal(Reason.DeviceUnknown);
    });

    it("PassMissing: none was given", async () => {
      expect((await ask(world, world.key)).reason).to.equal(Reason.PassMissing);
      expect((await ask(world, world.tech, world.techs)).reason).to.equal(Reason.PassMissing);
    });

    it("PassNotYetValid: it lies ahead, to the second", async () => {
      const notBefore = (await now(world)) + 1000n;
      for (const [who, whose] of [
        [world.key, grantee],
        [world.tech, world.techs],
      ] as const) {
        await give(world, whose, { notBefore });
        expect((await ask(world, who, whose)).reason).to.equal(Reason.PassNotYetValid);
      }
      await time.setNextBlockTimestamp(notBefore - 1n);
      expect((await ask(world, world.key)).reason).to.equal(Reason.PassNotYetValid);
      await time.setNextBlockTimestamp(notBefore);
      expect((await ask(world, world.key)).reason).to.equal(Reason.Allowed);
      expect((await ask(world, world.tech, world.techs)).reason).to.equal(Reason.Allowed);
    });

    it("PassExpired: at the very second", async () => {
      const { expiry } = await give(world, grantee);
      await time.setNextBlockTimestamp(expiry - 1n);
      expect((await ask(world, world.key)).reason).to.equal(Reason.Allowed);
      await time.setNextBlockTimestamp(expiry);
      expect((await ask(world, world.key)).reason).to.equal(Reason.PassExpired);
    });

    it("NotGrantee: another key, another organisation, or no role", async () => {
      const { thief, member, nextKeeper, techs, gateway } = world;
      await give(world, grantee);
      await give(world, techs);
      for (const who of [thief, gateway]) {
        expect(await ask(world, who, grantee)).to.include({
          reason: Reason.NotGrantee,
          requester: who.address,
        });
      }
      for (const who of [thief, member, nextKeeper]) {
        expect((await ask(world, who, techs)).reason).to.equal(Reason.NotGrantee);
      }
    });

    it("PermissionMissing: more than the pass gives, or nothing", async () => {
      await give(world, grantee);
      for (const permissions of [Permission.startStop, 3n | Permission.startStop, 0n]) {
        const fresh = await networkHelpers.takeSnapshot();
        expect((await ask(world, world.key, grantee, permissions)).reason).to.equal(Reason.PermissionMissing);
        await fresh.restore();
      }
    });

    it("NotHolder: somebody else's token", async () => {
      const { key, thief, nextKeeper, member, access, device } = world;
      await give(world, grantee);
      const { token } = await ask(world, key);
      for (const by of [thief, nextKeeper, member]) {
        // Named as the one who was refused: nobody can blacken another.
        expect(await redeem(world, key, token, { by })).to.include({
          reason: Reason.NotHolder,
          requester: by.address,
          by: by.address,
        });
      }
      expect((await redeem(world, thief, token, { grantee })).reason).to.equal(Reason.NotGrantee);
      expect(await access.explainToken(device.id, grantee, key.address, token)).to.equal(Reason.Allowed);
      expect((await redeem(world, key, token)).reason).to.equal(Reason.Allowed);
    });

    it("TokenUnknown: never issued", async () => {
      await give(world, grantee);
      for (const token of [ZeroHash, id("token")]) {
        expect((await redeem(world, world.key, token)).reason).to.equal(Reason.TokenUnknown);
      }
    });
  });

  describe("how often", () => {
    it("a pass's least interval holds to the second, for each requester by itself", async () => {
      const { tech, colleague, key, techs } = world;
      for (const [who, whose] of [
        [key, grantee],
        [tech, techs],
      ] as const) {
        await give(world, whose, { minInterval: 60n });
        expect((await ask(world, who, whose)).reason).to.equal(Reason.Allowed);
        const first = await now(world);
        await time.setNextBlockTimestamp(first + 59n);
        expect((await ask(world, who, whose)).reason).to.equal(Reason.TooFrequent);
        await time.setNextBlockTimestamp(first + 60n);
        expect((await ask(world, who, whose)).reason).to.equal(Reason.Allowed);
      }
      expect((await ask(world, colleague, techs)).reason).to.equal(Reason.Allowed);
    });

    const strike = (permissions = Permission.startStop): Promise<Answer> =>
      ask(world, world.key, grantee, permissions);

    it("the third strike blocks for an hour and ends the open token; then all is forgotten", async () => {
      const { access, device, key } = world;
      await give(world, grantee);
      const { token } = await ask(world, key);
      for (const strikes of [1n, 2n]) {
        expect((await strike()).blockedUntil).to.equal(undefined);
        expect((await usageOf()).strikes).to.equal(strikes);
      }
      const blockedUntil = (await now(world)) + 1n + BLOCK_TIME;
      expect(await strike()).to.include({ reason: Reason.PermissionMissing, blockedUntil });
      expect(await usageOf()).to.deep.equal([1n, ZeroHash, 0n, 0n, 0n, blockedUntil]);
      expect((await ask(world, key)).reason).to.equal(Reason.Blocked);
      expect((await redeem(world, key, token)).reason).to.equal(Reason.Blocked);
      expect(await access.explain(device.id, grantee, key.address, 1n)).to.equal(Reason.Blocked);
      await time.setNextBlockTimestamp(blockedUntil - 1n);
      expect((await ask(world, key)).reason).to.equal(Reason.Blocked);
      await time.setNextBlockTimestamp(blockedUntil);
      expect((await redeem(world, key, token)).reason).to.equal(Reason.TokenUnknown);
      expect((await ask(world, key)).reason).to.equal(Reason.Allowed);
      expect((await usageOf()).strikes).to.equal(0n);
    });

    it("asking again while blocked makes it no longer", async () => {
      await give(world, grantee);
      for (let i = 0; i < 3; i++) await strike();
      const { blockedUntil } = await usageOf();
      for (let i = 0; i < 4; i++) expect((await strike()).reason).to.equal(Reason.Blocked);
      expect((await usageOf()).blockedUntil).to.equal(blockedUntil);
    });

    it("a token a day after the one before clears the strikes", async () => {
      await give(world, grantee);
      await ask(world, world.key);
      await strike();
      await ask(world, world.key);
      expect((await usageOf()).strikes).to.equal(1n);
      await time.increase(DAY);
      await ask(world, world.key);
      expect((await usageOf()).strikes).to.equal(0n);
    });

    it("blocks one holder of a role and not its colleagues", async () => {
      const { tech, colleague, techs } = world;
      await give(world, techs);
      for (let i = 0; i < 3; i++) await ask(world, tech, techs, Permission.startStop);
      expect((await ask(world, tech, techs)).reason).to.equal(Reason.Blocked);
      expect((await ask(world, colleague, techs)).reason).to.equal(Reason.Allowed);
    });
  });

  it("comes back when the owner ends the emergency stop or the suspension, and not after a new epoch", async () => {
    const { registry, keeper, key, device } = world;
    await give(world, grantee);
    const owner = registry.connect(keeper);
    await owner.stopAccess(device.id);
    expect((await ask(world, key)).reason).to.equal(Reason.AccessStopped);
    await owner.allowAccess(device.id);
    expect((await ask(world, key)).reason).to.equal(Reason.Allowed);
    await owner.suspend(device.id);
    expect((await ask(world, key)).reason).to.equal(Reason.DeviceNotActive);
    await owner.resume(device.id);
    expect((await ask(world, key)).reason).to.equal(Reason.Allowed);
    await handOver(world, device, { engaged: true });
    expect((await ask(world, key)).reason).to.equal(Reason.PassEpochEnded);
  });
});
