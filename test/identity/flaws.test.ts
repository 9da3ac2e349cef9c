import { expect } from "chai";
import { id, SigningKey, TypedDataEncoder, Wallet, ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";
import { DAY, holderOf, Role } from "../support/consortium.js";
import { DeviceStatus, LATER, send } from "../support/devices.js";
import { makeKey, type Signature } from "../support/keys.js";
import {
  deployOwners,
  deviceSign,
  ENGAGEMENT,
  engagement,
  keyProof,
  NO_KEY,
  type Owners,
  publicKey,
  ROTATION,
  registrationOf,
  rotation,
  signTransfer,
  TRANSFER,
  transfer,
  VOUCHER,
  voucherOf,
} from "../support/registry.js";

const { ethers, networkHelpers } = await network.create();

const SENT = { gasLimit: 5_000_000n };

/** Each flaw that other registries of devices have or had, and that this one must not have. */
describe("DeviceRegistry: flaws of others", () => {
  const fixture = async () => deployOwners(ethers);
  let world: Owners;
  let device: string;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
    device = world.key.id;
  });

  it("ERC-1056, signatures without a chain id: one for another chain or contract is refused here", async () => {
    const { registry, domain, maker, makerOrg, buyer, tenant, tenantOrg, key, stranger } = world;
    const other = await world.consortium.getAddress();
    for (const change of [{ chainId: 1n }, { verifyingContract: other }, { version: "2" }]) {
      const elsewhere = { ...world, domain: { ...domain, ...change } };
      const request = registrationOf(elsewhere, makeKey(1), makerOrg);
      await expect(registry.connect(maker).register(request, SENT)).to.be.revertedWithCustomError(
        registry,
        "DeviceProofInvalid",
      );
      const given = await signTransfer(elsewhere, buyer, device, tenantOrg);
      const taken = await signTransfer(elsewhere, tenant, device, tenantOrg);
      await expect(
        registry.connect(stranger).transfer(device, tenantOrg, LATER, given, taken, SENT),
      ).to.be.revertedWithCustomError(registry, "DeviceTransferSignatureInvalid");
      const pair = await rotation(elsewhere, device, key, makeKey(1));
      await expect(
        registry.connect(buyer).rotateKey(device, ...pair, LATER, SENT),
      ).to.be.revertedWithCustomError(registry, "DeviceProofInvalid");
    }
  });

  it("ERC-1056, deactivation that does not last: after a revocation no call by any key succeeds", async () => {
    const { registry, recovery, key, buyer, authority, maker, makerOrg, tenant, tenantOrg, clerk } = world;
    const soon = BigInt(await networkHelpers.time.latest()) + DAY;
    await registry.connect(buyer).offer(device, tenantOrg, soon);
    const pair = await rotation(world, device, key, makeKey(1), { epoch: 2n });
    const proof = await engagement(world, device, key, { epoch: 2n });
    await registry.connect(buyer).revoke(device);
    const given = await signTransfer(world, buyer, device, tenantOrg);
    const taken = await signTransfer(world, tenant, device, tenantOrg);
    const at = await registry.getAddress();
    const acts: ((by: Owners["buyer"]) => Promise<unknown>)[] = [
      (by) => registry.connect(by).suspend(device, SENT),
      (by) => registry.connect(by).resume(device, SENT),
      (by) => registry.connect(by).revoke(device, SENT),
      (by) => registry.connect(by).stopAccess(device, SENT),
      (by) => registry.connect(by).allowAccess(device, SENT),
      (by) => registry.connect(by).offer(device, tenantOrg, soon, SENT),
      (by) => registry.connect(by).cancelOffer(device, SENT),
      (by) => registry.connect(by).rejectOffer(device, SENT),
      (by) => registry.connect(by).acceptOffer(device, SENT),
      (by) => registry.connect(by).transfer(device, tenantOrg, LATER, given, taken, SENT),
      (by) => registry.connect(by).engage(device, proof, LATER, SENT),
      (by) => registry.connect(by).rotateKey(device, ...pair, LATER, SENT),
      (by) => registry.connect(by).register(registrationOf(world, key, makerOrg), SENT),
      (by) => recovery.connect(by).propose(at, device, tenantOrg, NO_KEY, LATER, SENT),
    ];
    const before = await registry.record(device);
    for (const act of acts)
      for (const by of [buyer, clerk, authority, maker, tenant])
        await expect(act(by), act.toString()).to.be.revert(ethers);
    expect(await registry.record(device)).to.deep.equal(before);
    expect(before.status).to.equal(DeviceStatus.Revoked);
  });

  it("ERC-1056, identity zero that an empty signature owns: zero ids, keys, signers and owners are refused", async () => {
    const { registry, maker, makerOrg, buyer, tenant, tenantOrg, stranger } = world;
    const nothing = { r: ZeroHash, s: ZeroHash } as Signature;
    for (const curve of [0, 1, 8]) {
      const zero = { curve, x: ZeroHash, y: ZeroHash };
      await expect(send(world, zero, makerOrg, nothing, {}, SENT)).to.be.revertedWithCustomError(
        registry,
        "DeviceProofMissing",
      );
      const junk = { r: id("r"), s: `0x${"01".repeat(32)}` } as Signature;
      await expect(send(world, zero, makerOrg, junk, {}, SENT)).to.be.revertedWithCustomError(
        registry,
        curve === 0 ? "DeviceCurveUnsupported" : "DeviceKeyInvalid",
      );
    }
    await expect(
      registry.connect(maker).register(registrationOf(world, makeKey(1), 0n), SENT),
    ).to.be.revertedWithCustomError(world.consortium, "OrganisationUnknown");
    for (const act of ["suspend", "revoke", "stopAccess", "acceptOffer", "cancelOffer"] as const)
      for (const by of [stranger, buyer])
        await expect(registry.connect(by)[act](ZeroHash, SENT)).to.be.revertedWithCustomError(
          registry,
          "DeviceUnknown",
        );
    const taken = await signTransfer(world, tenant, device, tenantOrg);
    const zero = { signer: ZeroAddress, signature: `0x${"00".repeat(65)}` };
    for (const signature of ["0x", zero.signature])
      await expect(
        registry.connect(stranger).transfer(device, tenantOrg, LATER, { ...zero, signature }, taken, SENT),
      ).to.be.revertedWithCustomError(world.consortium, "SignatoryUnknown");
    const key = makeKey(1);
    const voucher = {
      ...(await voucherOf(world, maker, key.id)),
      ...{ maker: ZeroAddress, signature: zero.signature },
    };
    const request = registrationOf(world, key, world.buyerOrg);
    await expect(
      registry.connect(buyer).registerByVoucher(request, voucher, SENT),
    ).to.be.revertedWithCustomError(registry, "ManufacturerRefused");
  });

  it("indy-besu, an older signed document over a newer one: every signature names the epoch it is for", async () => {
    const { registry, key, buyer, tenant, buyerOrg, tenantOrg, stranger } = world;
    const [first, second] = [makeKey(1), makeKey(1)];
    const old = await rotation(world, device, key, first);
    await registry.connect(buyer).rotateKey(device, ...old, LATER);
    await registry.connect(buyer).rotateKey(device, ...(await rotation(world, device, first, second)), LATER);
    await expect(
      registry.connect(buyer).rotateKey(device, ...old, LATER, SENT),
    ).to.be.revertedWithCustomError(registry, "DeviceKeyMismatch");
    await transfer(world, device, tenantOrg, buyer, tenant);
    const engaged = await engagement(world, device, second);
    await registry.connect(stranger).engage(device, engaged, LATER);
    await transfer(world, device, buyerOrg, tenant, buyer);
    await transfer(world, device, tenantOrg, buyer, tenant);
    await expect(
      registry.connect(stranger).engage(device, engaged, LATER, SENT),
    ).to.be.revertedWithCustomError(registry, "DeviceProofInvalid");
  });

  it("indy-besu, a documented role that can never act: each role of the registry does", async () => {
    const { registry, maker, makerOrg, buyer, clerk, authority, tenant, tenantOrg, key } = world;
    await registry.connect(maker).register(registrationOf(world, makeKey(1), makerOrg));
    await registry.connect(clerk).suspend(device);
    await registry.connect(clerk).resume(device);
    await registry.connect(authority).suspend(device);
    await registry.connect(authority).resume(device);
    await registry
      .connect(buyer)
      .rotateKey(device, ...(await rotation(world, device, key, makeKey(8))), LATER);
    await registry.connect(buyer).offer(device, tenantOrg, BigInt(await networkHelpers.time.latest()) + DAY);
    await registry.connect(tenant).acceptOffer(device);
    await registry.connect(authority).revoke(device);
    expect((await registry.record(device)).status).to.equal(DeviceStatus.Revoked);
  });

  it("ioID, one permit for every action: a signature for one action is valid for no other", async () => {
    const { registry, domain, key, buyer, tenant, tenantOrg, buyerOrg, stranger } = world;
    await transfer(world, device, tenantOrg, buyer, tenant);
    const { epoch, owner } = await registry.record(device);
    const fresh = makeKey(1);
    const fields = { device, epoch, owner, ...publicKey(fresh), deadline: LATER };
    const asEngagement = keyProof(key, deviceSign(domain, ENGAGEMENT, key, fields));
    const asRotation = keyProof(key, deviceSign(domain, ROTATION, key, fields));
    const next = keyProof(fresh, deviceSign(domain, ROTATION, fresh, fields));
    await expect(
      registry.connect(stranger).engage(device, asRotation, LATER, SENT),
    ).to.be.revertedWithCustomError(registry, "DeviceProofInvalid");
    await expect(
      registry.connect(tenant).rotateKey(device, asEngagement, next, LATER, SENT),
    ).to.be.revertedWithCustomError(registry, "DeviceProofInvalid");
    // The types themselves differ, so no two messages can ever hash alike.
    const hashes = [TRANSFER, VOUCHER, ENGAGEMENT, ROTATION].map((types) =>
      TypedDataEncoder.from(types).encodeType(Object.keys(types)[0]!),
    );
    expect(new Set(hashes).size).to.equal(4);
    expect(await registry.ownerOf(device)).to.not.equal(holderOf(buyerOrg));
  });

  it("ioID, the device's key alone moves ownership: a transfer needs both owners, and the device is not asked", async () => {
    const { registry, buyer, tenant, tenantOrg, stranger } = world;
    // The device is a secp256k1 key that could sign as an account.
    const wallet = new Wallet(id("a device that is an account"));
    const [x, y] = [0, 1].map(
      (i) => `0x${SigningKey.computePublicKey(wallet.privateKey).slice(4 + 64 * i, 68 + 64 * i)}`,
    );
    const own = makeKey(8, id("a device that is an account") as `0x${string}`);
    expect([own.x, own.y]).to.deep.equal([x, y]);
    await registry.connect(world.maker).register(registrationOf(world, own, world.buyerOrg));
    const byDevice = await signTransfer(world, wallet, own.id, tenantOrg);
    const taken = await signTransfer(world, tenant, own.id, tenantOrg);
    await expect(
      registry.connect(stranger).transfer(own.id, tenantOrg, LATER, byDevice, taken, SENT),
    ).to.be.revertedWithCustomError(world.consortium, "SignatoryUnknown");
    await transfer(world, own.id, tenantOrg, buyer, tenant);
    expect((await registry.record(own.id)).org).to.equal(tenantOrg);
  });

  it("DIMO, typed data without nonce or deadline: every message has both, or a state counter", () => {
    const counters = ["nonce", "epoch", "device"]; // a device registers once; a voucher's device likewise
    for (const types of [TRANSFER, VOUCHER, ENGAGEMENT, ROTATION]) {
      const names = Object.values(types)[0]!.map(({ name }) => name);
      expect(names.some((name) => counters.includes(name))).to.equal(true);
      expect(names.some((name) => name === "deadline" || name === "until")).to.equal(true);
    }
  });

  it("EnergyWeb, an owner mirrored in two contracts: recovery and encumbrances ask the registry", async () => {
    const { registry, encumbrances, buyer, tenant, tenantOrg, makerOrg } = world;
    const at = await registry.getAddress();
    const until = BigInt(await networkHelpers.time.latest()) + DAY;
    expect(await registry.holderOf(device)).to.equal(await registry.ownerOf(device));
    await transfer(world, device, tenantOrg, buyer, tenant);
    expect(await registry.holderOf(device)).to.equal(holderOf(tenantOrg));
    // The old owner's keeper binds it no more, the new one's does, from the same block on.
    await expect(
      encumbrances.connect(buyer).place(at, device, 0n, makerOrg, 1n, until, SENT),
    ).to.be.revertedWithCustomError(encumbrances, "AssetKeeperRefused");
    await encumbrances.connect(tenant).place(at, device, 0n, makerOrg, 1n, until);
    expect((await registry.record(device)).locked).to.equal(true);
  });

  it("OpenZeppelin P256, high s: refused here, so that a proof has one form", async () => {
    const { registry, maker, makerOrg } = world;
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const request = registrationOf(world, makeKey(1), makerOrg);
    const s = `0x${(order - BigInt(request.s)).toString(16).padStart(64, "0")}`;
    await expect(
      registry.connect(maker).register({ ...request, s } as never, SENT),
    ).to.be.revertedWithCustomError(registry, "DeviceProofHighS");
    await registry.connect(maker).register(request);
  });

  it("front-runners, who send what they see first: nothing changes hands by it", async () => {
    const { registry, maker, buyerOrg, tenant, tenantOrg } = world;
    const key = makeKey(1);
    const request = registrationOf(world, key, buyerOrg);
    // The attacker is a manufacturer and takes the proof for itself.
    await world.consortium
      .connect(world.registrar)
      .grantRole(tenant.address, Role.Manufacturer, BigInt(await networkHelpers.time.latest()) + DAY, 9n);
    await expect(
      registry.connect(tenant).register({ ...request, owner: tenantOrg }, SENT),
    ).to.be.revertedWithCustomError(registry, "DeviceProofInvalid");
    await registry.connect(maker).register(request);
    expect(await registry.ownerOf(key.id)).to.equal(holderOf(buyerOrg));
  });
});
