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
  proveRedemption,
  Reason,
  redeem,
  rotate,
  signPass,
} from "../support/access.js";
import { DAY } from "../support/consortium.js";
import { LATER, register } from "../support/devices.js";
import { makeKey } from "../support/keys.js";
import { signAct } from "../support/signed-acts.js";

const { ethers, networkHelpers, provider } = await network.create();
const { time } = networkHelpers;

describe("DeviceAccess: attackers", () => {
  const fixture = async () => deployAccess(ethers);
  let world: AccessWorld;
  let grantee: string;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
    grantee = keyGrantee(world.key);
  });

  describe("with a stolen token", () => {
    it("can neither use it nor spoil it", async () => {
      const { access, device, key, thief, tech, nextKeeper } = world;
      await give(world, grantee);
      await give(world, keyGrantee(thief));
      const { token } = await ask(world, key);
      // In another's name, in its own, under its own pass, under a role's.
      expect((await redeem(world, key, token, { by: thief })).reason).to.equal(Reason.NotHolder);
      expect((await redeem(world, thief, token, { grantee })).reason).to.equal(Reason.NotGrantee);
      expect((await redeem(world, thief, token)).reason).to.equal(Reason.TokenUnknown);
      expect((await redeem(world, tech, token, { grantee: world.techs })).reason).to.equal(
        Reason.PassMissing,
      );
      expect((await redeem(world, key, token, { by: nextKeeper })).reason).to.equal(Reason.NotHolder);
      expect(await access.explainToken(device.id, grantee, key.address, token)).to.equal(Reason.Allowed);
      expect((await redeem(world, key, token)).reason).to.equal(Reason.Allowed);
    });

    it("gets nothing on another device of the same owner with the same grantee", async () => {
      const { access, key } = world;
      const other = makeKey(1);
      await register(world, other, world.site);
      for (const device of [world.device, other]) await give(world, grantee, { device: device.id });
      const { token } = await ask(world, key);
      await ask({ access, device: other }, key);
      expect((await redeem({ access, device: other }, key, token)).reason).to.equal(Reason.TokenUnknown);
    });

    it("cannot compute the next one into being", async () => {
      const { access, device, key } = world;
      await give(world, grantee);
      await ask(world, key);
      const until = (await now(world)) + 900n;
      const guess = await access.tokenOf(device.id, grantee, key.address, 1, 1, 2, 3, until);
      expect((await redeem(world, key, guess)).reason).to.equal(Reason.TokenUnknown);
      // Nor turn a token for little into one for much.
      const more = await access.tokenOf(device.id, grantee, key.address, 1, 1, 1, 3, until);
      expect((await redeem(world, key, more)).reason).to.equal(Reason.TokenUnknown);
    });

    it("cannot carry a token over a change of the pass by naming the new one", async () => {
      const { access, device, key, tech, techs } = world;
      for (const [who, whose] of [
        [key, grantee],
        [tech, techs],
      ] as const) {
        await give(world, whose);
        const { until, counter, permissions } = await ask(world, who, whose);
        await give(world, whose);
        const forged = await access.tokenOf(
          device.id,
          whose,
          who.address,
          1,
          2,
          counter!,
          permissions,
          until!,
        );
        const { reason } = await redeem(world, who, forged, { grantee: whose });
        expect([Reason.TokenSpent, Reason.TokenUnknown]).to.include(reason);
      }
    });
  });

  describe("as a requester who front-runs", () => {
    it("a request sent first in the same block takes nobody's place", async () => {
      const { access, device, key, thief } = world;
      await give(world, grantee, { minInterval: 3600n });
      await provider.request({ method: "evm_setAutomine", params: [false] });
      const first = await access.connect(thief).request(device.id, grantee, 1n, { gasLimit: 500_000n });
      const second = await access.connect(key).request(device.id, grantee, 1n, { gasLimit: 500_000n });
      await provider.request({ method: "evm_setAutomine", params: [true] });
      await networkHelpers.mine();
      await expect(first).to.emit(access, "AccessDenied");
      await expect(second).to.emit(access, "TokenIssued");
    });

    it("a token taken in the block before the revocation is worth nothing after it", async () => {
      const { access, device, key, keeper } = world;
      await give(world, grantee);
      const { token } = await ask(world, key);
      await access.connect(keeper).revoke(device.id, grantee);
      expect((await redeem(world, key, token)).reason).to.equal(Reason.PassRevoked);
    });

    it("a pass registered just before the owner took it back is revoked all the same", async () => {
      const { access, accessDomain, device, key, keeper } = world;
      const pass = await passFor(world, grantee);
      const signature = await signPass(keeper, accessDomain, pass);
      await access.connect(key).registerPass(pass, "0x", keeper.address, signature);
      await access.connect(keeper).revoke(device.id, grantee);
      expect((await ask(world, key)).reason).to.equal(Reason.PassRevoked);
    });

    it("of two passes that the owner signed for the same moment one counts, and only one", async () => {
      const { access, accessDomain, key, keeper } = world;
      const wide = await passFor(world, grantee, { permissions: 3n });
      const narrow = { ...wide, permissions: 1n };
      const signatures = [
        await signPass(keeper, accessDomain, wide),
        await signPass(keeper, accessDomain, narrow),
      ];
      await access.connect(key).registerPass(narrow, "0x", keeper.address, signatures[1]!);
      await expect(
        access.connect(key).registerPass(wide, "0x", keeper.address, signatures[0]!),
      ).to.be.revertedWithCustomError(access, "PassRevMismatch");
    });
  });

  describe("as an ex-owner", () => {
    it("keeps no pass, no token, no gateway and no signature", async () => {
      const { access, accessDomain, device, key, keeper, gateway, thief } = world;
      await give(world, grantee);
      const { token } = await ask(world, key);
      const signed = await passFor(world, keyGrantee(thief));
      const signature = await signPass(keeper, accessDomain, signed);
      await handOver(world, device, { engaged: true });
      expect((await ask(world, key)).reason).to.equal(Reason.PassEpochEnded);
      expect((await redeem(world, key, token)).reason).to.equal(Reason.PassEpochEnded);
      for (const by of [keeper, gateway]) {
        expect((await redeem(world, key, token, { by })).reason).to.equal(Reason.NotHolder);
      }
      for (const pass of [signed, { ...signed, epoch: 2n }]) {
        await expect(access.connect(keeper).grant(pass, "0x")).to.be.revertedWithCustomError(
          access,
          "GrantorRefused",
        );
      }
      await expect(
        access.registerPass(signed, "0x", keeper.address, signature),
      ).to.be.revertedWithCustomError(access, "GrantorRefused");
      await expect(access.connect(keeper).revoke(device.id, grantee)).to.be.revertedWithCustomError(
        access,
        "GrantorRefused",
      );
    });

    it("finds nothing old alive when it buys the device back", async () => {
      const { access, accessDomain, device, key, keeper, nextKeeper, thief } = world;
      await give(world, grantee);
      const { token } = await ask(world, key);
      const signed = await passFor(world, keyGrantee(thief));
      const signature = await signPass(keeper, accessDomain, signed);
      await handOver(world, device, { engaged: true });
      await handOver(world, device, { engaged: true, from: nextKeeper, to: keeper });
      expect((await ask(world, key)).reason).to.equal(Reason.PassEpochEnded);
      expect((await redeem(world, key, token)).reason).to.equal(Reason.PassEpochEnded);
      await expect(access.registerPass(signed, "0x", keeper.address, signature))
        .to.be.revertedWithCustomError(access, "PassEpochMismatch")
        .withArgs(device.id, 1n, 3n);
    });

    it("gets nothing from a device key that it kept: a rotation ends every pass, and the old key speaks no more", async () => {
      const { access, accessDomain, device, key } = world;
      await give(world, grantee);
      const before = await ask(world, key);
      const fresh = makeKey(1);
      await rotate(world, device, fresh);
      expect((await redeem(world, key, before.token)).reason).to.equal(Reason.PassEpochEnded);
      await give(world, grantee);
      const { token } = await ask(world, key);
      const prove = (by: typeof device) => {
        const { r, s } = proveRedemption(accessDomain, by, { device: device.id, token, deadline: LATER });
        const { curve, x, y } = by;
        return access.redeemByDevice(device.id, grantee, key.address, token, { curve, x, y }, LATER, r, s);
      };
      await expect(prove(device))
        .to.be.revertedWithCustomError(access, "RedemptionKeyRefused")
        .withArgs(device.id, device.id);
      await expect(prove(fresh)).to.emit(access, "TokenRedeemed");
    });
  });

  describe("as a relayer who replays", () => {
    it("registers a signed pass once, and never again, also after it was revoked", async () => {
      const { access, accessDomain, device, keeper } = world;
      const pass = await passFor(world, grantee);
      const signature = await signPass(keeper, accessDomain, pass);
      const send = () => access.connect(world.thief).registerPass(pass, "0x", keeper.address, signature);
      await send();
      await expect(send()).to.be.revertedWithCustomError(access, "PassRevMismatch");
      await access.connect(keeper).revoke(device.id, grantee);
      await expect(send()).to.be.revertedWithCustomError(access, "PassRevMismatch");
    });

    it("cannot hold a pass back beyond its deadline", async () => {
      const { access, accessDomain, keeper } = world;
      const deadline = (await now(world)) + DAY;
      const pass = await passFor(world, grantee, { deadline });
      const signature = await signPass(keeper, accessDomain, pass);
      await time.increase(DAY + 1n);
      await expect(access.registerPass(pass, "0x", keeper.address, signature)).to.be.revertedWithCustomError(
        access,
        "PassDeadlinePassed",
      );
    });

    it("cannot put another sealed endpoint under the owner's signature, nor leave it out", async () => {
      const { access, accessDomain, keeper } = world;
      const envelope = "0x84aabb";
      const sealed = { endpointCommitment: id("endpoint"), envelopeHash: ethers.keccak256(envelope) };
      const pass = await passFor(world, grantee, sealed);
      const signature = await signPass(keeper, accessDomain, pass);
      for (const wrong of ["0x", "0x84aacc"]) {
        await expect(
          access.registerPass(pass, wrong, keeper.address, signature),
        ).to.be.revertedWithCustomError(access, "EndpointEnvelopeMismatch");
      }
      await access.registerPass(pass, envelope, keeper.address, signature);
    });

    it("relays a signed request once", async () => {
      const { access, device, key, thief } = world;
      await give(world, grantee);
      const call = access.interface.encodeFunctionData("request", [device.id, grantee, 1n]);
      const message = { signer: key.address, call, nonce: 0n, deadline: LATER };
      const signature = await signAct(access, key, message);
      const relay = () => access.connect(thief).act(key.address, call, 0n, LATER, signature);
      await expect(relay()).to.emit(access, "TokenIssued");
      await expect(relay()).to.be.revertedWithCustomError(access, "InvalidAccountNonce");
    });

    it("gains nothing by bringing the device's signature twice", async () => {
      const { access, accessDomain, device, key, thief } = world;
      await give(world, grantee);
      const { token } = await ask(world, key);
      const { r, s } = proveRedemption(accessDomain, device, { device: device.id, token, deadline: LATER });
      const { curve, x, y } = device;
      const send = () =>
        access
          .connect(thief)
          .redeemByDevice(device.id, grantee, key.address, token, { curve, x, y }, LATER, r, s);
      await expect(send()).to.emit(access, "TokenRedeemed");
      await expect(send()).to.emit(access, "AccessDenied");
      await ask(world, key);
      await expect(send()).to.emit(access, "AccessDenied");
    });
  });

  describe("as an organisation suspended between request and redemption", () => {
    it("redeems nothing: by role, by its people's own keys, by the owner's gateway for it", async () => {
      const { consortium, guardian, registrar, tech, techs, member, gateway, firm } = world;
      await give(world, techs);
      await give(world, keyGrantee(member));
      const byRole = await ask(world, tech, techs);
      const byKey = await ask(world, member);
      await consortium.connect(guardian).suspend(firm);
      for (const by of [tech, gateway]) {
        const answer = await redeem(world, tech, byRole.token, { by, grantee: techs });
        expect(answer.reason).to.equal(Reason.RequesterSuspended);
      }
      expect((await redeem(world, member, byKey.token)).reason).to.equal(Reason.RequesterSuspended);
      await consortium.connect(registrar).reinstate(firm);
      expect((await redeem(world, tech, byRole.token, { grantee: techs })).reason).to.equal(Reason.Allowed);
    });

    it("an owner's gateway stops with the owner, whose requesters still redeem for themselves", async () => {
      const { consortium, guardian, key, gateway, site } = world;
      await give(world, grantee);
      const { token } = await ask(world, key);
      await consortium.connect(guardian).suspend(site);
      expect((await redeem(world, key, token, { by: gateway })).reason).to.equal(Reason.NotHolder);
      expect((await redeem(world, key, token)).reason).to.equal(Reason.Allowed);
    });

    it("a technician without the role has no access, at once", async () => {
      const { consortium, guardian, tech, techs } = world;
      await give(world, techs);
      const { token } = await ask(world, tech, techs);
      await consortium.connect(guardian).revokeRole(tech.address, 5n);
      expect((await redeem(world, tech, token, { grantee: techs })).reason).to.equal(Reason.NotGrantee);
      expect((await ask(world, tech, techs)).reason).to.equal(Reason.NotGrantee);
    });
  });

  describe("against other people's access", () => {
    it("cannot earn another strikes, nor a block, nor a line under another's name", async () => {
      const { access, device, key, thief } = world;
      await give(world, grantee);
      for (let i = 0; i < 5; i++) {
        const answer = await ask(world, thief, grantee, Permission.startStop);
        expect(answer).to.include({ reason: Reason.NotGrantee, requester: thief.address });
        const redeemed = await redeem(world, key, id("token"), { by: thief });
        expect(redeemed).to.include({ reason: Reason.NotHolder, requester: thief.address });
      }
      expect(await access.usageOf(device.id, grantee, key.address)).to.deep.equal([
        0n,
        ZeroHash,
        0n,
        0n,
        0n,
        0n,
      ]);
      expect((await ask(world, key)).reason).to.equal(Reason.Allowed);
    });

    it("cannot wash a block off by giving its pass up, or having it passed on again", async () => {
      const { access, device, key, thief } = world;
      await give(world, grantee, { delegations: 1n });
      const pass = async () => {
        const given = await passFor(world, keyGrantee(thief), { permissions: 1n });
        given.expiry -= DAY;
        return access.connect(key).delegate(grantee, given, "0x");
      };
      await pass();
      for (let i = 0; i < 3; i++) await ask(world, thief, keyGrantee(thief), Permission.startStop);
      await pass();
      expect((await ask(world, thief)).reason).to.equal(Reason.Blocked);
      await access.connect(thief).revoke(device.id, keyGrantee(thief));
      await pass();
      expect((await ask(world, thief)).reason).to.equal(Reason.Blocked);
    });

    it("cannot hide a block behind a pass that begins after it", async () => {
      const { access, device, key, thief } = world;
      await give(world, grantee, { delegations: 1n });
      const part = async (changes = {}) => {
        const given = await passFor(world, keyGrantee(thief), { permissions: 1n, ...changes });
        return { ...given, expiry: given.expiry - DAY };
      };
      await access.connect(key).delegate(grantee, await part(), "0x");
      for (let i = 0; i < 3; i++) await ask(world, thief, keyGrantee(thief), Permission.startStop);
      const { blockedUntil } = await access.usageOf(device.id, keyGrantee(thief), thief.address);
      await expect(access.connect(key).delegate(grantee, await part({ notBefore: blockedUntil + 1n }), "0x"))
        .to.be.revertedWithCustomError(access, "GranteeBlocked")
        .withArgs(device.id, keyGrantee(thief), blockedUntil);
      await access.connect(key).delegate(grantee, await part({ notBefore: blockedUntil }), "0x");
      await access.connect(key).delegate(grantee, await part(), "0x");
      expect((await ask(world, thief)).reason).to.equal(Reason.Blocked);
      await time.setNextBlockTimestamp(blockedUntil);
      expect((await ask(world, thief)).reason).to.equal(Reason.Allowed);
    });

    it("cannot stop a device's owner from revoking by filling in changes of its own", async () => {
      const { access, device, key, keeper } = world;
      await give(world, grantee);
      for (let i = 0; i < 5; i++) await access.connect(key).revoke(device.id, grantee);
      await access.connect(keeper).revoke(device.id, grantee);
      expect((await access.passOf(device.id, grantee)).rev).to.equal(7n);
    });
  });
});
