import { expect } from "chai";
import { DeviceSigner } from "../../../sdk/src/device/index.js";
import type { BulkProgress } from "../../../sdk/src/devices/bulk.js";
import { listedDevice } from "../../../sdk/src/devices/list.js";
import { type Application, holderOf } from "../../../sdk/src/index.js";
import {
  application,
  type DeviceWorld,
  deviceWorld,
  LATER,
  later,
  org,
  QUOTA,
} from "../../support/device-world.js";
import { refusal } from "../../support/refusal.js";

describe("tenon.devices.enrol", () => {
  let world: DeviceWorld;
  before(async () => {
    world = await deviceWorld();
  });

  it("takes one device with its own proof", async () => {
    const signer = DeviceSigner.generate();
    const registered = await world.maker.devices.enrol(application(world.maker, signer, org.owner)).wait();
    expect(registered).to.deep.include({
      id: signer.id,
      owner: holderOf(org.owner),
      manufacturer: org.maker,
    });
    expect(await world.owner.devices.get(signer.id)).to.deep.include({
      organisation: org.owner,
      maker: org.maker,
      epoch: 1,
      engaged: true,
      rotated: false,
    });
    const { quota, used } = await world.maker.devices.makerTerm(world.signers.maker.address);
    expect([quota, used > 0n]).to.deep.equal([BigInt(QUOTA), true]);
  });

  it("opens a factory list, and the owner activates with the device's proof", async () => {
    const { maker, owner, buyer } = world;
    const signers = [DeviceSigner.generate(), DeviceSigner.generate("secp256k1"), DeviceSigner.generate()];
    const listed = signers.map((one, i) =>
      listedDevice(one.key, {
        parametersHash: `0x${String(i).repeat(64)}`,
        certificateHash: `0x${"cd".repeat(32)}`,
      }),
    );
    const tree = maker.devices.factoryList(org.maker, listed);
    const until = await later(world, 86_400);
    expect(await owner.devices.listOf(org.maker, tree.list.root)).to.equal(undefined);
    const wrong = maker.devices.factoryList(org.buyer, listed);
    expect((await refusal(maker.devices.enrol(wrong.list, { until }).send())).code).to.equal(
      "ListMakerMismatch",
    );
    await maker.devices.enrol(tree.list, { until, buyer: org.owner }).wait();
    expect(await owner.devices.listOf(org.maker, tree.list.root)).to.deep.equal({
      maker: org.maker,
      root: tree.list.root,
      count: 3,
      until,
      buyer: org.owner,
      closed: false,
    });

    for (const [i, signer] of signers.entries()) {
      const activation = tree.activationOf(signer.id)!;
      const asked = { ...application(owner, signer, org.owner, listed[i]), activation };
      const { id, certificateHash, manufacturer } = await owner.devices.enrol(asked).wait();
      expect([id, certificateHash, manufacturer]).to.deep.equal([
        signer.id,
        `0x${"cd".repeat(32)}`,
        org.maker,
      ]);
    }
    const again = {
      ...application(owner, signers[0]!, org.owner, listed[0]),
      activation: tree.activation(0),
    };
    expect((await refusal(owner.devices.enrol(again).send())).code).to.equal("DeviceAlreadyRegistered");
    const strangers = {
      ...application(buyer, signers[0]!, org.buyer, listed[0]),
      activation: tree.activation(0),
    };
    expect((await refusal(buyer.devices.enrol(strangers).send())).code).to.equal("FactoryListBuyerRefused");
    const unlike = { ...application(owner, signers[0]!, org.owner), activation: tree.activation(0) };
    expect(() => owner.devices.enrol(unlike)).to.throw("did not sign what its activation says");

    await maker.devices.closeList(org.maker, tree.list.root).wait();
    expect(await owner.devices.listOf(org.maker, tree.list.root)).to.deep.include({ closed: true });
  });

  it("takes a device on its maker's voucher, without anything on the chain before", async () => {
    const { maker, owner, buyer } = world;
    const signer = DeviceSigner.generate();
    const device = listedDevice(signer.key, { parametersHash: `0x${"77".repeat(32)}` });
    const until = await later(world, 86_400);
    const voucher = await maker.devices.signVoucher({ device, until, buyer: org.buyer });
    const asked = { ...application(buyer, signer, org.buyer, device), voucher };
    const forged = { ...asked, voucher: { ...voucher, until: until + 1 } };
    expect((await refusal(buyer.devices.enrol(forged).send())).code).to.equal("VoucherSignatureInvalid");
    const taken = { ...application(owner, signer, org.owner, device), voucher };
    expect((await refusal(owner.devices.enrol(taken).send())).code).to.equal("VoucherBuyerRefused");
    expect((await buyer.devices.enrol(asked).wait()).id).to.equal(signer.id);
  });

  it("refuses what was prepared for another registry, or whose owner is not the organisation's", async () => {
    const { maker } = world;
    const signer = DeviceSigner.generate();
    const good = application(maker, signer, org.owner);
    for (const change of [
      { registry: world.signers.maker.address },
      { chainId: 1n },
      { owner: holderOf(org.buyer) },
    ]) {
      const foreign = { ...good, registration: { ...good.registration, ...change } };
      expect(() => maker.devices.enrol(foreign)).to.throw("another registry or owner");
    }
  });

  describe("many at once", () => {
    async function* streamed(applications: Application[]) {
      yield* applications;
    }

    it("fills transactions up to their gas, sets bad ones aside, and goes on after a break", async function () {
      this.timeout(120_000);
      const { maker } = world;
      const signers = Array.from({ length: 60 }, () => DeviceSigner.generate());
      const applications = signers.map((signer) => application(maker, signer, org.owner));
      const bad = { ...applications[7]!, proof: applications[8]!.proof };
      const late = maker.devices.registration({ owner: org.owner, deadline: 1 });
      const given = applications.with(7, bad).with(30, {
        key: signers[30]!.key,
        registration: late,
        proof: signers[30]!.signRegistration(late),
      });

      const before = await maker.devices.enrol(given.slice(0, 5)).wait();
      expect(before).to.deep.equal({ enrolled: 5, already: 0, transactions: 1, refused: [] });
      const progress: BulkProgress[] = [];
      const report = await maker.devices
        .enrol(streamed(given))
        .wait({ most: 25, onProgress: (one) => progress.push(one) });
      expect(report).to.deep.include({ enrolled: 53, already: 5 });
      expect(report.refused.map(({ id, error }) => [id, error.code])).to.deep.equal([
        [signers[7]!.id, "DeviceProofInvalid"],
        [signers[30]!.id, "DeviceProofExpired"],
      ]);
      expect(progress.at(-1)).to.deep.include({ enrolled: 53, already: 5, refused: 2, transactions: 3 });
      for (const [i, { id }] of signers.entries()) {
        expect((await maker.devices.get(id)) === undefined, String(i)).to.equal([7, 30].includes(i));
      }
      const again = await maker.devices.enrol(applications).wait();
      expect(again).to.deep.equal({ enrolled: 2, already: 58, transactions: 1, refused: [] });
    });

    it("splits what one transaction cannot hold", async function () {
      this.timeout(120_000);
      const { maker } = world;
      const signers = Array.from({ length: 460 }, () => DeviceSigner.generate());
      const asked = signers.map((signer) => application(maker, signer, org.buyer));
      const report = await maker.devices.enrol(asked).wait({ most: 460 });
      expect(report).to.deep.equal({ enrolled: 460, already: 0, transactions: 2, refused: [] });
    });

    it("activates many, each in a transaction of its own", async () => {
      const { maker, owner } = world;
      const signers = Array.from({ length: 40 }, () => DeviceSigner.generate());
      const tree = maker.devices.factoryList(
        org.maker,
        signers.map((one) => listedDevice(one.key)),
      );
      await maker.devices.enrol(tree.list, { until: await later(world, 1_000) }).wait();
      const asked = signers.map((signer, i) => ({
        ...application(owner, signer, org.owner),
        activation: tree.activation(i),
      }));
      const stranger = { ...asked[3]!, activation: { ...asked[3]!.activation, index: 4 } };
      const report = await owner.devices.enrol(asked.with(3, stranger)).wait();
      expect(report).to.deep.include({ enrolled: 39, already: 0, transactions: 39 });
      expect(report.refused.map(({ error }) => error.code)).to.deep.equal(["ActivationInvalid"]);
    });

    it("stops at what stops all of them, and keeps what was mined", async () => {
      const { maker, owner } = world;
      const signers = Array.from({ length: 3 }, () => DeviceSigner.generate());
      const asked = signers.map((signer) => application(maker, signer, org.owner));
      expect((await refusal(owner.devices.enrol(asked).wait())).code).to.equal("ManufacturerRefused");
      expect(await owner.devices.get(signers[0]!.id)).to.equal(undefined);
      const count = QUOTA;
      const tree = maker.devices.factoryList(org.maker, [listedDevice(signers[0]!.key)]);
      const greedy = { ...tree.list, count };
      const until = LATER;
      const error = await refusal(maker.devices.enrol(greedy, { until }).send());
      expect(error.code).to.equal("ManufacturerQuotaExceeded");
    });
  });
});
