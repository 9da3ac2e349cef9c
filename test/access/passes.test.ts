import { expect } from "chai";
import { id, keccak256, ZeroHash } from "ethers";
import { network } from "hardhat";
import {
  type AccessWorld,
  ask,
  deployAccess,
  give,
  keyGrantee,
  now,
  Permission,
  passFor,
  passTypes,
  Reason,
  redeem,
  roleGrantee,
  signPass,
  type TestPass,
} from "../support/access.js";
import { DAY, Role } from "../support/consortium.js";
import { LATER } from "../support/devices.js";
import { expectRefused } from "../support/refused.js";
import { signAct } from "../support/signed-acts.js";

const { ethers, networkHelpers } = await network.create();

describe("DeviceAccess: passes", () => {
  const fixture = async () => deployAccess(ethers);
  let world: AccessWorld;
  let grantee: string;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
    grantee = keyGrantee(world.key);
  });

  const passOf = (whose = grantee) => world.access.passOf(world.device.id, whose);
  const grantBy = (pass: TestPass, by = world.keeper, sent: object = {}) =>
    world.access.connect(by).grant(pass, "0x", sent);
  const expectNoPass = (
    pass: TestPass,
    error: string,
    args: unknown[],
    { by = world.keeper, envelope = "0x", from = world.access as { interface: unknown } } = {},
  ) =>
    expectRefused(
      (sent) => world.access.connect(by).grant(pass, envelope, sent),
      from as typeof world.access,
      error,
      args,
      async () => passOf(pass.grantee),
    );

  describe("asking for one", () => {
    const askBy = (who: typeof world.key, whose: string, device: string = world.device.id) =>
      world.access.connect(who).askAccess(device, whose, Permission.startStop, id("why"));

    it("tells the owner who asks, for what and why", async () => {
      const { access, device, key, tech, techs } = world;
      for (const [who, whose] of [
        [key, grantee],
        [tech, techs],
      ] as const) {
        await expect(askBy(who, whose))
          .to.emit(access, "AccessAsked")
          .withArgs(device.id, who.address, whose, Permission.startStop, id("why"));
      }
    });

    it("is for oneself only, and about a known device", async () => {
      const { access, registry, thief, member, techs } = world;
      for (const [who, whose] of [
        [thief, grantee],
        [thief, techs],
        [member, techs],
      ] as const) {
        await expect(askBy(who, whose))
          .to.be.revertedWithCustomError(access, "GranteeRefused")
          .withArgs(whose, who.address);
      }
      await expect(askBy(thief, ZeroHash)).to.be.revertedWithCustomError(access, "GranteeInvalid");
      await expect(askBy(thief, keyGrantee(thief), id("nothing")))
        .to.be.revertedWithCustomError(registry, "DeviceUnknown")
        .withArgs(id("nothing"));
    });
  });

  describe("giving one", () => {
    it("writes what the owner's manager gave", async () => {
      const { access, device, keeper, techs } = world;
      for (const whose of [grantee, techs]) {
        const notBefore = (await now(world)) + DAY;
        const pass = await passFor(world, whose, { notBefore, minInterval: 60n });
        await expect(grantBy(pass))
          .to.emit(access, "PassGranted")
          .withArgs(
            device.id,
            whose,
            keeper.address,
            pass.epoch,
            1n,
            pass.permissions,
            notBefore,
            pass.expiry,
            60n,
            0n,
          );
        const { permissions, expiry } = pass;
        expect(await passOf(whose)).to.deep.equal([
          permissions,
          notBefore,
          expiry,
          1n,
          1n,
          60n,
          0n,
          false,
          ZeroHash,
          0n,
          ZeroHash,
        ]);
      }
    });

    it("is the owner's manager's alone", async () => {
      const { consortium, device, gateway, nextKeeper, thief, guardian, site } = world;
      const pass = await passFor(world, grantee);
      await expectNoPass(pass, "GrantorRefused", [device.id, nextKeeper.address, site], { by: nextKeeper });
      await expectNoPass(pass, "RoleMissing", [gateway.address, Role.DeviceManager], {
        by: gateway,
        from: consortium,
      });
      await expectNoPass(pass, "SignatoryUnknown", [thief.address], { by: thief, from: consortium });
      await consortium.connect(guardian).suspend(site);
      await expectNoPass(pass, "OrganisationNotActive", [site, 2n], { from: consortium });
    });

    it("refuses what does not fit the present state", async () => {
      const { registry, device } = world;
      const pass = await passFor(world, grantee);
      const time = await now(world);
      const nothing = id("nothing");
      await expectNoPass({ ...pass, device: nothing }, "DeviceUnknown", [nothing], { from: registry });
      for (const epoch of [0n, 2n]) {
        await expectNoPass({ ...pass, epoch }, "PassEpochMismatch", [device.id, epoch, 1n]);
      }
      for (const rev of [0n, 2n]) {
        await expectNoPass({ ...pass, rev }, "PassRevMismatch", [device.id, grantee, rev, 1n]);
      }
      await networkHelpers.time.setNextBlockTimestamp(time + 100n);
      await expectNoPass({ ...pass, deadline: time + 99n }, "PassDeadlinePassed", [time + 99n, time + 100n]);
    });

    it("refuses a grantee that is nobody, or written in another way", async () => {
      const bits = (word: bigint) => `0x${word.toString(16).padStart(64, "0")}`;
      const role = 1n << 255n;
      const wrong = [
        0n,
        1n << 160n,
        (1n << 254n) | 1n,
        role | 1n, // no organisation
        role | (1n << 8n), // no role
        role | (1n << 8n) | 9n, // a role that does not exist
        role | (1n << 40n) | (1n << 8n) | 1n,
      ];
      for (const word of wrong) {
        const whose = bits(word);
        const pass = { ...(await passFor(world, grantee)), grantee: whose };
        await expectNoPass(pass, "GranteeInvalid", [whose]);
      }
    });

    it("refuses terms that are no terms", async () => {
      const pass = await passFor(world, grantee);
      const at = (await now(world)) + 1000n;
      const latest = at + 400n * DAY;
      const wrong = [
        [0n, 0n],
        [0n, at],
        [at + 5n, at + 5n],
        [at + 6n, at + 5n],
        [0n, latest + 1n],
      ] as const;
      for (const [notBefore, expiry] of wrong) {
        const base = await networkHelpers.takeSnapshot();
        await networkHelpers.time.setNextBlockTimestamp(at);
        await expectNoPass({ ...pass, notBefore, expiry }, "PassTermInvalid", [notBefore, expiry, latest]);
        await base.restore();
      }
      for (const [delegations, minInterval] of [
        [4n, 0n],
        [1n, 1n],
      ] as const) {
        await expectNoPass({ ...pass, delegations, minInterval }, "PassDelegationsInvalid", [
          delegations,
          minInterval,
          3n,
        ]);
      }
    });

    it("takes the last second that it may, and the longest term", async () => {
      const pass = await passFor(world, grantee);
      const at = (await now(world)) + 100n;
      await networkHelpers.time.setNextBlockTimestamp(at);
      await grantBy({ ...pass, deadline: at, expiry: at + 400n * DAY });
      expect((await passOf()).permissions).to.equal(pass.permissions);
    });
  });

  describe("registering a signed one", () => {
    const registerBy = (
      pass: TestPass,
      signature: string,
      { by = world.thief, signer = world.keeper } = {},
    ) => world.access.connect(by).registerPass(pass, "0x", signer.address, signature);

    it("may be done by anyone, and counts as the signer's", async () => {
      const { access, accessDomain, device, keeper } = world;
      const pass = await passFor(world, grantee);
      const signature = await signPass(keeper, accessDomain, pass);
      await expect(registerBy(pass, signature))
        .to.emit(access, "PassGranted")
        .withArgs(device.id, grantee, keeper.address, 1n, 1n, pass.permissions, 0n, pass.expiry, 0n, 0n);
      expect((await ask(world, world.key)).reason).to.equal(Reason.Allowed);
    });

    it("signs what ethers and the contract both compute", async () => {
      const pass = await passFor(world, grantee, { endpointCommitment: id("c"), envelopeHash: id("e") });
      expect(await world.access.passDigest(pass)).to.equal(
        ethers.TypedDataEncoder.hash(world.accessDomain, passTypes, pass),
      );
    });

    it("fails when any field differs from what was signed", async () => {
      const { access, accessDomain, keeper } = world;
      const pass = await passFor(world, grantee);
      const signature = await signPass(keeper, accessDomain, pass);
      for (const [field, value] of Object.entries(pass)) {
        const changed = typeof value === "bigint" ? value + 1n : id(`another ${field}`);
        await expect(
          registerBy({ ...pass, [field]: changed }, signature),
          field,
        ).to.be.revertedWithCustomError(access, "PassSignatureInvalid");
      }
    });

    it("fails for another signer, chain, contract or version", async () => {
      const { access, accessDomain, keeper, thief, nextKeeper } = world;
      const pass = await passFor(world, grantee);
      const foreign = [
        { ...accessDomain, chainId: 1n },
        { ...accessDomain, verifyingContract: thief.address },
        { ...accessDomain, version: "2" },
      ];
      for (const domain of foreign) {
        await expect(registerBy(pass, await signPass(keeper, domain, pass))).to.be.revertedWithCustomError(
          access,
          "PassSignatureInvalid",
        );
      }
      await expect(registerBy(pass, await signPass(thief, accessDomain, pass))).to.be.revertedWithCustomError(
        access,
        "PassSignatureInvalid",
      );
      // A good signature by somebody without the right.
      await expect(
        registerBy(pass, await signPass(nextKeeper, accessDomain, pass), { signer: nextKeeper }),
      ).to.be.revertedWithCustomError(access, "GrantorRefused");
      await expect(registerBy(pass, "0x")).to.be.revertedWithCustomError(access, "PassSignatureInvalid");
    });
  });

  describe("changing and revoking", () => {
    it("puts a new pass in place of the old, whose open token ends", async () => {
      const { key } = world;
      await give(world, grantee);
      const { token } = await ask(world, key);
      await give(world, grantee, { permissions: Permission.readState });
      expect((await redeem(world, key, token)).reason).to.equal(Reason.TokenUnknown);
      expect((await ask(world, key)).reason).to.equal(Reason.PermissionMissing);
      expect((await ask(world, key, grantee, Permission.readState)).reason).to.equal(Reason.Allowed);
      expect((await passOf()).rev).to.equal(2n);
    });

    it("revokes with the empty set, sent or signed, whatever else the pass says", async () => {
      const { access, accessDomain, device, keeper, key, thief } = world;
      await give(world, grantee);
      const empty = await passFor(world, grantee, { permissions: 0n, expiry: 0n, delegations: 9n });
      await expect(grantBy(empty))
        .to.emit(access, "PassRevoked")
        .withArgs(device.id, grantee, keeper.address, 2n);
      expect((await ask(world, key)).reason).to.equal(Reason.PassRevoked);
      await give(world, grantee);
      const signed = await passFor(world, grantee, { permissions: 0n });
      const signature = await signPass(keeper, accessDomain, signed);
      await access.connect(thief).registerPass(signed, "0x", keeper.address, signature);
      expect((await ask(world, key)).reason).to.equal(Reason.PassRevoked);
    });

    it("revokes without knowing the present state, by owner or grantee and nobody else", async () => {
      const { access, consortium, device, keeper, key, thief, gateway, nextKeeper } = world;
      const revokeBy = (who: typeof key) => access.connect(who).revoke(device.id, grantee);
      for (const who of [keeper, key]) {
        const { rev } = await give(world, grantee);
        await expect(revokeBy(who))
          .to.emit(access, "PassRevoked")
          .withArgs(device.id, grantee, who.address, rev + 1n);
        expect((await ask(world, key)).reason).to.equal(Reason.PassRevoked);
      }
      await give(world, grantee);
      await expect(revokeBy(thief)).to.be.revertedWithCustomError(consortium, "SignatoryUnknown");
      await expect(revokeBy(gateway)).to.be.revertedWithCustomError(consortium, "RoleMissing");
      await expect(revokeBy(nextKeeper)).to.be.revertedWithCustomError(access, "GrantorRefused");
      await expect(access.connect(keeper).revoke(device.id, ZeroHash)).to.be.revertedWithCustomError(
        access,
        "GranteeInvalid",
      );
      expect((await ask(world, key)).reason).to.equal(Reason.Allowed);
    });

    it("uses up signed passes that nobody has registered yet", async () => {
      const { access, accessDomain, device, keeper } = world;
      const pass = await passFor(world, grantee);
      const signature = await signPass(keeper, accessDomain, pass);
      await access.connect(keeper).revoke(device.id, grantee);
      await expect(access.registerPass(pass, "0x", keeper.address, signature))
        .to.be.revertedWithCustomError(access, "PassRevMismatch")
        .withArgs(device.id, grantee, 1n, 2n);
    });

    it("gives a revoked device no new pass, and still revokes there", async () => {
      const { access, registry, device, keeper, key } = world;
      await give(world, grantee);
      await registry.connect(keeper).revoke(device.id);
      const pass = await passFor(world, keyGrantee(world.thief));
      await expectNoPass(pass, "DeviceEnded", [device.id], { from: registry });
      await access.connect(keeper).revoke(device.id, grantee);
      expect((await ask(world, key)).reason).to.equal(Reason.DeviceNotActive);
    });
  });

  describe("the endpoint", () => {
    const envelope = "0x84015820aabbcc";
    const sealed = { endpointCommitment: id("commitment"), envelopeHash: keccak256(envelope) };

    it("is emitted sealed, and every token names its commitment", async () => {
      const { access, device, keeper, key, tech, techs } = world;
      for (const [who, whose] of [
        [key, grantee],
        [tech, techs],
      ] as const) {
        const pass = await passFor(world, whose, sealed);
        await expect(access.connect(keeper).grant(pass, envelope))
          .to.emit(access, "EndpointSealed")
          .withArgs(device.id, whose, 1n, sealed.endpointCommitment, envelope);
        expect((await passOf(whose)).endpointCommitment).to.equal(sealed.endpointCommitment);
        expect((await ask(world, who, whose)).endpointCommitment).to.equal(sealed.endpointCommitment);
      }
    });

    it("may be committed to and handed over in another way, or left out", async () => {
      const { access, keeper, key } = world;
      await give(world, grantee, { endpointCommitment: id("commitment") });
      expect((await ask(world, key)).endpointCommitment).to.equal(id("commitment"));
      await expect(access.connect(keeper).grant(await passFor(world, grantee), "0x")).not.to.emit(
        access,
        "EndpointSealed",
      );
      expect((await ask(world, key)).endpointCommitment).to.equal(ZeroHash);
      expect((await passOf()).endpointCommitment).to.equal(ZeroHash);
    });

    it("comes as it was signed, never without its commitment", async () => {
      const pass = await passFor(world, grantee, sealed);
      const other = "0x00";
      for (const [given, expected] of [
        [other, keccak256(other)],
        ["0x", ZeroHash],
      ] as const) {
        await expectNoPass(pass, "EndpointEnvelopeMismatch", [sealed.envelopeHash, expected], {
          envelope: given,
        });
      }
      await expectNoPass(
        { ...pass, envelopeHash: ZeroHash },
        "EndpointEnvelopeMismatch",
        [ZeroHash, keccak256(envelope)],
        { envelope },
      );
      await expectNoPass({ ...pass, endpointCommitment: ZeroHash }, "EndpointCommitmentMissing", [], {
        envelope,
      });
    });
  });

  describe("when giving is stopped", () => {
    const entries = () =>
      (["grant", "registerPass", "delegate"] as const).map(
        (name) => world.access.interface.getFunction(name).selector,
      );

    it("a pause stops new passes and no revocation, in any form", async () => {
      const { access, accessDomain, device, guardian, keeper, key } = world;
      await give(world, grantee, { delegations: 1n });
      const [grantSelector, registerSelector, delegateSelector] = entries();
      const until = (await now(world)) + DAY;
      await access.connect(guardian).pause(entries(), until, "a stolen key");
      const pass = await passFor(world, grantee);
      await expectNoPass(pass, "ActionPaused", [grantSelector, until]);
      const signature = await signPass(keeper, accessDomain, pass);
      await expect(access.registerPass(pass, "0x", keeper.address, signature))
        .to.be.revertedWithCustomError(access, "ActionPaused")
        .withArgs(registerSelector, until);
      await expect(access.connect(key).delegate(grantee, await passFor(world, keyGrantee(world.thief)), "0x"))
        .to.be.revertedWithCustomError(access, "ActionPaused")
        .withArgs(delegateSelector, until);
      expect((await ask(world, key)).reason).to.equal(Reason.Allowed);
      await grantBy({ ...pass, permissions: 0n });
      expect((await ask(world, key)).reason).to.equal(Reason.PassRevoked);
      await access.connect(keeper).revoke(device.id, grantee);
      for (const name of ["revoke", "request", "redeem", "redeemByDevice", "askAccess"] as const) {
        const { selector } = access.interface.getFunction(name);
        await expect(access.connect(guardian).pause([selector], until, "why"))
          .to.be.revertedWithCustomError(access, "ActionNotPausable")
          .withArgs(selector);
      }
    });

    it("a successor takes new passes; those given here run to their end", async () => {
      const { access, admin, consortium, key } = world;
      await give(world, grantee);
      const successor = await consortium.getAddress();
      await access.connect(admin).closeEntries(successor);
      await expectNoPass(await passFor(world, grantee), "ActionClosed", [entries()[0], successor]);
      const { token } = await ask(world, key);
      expect((await redeem(world, key, token)).reason).to.equal(Reason.Allowed);
    });
  });

  it("does the same for whoever signs an act instead of sending it", async () => {
    const { access, keeper, key, thief } = world;
    const act = async (signer: typeof key, call: string) => {
      const message = { signer: signer.address, call, nonce: 0n, deadline: LATER };
      const signature = await signAct(access, signer, message);
      return access.connect(thief).act(signer.address, call, 0n, LATER, signature);
    };
    const pass = await passFor(world, grantee);
    await act(keeper, access.interface.encodeFunctionData("grant", [pass, "0x"]));
    const call = access.interface.encodeFunctionData("request", [world.device.id, grantee, 1n]);
    await expect(act(key, call)).to.emit(access, "TokenIssued");
  });

  it("gives a role of one organisation to nobody of another", async () => {
    const { tech, nextKeeper, next } = world;
    await give(world, roleGrantee(next, Role.DeviceManager));
    expect((await ask(world, tech, roleGrantee(next, Role.DeviceManager))).reason).to.equal(
      Reason.NotGrantee,
    );
    expect((await ask(world, nextKeeper, roleGrantee(next, Role.DeviceManager))).reason).to.equal(
      Reason.Allowed,
    );
  });
});
