import { expect } from "chai";
import { id } from "ethers";
import { network } from "hardhat";
import { DAY, grant, holderOf, Role } from "../support/consortium.js";
import { DeviceStatus, LATER, recordOf } from "../support/devices.js";
import { makeKey } from "../support/keys.js";
import { expectRefused } from "../support/refused.js";
import {
  deployOwners,
  engagement,
  type keyProof,
  type Owners,
  rotation,
  signTransfer,
  transfer,
} from "../support/registry.js";

const { ethers, networkHelpers } = await network.create();
const { time } = networkHelpers;

const CAUSE = { Accepted: 0n, Signed: 1n, Recovered: 2n, Forced: 3n };

describe("DeviceRegistry: ownership", () => {
  const fixture = async () => deployOwners(ethers);
  let world: Owners;
  let device: string;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
    device = world.key.id;
  });

  type Send = (overrides: object) => Promise<never>;
  const state = async () => [
    await world.registry.record(device),
    await world.registry.offerOf(device),
    await world.registry.keyIdAt(device, 1),
  ];
  const refused = (send: unknown, error: string, args: unknown[]) => {
    const ours = /^(Device|Action)/.test(error);
    return expectRefused(send as Send, ours ? world.registry : world.consortium, error, args, state);
  };
  const soon = async () => BigInt(await time.latest()) + DAY;
  const as = (name: "buyer" | "tenant" | "clerk" | "maker" | "stranger" | "authority") =>
    world.registry.connect(world[name]);
  const offered = async (until?: bigint) =>
    as("buyer").offer(device, world.tenantOrg, until ?? (await soon()));

  describe("an offer", () => {
    it("is made, accepted and engaged; the epoch begins with the acceptance", async () => {
      const { registry, key, buyer, buyerOrg, tenantOrg, makerOrg } = world;
      const born = await registry.record(device);
      const until = await soon();
      await expect(as("buyer").offer(device, tenantOrg, until))
        .to.emit(registry, "DeviceOffered")
        .withArgs(device, buyerOrg, tenantOrg, until, buyer.address);
      expect(await registry.offerOf(device)).to.deep.equal([tenantOrg, until]);
      expect(await registry.ownerOf(device)).to.equal(holderOf(buyerOrg));

      await as("buyer").stopAccess(device);
      await expect(as("tenant").acceptOffer(device))
        .to.emit(registry, "DeviceTransferred")
        .withArgs(device, holderOf(buyerOrg), holderOf(tenantOrg), 2n, born.blockNumber, CAUSE.Accepted);
      const { number, timestamp } = (await ethers.provider.getBlock("latest"))!;
      expect(recordOf(await registry.record(device))).to.deep.equal({
        owner: holderOf(tenantOrg),
        since: BigInt(timestamp),
        status: DeviceStatus.Active,
        curve: 1n,
        epoch: 2n,
        blockNumber: BigInt(number),
        engaged: false,
        locked: false,
        accessStopped: false,
        rotated: false,
        org: tenantOrg,
        maker: makerOrg,
      });
      expect(await registry.offerOf(device)).to.deep.equal([0n, 0n]);

      const proof = await engagement(world, device, key);
      await expect(as("stranger").engage(device, proof, LATER))
        .to.emit(registry, "DeviceEngaged")
        .withArgs(device, holderOf(tenantOrg), 2n);
      expect((await registry.record(device)).engaged).to.equal(true);
    });

    it("is cancelled by its owner and rejected by the other side, and nobody else", async () => {
      const { registry, buyer, tenant, maker, clerk, tenantOrg } = world;
      for (const [verb, signer, wrong] of [
        ["cancelOffer", buyer, tenant],
        ["rejectOffer", tenant, buyer],
      ] as const) {
        await offered();
        for (const other of [wrong, maker])
          await refused((sent: object) => registry.connect(other)[verb](device, sent), "DeviceActorRefused", [
            device,
            other.address,
          ]);
        await refused((sent: object) => registry.connect(clerk)[verb](device, sent), "RoleMissing", [
          clerk.address,
          Role.DeviceManager,
        ]);
        await expect(registry.connect(signer)[verb](device))
          .to.emit(registry, "DeviceOfferEnded")
          .withArgs(device, tenantOrg, signer.address);
        for (const again of ["cancelOffer", "rejectOffer", "acceptOffer"] as const)
          await refused(
            (sent: object) => registry.connect(signer)[again](device, sent),
            "DeviceOfferMissing",
            [device],
          );
      }
    });

    it("ends by itself, at its second", async () => {
      const until = await soon();
      await offered(until);
      await time.setNextBlockTimestamp(until);
      await refused((sent: object) => as("tenant").acceptOffer(device, sent), "DeviceOfferExpired", [
        device,
        until,
      ]);
      await offered(until + DAY);
      await time.setNextBlockTimestamp(until + DAY - 1n);
      await as("tenant").acceptOffer(device);
    });

    it("is refused to itself, to nobody, to who left, and outside its time", async () => {
      const { consortium, guardian, buyerOrg, tenantOrg } = world;
      const until = await soon();
      const offer = (to: bigint, end: bigint) => (sent: object) => as("buyer").offer(device, to, end, sent);
      await refused(offer(buyerOrg, until), "DeviceOwnerUnchanged", [device, buyerOrg]);
      await refused(offer(99n, until), "OrganisationUnknown", [99n]);
      await refused(offer(0n, until), "OrganisationUnknown", [0n]);
      await consortium.connect(guardian).suspend(tenantOrg);
      await refused(offer(tenantOrg, until), "OrganisationNotActive", [tenantOrg, 2n]);
      const now = BigInt(await time.latest()) + 100n;
      const latest = now + 400n * DAY;
      for (const end of [0n, now, latest + 1n]) {
        const snapshot = await networkHelpers.takeSnapshot();
        await time.setNextBlockTimestamp(now);
        await refused(offer(tenantOrg, end), "DeviceOfferTermInvalid", [end, latest]);
        await snapshot.restore();
      }
    });

    it("is taken by nobody but the one it was made to, and not from an owner who is suspended", async () => {
      const { consortium, guardian, registrar, maker, clerk, buyer, buyerOrg } = world;
      await offered();
      for (const signer of [maker, buyer])
        await refused(
          (sent: object) => world.registry.connect(signer).acceptOffer(device, sent),
          "DeviceActorRefused",
          [device, signer.address],
        );
      await refused((sent: object) => as("clerk").acceptOffer(device, sent), "RoleMissing", [
        clerk.address,
        5n,
      ]);
      await consortium.connect(guardian).suspend(buyerOrg);
      await refused((sent: object) => as("tenant").acceptOffer(device, sent), "OrganisationNotActive", [
        buyerOrg,
        2n,
      ]);
      await consortium.connect(registrar).reinstate(buyerOrg);
      await as("tenant").acceptOffer(device);
    });

    it("ends with its epoch", async () => {
      const { key, tenantOrg } = world;
      await offered();
      const fresh = makeKey(1);
      const [present, next] = await rotation(world, device, key, fresh);
      await as("buyer").rotateKey(device, present, next, LATER);
      expect(await world.registry.offerOf(device)).to.deep.equal([0n, 0n]);
      await refused((sent: object) => as("tenant").acceptOffer(device, sent), "DeviceOfferMissing", [device]);
      expect((await world.registry.record(device)).org).to.not.equal(tenantOrg);
    });
  });

  describe("a transfer with both signatures", () => {
    it("moves the device in one transaction that anyone sends", async () => {
      const { registry, buyer, tenant, buyerOrg, tenantOrg } = world;
      const born = await registry.record(device);
      await expect(transfer(world, device, tenantOrg, buyer, tenant))
        .to.emit(registry, "DeviceTransferred")
        .withArgs(device, holderOf(buyerOrg), holderOf(tenantOrg), 2n, born.blockNumber, CAUSE.Signed);
      expect((await registry.record(device)).org).to.equal(tenantOrg);
      expect((await registry.record(device)).engaged).to.equal(false);
    });

    it("is refused without either signature, and for any change of what was signed", async () => {
      const { registry, buyer, tenant, maker, makerOrg, tenantOrg, stranger, clerk } = world;
      const given = await signTransfer(world, buyer, device, tenantOrg);
      const taken = await signTransfer(world, tenant, device, tenantOrg);
      const send =
        (a: typeof given, b: typeof given, to = tenantOrg, deadline = LATER) =>
        (sent: object) =>
          registry.connect(stranger).transfer(device, to, deadline, a, b, sent);
      const invalid = (party: { address: string }, call: ReturnType<typeof send>) =>
        expect(call({ gasLimit: 5_000_000n }))
          .to.be.revertedWithCustomError(registry, "DeviceTransferSignatureInvalid")
          .withArgs(device, party.address, (value: string) => value.length === 66);
      // One party signs for both, the empty signature, and a third party's.
      await refused(send(given, given), "DeviceActorRefused", [device, buyer.address]);
      await refused(send(taken, taken), "DeviceActorRefused", [device, tenant.address]);
      await invalid(buyer, send({ ...given, signature: "0x" }, taken));
      await invalid(tenant, send(given, { ...taken, signature: given.signature }));
      await refused(send({ ...given, signer: ethers.ZeroAddress }, taken), "SignatoryUnknown", [
        ethers.ZeroAddress,
      ]);
      const forMaker = await signTransfer(world, maker, device, makerOrg);
      await refused(send(given, forMaker), "DeviceActorRefused", [device, maker.address]);
      await invalid(buyer, send(given, forMaker, makerOrg));
      for (const change of [
        { device: id("other") },
        { from: makerOrg },
        { to: makerOrg },
        { epoch: 2n },
        { deadline: LATER - 1n },
      ])
        await invalid(buyer, send(await signTransfer(world, buyer, device, tenantOrg, change), taken));
      await invalid(buyer, send(given, taken, tenantOrg, LATER + 1n));
      // A signatory without the role signs for its organisation in vain.
      await refused(send(await signTransfer(world, clerk, device, tenantOrg), taken), "RoleMissing", [
        clerk.address,
        Role.DeviceManager,
      ]);
      await send(given, taken)({});
    });

    it("counts once, and in its last second but not after", async () => {
      const { buyer, tenant, buyerOrg, tenantOrg, registry, stranger } = world;
      const deadline = await soon();
      const given = await signTransfer(world, buyer, device, tenantOrg, { deadline });
      const taken = await signTransfer(world, tenant, device, tenantOrg, { deadline });
      const send = (sent: object) =>
        registry.connect(stranger).transfer(device, tenantOrg, deadline, given, taken, sent);
      const snapshot = await networkHelpers.takeSnapshot();
      await time.setNextBlockTimestamp(deadline + 1n);
      await refused(send, "DeviceTransferExpired", [device, deadline, deadline + 1n]);
      await snapshot.restore();
      await time.setNextBlockTimestamp(deadline - 10n);
      await send({});
      await refused(send, "DeviceOwnerUnchanged", [device, tenantOrg]);
      // Back again: now the old signatures name an old epoch.
      await transfer(world, device, buyerOrg, tenant, buyer);
      await expect(send({ gasLimit: 5_000_000n })).to.be.revertedWithCustomError(
        registry,
        "DeviceTransferSignatureInvalid",
      );
    });
  });

  describe("what holds a device back", () => {
    /** Every way to another owner by consent. */
    const expectImmovable = async (error: string, args: unknown[]) => {
      const { registry, buyer, tenant, tenantOrg, stranger } = world;
      const until = await soon();
      await refused((sent: object) => as("buyer").offer(device, tenantOrg, until, sent), error, args);
      await refused((sent: object) => as("tenant").acceptOffer(device, sent), error, args);
      const given = await signTransfer(world, buyer, device, tenantOrg);
      const taken = await signTransfer(world, tenant, device, tenantOrg);
      await refused(
        (sent: object) => registry.connect(stranger).transfer(device, tenantOrg, LATER, given, taken, sent),
        error,
        args,
      );
    };

    it("is a pledge, until it is released", async () => {
      const { encumbrances, registry, buyer, makerOrg, maker } = world;
      await offered();
      const at = await registry.getAddress();
      const until = await soon();
      await encumbrances.connect(buyer).place(at, device, 0n, makerOrg, 1n, until);
      expect((await registry.record(device)).locked).to.equal(true);
      await expectImmovable("DeviceImmovable", [device, DeviceStatus.Active, true]);
      // Whoever holds the pledge would be left with nothing; the authority may.
      const revoked = (sent: object) => as("buyer").revoke(device, sent);
      await refused(revoked, "DeviceImmovable", [device, DeviceStatus.Active, true]);
      const snapshot = await networkHelpers.takeSnapshot();
      await as("authority").revoke(device);
      await snapshot.restore();
      // Suspension is no transfer.
      await as("clerk").suspend(device);
      await as("clerk").resume(device);
      await grant(world, maker, Role.Treasurer);
      await encumbrances.connect(maker).release(at, device, 1n);
      expect((await registry.record(device)).locked).to.equal(false);
      await as("tenant").acceptOffer(device);
    });

    it("is the authority's suspension, not the owner's, which goes with the device", async () => {
      await offered();
      await as("authority").suspend(device);
      await expectImmovable("DeviceImmovable", [device, DeviceStatus.SuspendedByAuthority, false]);
      await as("authority").resume(device);
      await as("clerk").suspend(device);
      await as("tenant").acceptOffer(device);
      expect((await world.registry.record(device)).status).to.equal(DeviceStatus.SuspendedByOwner);
      await as("tenant").resume(device);
    });

    it("is its revocation, for ever", async () => {
      await offered();
      await as("buyer").revoke(device);
      await expectImmovable("DeviceEnded", [device]);
    });

    it("is a pause, for its time", async () => {
      const { registry, guardian, manager, admin } = world;
      await offered();
      const actions = (["offer", "acceptOffer", "transfer"] as const).map(
        (name) => registry.interface.getFunction(name).selector,
      );
      const pause = registry.interface.getFunction("pause").selector;
      await manager.connect(admin).setTargetFunctionRole(await registry.getAddress(), [pause], 2n);
      const until = await soon();
      await registry.connect(guardian).pause(actions, until, "a fault in transfers");
      await refused((sent: object) => as("tenant").acceptOffer(device, sent), "ActionPaused", [
        actions[1],
        until,
      ]);
      await as("tenant").rejectOffer(device); // what lets people out is never paused
      const revoke = registry.interface.getFunction("revoke").selector;
      await expect(registry.connect(guardian).pause([revoke], until, "x")).to.be.revertedWithCustomError(
        registry,
        "ActionNotPausable",
      );
    });
  });

  describe("engagement", () => {
    it("is refused twice, with another key, and for anything but this owner and epoch", async () => {
      const { registry, key, buyer, tenant, buyerOrg, tenantOrg, stranger } = world;
      const engage =
        (proof: ReturnType<typeof keyProof>, deadline = LATER) =>
        (sent: object) =>
          registry.connect(stranger).engage(device, proof, deadline, sent);
      await refused(engage(await engagement(world, device, key)), "DeviceAlreadyEngaged", [device, 1n]);
      const early = await engagement(world, device, key, { epoch: 2n });
      await transfer(world, device, tenantOrg, buyer, tenant);
      const other = makeKey(1);
      await refused(engage(await engagement(world, device, other)), "DeviceKeyMismatch", [
        device,
        device,
        other.id,
      ]);
      for (const change of [
        { epoch: 1n },
        { owner: holderOf(buyerOrg) },
        { device: other.id },
        { deadline: 1n },
      ])
        await expect(
          engage(await engagement(world, device, key, change))({ gasLimit: 5_000_000n }),
        ).to.be.revertedWithCustomError(registry, "DeviceProofInvalid");
      // Signed before for the right epoch, but for the old owner.
      await expect(engage(early)({ gasLimit: 5_000_000n })).to.be.revertedWithCustomError(
        registry,
        "DeviceProofInvalid",
      );
      const late = await engagement(world, device, key, { deadline: 1n });
      const stamp = BigInt(await time.latest()) + 10n;
      await time.setNextBlockTimestamp(stamp);
      await refused(engage(late, 1n), "DeviceProofExpired", [device, 1n, stamp]);
      await engage(await engagement(world, device, key))({});
    });
  });

  describe("access", () => {
    it("is stopped by any signatory of the owner, allowed by its manager, each once", async () => {
      const { registry, clerk, maker } = world;
      await refused((sent: object) => as("buyer").allowAccess(device, sent), "DeviceAccessUnchanged", [
        device,
        false,
      ]);
      await refused((sent: object) => as("maker").stopAccess(device, sent), "DeviceActorRefused", [
        device,
        maker.address,
      ]);
      await expect(as("clerk").stopAccess(device))
        .to.emit(registry, "DeviceAccessStopped")
        .withArgs(device, clerk.address);
      await refused((sent: object) => as("clerk").stopAccess(device, sent), "DeviceAccessUnchanged", [
        device,
        true,
      ]);
      await refused((sent: object) => as("clerk").allowAccess(device, sent), "RoleMissing", [
        clerk.address,
        5n,
      ]);
      await expect(as("buyer").allowAccess(device)).to.emit(registry, "DeviceAccessAllowed");
      expect((await registry.record(device)).accessStopped).to.equal(false);
      await as("buyer").revoke(device);
      await refused((sent: object) => as("clerk").stopAccess(device, sent), "DeviceEnded", [device]);
    });
  });

  describe("history", () => {
    it("answers every past time and block, also five changes in one block", async () => {
      const { registry, buyer, tenant, buyerOrg, tenantOrg } = world;
      const sides = [
        [buyer, tenant, tenantOrg],
        [tenant, buyer, buyerOrg],
      ] as const;
      const born = await registry.record(device);
      const epochs = [{ org: buyerOrg, since: born.since, block: born.blockNumber }];
      for (let i = 0; i < 4; ++i) {
        const [from, to, org] = sides[i % 2]!;
        await time.increase(1_000);
        await transfer(world, device, org, from, to);
        const { since, blockNumber } = await registry.record(device);
        epochs.push({ org, since, block: blockNumber });
      }
      // Five in one block, each signed for the epoch that it will meet.
      const { epoch } = await registry.record(device);
      const burst = [];
      for (let i = 0n; i < 5n; ++i) {
        const [from, to, org] = sides[Number(i) % 2]!;
        const change = { epoch: epoch + i, from: org === tenantOrg ? buyerOrg : tenantOrg };
        const given = await signTransfer(world, from, device, org, change);
        burst.push([org, given, await signTransfer(world, to, device, org, change)] as const);
      }
      await ethers.provider.send("evm_setAutomine", [false]);
      const nonce = await world.stranger.getNonce();
      const sent = [];
      for (const [i, [org, given, taken]] of burst.entries())
        sent.push(
          await registry
            .connect(world.stranger)
            .transfer(device, org, LATER, given, taken, { nonce: nonce + i, gasLimit: 200_000n }),
        );
      await ethers.provider.send("evm_mine", []);
      await ethers.provider.send("evm_setAutomine", [true]);
      const receipts = await Promise.all(sent.map((tx) => tx.wait()));
      expect(new Set(receipts.map((receipt) => receipt!.blockNumber)).size).to.equal(1);
      const last = await registry.record(device);
      for (const [org] of burst) epochs.push({ org, since: last.since, block: last.blockNumber });

      const expectedAt = (moment: bigint, by: "since" | "block") =>
        epochs.findLastIndex((entry) => entry[by] <= moment) + 1;
      for (let moment = born.since - 2n; moment <= last.since; moment += 251n) {
        const n = expectedAt(moment, "since");
        expect(await registry.epochAt(device, moment)).to.equal(BigInt(n));
        const owner = n === 0 ? ethers.ZeroAddress : holderOf(epochs[n - 1]!.org);
        expect(await registry.ownerAt(device, moment)).to.equal(owner);
        expect(await registry.inForceAt(device, moment)).to.deep.equal([BigInt(n), device]);
      }
      for (let block = born.blockNumber - 1n; block <= last.blockNumber; ++block) {
        const n = expectedAt(block, "block");
        expect(await registry.epochAtBlock(device, block)).to.equal(BigInt(n));
        const owner = n === 0 ? ethers.ZeroAddress : holderOf(epochs[n - 1]!.org);
        expect(await registry.ownerAtBlock(device, block)).to.equal(owner);
      }
      // From event to event, one block each, without a search.
      let block = last.blockNumber;
      let expected = last.epoch;
      while (expected > 1n) {
        const events = await registry.queryFilter(
          registry.filters.DeviceTransferred(device),
          Number(block),
          Number(block),
        );
        for (const { args } of events.reverse()) {
          expect(args.epoch).to.equal(expected--);
          block = args.previousBlock;
        }
      }
      expect(
        await registry.queryFilter(registry.filters.DeviceRegistered(device), Number(block), Number(block)),
      ).to.have.length(1);
      for (const [i, { org, since }] of epochs.entries()) {
        const past = await registry.recordOfEpoch(device, i + 1);
        expect([past.org, past.since, past.epoch]).to.deep.equal([org, since, BigInt(i + 1)]);
      }
    });

    it("refuses the future and epochs that have not begun", async () => {
      const { registry } = world;
      const now = BigInt(await time.latest());
      for (const read of [registry.ownerAt(device, now + 100n), registry.ownerAtBlock(device, 10n ** 9n)])
        await expect(read).to.be.revertedWithCustomError(registry, "DeviceTimeAhead");
      for (const epoch of [0n, 2n])
        await expect(registry.recordOfEpoch(device, epoch))
          .to.be.revertedWithCustomError(registry, "DeviceEpochUnknown")
          .withArgs(device, epoch, 1n);
      await expect(registry.keyIdAt(id("nobody"), 1n))
        .to.be.revertedWithCustomError(registry, "DeviceEpochUnknown")
        .withArgs(id("nobody"), 1n, 0n);
      expect(await registry.ownerAt(id("nobody"), 0n)).to.equal(ethers.ZeroAddress);
    });
  });

  it("is a device manager's, who was granted the role later or lost it, from that block on", async () => {
    const { clerk, consortium, guardian } = world;
    await grant(world, clerk, Role.DeviceManager);
    await world.registry.connect(clerk).offer(device, world.tenantOrg, await soon());
    await consortium.connect(guardian).revokeRole(clerk.address, Role.DeviceManager);
    await refused((sent: object) => as("clerk").cancelOffer(device, sent), "RoleMissing", [
      clerk.address,
      Role.DeviceManager,
    ]);
  });
});
