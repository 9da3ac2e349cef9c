import { expect } from "chai";
import { DeviceSigner } from "../../../sdk/src/device/index.js";
import {
  checkDeployment,
  createTenon,
  type Deployment,
  type Hex,
  modelHash,
  type Tenon,
} from "../../../sdk/src/index.js";
import { newTenon } from "../../support/fixture.js";
import { codeOf, refusal } from "../../support/refusal.js";
import { ecKeys, makeAuthority, makeDeviceCertificate, pem } from "../../support/x509.js";

const DAY = 86_400;
const LATER = 4_000_000_000n;
type World = Awaited<ReturnType<typeof newTenon>>;
type Person = keyof World["signers"];

/** Organisation 2 owns devices; organisation 3 buys them; the stranger certifies for organisation 1. */
describe("tenon.certificates, tenon.machines, tenon.firmware", () => {
  let world: World;
  let deployment: Deployment;
  let office: Tenon;
  let maker: Tenon;
  let owner: Tenon;
  let buyer: Tenon;
  let certifier: Tenon;
  const as = (person: Person) => createTenon({ signer: world.signers[person], deployment });

  const made = async () => {
    world = await newTenon({ sealed: false });
    deployment = checkDeployment(world.record);
    [office, maker, owner, buyer, certifier] = (await Promise.all(
      (["deployer", "manufacturer", "owner", "oracle", "stranger"] as const).map(as),
    )) as [Tenon, Tenon, Tenon, Tenon, Tenon];
    const until = (await world.networkHelpers.time.latest()) + 300 * DAY;
    const { stranger, oracle } = world.signers;
    await office.orgs.addSignatory(1, stranger.address).wait();
    await office.orgs.grantRole({ account: stranger.address, role: "Certifier", until }).wait();
    await office.orgs.grantRole({ account: oracle.address, role: "DeviceManager", until }).wait();
  };
  before(made);

  const newDevice = async (organisation = 2, signer = DeviceSigner.generate()): Promise<DeviceSigner> => {
    const registration = maker.devices.registration({ owner: organisation, deadline: LATER });
    await maker.devices.register(signer.key, registration, signer.signRegistration(registration)).wait();
    return signer;
  };
  const newDevices = async (count: number) => {
    const signers: DeviceSigner[] = [];
    for (let i = 0; i < count; i++) signers.push(await newDevice());
    return signers.map(({ id }) => id);
  };
  const inDays = async (days: number) => (await world.networkHelpers.time.latest()) + days * DAY;

  describe("certificates", () => {
    const root = makeAuthority("Heavy Works root");
    const issuing = makeAuthority("Heavy Works factory", { above: root });
    const own = makeAuthority("Site Rental devices");
    const { publicKey } = ecKeys();

    it("go from an admitted authority to a verified device, and back", async () => {
      const { id } = await newDevice();
      const did = `did:tenon:${deployment.chainId}:${id.slice(2)}`;
      const chain = pem(
        makeDeviceCertificate(issuing, { key: publicKey, uris: [did] }),
        issuing.der,
        root.der,
      );
      expect((await refusal(certifier.certificates.prepare(id, chain))).code).to.equal(
        "CertificateAuthorityMissing",
      );

      const admit = { certificate: root.der, organisation: 1, kind: "Factory" } as const;
      const authority = await office.certificates.admit(admit).wait();
      expect(authority).to.include({ id: 1, hash: root.hash, organisation: 1, kind: "Factory" });
      expect(await owner.certificates.authorities()).to.have.length(1);
      const prepared = await certifier.certificates.prepare(id, chain);
      expect(prepared).to.include({ authority: 1, until: 253_402_300_800 });
      const before = await refusal(owner.certificates.verify(id, chain));
      expect([before.code, before.args.reason]).to.deep.equal(["CertificateNotGood", "Unknown"]);

      const [bound] = await certifier.certificates.bind(1, [prepared]).wait();
      expect(bound).to.include({ device: id, hash: prepared.hash, authority: 1, epoch: 1 });
      expect(await owner.certificates.verify(id, chain)).to.include({
        boundBy: "did",
        authorityId: 1,
        organisation: 1,
        kind: "Factory",
      });
      expect((await owner.certificates.list(id)).map(({ hash, reason }) => [hash, reason])).to.deep.equal([
        [prepared.hash, "Good"],
      ]);

      await certifier.certificates.revoke(prepared.hash, "keyCompromise").wait();
      const after = await refusal(owner.certificates.verify(id, chain));
      expect(after.args.reason).to.equal("Revoked");
      expect(after.remedy).to.match(/another/);
    });

    it("of another device, of no authority, and of a key that another device has are refused", async () => {
      const [one, two] = [await newDevice(), await newDevice()];
      const did = `did:tenon:${deployment.chainId}:${one.id.slice(2)}`;
      const chain = [makeDeviceCertificate(issuing, { key: publicKey, uris: [did] }), issuing.der, root.der];
      expect((await refusal(certifier.certificates.prepare(two.id, chain))).code).to.equal(
        "CertificateDeviceMismatch",
      );
      const noAuthority = { certificate: chain[0]!, organisation: 1, kind: "Factory" } as const;
      expect(codeOf(() => office.certificates.admit(noAuthority))).to.equal("CertificateNotAuthority");
      const unknown = DeviceSigner.generate().id;
      expect((await refusal(certifier.certificates.prepare(unknown, chain))).code).to.equal("DeviceUnknown");

      // Its key is the second device's birth key, though it names the first.
      const secret = ecKeys();
      const third = await newDevice(2, new DeviceSigner(secret.privateKey));
      const stolen = makeDeviceCertificate(issuing, { key: secret.publicKey, uris: [did] });
      const error = await refusal(certifier.certificates.prepare(one.id, [stolen, issuing.der, root.der]));
      expect([error.code, error.args.keyId]).to.deep.equal(["CertificateKeyReplaced", third.id]);
    });

    it("of an owner end when the device is sold; the authority's end ends all", async () => {
      const { id } = await newDevice();
      const did = `did:tenon:${deployment.chainId}:${id.slice(2)}`;
      const { ethers, signers } = world;
      const people = await ethers.getSigners();
      const hand = people.at(-1)!;
      await office.orgs.addSignatory(2, hand.address).wait();
      const until = await inDays(100);
      await office.orgs.grantRole({ account: hand.address, role: "Certifier", until }).wait();
      const ownCertifier = await createTenon({ signer: hand, deployment });
      const admit = { certificate: own.der, organisation: 2, kind: "Owner", until } as const;
      const { id: authority } = await office.certificates.admit(admit).wait();
      const chain = [makeDeviceCertificate(own, { key: publicKey, uris: [did] }), own.der];
      await ownCertifier.certificates.bind(authority, [await owner.certificates.prepare(id, chain)]).wait();
      expect((await buyer.certificates.verify(id, chain)).kind).to.equal("Owner");

      await world.registry.connect(signers.owner).offer(id, 3, await inDays(1));
      await world.registry.connect(signers.oracle).acceptOffer(id);
      expect((await refusal(buyer.certificates.verify(id, chain))).args.reason).to.equal("EpochEnded");

      const renewed = await office.certificates.renew(authority, until + DAY).wait();
      expect(renewed.until).to.equal(until + DAY);
      await office.certificates.revokeAuthority(authority, "cACompromise").wait();
      expect((await refusal(buyer.certificates.verify(id, chain))).args.reason).to.equal("AuthorityRevoked");
    });

    it("are admitted after a delay where the deployment is sealed", async () => {
      const sealed = await newTenon();
      const registrar = await createTenon({
        signer: sealed.signers.registrar,
        deployment: checkDeployment(sealed.record),
      });
      const admission = registrar.certificates.admit({
        certificate: root.der,
        organisation: 1,
        kind: "Factory",
      });
      expect((await admission.standing()).state).to.equal("unannounced");
      const first = await admission.proceed();
      if (first.done) expect.fail("was not announced");
      await sealed.networkHelpers.time.increaseTo(first.readyAt);
      const second = await admission.proceed();
      if (!second.done) expect.fail("was not done");
      expect(second.result).to.include({ id: 1, hash: root.hash });
    });
  });

  describe("machines", () => {
    it("are built, shown and taken apart", async () => {
      const [excavator, engine, ecu, battery] = (await newDevices(4)) as [Hex, Hex, Hex, Hex];
      const [change] = await owner.machines.attach(excavator, [engine, battery]).wait();
      expect(change).to.include({ kind: "attached", part: engine, machine: excavator });
      await owner.machines.attach(engine, [ecu]).wait();
      expect(await buyer.machines.tree(excavator)).to.deep.equal({
        device: excavator,
        parts: [
          { device: engine, parts: [{ device: ecu, parts: [] }] },
          { device: battery, parts: [] },
        ],
      });
      expect(await buyer.machines.rootOf(ecu)).to.equal(excavator);
      expect(await buyer.machines.isPartOf(ecu, excavator)).to.equal(true);
      const moved = await owner.machines.move(excavator, [ecu]).wait();
      expect(moved.map(({ kind }) => kind)).to.deep.equal(["detached", "attached"]);
      await owner.machines.detach([ecu]).wait();
      expect(await buyer.machines.machineOf(ecu)).to.equal(undefined);
      const history = await buyer.machines.history(ecu);
      expect(history.map(({ kind, machine }) => [kind, machine])).to.deep.equal([
        ["attached", engine],
        ["detached", engine],
        ["attached", excavator],
        ["detached", excavator],
      ]);
      const circle = await refusal(owner.machines.attach(engine, [excavator]).wait());
      expect([circle.code, circle.args.machine]).to.deep.equal(["CompositionCycle", engine]);
    });

    it("are handed over whole in one call on either side, what is missing is said", async () => {
      const [excavator, engine, ecu, battery, spare] = (await newDevices(5)) as [Hex, Hex, Hex, Hex, Hex];
      await owner.machines.attach(excavator, [engine, battery, spare]).wait();
      await owner.machines.attach(engine, [ecu]).wait();
      await owner.machines.detach([spare]).wait();
      const tree = await owner.machines.tree(excavator);
      expect(await owner.machines.offer(excavator, 3, await inDays(1))).to.deep.equal([
        excavator,
        engine,
        ecu,
        battery,
      ]);
      await world.registry.connect(world.signers.owner).cancelOffer(battery);

      const taken = await buyer.machines.takeOver(excavator);
      expect(taken.accepted).to.deep.equal([excavator, engine, ecu]);
      expect(taken.missing).to.deep.equal([battery]);
      expect(taken.attached.map(({ part, machine }) => [part, machine])).to.deep.equal([
        [engine, excavator],
        [ecu, engine],
      ]);
      expect(await buyer.machines.tree(excavator)).to.deep.equal({ ...tree, parts: [tree.parts[0]] });
      expect(await buyer.machines.machineOf(battery)).to.equal(undefined);

      await owner.devices.get(battery);
      await world.registry.connect(world.signers.owner).offer(battery, 3, await inDays(1));
      const rest = await buyer.machines.takeOver(excavator);
      expect([rest.accepted, rest.missing, rest.attached.length]).to.deep.equal([[battery], [], 1]);
      expect(await buyer.machines.tree(excavator)).to.deep.equal(tree);
      expect(await buyer.machines.reassemble(excavator)).to.deep.equal([]);
    });

    it("cannot be taken over unless they are offered", async () => {
      const [excavator, engine] = (await newDevices(2)) as [Hex, Hex];
      await owner.machines.attach(excavator, [engine]).wait();
      expect((await refusal(buyer.machines.takeOver(excavator))).code).to.match(/Offer/);
      expect(await owner.machines.machineOf(engine)).to.equal(excavator);
    });
  });

  describe("firmware", () => {
    const model = modelHash(32_473, "EC-220");
    const hash = (byte: string): Hex => `0x${byte.repeat(32)}`;
    const release = (sequence: number) => ({
      modelHash: model,
      sequence,
      imageHash: hash("aa"),
      manifestHash: hash(sequence.toString(16).padStart(2, "0")),
    });

    it("is published, installed by the device's own word, and withdrawn", async () => {
      const first = await maker.firmware.publish(release(5)).wait();
      const second = await maker.firmware.publish(release(6)).wait();
      const signer = await newDevice();
      expect(await owner.firmware.of(signer.id)).to.equal(undefined);
      const statement = await owner.firmware.installation(signer.id, second.release, LATER);
      expect(statement).to.include({ manifestHash: hash("06"), count: 0, epoch: 1 });
      const installed = await owner.firmware
        .install(statement, signer.key, signer.signInstallation(statement))
        .wait();
      expect(installed).to.include({ device: signer.id, release: second.release, sequence: 6n, count: 1 });
      expect(await buyer.firmware.of(signer.id)).to.include({ state: "Latest", sequence: 6n, epoch: 1 });

      const back = await refusal(owner.firmware.installation(signer.id, first.release, LATER));
      expect([back.code, back.args.reason]).to.deep.equal(["FirmwareNotInstallable", "Rollback"]);
      await maker.firmware.withdraw(second.release).wait();
      expect((await buyer.firmware.of(signer.id))!.state).to.equal("Withdrawn");
      expect((await buyer.firmware.release(second.release))!.withdrawnAt).to.be.a("number");
      expect(await buyer.firmware.explain(signer.id, second.release)).to.equal("ReleaseWithdrawn");
      const all = await buyer.firmware.releases(1, model);
      expect(all.map(({ sequence, modelHash: of }) => [sequence, of])).to.deep.equal([
        [5n, model],
        [6n, model],
      ]);
      expect(await buyer.firmware.history(signer.id)).to.have.length(1);
      expect(await buyer.firmware.release(99)).to.equal(undefined);
    });

    it("is attested by secp256k1 devices too, and by no other device", async () => {
      const { release: id } = await maker.firmware.publish(release(9)).wait();
      const k1 = await newDevice(2, DeviceSigner.generate("secp256k1"));
      const statement = await owner.firmware.installation(k1.id, id, LATER);
      const other = DeviceSigner.generate("secp256k1");
      expect(codeOf(() => other.signInstallation(statement))).to.equal("InstallationForeign");
      const proof = k1.signInstallation(statement);
      expect((await owner.firmware.install(statement, k1.key, proof).wait()).count).to.equal(1);
      const again = await refusal(owner.firmware.install(statement, k1.key, proof).wait());
      expect(again.code).to.equal("DeviceProofInvalid");
      const foreign = { ...statement, chainId: 1n };
      expect(codeOf(() => owner.firmware.install(foreign, k1.key, proof))).to.equal("InstallationForeign");
    });

    it("names models as EAT does", () => {
      // SHA-256 of 82 19 7ed9 46 45432d323230: [32473, h'45432d323230'].
      expect(model).to.equal("0x530a08cee643a43d2c9a15a16d5eb60046708a99dd433ecc236edc80280e0f79");
      expect(modelHash(Uint8Array.of(1, 2, 3), "EC-220")).not.to.equal(model);
      for (const oem of [new Uint8Array(4), new Uint8Array(0), 1.5]) {
        expect(codeOf(() => modelHash(oem, "EC-220"))).to.equal("ModelInvalid");
      }
      expect(codeOf(() => modelHash(1, ""))).to.equal("ModelInvalid");
      expect(codeOf(() => modelHash(1, "x".repeat(33)))).to.equal("ModelInvalid");
    });
  });
});
