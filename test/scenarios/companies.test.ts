import { createPrivateKey } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { id, keccak256, toUtf8Bytes } from "ethers";
import { keyGrantee } from "../../sdk/src/access/index.js";
import { transferSubject } from "../../sdk/src/consortium/orders.js";
import type { DeviceSigner } from "../../sdk/src/device/index.js";
import type { ListedDevice } from "../../sdk/src/devices/list.js";
import { holderOf } from "../../sdk/src/devices/registration.js";
import type { EnvelopeReader } from "../../sdk/src/envelope.js";
import { refusal } from "../support/refusal.js";
import { chain } from "./support/chain.js";
import {
  type Companies,
  company,
  newMachine,
  publishKey,
  startCompanies,
  timeOf,
  until,
} from "./support/companies.js";

const DAY = 86_400;
const ENDPOINT = "opc.tcp://10.20.0.7:4840/press-17";

describe(`the life of a machine among companies, on ${chain.name}`, function () {
  this.timeout(8 * chain.patienceMs);
  const machines = [newMachine(), newMachine("secp256k1"), newMachine()];
  const [press, mill] = machines as [(typeof machines)[0], (typeof machines)[0]];
  let folder: string;
  let world: Companies;
  let as: Companies["as"];
  let readers: { service: EnvelopeReader; state: EnvelopeReader };
  let handedOver: number;
  let broken = false;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tenon-companies-"));
    world = await startCompanies(folder, chain);
    as = world.as;
  });
  after(async () => {
    await world?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  // Each step goes on where the one before ended.
  beforeEach(function () {
    if (broken) this.skip();
  });
  afterEach(function () {
    broken ||= this.currentTest?.state === "failed";
  });

  const codeOf = async (call: Promise<unknown>) => (await refusal(call)).code;
  const grantee = () => keyGrantee(world.people.technician.address);
  const asked = (permissions: string[]) => ({ device: press.signer.id, grantee: grantee(), permissions });

  it("begins in the factory: one root for the production run, and nothing else on the chain", async () => {
    const tree = as.maker.devices.factoryList(
      company.maker,
      machines.map(({ listed }) => listed),
    );
    const end = (await timeOf(world)) + DAY;
    await as.maker.devices.enrol(tree.list, { until: end, buyer: company.owner }).wait();
    expect(await world.tenon.devices.get(press.signer.id)).to.equal(undefined);

    const stranger = newMachine();
    const foreign = as.maker.devices.factoryList(company.maker, [stranger.listed]);
    for (const { signer, listed } of machines) {
      const registration = as.owner.devices.registration({
        owner: company.owner,
        deadline: end,
        ...hashes(listed),
      });
      const proof = signer.signRegistration(registration);
      const application = { key: signer.key, registration, proof };
      const activation = tree.activationOf(signer.id)!;
      const elsewhere = { ...application, activation: { ...activation, root: foreign.list.root } };
      expect(() => as.owner.devices.enrol(elsewhere)).to.throw();
      await as.owner.devices.enrol({ ...application, activation }).wait();
      expect(await codeOf(as.owner.devices.enrol({ ...application, activation }).send())).to.equal(
        "DeviceAlreadyRegistered",
      );
    }
    expect(await world.tenon.devices.list({ owner: company.owner })).to.have.length(3);
  });

  it("lets a maintenance firm in by a pass that the owner signed and a stranger registered", async () => {
    await publishKey(world, "owner", company.owner, "Encryption");
    readers = {
      service: await publishKey(world, "manager", company.service, "Encryption"),
      state: await publishKey(world, "regulator", company.state, "Disclosure"),
    };
    const order = {
      ...asked(["readState", "startStop"]),
      expiry: (await timeOf(world)) + DAY,
      endpoint: ENDPOINT,
    };
    expect(
      (await world.tenon.access.explain({ ...asked(["readState"]), requester: technician() })).reason,
    ).to.equal("PassMissing");
    const signed = await as.owner.access.signPass(await as.owner.access.prepare(order));
    await as.stranger.access.registerPass(signed).wait();
    expect(await codeOf(as.stranger.access.registerPass(signed).send())).to.equal("PassRevMismatch");
  });

  it("gives the technician a token and, sealed, the machine's address; both are nothing in a thief's hand", async () => {
    const { token } = await as.technician.access.request(asked(["readState"])).wait();
    const use = { device: press.signer.id, grantee: grantee(), requester: technician(), token };
    expect(await as.technician.access.endpoint(press.signer.id, grantee(), readers.service)).to.equal(
      ENDPOINT,
    );
    const thief = { ...readers.service, privateKey: createPrivateKey(newMachine().signer.toPem()) };
    expect(await codeOf(as.stranger.access.endpoint(press.signer.id, grantee(), thief))).to.match(
      /^Envelope/,
    );

    expect(await codeOf(as.stranger.access.redeem(use).wait())).to.equal("NotHolder");
    await as.technician.access.redeem(use).wait();
    expect(await codeOf(as.technician.access.redeem(use).wait())).to.equal("TokenSpent");
    const wider = as.technician.access.request(asked(["updateFirmware"]));
    expect(await codeOf(wider.wait())).to.equal("PermissionMissing");
  });

  it("is suspended by an act that its owner signed without a node, and resumed", async () => {
    const act = await as.owner.devices.suspend(press.signer.id).sign({ show: () => undefined });
    await as.stranger.relay(act).wait();
    expect((await world.tenon.devices.get(press.signer.id))!.status).to.equal("SuspendedByOwner");
    expect(await codeOf(as.stranger.relay(act).send())).to.equal("InvalidAccountNonce");
    await as.owner.devices.resume(press.signer.id).wait();
  });

  it("does not change hands while a court holds it, nor on one person's word", async () => {
    const until = (await timeOf(world)) + DAY;
    const documentHash = keccak256(toUtf8Bytes("(2026) No. 17, salted")) as `0x${string}`;
    const asset = press.signer.id;
    const purpose = { scope: "Hold", module: "DeviceRegistry", asset } as const;
    const { id: order } = await as.regulator.orders.issue({ documentHash, purpose, until }).wait();
    await as.stranger.encumbrances.hold({ asset, order }).wait();
    expect(await codeOf(as.owner.devices.offer(asset, company.buyer, until).send())).to.equal(
      "DeviceImmovable",
    );
    expect(await codeOf(as.stranger.encumbrances.releaseHold({ asset, order }).send())).to.equal(
      "HoldStands",
    );
    await as.regulator.orders.lift(order).wait();
    await as.stranger.encumbrances.releaseHold({ asset, order }).wait();
    expect((await world.tenon.encumbrances.of({ asset })).locked).to.equal(false);
  });

  it("is offered, accepted, and engaged by its own signature; the old owner's passes are dead", async () => {
    const device = press.signer.id;
    const { token } = await as.technician.access.request(asked(["readState"])).wait();
    await as.owner.devices.offer(device, company.buyer, (await timeOf(world)) + DAY).wait();
    expect(await codeOf(as.stranger.devices.acceptOffer(device).send())).to.not.equal(undefined);
    handedOver = await timeOf(world);
    await until(world, handedOver);
    await as.buyer.devices.acceptOffer(device).wait();

    const use = { device, grantee: grantee(), requester: technician(), token };
    expect(await codeOf(as.technician.access.redeem(use).wait())).to.equal("DeviceNotEngaged");
    expect(await codeOf(as.owner.devices.suspend(device).send())).to.equal("DeviceActorRefused");
    await engage(press.signer);
    const ask = as.technician.access.request(asked(["readState"]));
    expect(await codeOf(ask.wait())).to.equal("PassEpochEnded");

    const now = await timeOf(world);
    expect(await world.tenon.devices.ownerAt(device, { time: handedOver })).to.equal(holderOf(company.owner));
    expect(await world.tenon.devices.ownerAt(device, { time: now })).to.equal(holderOf(company.buyer));
  });

  it("is let in again by its new owner, whose audit tells who could do what, and who did", async () => {
    const device = press.signer.id;
    await publishKey(world, "buyer", company.buyer, "Encryption");
    const order = { ...asked(["readState"]), expiry: (await timeOf(world)) + DAY, endpoint: ENDPOINT };
    await as.buyer.access.grant(await as.buyer.access.prepare(order)).wait();
    await as.technician.access.request(asked(["readState"])).wait();
    await as.buyer.access.revoke(device, grantee()).wait();
    const ask = as.technician.access.request(asked(["readState"]));
    expect(await codeOf(ask.wait())).to.equal("PassRevoked");

    const before = await world.tenon.access.audit(device, handedOver);
    expect(before.state.owner).to.equal(company.owner);
    expect(before.done.length).to.be.greaterThan(3);
    const { endpoint, reading } = await as.regulator.access.disclose(device, grantee(), readers.state);
    expect(endpoint).to.equal(ENDPOINT);
    expect(reading.by).to.equal(world.people.regulator.address);
  });

  it("gets a new key by the old one's consent; the old key then speaks for nobody", async () => {
    const device = press.signer.id;
    const next = newMachine().signer;
    const deadline = (await timeOf(world)) + DAY;
    const rotation = await as.buyer.devices.rotation(device, next.key, deadline);
    const signed = { consent: press.signer.signRotation(rotation), proof: next.signRotation(rotation) };
    await as.buyer.devices.rotateKey(rotation, press.signer.key, signed).wait();
    const again = await as.buyer.devices.rotation(device, press.signer.key, deadline);
    const back = { consent: next.signRotation(again), proof: press.signer.signRotation(again) };
    expect(await codeOf(as.buyer.devices.rotateKey(again, next.key, back).send())).to.equal("DeviceKeyTaken");
    const found = (await world.tenon.devices.get(device))!;
    expect({ epoch: found.epoch, rotated: found.rotated }).to.deep.equal({ epoch: 3, rotated: true });
  });

  it("is moved by force only with two persons' word, once", async () => {
    const device = mill.signer.id;
    const { registry } = as.enforcer.devices.registration({ owner: company.buyer, deadline: 0 });
    const subject = transferSubject(registry, device, company.buyer);
    const purpose = { scope: "Force", module: "DeviceRecovery", subject } as const;
    const request = {
      documentHash: id("judgment, salted") as `0x${string}`,
      purpose,
      until: (await timeOf(world)) + DAY,
    };
    const { id: order } = await as.regulator.orders.issue(request).wait();
    const force = () => as.enforcer.devices.forceTransfer(device, company.buyer, order);
    expect(await codeOf(force().send())).to.equal("OrderNotActive");
    expect(await codeOf(as.regulator.orders.confirm(order).send())).to.equal("RoleMissing");
    await as.enforcer.orders.confirm(order).wait();
    await force().wait();
    expect(await world.tenon.devices.ownerOf(device)).to.equal(holderOf(company.buyer));
    expect(await codeOf(force().send())).to.not.equal(undefined);
  });

  it("ends by revocation, for ever, and its history proves itself", async () => {
    const device = press.signer.id;
    await as.buyer.devices.revoke(device).wait();
    expect(await codeOf(as.authority.devices.resume(device).send())).to.not.equal(undefined);
    const history = await world.tenon.devices.history(device);
    expect(history.map(({ kind }) => kind)).to.deep.equal([
      "registered",
      "transferred",
      "rotated",
      "revoked",
    ]);
  });

  const technician = () => world.people.technician.address;
  async function engage(signer: DeviceSigner) {
    const engagement = await as.buyer.devices.engagement(signer.id, (await timeOf(world)) + DAY);
    await as.stranger.devices.engage(engagement, signer.key, signer.signEngagement(engagement)).wait();
  }
});

function hashes({ parametersHash, certificateHash }: ListedDevice) {
  return { parametersHash, certificateHash };
}
