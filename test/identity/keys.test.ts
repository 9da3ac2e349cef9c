import { expect } from "chai";
import { id, keccak256, toUtf8Bytes } from "ethers";
import { network } from "hardhat";
import { noHash } from "../../sdk/src/devices/registration.js";
import { admit, DAY, grant, holderOf, Role } from "../support/consortium.js";
import { DeviceStatus, LATER, recordOf, register } from "../support/devices.js";
import { makeKey, type TestKey } from "../support/keys.js";
import { expectRefused } from "../support/refused.js";
import {
  deployOwners,
  deviceSign,
  engagement,
  keyProof,
  NO_KEY,
  type Owners,
  publicKey,
  ROTATION,
  recoveryProof,
  registrationOf,
  rotation,
  transfer,
} from "../support/registry.js";

const { ethers, networkHelpers } = await network.create();
const { time } = networkHelpers;

const SENT = { gasLimit: 5_000_000n };
const DELAY = 7n * DAY;
const WINDOW = 30n * DAY;

describe("DeviceRegistry: keys", () => {
  const fixture = async () => deployOwners(ethers);
  let world: Owners;
  let device: string;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
    device = world.key.id;
  });

  const state = async () => [
    await world.registry.record(device),
    await world.recovery.recoveryOf(world.registry, device),
  ];
  const refused = (send: (sent: object) => Promise<unknown>, error: string, args: unknown[]) => {
    const { recovery, registry, consortium, orders } = world;
    const of = error.startsWith("Order") ? orders : consortium;
    const contract = error.startsWith("Recovery") ? recovery : error.startsWith("Device") ? registry : of;
    return expectRefused(send as never, contract, error, args, state);
  };

  const rotate =
    (by: Owners["buyer"], pair: Awaited<ReturnType<typeof rotation>>, deadline = LATER) =>
    (sent: object) =>
      world.registry.connect(by).rotateKey(device, ...pair, deadline, sent);

  describe("rotation", () => {
    for (const [curve, name] of [
      [1, "P-256"],
      [8, "secp256k1"],
    ] as const) {
      it(`puts a ${name} key in force, and keeps the id and who holds the device`, async () => {
        const { registry, key, buyer } = world;
        const before = await registry.record(device);
        const fresh = makeKey(curve);
        await expect(rotate(buyer, await rotation(world, device, key, fresh))({}))
          .to.emit(registry, "DeviceKeyRotated")
          .withArgs(device, fresh.id, [curve, fresh.x, fresh.y], 2n, before.blockNumber);
        const { number, timestamp } = (await ethers.provider.getBlock("latest"))!;
        expect(recordOf(await registry.record(device))).to.deep.equal({
          ...recordOf(before),
          curve: BigInt(curve),
          epoch: 2n,
          rotated: true,
          since: BigInt(timestamp),
          blockNumber: BigInt(number),
        });
        expect(await registry.keyIdAt(device, 1n)).to.equal(device);
        expect(await registry.keyIdAt(device, 2n)).to.equal(fresh.id);
        expect(await registry.inForceAt(device, before.since)).to.deep.equal([1n, device]);
        expect(await registry.inForceAt(device, timestamp)).to.deep.equal([2n, fresh.id]);
      });
    }

    it("leaves the old key nothing to do (invariant 44), and the new key everything", async () => {
      const { registry, key, buyer, tenant, tenantOrg, stranger } = world;
      const fresh = makeKey(1);
      await rotate(buyer, await rotation(world, device, key, fresh))({});
      // The old key neither rotates nor engages, whatever it signs.
      await refused(rotate(buyer, await rotation(world, device, key, makeKey(1))), "DeviceKeyMismatch", [
        device,
        fresh.id,
        device,
      ]);
      await transfer(world, device, tenantOrg, buyer, tenant);
      expect((await registry.record(device)).rotated).to.equal(true);
      expect(await registry.keyIdAt(device, 3n)).to.equal(fresh.id);
      const stale = await engagement(world, device, key);
      await refused(
        (sent) => registry.connect(stranger).engage(device, stale, LATER, sent),
        "DeviceKeyMismatch",
        [device, fresh.id, device],
      );
      await registry.connect(stranger).engage(device, await engagement(world, device, fresh), LATER);
      await rotate(tenant, await rotation(world, device, fresh, makeKey(8)))({});
    });

    it("takes a key once: no birth key, none that was replaced, none of another device", async () => {
      const { registry, key, buyer, buyerOrg, maker } = world;
      const [fresh, other] = [makeKey(1), makeKey(1)];
      await register(world, other, buyerOrg);
      await rotate(buyer, await rotation(world, device, key, fresh))({});
      for (const used of [key, fresh, other])
        await refused(rotate(buyer, await rotation(world, device, fresh, used)), "DeviceKeyTaken", [used.id]);
      // Nor can it be registered as a device of its own, and it looks like none.
      await refused(
        (sent) => registry.connect(maker).register(registrationOf(world, fresh, buyerOrg), sent),
        "DeviceKeyTaken",
        [fresh.id],
      );
      expect((await registry.record(fresh.id)).status).to.equal(DeviceStatus.None);
      await expect(registry.ownerOf(fresh.id)).to.be.revertedWithCustomError(registry, "DeviceUnknown");
    });

    it("wants both keys, over exactly this device, epoch, key and deadline", async () => {
      const { registry, key, buyer, domain } = world;
      const fresh = makeKey(1);
      const [present, next] = await rotation(world, device, key, fresh);
      const none = { r: noHash, s: noHash };
      await refused(rotate(buyer, [{ ...present, ...none }, next]), "DeviceProofMissing", [device]);
      await refused(rotate(buyer, [present, { ...next, ...none }]), "DeviceProofMissing", [device]);
      for (const change of [
        { device: id("other") },
        { epoch: 2n },
        { x: id("x") },
        { curve: 8 },
        { deadline: LATER - 1n },
      ]) {
        const changed = await rotation(world, device, key, fresh, change);
        for (const pair of [
          [changed[0], next],
          [present, changed[1]],
        ] as const)
          await expect(rotate(buyer, [...pair])(SENT)).to.be.revertedWithCustomError(
            registry,
            "DeviceProofInvalid",
          );
      }
      // One key cannot consent for the other.
      const message = { device, epoch: 1n, ...publicKey(fresh), deadline: LATER };
      const own = deviceSign(domain, ROTATION, fresh, message);
      await expect(rotate(buyer, [keyProof(key, own), next])(SENT)).to.be.revertedWithCustomError(
        registry,
        "DeviceProofInvalid",
      );
      // The zero key and a point off the curve cannot come into force.
      for (const x of [ethers.ZeroHash, id("off")]) {
        const bad = { ...fresh, x: x as `0x${string}` } as TestKey;
        const off = await rotation(world, device, key, bad);
        await expect(rotate(buyer, off)(SENT)).to.be.revertedWithCustomError(registry, "DeviceKeyInvalid");
      }
      await rotate(buyer, [present, next])({});
    });

    it("is the owner's device manager's alone, and works while suspended or pledged, not when revoked", async () => {
      const { registry, key, buyer, clerk, maker, tenant, authority, makerOrg, encumbrances } = world;
      const pair = await rotation(world, device, key, makeKey(1));
      await refused(rotate(clerk, pair), "RoleMissing", [clerk.address, Role.DeviceManager]);
      for (const by of [maker, tenant])
        await refused(rotate(by, pair), "DeviceActorRefused", [device, by.address]);
      await registry.connect(authority).suspend(device);
      const at = await registry.getAddress();
      const until = BigInt(await time.latest()) + DAY;
      await encumbrances.connect(buyer).place(at, device, 0n, makerOrg, 1n, until);
      await rotate(buyer, pair)({});
      const word = await registry.record(device);
      expect([word.status, word.locked]).to.deep.equal([DeviceStatus.SuspendedByAuthority, true]);
      await registry.connect(authority).revoke(device);
      await refused(rotate(buyer, pair), "DeviceEnded", [device]);
    });
  });

  describe("recovery", () => {
    const at = () => world.registry.getAddress();
    const propose = async (by: Owners["maker"], newOwner: bigint, fresh?: TestKey, change = {}) => {
      const proof =
        fresh === undefined ? NO_KEY : await recoveryProof(world, device, newOwner, fresh, change);
      const registry = await at();
      return (sent: object) =>
        world.recovery.connect(by).propose(registry, device, newOwner, proof, LATER, sent);
    };
    const confirm = (by: Owners["maker"], newOwner: bigint, keyId: string) => async (sent: object) =>
      world.recovery.connect(by).confirm(await at(), device, newOwner, keyId, sent);
    const cancel = (by: Owners["maker"]) => async (sent: object) =>
      world.recovery.connect(by).cancel(await at(), device, sent);
    const execute =
      (by: Owners["maker"], key: { curve: number; x: string; y: string } = NO_KEY.key) =>
      async (sent: object) =>
        world.recovery.connect(by).execute(await at(), device, publicKey(key), sent);
    const none = ethers.ZeroHash;

    it("gives a new owner and a new key in one epoch, seven days after the authority agreed", async () => {
      const { registry, recovery, maker, authority, tenant, tenantOrg, buyerOrg } = world;
      const fresh = makeKey(1);
      const before = await registry.record(device);
      await (await propose(maker, tenantOrg, fresh))({});
      expect(await recovery.recoveryOf(await at(), device)).to.deep.equal([1n, tenantOrg, 1n, 0n, fresh.id]);
      await refused(execute(tenant, fresh), "RecoveryNotReady", [device, 0n]);
      await confirm(authority, tenantOrg, fresh.id)({});
      const readyAt = BigInt(await time.latest()) + DELAY;
      await time.setNextBlockTimestamp(readyAt - 1n);
      await refused(execute(tenant, fresh), "RecoveryNotReady", [device, readyAt]);
      await time.setNextBlockTimestamp(readyAt);
      const done = execute(tenant, fresh)({});
      await expect(done)
        .to.emit(registry, "DeviceTransferred")
        .withArgs(device, holderOf(buyerOrg), holderOf(tenantOrg), 2n, before.blockNumber, 2n);
      await expect(done)
        .to.emit(registry, "DeviceKeyRotated")
        .withArgs(device, fresh.id, [1n, fresh.x, fresh.y], 2n, before.blockNumber);
      const word = await registry.record(device);
      expect([word.org, word.epoch, word.rotated, word.engaged]).to.deep.equal([tenantOrg, 2n, true, true]);
      await refused(execute(tenant, fresh), "RecoveryMissing", [device]);
    });

    it("gives the owner a new key alone, also of a pledged device", async () => {
      const { registry, maker, makerOrg, authority, buyer, buyerOrg, encumbrances } = world;
      const until = BigInt(await time.latest()) + 30n * DAY;
      await encumbrances.connect(buyer).place(await at(), device, 0n, makerOrg, 1n, until);
      const fresh = makeKey(8);
      await (await propose(maker, buyerOrg, fresh))({});
      await confirm(authority, buyerOrg, fresh.id)({});
      await time.increase(DELAY);
      await expect(execute(buyer, fresh)({})).not.to.emit(registry, "DeviceTransferred");
      expect(await registry.keyIdAt(device, 2n)).to.equal(fresh.id);
      expect((await registry.record(device)).locked).to.equal(true);
    });

    it("gives a new owner with the key that stays, but no pledged device", async () => {
      const { registry, maker, makerOrg, authority, buyer, tenant, tenantOrg, encumbrances } = world;
      await (await propose(maker, tenantOrg))({});
      await confirm(authority, tenantOrg, none)({});
      await time.increase(DELAY);
      const snapshot = await networkHelpers.takeSnapshot();
      const until = BigInt(await time.latest()) + DAY;
      await encumbrances.connect(buyer).place(await at(), device, 0n, makerOrg, 1n, until);
      await refused(execute(tenant), "DeviceImmovable", [device, DeviceStatus.Active, true]);
      await snapshot.restore();
      const junk = makeKey(1);
      await refused(execute(tenant, junk), "DeviceKeyMismatch", [device, none, junk.id]);
      await execute(tenant)({});
      expect((await registry.record(device)).org).to.equal(tenantOrg);
      expect((await registry.record(device)).engaged).to.equal(false);
    });

    it("is stopped by the owner, the authority or the manufacturer, at any time, and by nobody else", async () => {
      const { recovery, maker, authority, clerk, tenant, stranger, tenantOrg } = world;
      for (const by of [clerk, authority, maker]) {
        await (await propose(maker, tenantOrg))({});
        await confirm(authority, tenantOrg, none)({});
        await time.increase(DELAY);
        for (const other of [tenant, stranger])
          await refused(cancel(other), "RecoveryRefused", [device, other.address]);
        await expect(cancel(by)({})).to.emit(recovery, "RecoveryCancelled");
        await refused(execute(tenant), "RecoveryMissing", [device]);
        await refused(cancel(by), "RecoveryMissing", [device]);
      }
    });

    it("is void in another epoch, and when it was not carried out in its window", async () => {
      const { maker, authority, buyer, tenant, tenantOrg, key } = world;
      await (await propose(maker, tenantOrg))({});
      await confirm(authority, tenantOrg, none)({});
      const snapshot = await networkHelpers.takeSnapshot();
      await time.increase(DELAY);
      await rotate(buyer, await rotation(world, device, key, makeKey(1)))({});
      await refused(execute(tenant), "RecoveryMissing", [device]);
      await snapshot.restore();
      await time.increase(DELAY + WINDOW);
      for (const [account, role] of [
        [tenant, Role.DeviceManager],
        [maker, Role.Manufacturer],
      ] as const)
        await grant(world, account, role);
      await refused(execute(tenant), "RecoveryMissing", [device]);
      await (await propose(maker, tenantOrg))({}); // and can be proposed again
    });

    it("is proposed by the manufacturer that brought the device in, with something new", async () => {
      const { consortium, registrar, maker, tenant, buyer, buyerOrg, tenantOrg, authority, guardian } = world;
      await refused(await propose(buyer, tenantOrg), "RoleMissing", [buyer.address, Role.Manufacturer]);
      await grant(world, tenant, Role.Manufacturer);
      await refused(await propose(tenant, tenantOrg), "RecoveryRefused", [device, tenant.address]);
      await refused(await propose(maker, buyerOrg), "RecoveryEmpty", [device]);
      await refused(await propose(maker, 99n), "OrganisationUnknown", [99n]);
      await consortium.connect(guardian).suspend(tenantOrg);
      await refused(await propose(maker, tenantOrg), "OrganisationNotActive", [tenantOrg, 2n]);
      await consortium.connect(registrar).reinstate(tenantOrg);
      const fresh = makeKey(1);
      for (const change of [
        { registry: await world.consortium.getAddress() },
        { device: id("other") },
        { epoch: 2n },
        { owner: holderOf(buyerOrg) },
        { deadline: LATER - 1n },
      ])
        await expect((await propose(maker, tenantOrg, fresh, change))(SENT)).to.be.revertedWithCustomError(
          world.recovery,
          "DeviceProofInvalid",
        );
      await (await propose(maker, tenantOrg, fresh))({});
      await refused(await propose(maker, tenantOrg), "RecoveryPending", [device, tenantOrg, fresh.id]);
      await refused(confirm(maker, tenantOrg, fresh.id), "RoleMissing", [
        maker.address,
        Role.DeviceAuthority,
      ]);
      await refused(confirm(authority, buyerOrg, fresh.id), "RecoveryMismatch", [
        device,
        tenantOrg,
        fresh.id,
      ]);
      await refused(confirm(authority, tenantOrg, none), "RecoveryMismatch", [device, tenantOrg, fresh.id]);
      await confirm(authority, tenantOrg, fresh.id)({});
      const readyAt = BigInt(await time.latest()) + DELAY;
      await refused(confirm(authority, tenantOrg, fresh.id), "RecoveryAlreadyConfirmed", [device, readyAt]);
      await time.increase(DELAY);
      await refused(execute(maker, fresh), "RecoveryRefused", [device, maker.address]);
      const wrong = makeKey(1);
      await refused(execute(tenant, wrong), "DeviceKeyMismatch", [device, fresh.id, wrong.id]);
    });

    it("is not confirmed by an authority under the manufacturer's control", async () => {
      const { consortium, registrar, maker, makerOrg, authority, authorityOrg, tenantOrg, others } = world;
      await (await propose(maker, tenantOrg))({});
      const colleague = others[12]!;
      await consortium.connect(registrar).addSignatory(makerOrg, colleague.address);
      await grant(world, colleague, Role.DeviceAuthority);
      await refused(confirm(colleague, tenantOrg, none), "RecoveryNotIndependent", [makerOrg, makerOrg]);
      const group = keccak256(toUtf8Bytes("one group"));
      for (const org of [makerOrg, authorityOrg])
        await consortium.connect(registrar).setControlGroup(org, group);
      await refused(confirm(authority, tenantOrg, none), "RecoveryNotIndependent", [makerOrg, authorityOrg]);
    });

    it("ends with the device", async () => {
      const { registry, maker, authority, tenant, tenantOrg } = world;
      await (await propose(maker, tenantOrg))({});
      await confirm(authority, tenantOrg, none)({});
      await time.increase(DELAY);
      await registry.connect(authority).revoke(device);
      await refused(execute(tenant), "RecoveryMissing", [device]);
      await refused(await propose(maker, tenantOrg), "DeviceEnded", [device]);
    });

    it("is the only way to reassign: nobody calls the registry for it", async () => {
      const { registry, maker, authority, buyer, admin, tenantOrg } = world;
      for (const by of [maker, authority, buyer, admin])
        for (const forced of [false, true])
          await refused(
            (sent) => registry.connect(by).reassign(device, tenantOrg, NO_KEY.key, forced, sent),
            "DeviceActorRefused",
            [device, by.address],
          );
    });
  });

  describe("a transfer by order", () => {
    const subject = async (to: bigint) =>
      keccak256(
        ethers.AbiCoder.defaultAbiCoder().encode(
          ["address", "bytes32", "uint32"],
          [await world.registry.getAddress(), device, to],
        ),
      );
    const force = (by: Owners["enforcer"], to: bigint, order: bigint) => async (sent: object) =>
      world.recovery.connect(by).forceTransfer(await world.registry.getAddress(), device, to, order, sent);
    const ordered = async (to: bigint, confirmed = true) => {
      const { orders, recovery, regulator, enforcer } = world;
      const until = BigInt(await time.latest()) + DAY;
      const module = await recovery.getAddress();
      await orders.connect(regulator).issue(id("paper"), 2n, module, await subject(to), until);
      const order = await orders.orders();
      if (confirmed) await orders.connect(enforcer).confirm(order);
      return order;
    };

    it("moves a pledged device on a confirmed order, once, and the pledge stays", async () => {
      const { registry, recovery, enforcer, encumbrances, buyer, buyerOrg, makerOrg, tenantOrg } = world;
      const until = BigInt(await time.latest()) + DAY;
      await encumbrances.connect(buyer).place(await registry.getAddress(), device, 0n, makerOrg, 1n, until);
      const before = await registry.record(device);
      const order = await ordered(tenantOrg);
      const moved = force(enforcer, tenantOrg, order)({});
      await expect(moved)
        .to.emit(registry, "DeviceTransferred")
        .withArgs(device, holderOf(buyerOrg), holderOf(tenantOrg), 2n, before.blockNumber, 3n);
      await expect(moved).to.emit(recovery, "TransferForced");
      const word = await registry.record(device);
      expect([word.org, word.locked, word.engaged]).to.deep.equal([tenantOrg, true, false]);
      await refused(force(enforcer, tenantOrg, order), "RecoveryEmpty", [device]);
      // Used up: the same order moves nothing again, after the device went back by another.
      await force(enforcer, buyerOrg, await ordered(buyerOrg))({});
      await refused(force(enforcer, tenantOrg, order), "OrderNotActive", [order, 5n]);
    });

    it("wants an enforcer, a confirmed order, and exactly this device and receiver", async () => {
      const { recovery, regulator, enforcer, buyer, makerOrg, tenantOrg } = world;
      const order = await ordered(tenantOrg);
      for (const by of [regulator, buyer])
        await refused(force(by, tenantOrg, order), "RoleMissing", [by.address, Role.Enforcer]);
      const module = await recovery.getAddress();
      await refused(force(enforcer, makerOrg, order), "OrderMismatch", [
        order,
        2n,
        module,
        await subject(makerOrg),
      ]);
      const waiting = await ordered(tenantOrg, false);
      await refused(force(enforcer, tenantOrg, waiting), "OrderNotActive", [waiting, 1n]);
      await refused(force(enforcer, 99n, order), "OrganisationUnknown", [99n]);
    });
  });

  it("are those of the organisation that is admitted last as well", async () => {
    const { registry, buyer, others } = world;
    const org = await admit(world, "newcomer", others[13]!);
    await grant(world, others[13]!, Role.DeviceManager);
    await transfer(world, device, org, buyer, others[13]!);
    expect(await registry.ownerOf(device)).to.equal(holderOf(org));
  });
});
