import { generateKeyPairSync } from "node:crypto";
import { expect } from "chai";
import { Interface, keccak256 } from "ethers";
import { network } from "hardhat";
import type { Hex } from "../../sdk/src/bytes.js";
import { openEnvelope, sealEnvelope } from "../../sdk/src/envelope.js";
import { exportDeviceKey } from "../../sdk/src/frame/key.js";
import { abis } from "../../sdk/src/generated/abis.js";
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
  passTypes,
  proveRedemption,
  Reason,
  redeem,
  rotate,
  signPass,
  type TestPass,
} from "../support/access.js";
import { DAY } from "../support/consortium.js";
import { makeKey } from "../support/keys.js";

const { ethers, networkHelpers, provider } = await network.create();
const { time } = networkHelpers;

/** Flaws of the systems this one was measured against; each test shows that ours does not have it. */
describe("flaws of others that DeviceAccess does not have", () => {
  const fixture = async () => deployAccess(ethers);
  let world: AccessWorld;
  let grantee: string;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
    grantee = keyGrantee(world.key);
  });

  describe("Zhang et al. 2018, access control contracts", () => {
    it("took the time of an access from the caller: here no decision takes a time, and the block's alone counts", async () => {
      const face = new Interface(abis.DeviceAccess);
      for (const name of ["request", "redeem", "explain", "explainToken"]) {
        const inputs = face.getFunction(name)!.inputs.map((input) => input.name);
        expect(inputs.filter((input) => /time|now|when|date/i.test(input))).to.deep.equal([]);
      }
      const { expiry } = await give(world, grantee, { minInterval: 60n });
      const first = await ask(world, world.key);
      expect(first.until).to.equal((await now(world)) + 900n);
      expect((await ask(world, world.key)).reason).to.equal(Reason.TooFrequent);
      await time.setNextBlockTimestamp(expiry);
      expect((await ask(world, world.key)).reason).to.equal(Reason.PassExpired);
    });

    it("let anybody update a policy: here nobody but the owner's manager, by any function that writes one", async () => {
      const { access, accessDomain, device, key, thief, gateway, nextKeeper, tech, regulator, authority } =
        world;
      await give(world, grantee);
      const wide = await passFor(world, grantee, { permissions: 2n ** 40n - 1n });
      const before = await access.passOf(device.id, grantee);
      for (const who of [key, thief, gateway, nextKeeper, tech, regulator, authority]) {
        const signature = await signPass(who, accessDomain, wide);
        const contract = access.connect(who);
        for (const attempt of [
          contract.grant(wide, "0x"),
          contract.registerPass(wide, "0x", who.address, signature),
          contract.registerPass(wide, "0x", world.keeper.address, signature),
          contract.delegate(grantee, wide, "0x"),
          who === key ? contract.delegate(grantee, { ...wide, grantee: keyGrantee(thief) }, "0x") : undefined,
          who === key ? undefined : contract.revoke(device.id, grantee),
        ]) {
          if (attempt === undefined) continue;
          await expect(attempt).to.be.revert(ethers);
        }
      }
      expect(await access.passOf(device.id, grantee)).to.deep.equal(before);
    });

    it("compared the hash of a word with the hash of its encoding, so that nothing was ever allowed: here what is given is allowed, bit by bit", async () => {
      const { key } = world;
      for (let bit = 0n; bit < 40n; bit++) {
        const permissions = 1n << bit;
        await give(world, grantee, { permissions });
        const answer = await ask(world, key, grantee, permissions);
        expect(answer).to.include({ reason: Reason.Allowed, permissions });
        expect((await redeem(world, key, answer.token)).reason).to.equal(Reason.Allowed);
        const other = 1n << ((bit + 1n) % 40n);
        expect((await ask(world, key, grantee, other)).reason).to.equal(Reason.PermissionMissing);
        await give(world, grantee);
        if ((await ask(world, key)).reason === Reason.Blocked) await time.increase(3600n);
      }
    });

    it("deployed a contract for each pair: here a pair takes one storage slot", async () => {
      const { access, key, keeper } = world;
      const pass = await passFor(world, grantee);
      const written = await slotsWritten(await access.connect(keeper).grant(pass, "0x"));
      expect(written).to.have.length(1);
      const used = await slotsWritten(await access.connect(key).request(world.device.id, grantee, 1n));
      expect(used).to.deep.equal(written);
    });
  });

  describe("fabric-iot (Liu et al. 2020)", () => {
    it("compared the expiry with a time from the request: here a pass ends whatever the requester claims or signs", async () => {
      const { access, device, key, thief } = world;
      const { expiry } = await give(world, grantee);
      const call = access.interface.encodeFunctionData("request", [device.id, grantee, 1n]);
      await time.setNextBlockTimestamp(expiry);
      // Calldata behind the arguments is nobody's clock either.
      const sent = await key.sendTransaction({ to: access.target, data: `${call}${"00".repeat(31)}01` });
      const denied = access.interface.parseLog((await sent.wait())!.logs[0]!)!;
      expect([denied.name, denied.args.reason]).to.deep.equal(["AccessDenied", Reason.PassExpired]);
      expect((await ask(world, thief, grantee)).reason).to.equal(Reason.PassExpired);
    });

    it("kept an allowed address and never checked it: here each condition of a pass refuses by itself", async () => {
      const { key, thief } = world;
      const time_ = await now(world);
      type Condition = [changes: Partial<TestPass>, reason: bigint, who?: typeof key, permissions?: bigint];
      const conditions: Condition[] = [
        [{ permissions: 0n }, Reason.PassRevoked],
        [{ permissions: Permission.readState }, Reason.PermissionMissing, key, Permission.readTelemetry],
        [{ notBefore: time_ + DAY }, Reason.PassNotYetValid],
        [{ expiry: time_ + 5000n }, Reason.PassExpired],
        [{ minInterval: 60n }, Reason.TooFrequent],
        [{}, Reason.NotGrantee, thief],
      ];
      for (const [changes, reason, who = key, permissions = 1n] of conditions) {
        const fresh = await networkHelpers.takeSnapshot();
        await give(world, grantee, changes);
        if (reason === Reason.TooFrequent) await ask(world, key);
        if (reason === Reason.PassExpired) await time.increase(6000n);
        expect((await ask(world, who, grantee, permissions)).reason).to.equal(reason);
        await fresh.restore();
      }
      await give(world, grantee);
      expect((await ask(world, key)).reason).to.equal(Reason.Allowed);
    });

    it("answered with the device's address in plain text: here it is nowhere on the chain, and grantee and regulator read the same", async () => {
      const { access, device, keeper, key } = world;
      const content = Buffer.from("opc.tcp://10.20.0.7:4840/press-17", "utf8");
      const [ours, regulators] = [party(7, "Encryption"), party(9, "Disclosure")];
      const { bytes, commitment } = await sealEnvelope({
        subject: device.id,
        content,
        recipients: [ours, regulators],
      });
      const pass = await passFor(world, grantee, {
        endpointCommitment: commitment,
        envelopeHash: keccak256(bytes),
      });
      const from = await ethers.provider.getBlockNumber();
      await access.connect(keeper).grant(pass, bytes);
      const { token, endpointCommitment } = await ask(world, key);
      await redeem(world, key, token);
      expect(endpointCommitment).to.equal(commitment);
      const plain = content.toString("hex");
      for (let block = from + 1; block <= (await ethers.provider.getBlockNumber()); block++) {
        const { prefetchedTransactions } = (await ethers.provider.getBlock(block, true))!;
        for (const { data, hash } of prefetchedTransactions) {
          const receipt = await ethers.provider.getTransactionReceipt(hash);
          expect(JSON.stringify([data, receipt!.logs]).toLowerCase()).not.to.contain(plain);
        }
      }
      const sealed = await access.queryFilter(access.filters.EndpointSealed(device.id), from);
      const published = Buffer.from(sealed[0]!.args.envelope.slice(2), "hex");
      for (const reader of [ours, regulators]) {
        const read = await openEnvelope(published, reader, {
          subject: device.id,
          commitment: commitment as Hex,
        });
        expect(Buffer.from(read)).to.deep.equal(content);
      }
    });
  });

  describe("DIMO", () => {
    it("claimed devices by typed data without nonce or deadline: here every message has both, and they bite", async () => {
      const { access, accessDomain, device, key, keeper } = world;
      const fields = passTypes.Pass.map(({ name }) => name);
      expect(fields).to.include.members(["epoch", "rev", "deadline"]);
      const deadline = (await now(world)) + 1000n;
      const pass = await passFor(world, grantee, { deadline });
      const late = { ...pass, rev: 2n };
      const signatures = [
        await signPass(keeper, accessDomain, pass),
        await signPass(keeper, accessDomain, late),
      ];
      await access.registerPass(pass, "0x", keeper.address, signatures[0]!);
      await expect(
        access.registerPass(pass, "0x", keeper.address, signatures[0]!),
      ).to.be.revertedWithCustomError(access, "PassRevMismatch");
      const { token } = await ask(world, key);
      const { r, s } = proveRedemption(accessDomain, device, { device: device.id, token, deadline });
      const { curve, x, y } = device;
      const redeemByDevice = () =>
        access.redeemByDevice(device.id, grantee, key.address, token, { curve, x, y }, deadline, r, s);
      await expect(redeemByDevice()).to.emit(access, "TokenRedeemed");
      await expect(redeemByDevice()).to.emit(access, "AccessDenied");
      await time.setNextBlockTimestamp(deadline + 1n);
      await expect(
        access.registerPass(late, "0x", keeper.address, signatures[1]!),
      ).to.be.revertedWithCustomError(access, "PassDeadlinePassed");
      await expect(redeemByDevice()).to.be.revertedWithCustomError(access, "RedemptionDeadlinePassed");
    });

    it("left users with a 403 and no reason: here every refusal says why, in the log and before sending", async () => {
      const { access, device, thief } = world;
      const reason = await access.explain(device.id, grantee, thief.address, 1n);
      const answer = await ask(world, thief, grantee);
      expect([reason, answer.reason]).to.deep.equal([Reason.PassMissing, Reason.PassMissing]);
      await give(world, grantee);
      expect(await access.explain(device.id, grantee, thief.address, 1n)).to.equal(Reason.NotGrantee);
    });
  });

  describe("devices as ERC-721 tokens", () => {
    it("move with their old grants alive: here every way in which control changes ends all of them", async () => {
      const ways: [string, () => Promise<unknown>][] = [
        ["offered and accepted", () => handOver(world, world.device, { engaged: true })],
        ["a new key", () => rotate(world, world.device, makeKey(1))],
      ];
      for (const [how, change] of ways) {
        const fresh = await networkHelpers.takeSnapshot();
        const { key, thief, tech, techs } = world;
        await give(world, grantee, { delegations: 1n });
        await give(world, techs);
        const child = await passFor(world, keyGrantee(thief), { permissions: 1n });
        child.expiry -= DAY;
        await world.access.connect(key).delegate(grantee, child, "0x");
        const holders = [
          [key, grantee],
          [thief, keyGrantee(thief)],
          [tech, techs],
        ] as const;
        const tokens = [];
        for (const [who, whose] of holders) tokens.push((await ask(world, who, whose)).token);
        await change();
        for (const [i, [who, whose]] of holders.entries()) {
          expect((await ask(world, who, whose)).reason, how).to.equal(Reason.PassEpochEnded);
          const { reason } = await redeem(world, who, tokens[i]!, { grantee: whose });
          expect(reason, how).to.equal(Reason.PassEpochEnded);
        }
        await fresh.restore();
      }
    });

    it("move to somebody who did not ask for it: here a device's passes wait for the device to follow its new owner", async () => {
      const { access, device, key, nextKeeper } = world;
      await handOver(world, device);
      const pass = await passFor(world, grantee);
      await access.connect(nextKeeper).grant(pass, "0x");
      expect((await ask(world, key)).reason).to.equal(Reason.DeviceNotEngaged);
    });
  });

  async function slotsWritten(sent: { hash: string }): Promise<string[]> {
    const trace = (await provider.request({
      method: "debug_traceTransaction",
      params: [sent.hash, {}],
    })) as { structLogs: { op: string; stack: string[] }[] };
    const slots = trace.structLogs.filter(({ op }) => op === "SSTORE").map(({ stack }) => stack.at(-1)!);
    return [...new Set(slots)];
  }

  function party(organisation: number, use: "Encryption" | "Disclosure") {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return { organisation, use, version: 1, key: exportDeviceKey(privateKey), privateKey };
  }
});
