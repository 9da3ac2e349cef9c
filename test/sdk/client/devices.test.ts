import { expect } from "chai";
import { Wallet, ZeroHash } from "ethers";
import { network } from "hardhat";
import {
  ContractError,
  checkDeployment,
  createTenon,
  type Deployment,
  type Hex,
  holderOf,
  type OwnedRegistration,
  type Tenon,
} from "../../../sdk/src/index.js";
import { newTenon, orgs, tenonOn } from "../../support/fixture.js";
import { flipS, makeKey, type TestKey } from "../../support/keys.js";
import { refusal } from "../../support/refusal.js";

const LATER = 4_000_000_000n;

type World = Awaited<ReturnType<typeof newTenon>>;

function prove(tenon: Tenon, key: TestKey, registration: OwnedRegistration) {
  const { message, digest } = tenon.devices.registrationMessage(key, registration);
  return key.curve === 1 ? key.signBytes(message) : key.signDigest(digest);
}

describe("createTenon", () => {
  let world: World;
  let deployment: Deployment;
  let provider: Awaited<ReturnType<typeof network.create>>["provider"];
  before(async () => {
    const connection = await network.create();
    provider = connection.provider;
    world = await tenonOn(connection);
    deployment = checkDeployment(world.record);
  });

  it("takes an ethers signer, an ethers provider or an EIP-1193 provider", async () => {
    const { ethers, signers } = world;
    for (const source of [{ signer: signers.stranger }, { provider: ethers.provider }, { provider }]) {
      const tenon = await createTenon({ ...source, deployment });
      expect((await tenon.telemetry.head(1)).key).to.equal(signers.oracle.address);
    }
  });

  it("refuses a chain of another id, or with another genesis, or a record that is none", async () => {
    const other = (change: object) => ({ ...deployment, ...change }) as Deployment;
    const connect = (record: Deployment) => createTenon({ provider, deployment: record });
    expect((await refusal(connect(other({ chainId: 1 })))).code).to.equal("ChainIdMismatch");
    const genesis = await refusal(connect(other({ genesisHash: `0x${"12".repeat(32)}` })));
    expect(genesis.code).to.equal("GenesisMismatch");
    expect(genesis.args.found).to.equal(deployment.genesisHash);
    const invalid = await refusal(connect(other({ contracts: {} })));
    expect([invalid.code, invalid.args.field]).to.deep.equal([
      "DeploymentInvalid",
      "contracts.AccessManager.address",
    ]);
  });

  it("writes through an EIP-1193 provider with its first account, and only reads through an ethers provider", async () => {
    const { ethers } = world;
    const id = makeKey(1).id;
    const first = await createTenon({ provider, deployment });
    expect((await refusal(first.devices.suspend(id).send())).code).to.equal("DeviceUnknown");
    const reading = await createTenon({ provider: ethers.provider, deployment });
    expect((await refusal(reading.devices.suspend(id).send())).code).to.equal("SignerRequired");
    const loose = await refusal(createTenon({ signer: Wallet.createRandom(), deployment }));
    expect(loose.code).to.equal("ProviderMissing");
  });
});

describe("tenon.devices", () => {
  let world: World;
  let deployment: Deployment;
  let makers: Tenon;
  const owner = Number(orgs.owner);
  before(async () => {
    world = await newTenon();
    deployment = checkDeployment(world.record);
    makers = await createTenon({ signer: world.signers.manufacturer, deployment });
  });

  async function registerOne(curve: 1 | 8): Promise<Hex> {
    const key = makeKey(curve);
    const registration = makers.devices.registration({ owner, deadline: LATER });
    return (await makers.devices.register(key, registration, prove(makers, key, registration)).wait()).id;
  }

  for (const curve of [1, 8] as const) {
    it(`registers a device of curve ${curve} with its own proof, with zero fees from an empty account`, async () => {
      const key = makeKey(curve);
      const request = { owner, deadline: LATER, parametersHash: `0x${"ab".repeat(32)}` as const };
      const registration = makers.devices.registration(request);
      const { digest } = makers.devices.registrationMessage(key, registration);
      expect(digest).to.equal(
        await world.registry.registrationDigest({
          owner,
          key,
          parametersHash: request.parametersHash,
          certificateHash: registration.certificateHash,
          deadline: LATER,
          r: ZeroHash,
          s: ZeroHash,
        }),
      );
      const operation = makers.devices.register(key, registration, prove(makers, key, registration));
      expect(await makers.devices.get(key.id)).to.equal(undefined);
      await operation.simulate();
      expect(await operation.estimateGas()).to.be.within(30_000n, 80_000n);
      expect(await makers.devices.get(key.id), "nothing is sent before send").to.equal(undefined);

      const registered = await operation.wait();
      expect(registered).to.deep.include({
        id: key.id,
        owner: holderOf(owner),
        parametersHash: request.parametersHash,
      });
      expect(registered.key).to.deep.equal({ curve, x: key.x, y: key.y });
      expect(registered.manufacturer).to.equal(Number(orgs.manufacturer));
      const device = await makers.devices.get(key.id);
      expect(device).to.deep.include({
        id: key.id,
        owner: holderOf(owner),
        status: "Active",
        curve,
        epoch: 1,
      });
      expect(await makers.devices.ownerOf(key.id)).to.equal(holderOf(owner));
    });
  }

  it("puts a high s, which chips make, in the lower half", async () => {
    const key = makeKey(1);
    const registration = makers.devices.registration({ owner, deadline: LATER });
    const high = flipS(1, prove(makers, key, registration));
    await world.registry
      .connect(world.signers.manufacturer)
      .register.staticCall({
        owner,
        key,
        parametersHash: registration.parametersHash,
        certificateHash: registration.certificateHash,
        deadline: LATER,
        ...high,
      })
      .then(
        () => expect.fail("the contract must refuse it as it is"),
        () => undefined,
      );
    expect((await makers.devices.register(key, registration, high).wait()).id).to.equal(key.id);
  });

  it("suspends, resumes and revokes, and lists what happened", async () => {
    const id = await registerOne(1);
    const { devices } = await createTenon({ signer: world.signers.owner, deployment });
    expect(await devices.suspend(id).wait()).to.deep.include({ id, from: "Active", to: "SuspendedByOwner" });
    await devices.resume(id).wait();
    const revoked = await devices.revoke(id).wait();
    expect(revoked).to.deep.include({ kind: "revoked", id, epoch: 2 });
    expect((await devices.get(id))?.status).to.equal("Revoked");

    const history = await devices.history(id);
    expect(history).to.have.length(2);
    expect(history[0]).to.have.property("key");
    expect(history[1]).to.deep.equal(revoked);
    const listed = await devices.list({ owner });
    expect(listed.map((device) => device.id)).to.include(id);
    expect(await devices.list({ owner: 99 })).to.deep.equal([]);
  });

  it("gives every refusal its name, its arguments and a remedy, and sends nothing", async () => {
    const id = await registerOne(1);
    const strangers = await createTenon({ signer: world.signers.stranger, deployment });
    const before = await world.signers.stranger.getNonce();
    const error = await refusal<ContractError>(strangers.devices.suspend(id).send());
    expect(error).to.be.instanceOf(ContractError);
    expect(error.code).to.equal("DeviceActorRefused");
    expect(error.args).to.deep.equal({ device: id, caller: world.signers.stranger.address });
    expect(error.message).to.include("→ Send it from a signatory of the owner");
    expect(await world.signers.stranger.getNonce()).to.equal(before);

    const buyers = await createTenon({ signer: world.signers.owner, deployment });
    await buyers.devices.revoke(id).wait();
    const refused = await refusal(buyers.devices.resume(id).simulate());
    expect([refused.code, refused.args]).to.deep.equal([
      "DeviceTransitionRefused",
      { device: id, from: "Revoked", to: "Active", actor: "Owner" },
    ]);
    expect((await refusal(buyers.devices.ownerOf(makeKey(1).id))).code).to.equal("DeviceUnknown");
  });

  it("refuses another device's proof, a late one, and a registration made for another registry", async () => {
    const [key, other] = [makeKey(1), makeKey(1)];
    const registration = makers.devices.registration({ owner, deadline: LATER });
    const foreign = prove(makers, other, registration);
    const code = async (promise: Promise<unknown>) => (await refusal(promise)).code;
    expect(await code(makers.devices.register(key, registration, foreign).send())).to.equal(
      "DeviceProofInvalid",
    );
    const late = makers.devices.registration({ owner, deadline: 1 });
    const proof = prove(makers, key, late);
    expect(await code(makers.devices.register(key, late, proof).send())).to.equal("DeviceProofExpired");
    const elsewhere = { ...registration, registry: world.signers.manufacturer.address };
    expect(() => makers.devices.register(key, elsewhere, foreign)).to.throw("another registry");
    expect(() => makers.devices.suspend("0x12")).to.throw("hex string of the expected form");
  });

  it("names the reason of a transaction that failed in its block", async () => {
    const fresh = await newTenon();
    const { ethers, networkHelpers, signers } = fresh;
    // The estimate would see the first one in the pool and refuse before anything is sent.
    signers.manufacturer.estimateGas = async () => 100_000n;
    const { devices } = await createTenon({
      signer: signers.manufacturer,
      deployment: checkDeployment(fresh.record),
    });
    const key = makeKey(1);
    const registration = devices.registration({ owner: 1, deadline: LATER });
    const { message } = devices.registrationMessage(key, registration);
    const operation = devices.register(key, registration, key.signBytes(message));
    await ethers.provider.send("evm_setAutomine", [false]);
    const [first, second] = [await operation.send(), await operation.send()];
    await networkHelpers.mine();
    expect((await first.wait()).id).to.equal(key.id);
    expect((await refusal(second.wait())).code).to.equal("DeviceAlreadyRegistered");
  });
});
