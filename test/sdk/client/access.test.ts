import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ZeroAddress } from "ethers";
import {
  AccessJournal,
  AccessRefused,
  accessReasons,
  DeviceGuard,
  encodeEntry,
  keyGrantee,
  namesOf,
  passDigest,
  permissionsOf,
  readJournal,
  readOfflinePass,
} from "../../../sdk/src/access/index.js";
import { passFromJson, passToJson } from "../../../sdk/src/access/model.js";
import { permissionNames } from "../../../sdk/src/access/pass.js";
import { redemptionMessage, requireTokenProof, signTokenProof } from "../../../sdk/src/access/token-proof.js";
import { DeviceSigner } from "../../../sdk/src/device/index.js";
import { decodeEnvelope, fromHex, type Hex, toHex } from "../../../sdk/src/index.js";
import {
  type AccessWorld,
  accessWorld,
  firmRole,
  grantTo,
  now,
  orderFor,
  org,
  ownedDevice,
} from "../../support/access-world.js";
import { Random, testSeed } from "../../support/random.js";
import { codeOf, refusal } from "../../support/refusal.js";
import { attempt, services } from "../access/support.js";

const ENDPOINT = "opc.tcp://10.20.0.7:4840/press-17";

describe("tenon.access", () => {
  let world: AccessWorld;
  before(async function () {
    this.timeout(120_000);
    world = await accessWorld();
  });

  const firmKey = () => keyGrantee(world.signers.firm.address);
  const tokenFor = async (device: Hex, grantee = firmKey(), permissions = ["readState"], by = world.firm) =>
    by.access.request({ device, grantee, permissions }).wait();

  it("asks, gives, uses and takes access; the endpoint is for grantee, owner and regulator alone", async () => {
    const { owner, firm, keys } = world;
    const { id: device } = await ownedDevice(world);
    const wanted = { device, grantee: firmKey(), permissions: ["readState"] };
    expect(await firm.access.ask(wanted).wait()).to.deep.include({
      what: "asked",
      permissions: ["readState"],
    });
    expect((await firm.access.explain({ ...wanted, requester: world.signers.firm.address })).reason).to.equal(
      "PassMissing",
    );

    const prepared = await owner.access.prepare(await orderFor(world, device, { endpoint: ENDPOINT }));
    expect(prepared.pass).to.deep.include({ epoch: 1, rev: 1 });
    const granted = await owner.access.grant(prepared).wait();
    expect(granted).to.deep.include({ what: "granted", rev: 1, permissions: ["readState", "startStop"] });
    const names = decodeEnvelope(fromHex(prepared.envelope)).recipients.map((one) => [
      one.organisation,
      one.use,
    ]);
    expect(names).to.deep.equal([
      [org.owner, "Encryption"],
      [org.firm, "Encryption"],
      [org.regulator, "Disclosure"],
    ]);

    const issued = await tokenFor(device);
    expect(issued.endpointCommitment).to.equal(prepared.pass.endpointCommitment);
    for (const reader of [keys.firm, keys.owner, keys.regulator]) {
      expect(await firm.access.endpoint(device, firmKey(), reader)).to.equal(ENDPOINT);
    }
    const outsider = await refusal(firm.access.endpoint(device, firmKey(), keys.helper));
    expect(outsider.code).to.equal("EnvelopeNotAddressed");

    const use = { device, grantee: firmKey(), requester: world.signers.firm.address, token: issued.token };
    expect((await firm.access.explainToken(use)).allowed).to.equal(true);
    expect(await firm.access.redeem(use).wait()).to.deep.include({
      what: "redeemed",
      permissions: ["readState"],
    });
    const again = await refusal<AccessRefused>(firm.access.redeem(use).wait());
    expect(again).to.be.instanceOf(AccessRefused);
    expect([again.code, again.reason]).to.deep.equal(["TokenSpent", "TokenSpent"]);
    expect(again.args.transaction, "the refusal is on chain").to.match(/^0x/);

    expect(await owner.access.revoke(device, firmKey()).wait()).to.deep.include({ what: "revoked", rev: 2 });
    const refused = await refusal<AccessRefused>(firm.access.request(wanted).simulate());
    expect([refused.code, refused.remedy]).to.deep.equal([
      "PassRevoked",
      "Ask the owner for a new pass: this one was revoked or replaced.",
    ]);
  });

  it("takes a signed pass from anybody, once, unchanged, and only for its chain", async () => {
    const { owner, stranger } = world;
    const { id: device } = await ownedDevice(world);
    const signed = await owner.access.signPass(await owner.access.prepare(await orderFor(world, device)));
    const file = passFromJson(passToJson(signed));
    expect({ ...file, signer: file.signer.toLowerCase() }).to.deep.equal({
      ...signed,
      signer: signed.signer.toLowerCase(),
    });
    const wider = { ...file, pass: { ...file.pass, permissions: permissionsOf(["updateFirmware"]) } };
    expect(codeOf(() => stranger.access.registerPass(wider))).to.equal("PassChanged");
    const elsewhere = passDigest({ ...stranger.access.domain, chainId: 1n }, file.pass);
    expect(codeOf(() => stranger.access.registerPass({ ...file, digest: elsewhere }))).to.equal(
      "PassChanged",
    );
    const forged = { ...wider, digest: passDigest(stranger.access.domain, wider.pass) };
    expect((await refusal(stranger.access.registerPass(forged).send())).code).to.equal(
      "PassSignatureInvalid",
    );
    const withEnvelope = { ...file, envelope: "0x1234" as Hex };
    expect((await refusal(stranger.access.registerPass(withEnvelope).send())).code).to.equal(
      "EndpointEnvelopeMismatch",
    );
    expect((await stranger.access.registerPass(file).wait()).what).to.equal("granted");
    expect((await refusal(stranger.access.registerPass(file).send())).code).to.equal("PassRevMismatch");
    expect(codeOf(() => passFromJson('{"pass":{}}'))).to.equal("PassFileInvalid");
  });

  it("hashes a pass as the contract does, and names reasons and permissions as it does", async () => {
    const { owner, deployment, ethers } = world;
    const { id: device } = await ownedDevice(world);
    const { pass, digest } = await owner.access.prepare(
      await orderFor(world, device, { endpoint: ENDPOINT, notBefore: 5, minInterval: 9 }),
    );
    const contract = await ethers.getContractAt("DeviceAccess", deployment.contracts.DeviceAccess.address);
    expect(digest).to.equal(await contract.passDigest(pass as never));

    const source = readFileSync("contracts/access/IDeviceAccess.sol", "utf8");
    const [, members] = /enum AccessReason \{([^}]*)\}/.exec(source)!;
    const reasons = members!.replace(/\/\/.*$/gm, "").match(/[A-Z][A-Za-z]+/g);
    expect(reasons).to.deep.equal([...accessReasons]);

    const constants = readFileSync("contracts/access/Permissions.sol", "utf8").matchAll(
      / ([A-Z_]+) = 1 << ([0-9]+);/g,
    );
    const camel = (name: string) =>
      name.toLowerCase().replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
    const bits = [...constants].map(([, name, bit]) => [camel(name!), Number(bit)]);
    expect(bits).to.deep.equal(permissionNames.map((name, bit) => [name, bit]));
    expect(namesOf(permissionsOf(["maker7", "readState"]))).to.deep.equal(["readState", "maker7"]);
    expect(codeOf(() => permissionsOf(["everything"]))).to.equal("PermissionUnknown");
  });

  it("seals an endpoint only where grantee and regulators can read it", async () => {
    const { owner, signers } = world;
    const { id: device } = await ownedDevice(world);
    const prepare = async (grantee: Hex) =>
      refusal(owner.access.prepare(await orderFor(world, device, { grantee, endpoint: ENDPOINT })));
    expect((await prepare(keyGrantee(signers.stranger.address))).code).to.equal("GranteeOrganisationMissing");
    expect((await prepare(keyGrantee(signers.maker.address))).code).to.equal("EncryptionKeyMissing");
    await world.regulator.keys.withdraw("Disclosure").wait();
    expect((await prepare(firmKey())).code).to.equal("DisclosureKeyMissing");
    const key = DeviceSigner.generate();
    await world.regulator.keys.publish("Disclosure", key.key).wait();
    const { createPrivateKey } = await import("node:crypto");
    world.keys.regulator = { organisation: org.regulator, privateKey: createPrivateKey(key.toPem()) };
    const unknown = await refusal(owner.access.prepare(await orderFor(world, toHex(randomBytes(32)))));
    expect(unknown.code).to.equal("DeviceUnknown");
  });

  it("gives a role a pass, and lets it pass a part on with the endpoint; the part ends with the whole", async () => {
    const { owner, firm, helper, keys, signers } = world;
    const { id: device } = await ownedDevice(world);
    await grantTo(world, device, { grantee: firmRole, delegations: 1, endpoint: ENDPOINT });
    expect((await tokenFor(device, firmRole)).what).to.equal("token");
    const engineer = world.engineer.access.request({ device, grantee: firmRole, permissions: ["readState"] });
    expect((await refusal(engineer.simulate())).code, "in the firm, without the role").to.equal("NotGrantee");

    const grantee = keyGrantee(signers.helper.address);
    const order = {
      device,
      grantee,
      from: firmRole,
      permissions: ["readState"],
      expiry: (await now(world)) + 60,
    };
    const part = await firm.access.prepareDelegation({ ...order, reader: keys.firm });
    const given = await firm.access.delegate(firmRole, part).wait();
    expect(given.from).to.deep.equal({ grantee: firmRole, rev: 1 });
    expect(await helper.access.endpoint(device, grantee, keys.helper)).to.equal(ENDPOINT);
    expect(await helper.access.endpoint(device, grantee, keys.regulator)).to.equal(ENDPOINT);
    expect((await tokenFor(device, grantee, ["readState"], helper)).permissions).to.deep.equal(["readState"]);
    const wide = await firm.access.prepareDelegation({ ...order, permissions: ["readState", "calibrate"] });
    expect((await refusal(firm.access.delegate(firmRole, wide).send())).code).to.equal("DelegationTooWide");

    await owner.access.revoke(device, firmRole).wait();
    const after = await helper.access.explain({
      device,
      grantee,
      requester: signers.helper.address,
      permissions: ["readState"],
    });
    expect(after.reason).to.equal("DelegationEnded");
    expect((await helper.access.policy(device, grantee)).from).to.deep.equal({ grantee: firmRole, rev: 1 });
  });

  it("shows a gateway that a stolen token is nothing without its key", async () => {
    const { owner, firm, signers } = world;
    const { id: device } = await ownedDevice(world);
    await grantTo(world, device);
    const { token } = await tokenFor(device);
    const { domain } = owner.access;
    const use = { device, grantee: firmKey(), requester: signers.firm.address, token };
    const challenge = toHex(randomBytes(32));
    const stolen = await signTokenProof(domain, { device, token, challenge }, signers.stranger);
    expect(codeOf(() => requireTokenProof(domain, use, challenge, stolen))).to.equal("ChallengeFailed");
    const heard = await signTokenProof(
      domain,
      { device, token, challenge: toHex(randomBytes(32)) },
      signers.firm,
    );
    expect(codeOf(() => requireTokenProof(domain, use, challenge, heard))).to.equal("ChallengeFailed");
    expect(codeOf(() => requireTokenProof(domain, use, challenge, "0x"))).to.equal("ChallengeFailed");
    const own = await signTokenProof(domain, { device, token, challenge }, signers.firm);
    requireTokenProof(domain, use, challenge, own);
    const thief = await refusal<AccessRefused>(world.stranger.access.redeem(use).wait());
    expect(thief.reason).to.equal("NotHolder");
    expect((await owner.access.redeem(use).wait()).by, "the owner's gateway").to.equal(signers.owner.address);
    void firm;
  });

  it("uses a token up by the device's own signature, brought by anybody", async () => {
    const { stranger, signers } = world;
    const signer = await ownedDevice(world);
    const device = signer.id;
    await grantTo(world, device);
    const { token } = await tokenFor(device);
    const deadline = BigInt((await now(world)) + 600);
    const { message } = redemptionMessage(1, stranger.access.domain, { device, token, deadline });
    const signature = signer.sign(message);
    const [r, s] = [toHex(signature.subarray(0, 32)), toHex(signature.subarray(32))];
    const use = { device, grantee: firmKey(), requester: signers.firm.address, token };
    const done = await stranger.access.redeemByDevice({ ...use, key: signer.key, deadline, r, s }).wait();
    expect(done.by).to.equal("device");
  });

  it("stops everybody at once, and lets them in again", async () => {
    const { owner } = world;
    const { id: device } = await ownedDevice(world);
    await grantTo(world, device);
    await owner.devices.stopAccess(device).wait();
    const wanted = { device, grantee: firmKey(), permissions: ["readState"] };
    expect((await refusal(world.firm.access.request(wanted).wait())).code).to.equal("AccessStopped");
    await owner.devices.allowAccess(device).wait();
    expect((await tokenFor(device)).what).to.equal("token");
  });

  it("issues the offline form by the published key alone; the device and the contract know one pass", async () => {
    const { owner, keys } = world;
    const machine = await ownedDevice(world);
    const requester = DeviceSigner.generate();
    const order = await orderFor(world, machine.id, { expiry: Math.floor(Date.now() / 1000) + 86_400 });
    const prepared = await owner.access.prepare({
      ...order,
      expiry: Math.max(order.expiry, (await now(world)) + 60),
    });
    const signed = await owner.access.signPass(prepared);
    const by = { requester: requester.key, signer: keys.facing };
    const offline = await owner.access.offlinePass(signed.pass, by);
    const foreign = owner.access.offlinePass(signed.pass, { ...by, signer: requester });
    expect((await refusal(foreign)).code).to.equal("DeviceFacingKeyForeign");
    const { domain } = owner.access;
    expect(readOfflinePass(domain, offline).digest).to.equal(prepared.digest);
    await world.stranger.access.registerPass(signed).wait();

    const dir = mkdtempSync(join(tmpdir(), "tenon-guard-"));
    const options = { path: join(dir, "guard.json"), signer: machine, domain, needs: services.needs };
    const commission = { owner: { organisation: org.owner, key: keys.facing.key }, epoch: 1 };
    const guard = DeviceGuard.commission(options, commission);
    expect(attempt(guard, { pass: offline, signer: requester, domain })).to.equal("Allowed");
    guard.close();
    rmSync(dir, { recursive: true });
  });

  it("logs on chain that a regulator reads, before it reads", async () => {
    const { owner, regulator, firm, keys } = world;
    const { id: device } = await ownedDevice(world);
    await grantTo(world, device, { endpoint: ENDPOINT });
    const { endpoint, reading } = await regulator.access.disclose(device, firmKey(), keys.regulator);
    expect(endpoint).to.equal(ENDPOINT);
    expect(reading).to.deep.include({ organisation: org.regulator, order: 0, subject: device });
    expect(await owner.access.log.readings(device)).to.deep.equal([reading]);
    const other = firm.access.disclose(device, firmKey(), keys.firm);
    expect((await refusal(other)).code, "a firm is no regulator").to.equal("RoleMissing");
  });

  it("anchors journals, and finds an entry that was changed or taken away afterwards", async () => {
    const { owner } = world;
    const { id: device } = await ownedDevice(world);
    const dir = mkdtempSync(join(tmpdir(), "tenon-journal-"));
    const path = join(dir, "access.log");
    const journal = AccessJournal.open(path);
    const entry = (time: number) => ({
      time,
      device,
      grantee: firmKey(),
      epoch: 1,
      permissions: 2n,
      reason: 0,
      subject: device,
      request: device,
    });
    for (let i = 0; i < 5; i++) journal.append(entry(i));
    await owner.access.log.anchor(device, journal.batch(0, 2)).wait();
    expect(await owner.access.log.nextEntry(org.owner, device)).to.equal(3);
    await owner.access.log.anchor(device, journal.batch(3)).wait();
    journal.append(entry(9));
    const { entries } = readJournal(path);
    expect(await owner.access.log.verify(org.owner, device, entries), "of six").to.equal(5);
    const changed = entries.with(1, encodeEntry({ ...entry(1), reason: 12 }));
    for (const wrong of [changed, entries.slice(0, 4), entries.slice(1)]) {
      const error = await refusal(owner.access.log.verify(org.owner, device, wrong));
      expect(error.code).to.equal("AccessJournalForeign");
    }
    const gap = await refusal(
      owner.access.log.anchor(device, { ...journal.batch(5), from: 7, to: 7 }).send(),
    );
    expect(gap.code).to.equal("ChainGap");
    const recorded = {
      requester: ZeroAddress,
      permissions: ["readState"],
      time: 5,
      outcome: "Allowed" as const,
    };
    expect((await owner.access.log.record(device, [recorded, recorded]).wait()).count).to.equal(2);
    expect(await owner.access.log.recorded(device)).to.have.length(2);
    journal.close();
    rmSync(dir, { recursive: true });
  });

  const seed = testSeed();
  it(`says of every moment who could do what, as the contract would have answered then (seed ${seed})`, async function () {
    this.timeout(120_000);
    const random = new Random(seed);
    const { owner, firm, helper, signers, ethers, networkHelpers, deployment } = world;
    const { id: device } = await ownedDevice(world);
    const contract = await ethers.getContractAt("DeviceAccess", deployment.contracts.DeviceAccess.address);
    const grantees = [firmKey(), keyGrantee(signers.helper.address), keyGrantee(signers.stranger.address)];
    const tried = (run: () => Promise<unknown>) =>
      run().then(
        () => true,
        () => false,
      );
    const steps: (() => Promise<unknown>)[] = [
      () => grantTo(world, device, { grantee: random.pick(grantees), delegations: random.below(2) }),
      async () => {
        const expiry = (await now(world)) + random.below(400);
        return grantTo(world, device, { grantee: random.pick(grantees), expiry, notBefore: expiry - 100 });
      },
      () => owner.access.revoke(device, random.pick(grantees)).wait(),
      async () => {
        const order = { device, grantee: grantees[1]!, from: grantees[0]!, permissions: ["readState"] };
        const part = await firm.access.prepareDelegation({ ...order, expiry: (await now(world)) + 300 });
        return firm.access.delegate(grantees[0]!, part).wait();
      },
      () => owner.devices.stopAccess(device).wait(),
      () => owner.devices.allowAccess(device).wait(),
      () => owner.devices.suspend(device).wait(),
      () => owner.devices.resume(device).wait(),
      () => firm.access.request({ device, grantee: grantees[0]!, permissions: ["calibrate"] }).wait(),
      () => helper.access.request({ device, grantee: grantees[1]!, permissions: ["readState"] }).wait(),
      () => networkHelpers.time.increase(1 + random.below(200)),
    ];
    const moments: number[] = [];
    let done = 0;
    for (let i = 0; i < 60; i++) {
      if (await tried(random.pick(steps))) done++;
      await networkHelpers.mine();
      moments.push(await ethers.provider.getBlockNumber());
    }
    expect(done).to.be.greaterThan(15);
    const seen = new Set<string>();
    for (const block of moments) {
      const { timestamp } = (await ethers.provider.getBlock(block))!;
      const report = await owner.access.audit(device, timestamp);
      for (const { grantee, pass, reason } of report.passes) {
        const account = `0x${grantee.slice(26)}`;
        const bits = permissionsOf(pass.permissions);
        const answer = await contract.explain(device, grantee, account, bits, { blockTag: report.block });
        expect(reason, `${account} after block ${report.block}`).to.equal(accessReasons[Number(answer)]);
        seen.add(reason);
      }
    }
    expect([...seen]).to.include.members(["Allowed", "PassRevoked"]);
  });
});
