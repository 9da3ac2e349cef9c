import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import {
  DeviceSigner,
  loadKey,
  nextKeyPath,
  prepareNextKey,
  saveKey,
  settleKey,
  signRotation,
} from "../../../sdk/src/device/index.js";
import { deviceIdOf, type Hex, holderOf } from "../../../sdk/src/index.js";
import {
  application,
  type DeviceWorld,
  deviceWorld,
  enrolled,
  handOver,
  LATER,
  later,
  org,
} from "../../support/device-world.js";
import { refusal } from "../../support/refusal.js";

const DAY = 86_400;

describe("tenon.devices: ownership and keys", () => {
  let world: DeviceWorld;
  before(async () => {
    world = await deviceWorld();
  });

  it("offers, is turned down, offers again, takes back, lets it lapse, and hands over", async () => {
    const { owner, buyer, networkHelpers } = world;
    const { id } = await enrolled(world);
    const until = await later(world, DAY);
    expect(await owner.devices.offer(id, org.buyer, until).wait()).to.deep.include({
      id,
      from: org.owner,
      to: org.buyer,
      until,
    });
    expect(await buyer.devices.offerOf(id)).to.deep.equal({ to: org.buyer, until });
    expect(await buyer.devices.rejectOffer(id).wait()).to.deep.include({ id, to: org.buyer });
    expect(await buyer.devices.offerOf(id)).to.equal(undefined);
    expect((await refusal(buyer.devices.acceptOffer(id).send())).code).to.equal("DeviceOfferMissing");

    await owner.devices.offer(id, org.buyer, until).wait();
    await owner.devices.cancelOffer(id).wait();
    await owner.devices.offer(id, org.buyer, await later(world, 100)).wait();
    await networkHelpers.time.increase(200);
    expect((await refusal(buyer.devices.acceptOffer(id).send())).code).to.equal("DeviceOfferExpired");

    const before = await later(world, 0);
    const transfer = await handOver(world, id, "owner", "buyer");
    expect(transfer).to.deep.include({
      kind: "transferred",
      epoch: 2,
      from: holderOf(org.owner),
      to: holderOf(org.buyer),
      cause: "Accepted",
    });
    expect(await owner.devices.get(id)).to.deep.include({
      organisation: org.buyer,
      epoch: 2,
      engaged: false,
      block: transfer.at.block,
    });
    expect(await owner.devices.get(id, 1)).to.deep.include({ organisation: org.owner, epoch: 1 });
    expect(await owner.devices.ownerAt(id, { time: before })).to.equal(holderOf(org.owner));
    expect(await owner.devices.ownerAt(id, { block: transfer.at.block })).to.equal(holderOf(org.buyer));
    expect(await owner.devices.ownerAt(id, { time: 1 })).to.equal(undefined);
    expect(await owner.devices.epochAt(id, { block: transfer.at.block - 1 })).to.equal(1);
    expect((await refusal(owner.devices.offer(id, org.buyer, until).send())).code).to.equal(
      "DeviceActorRefused",
    );
  });

  it("hands over in one transaction with both signatures, sent by anyone, once", async () => {
    const { owner, buyer, maker } = world;
    const { id } = await enrolled(world);
    const terms = await maker.devices.transferTerms(id, org.buyer, await later(world, DAY));
    expect(terms).to.deep.include({ device: id, from: org.owner, to: org.buyer, epoch: 1 });
    const [mine, yours] = [await owner.devices.signTransfer(terms), await buyer.devices.signTransfer(terms)];
    const other = { ...terms, to: org.maker };
    expect((await refusal(maker.devices.transfer(other, mine, yours).send())).code).to.equal(
      "DeviceTransferSignatureInvalid",
    );
    expect((await refusal(maker.devices.transfer(terms, yours, mine).send())).code).to.not.equal(undefined);
    const done = await maker.devices.transfer(terms, mine, yours).wait();
    expect(done).to.deep.include({ epoch: 2, to: holderOf(org.buyer), cause: "Signed" });
    const again = await refusal(maker.devices.transfer(terms, mine, yours).send());
    expect(again.code).to.be.oneOf([
      "DeviceTransferSignatureInvalid",
      "DeviceActorRefused",
      "DeviceOwnerUnchanged",
    ]);
    expect(await maker.devices.organisationOf(mine.signer)).to.equal(org.owner);
  });

  it("engages by the device's own word, for its present owner and epoch only", async () => {
    const { owner, buyer } = world;
    const signer = await enrolled(world);
    const { id, key } = signer;
    expect((await refusal(owner.devices.engagement(id, LATER))).code).to.equal("DeviceAlreadyEngaged");
    await handOver(world, id, "owner", "buyer");
    const engagement = await buyer.devices.engagement(id, LATER);
    const stranger = DeviceSigner.generate();
    expect(
      (
        await refusal(
          buyer.devices.engage(engagement, stranger.key, stranger.signEngagement(engagement)).send(),
        )
      ).code,
    ).to.equal("DeviceKeyMismatch");
    const old = { ...engagement, epoch: 1 };
    expect((await refusal(buyer.devices.engage(old, key, signer.signEngagement(old)).send())).code).to.equal(
      "DeviceProofInvalid",
    );
    const engaged = await owner.devices.engage(engagement, key, signer.signEngagement(engagement)).wait();
    expect(engaged).to.deep.include({ id, owner: holderOf(org.buyer), epoch: 2 });
    expect((await owner.devices.get(id))?.engaged).to.equal(true);
  });

  for (const [from, to] of [
    ["P-256", "P-256"],
    ["P-256", "secp256k1"],
    ["secp256k1", "P-256"],
  ] as const) {
    it(`rotates a key from ${from} to ${to}, whenever it breaks off`, async () => {
      const dir = mkdtempSync(join(tmpdir(), "tenon-rotation-"));
      try {
        const path = join(dir, "machine.pem");
        const birth = DeviceSigner.generate(from);
        saveKey(path, birth);
        const { id } = birth;
        const { maker, owner } = world;
        await maker.devices.enrol(application(maker, birth, org.owner)).wait();
        expect(await owner.devices.keyOf(id)).to.deep.equal(birth.key);

        const next = prepareNextKey(path, to);
        expect(next.id).to.equal(id);
        expect(prepareNextKey(path, to).key, "asked again").to.deep.equal(next.key);
        expect(settleKey(path, birth.key).key, "not confirmed yet").to.deep.equal(birth.key);
        const rotation = await owner.devices.rotation(id, next.key, LATER);
        const signed = signRotation(birth, next, rotation);
        const twice = { consent: signed.consent, proof: signed.consent };
        expect((await refusal(owner.devices.rotateKey(rotation, birth.key, twice).send())).code).to.be.oneOf([
          "DeviceProofInvalid",
          "DeviceProofHighS",
        ]);
        const { epoch, keyId } = await owner.devices.rotateKey(rotation, birth.key, signed).wait();
        expect([epoch, keyId]).to.deep.equal([2, deviceIdOf(next.key)]);

        const settled = settleKey(path, await owner.devices.keyOf(id));
        expect(settled.key).to.deep.equal(next.key);
        expect(existsSync(nextKeyPath(path))).to.equal(false);
        expect([loadKey(path).id, settleKey(path, next.key).id]).to.deep.equal([id, id]);
        expect(() => settleKey(path, birth.key)).to.throw("a key that this device does not have");
        expect(await owner.devices.keyOf(id, 1)).to.deep.equal(birth.key);
        expect(await owner.devices.keyIdAt(id)).to.equal(deviceIdOf(next.key));
        expect(await owner.devices.keyIdAt(id, 1)).to.equal(id);
        expect(await owner.devices.get(id)).to.deep.include({ rotated: true, curve: next.key.curve });

        await handOver(world, id, "owner", "buyer");
        expect(await owner.devices.keyOf(id), "found where it came in").to.deep.equal(next.key);
        const taken = application(maker, next, org.owner);
        expect((await refusal(maker.devices.enrol(taken).send())).code).to.be.oneOf([
          "DeviceKeyTaken",
          "DeviceAlreadyRegistered",
        ]);
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    });
  }

  it("recovers a lost device: proposed by its maker, confirmed by the authority, carried out after the delay", async () => {
    const { maker, authority, owner, buyer, networkHelpers } = world;
    const { id } = await enrolled(world);
    const next = DeviceSigner.generate("P-256", id);
    const recovery = await maker.devices.recovery(id, org.buyer, next.key, LATER);
    const fresh = { key: next.key, proof: next.signRecovery(recovery), deadline: recovery.deadline };
    expect((await refusal(owner.devices.proposeRecovery(id, org.buyer, fresh).send())).code).to.not.equal("");
    await maker.devices.proposeRecovery(id, org.buyer, fresh).wait();
    const pending = (await maker.devices.recoveryOf(id))!;
    expect(pending).to.deep.equal({
      id,
      epoch: 1,
      newOwner: org.buyer,
      newKeyId: deviceIdOf(next.key),
      readyAt: undefined,
    });
    const swapped = { ...pending, newOwner: org.owner };
    expect((await refusal(authority.devices.confirmRecovery(swapped).send())).code).to.equal(
      "RecoveryMismatch",
    );
    await authority.devices.confirmRecovery(pending).wait();
    expect((await refusal(buyer.devices.executeRecovery(id, next.key).send())).code).to.equal(
      "RecoveryNotReady",
    );

    await owner.devices.cancelRecovery(id).wait();
    expect(await maker.devices.recoveryOf(id)).to.equal(undefined);
    await maker.devices.proposeRecovery(id, org.buyer, fresh).wait();
    await authority.devices.confirmRecovery(pending).wait();
    await networkHelpers.time.increase(8 * DAY);
    await buyer.devices.executeRecovery(id, next.key).wait();
    expect(await buyer.devices.get(id)).to.deep.include({ organisation: org.buyer, epoch: 2, rotated: true });
    expect(await buyer.devices.keyOf(id)).to.deep.equal(next.key);
    const kinds = (await buyer.devices.history(id)).map(({ kind, epoch }) => [kind, epoch]);
    expect(kinds[0]).to.deep.equal(["registered", 1]);
    expect(kinds.slice(1)).to.have.deep.members([
      ["rotated", 2],
      ["transferred", 2],
    ]);
  });

  it("recovers a device to another owner with its key", async () => {
    const { maker, authority, buyer, networkHelpers } = world;
    const { id, key } = await enrolled(world);
    await maker.devices.proposeRecovery(id, org.buyer).wait();
    const pending = (await maker.devices.recoveryOf(id))!;
    expect(pending.newKeyId).to.equal(undefined);
    await authority.devices.confirmRecovery(pending).wait();
    await networkHelpers.time.increase(8 * DAY);
    await buyer.devices.executeRecovery(id).wait();
    expect(await buyer.devices.get(id)).to.deep.include({
      organisation: org.buyer,
      rotated: false,
      engaged: false,
    });
    expect(await buyer.devices.keyOf(id)).to.deep.equal(key);
  });

  it("stops access and allows it again, suspends, and ends a device for good", async () => {
    const { owner } = world;
    const { id } = await enrolled(world);
    expect(await owner.devices.stopAccess(id).wait()).to.deep.include({ id, stopped: true });
    expect((await owner.devices.get(id))?.accessStopped).to.equal(true);
    expect(await owner.devices.allowAccess(id).wait()).to.deep.include({ stopped: false });
    expect(await owner.devices.suspend(id).wait()).to.deep.include({
      from: "Active",
      to: "SuspendedByOwner",
    });
    expect(await owner.devices.resume(id).wait()).to.deep.include({ to: "Active" });
    expect(await owner.devices.revoke(id).wait()).to.deep.include({ kind: "revoked", id, epoch: 2 });
    expect((await owner.devices.get(id))?.status).to.equal("Revoked");
    const ended = await refusal(owner.devices.offer(id, org.buyer, await later(world, DAY)).send());
    expect(ended.code).to.equal("DeviceEnded");
    expect((await refusal(owner.devices.engagement(`0x${"12".repeat(32)}` as Hex, LATER))).code).to.equal(
      "DeviceUnknown",
    );
  });
});
