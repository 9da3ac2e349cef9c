import { expect } from "chai";
import { id, ZeroHash } from "ethers";
import { network } from "hardhat";
import { DAY, grant, holderOf, Role } from "../support/consortium.js";
import { DeviceStatus, LATER } from "../support/devices.js";
import { makeKey } from "../support/keys.js";
import { expectRefused } from "../support/refused.js";
import {
  deployOwners,
  factoryList,
  listEntry,
  type Owners,
  registrationOf,
  rotation,
  type TestRegistration,
  voucherOf,
} from "../support/registry.js";
import { signAct } from "../support/signed-acts.js";

const { ethers, networkHelpers } = await network.create();
const { time } = networkHelpers;

const SENT = { gasLimit: 12_000_000n };

describe("DeviceRegistry: batch, factory list and voucher", () => {
  const fixture = async () => deployOwners(ethers);
  let world: Owners;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
  });

  const soon = async () => BigInt(await time.latest()) + DAY;
  const statusOf = async (device: string) => (await world.registry.record(device)).status;
  const refused = (
    send: (sent: object) => Promise<unknown>,
    error: string,
    args: unknown[],
    device: string = id("none"),
  ) => {
    const ours = !/^(Role|Organisation|Signatory)/.test(error) || error === "RegistrationOwnerRefused";
    const contract = ours ? world.registry : world.consortium;
    const { registry, maker } = world;
    const state = async () => [await registry.record(device), await registry.manufacturerOf(maker.address)];
    return expectRefused((sent) => send({ ...sent, ...SENT }) as never, contract, error, args, state);
  };

  describe("a batch", () => {
    const batchOf = (owners: bigint[]) => {
      const keys = owners.map((_, i) => makeKey(i % 3 === 2 ? 8 : 1));
      return { keys, batch: owners.map((owner, i) => registrationOf(world, keys[i]!, owner)) };
    };

    it("registers devices of several owners and curves, and draws on the quota for each", async () => {
      const { registry, maker, makerOrg, buyerOrg, tenantOrg } = world;
      const { used } = await registry.manufacturerOf(maker.address);
      const owners = [makerOrg, makerOrg, buyerOrg, buyerOrg, tenantOrg, makerOrg];
      const { keys, batch } = batchOf(owners);
      const receipt = (await (await registry.connect(maker).registerBatch(batch)).wait())!;
      expect(receipt.logs).to.have.length(6);
      for (const [i, key] of keys.entries())
        expect(await registry.ownerOf(key.id)).to.equal(holderOf(owners[i]!));
      expect((await registry.manufacturerOf(maker.address)).used).to.equal(used + 6n);
    });

    it("is all or nothing: one bad proof, one device twice, one owner who left", async () => {
      const { registry, maker, makerOrg, buyerOrg, tenantOrg, consortium, guardian } = world;
      const { keys, batch } = batchOf([makerOrg, buyerOrg, tenantOrg, makerOrg]);
      const send = (all: TestRegistration[]) => (sent: object) =>
        registry.connect(maker).registerBatch(all, sent);
      const bad = batch.map((each, i) => (i === 3 ? { ...each, r: batch[0]!.r } : each));
      await expect(send(bad)(SENT)).to.be.revertedWithCustomError(registry, "DeviceProofInvalid");
      await refused(send([...batch, batch[1]!]), "DeviceAlreadyRegistered", [keys[1]!.id]);
      await consortium.connect(guardian).suspend(tenantOrg);
      await refused(send(batch), "OrganisationNotActive", [tenantOrg, 2n]);
      for (const key of keys) expect(await statusOf(key.id)).to.equal(DeviceStatus.None);
      await refused(send([]), "RegistrationsMissing", []);
      await refused(
        (sent) => registry.connect(world.buyer).registerBatch(batch, sent),
        "ManufacturerRefused",
        [world.buyer.address, 0n],
      );
    });
  });

  describe("a factory list", () => {
    const keys = Array.from({ length: 13 }, (_, i) => makeKey(i % 4 === 3 ? 8 : 1));
    const [parametersHash, certificateHash] = [id("parameters"), id("certificate")];
    const list = factoryList(keys.map((key) => listEntry(key.id, parametersHash, certificateHash)));
    const open = async ({
      buyer = 0n,
      until,
      count = list.count,
    }: {
      buyer?: bigint;
      until?: bigint;
      count?: number;
    } = {}) => world.registry.connect(world.maker).openList(list.root, count, until ?? (await soon()), buyer);
    const registration = (i: number, owner: bigint, more = {}) =>
      registrationOf(world, keys[i]!, owner, { parametersHash, certificateHash, ...more });
    const activate =
      (by: Owners["buyer"], request: TestRegistration, index: number, change = {}) =>
      (sent: object) =>
        world.registry
          .connect(by)
          .activate(request, { ...list.proofOf(world.makerOrg, index), ...change }, sent);

    it("lets every device of it in, for whoever holds it, once", async () => {
      const { registry, maker, makerOrg, buyer, buyerOrg, tenant, tenantOrg } = world;
      const until = await soon();
      const { used } = await registry.manufacturerOf(maker.address);
      await expect(open({ until }))
        .to.emit(registry, "FactoryListOpened")
        .withArgs(makerOrg, list.root, 13n, until, 0n, maker.address);
      expect(await registry.factoryListOf(makerOrg, list.root)).to.deep.equal([13n, until, 0n, false]);
      expect((await registry.manufacturerOf(maker.address)).used).to.equal(used + 13n);
      for (const [i, key] of keys.entries()) {
        const [by, org] = i % 2 === 0 ? [buyer, buyerOrg] : [tenant, tenantOrg];
        await expect(activate(by, registration(i, org), i)({}))
          .to.emit(registry, "DeviceRegistered")
          .withArgs(
            key.id,
            holderOf(org),
            makerOrg,
            [key.curve, key.x, key.y],
            parametersHash,
            certificateHash,
          );
        const word = await registry.record(key.id);
        expect([word.org, word.maker, word.epoch, word.engaged]).to.deep.equal([org, makerOrg, 1n, true]);
        await refused(activate(by, registration(i, org), i), "DeviceAlreadyRegistered", [key.id], key.id);
      }
      expect((await registry.manufacturerOf(maker.address)).used).to.equal(used + 13n);
    });

    it("lets nothing else in: another index, path, key, hash, root or maker", async () => {
      const { registry, makerOrg, buyer, buyerOrg } = world;
      await open();
      const good = registration(5, buyerOrg);
      const invalid = (request: TestRegistration, index: number, change = {}) =>
        refused(
          activate(buyer, request, index, change),
          "FactoryListProofInvalid",
          [makerOrg, list.root, "index" in change ? change.index : index],
          keys[5]!.id,
        );
      const { path } = list.proofOf(makerOrg, 5);
      await invalid(good, 5, { index: 4 });
      await invalid(good, 5, { index: 13 });
      await invalid(good, 6);
      await invalid(good, 5, { path: path.slice(1) });
      await invalid(good, 5, { path: [...path, ZeroHash] });
      await invalid(good, 5, { path: [] });
      await invalid(registrationOf(world, makeKey(1), buyerOrg, { parametersHash, certificateHash }), 5);
      await invalid(registration(5, buyerOrg, { parametersHash: id("other") }), 5);
      await invalid(registration(5, buyerOrg, { certificateHash: ZeroHash }), 5);
      const unknown = (maker: bigint, root: string) =>
        refused(activate(buyer, good, 5, { maker, root }), "FactoryListUnknown", [maker, root], keys[5]!.id);
      await unknown(buyerOrg, list.root);
      await unknown(makerOrg, id("root"));
      // The device must have signed for exactly this owner.
      const foreign = { ...registration(5, world.tenantOrg), owner: buyerOrg };
      await expect(activate(buyer, foreign, 5)(SENT)).to.be.revertedWithCustomError(
        registry,
        "DeviceProofInvalid",
      );
      await activate(buyer, good, 5)({});
    });

    it("cannot let out more devices than it counted: a smaller count proves nothing", async () => {
      const { makerOrg, buyer, buyerOrg } = world;
      await open({ count: 8 });
      for (const i of [0, 7, 12])
        await refused(
          activate(buyer, registration(i, buyerOrg), i),
          "FactoryListProofInvalid",
          [makerOrg, list.root, i],
          keys[i]!.id,
        );
    });

    it("serves its buyer alone, by a device manager, within its time", async () => {
      const { registry, maker, makerOrg, buyer, buyerOrg, tenant, tenantOrg, clerk, stranger } = world;
      const until = await soon();
      await open({ buyer: buyerOrg, until });
      const own = registration(1, buyerOrg);
      await refused(activate(tenant, registration(1, tenantOrg), 1), "FactoryListBuyerRefused", [
        buyerOrg,
        tenantOrg,
      ]);
      await refused(activate(tenant, own, 1), "RegistrationOwnerRefused", [buyerOrg, tenantOrg]);
      await refused(activate(clerk, own, 1), "RoleMissing", [clerk.address, Role.DeviceManager]);
      await refused(activate(stranger, own, 1), "SignatoryUnknown", [stranger.address]);
      await time.setNextBlockTimestamp(until - 1n);
      await activate(buyer, own, 1)({});
      await refused(activate(buyer, registration(2, buyerOrg), 2), "FactoryListEnded", [
        makerOrg,
        list.root,
        until,
        false,
      ]);
      await refused(
        (sent) => registry.connect(maker).closeList(makerOrg, list.root, sent),
        "FactoryListEnded",
        [makerOrg, list.root, until, false],
      );
    });

    it("is closed by its maker or the authority, for good, and by nobody else", async () => {
      const { registry, maker, makerOrg, buyer, buyerOrg, authority, tenant } = world;
      const until = await soon();
      await open({ until });
      const close = (by: Owners["maker"]) => (sent: object) =>
        registry.connect(by).closeList(makerOrg, list.root, sent);
      await grant(world, tenant, Role.Manufacturer);
      const { until: term } = await registry.manufacturerOf(tenant.address);
      await refused(close(tenant), "ManufacturerRefused", [tenant.address, term]);
      await refused(close(buyer), "ManufacturerRefused", [buyer.address, 0n]);
      for (const by of [maker, authority]) {
        const snapshot = await networkHelpers.takeSnapshot();
        await expect(close(by)({}))
          .to.emit(registry, "FactoryListClosed")
          .withArgs(makerOrg, list.root, by.address);
        const ended = [makerOrg, list.root, until, true];
        await refused(activate(buyer, registration(0, buyerOrg), 0), "FactoryListEnded", ended, keys[0]!.id);
        await refused(close(by), "FactoryListEnded", ended);
        await refused(
          (sent) => registry.connect(maker).openList(list.root, 13, until + DAY, 0, sent),
          "FactoryListTaken",
          [makerOrg, list.root],
        );
        await snapshot.restore();
      }
    });

    it("outlives its maker's role, because it was opened while that held", async () => {
      const { consortium, maker, buyer, buyerOrg } = world;
      await open();
      await consortium.connect(maker).forfeit(Role.Manufacturer);
      await activate(buyer, registration(3, buyerOrg), 3)({});
    });

    it("is refused empty, over already, for nobody, and to who is no manufacturer", async () => {
      const { registry, maker, buyer } = world;
      const until = await soon();
      const opening =
        (by: Owners["maker"], count: number, end: bigint, to = 0n) =>
        (sent: object) =>
          registry.connect(by).openList(list.root, count, end, to, sent);
      await refused(opening(maker, 0, until), "FactoryListInvalid", [list.root, 0, until]);
      await refused(opening(maker, 13, 1n), "FactoryListInvalid", [list.root, 13, 1n]);
      await refused(opening(maker, 13, until, 99n), "OrganisationUnknown", [99n]);
      await refused(opening(buyer, 13, until), "ManufacturerRefused", [buyer.address, 0n]);
    });

    it("cannot be squatted: another maker who copies the root opens another list", async () => {
      const { registry, makerOrg, tenant, tenantOrg, buyer, buyerOrg } = world;
      await grant(world, tenant, Role.Manufacturer);
      await registry.connect(tenant).openList(list.root, 13, await soon(), tenantOrg);
      await open();
      await activate(buyer, registration(2, buyerOrg), 2)({});
      expect((await registry.record(keys[2]!.id)).maker).to.equal(makerOrg);
    });
  });

  describe("a voucher", () => {
    const send =
      (by: Owners["buyer"], request: TestRegistration, voucher: Awaited<ReturnType<typeof voucherOf>>) =>
      (sent: object) =>
        world.registry.connect(by).registerByVoucher(request, voucher, sent);

    it("lets its device in, and draws on the signer's quota then", async () => {
      const { registry, maker, makerOrg, buyer, buyerOrg } = world;
      const key = makeKey(1);
      const hashes = { parametersHash: id("p"), certificateHash: id("c") };
      const voucher = await voucherOf(world, maker, key.id, hashes);
      const { used } = await registry.manufacturerOf(maker.address);
      await expect(send(buyer, registrationOf(world, key, buyerOrg, hashes), voucher)({}))
        .to.emit(registry, "DeviceRegistered")
        .withArgs(key.id, holderOf(buyerOrg), makerOrg, [1n, key.x, key.y], id("p"), id("c"));
      expect((await registry.manufacturerOf(maker.address)).used).to.equal(used + 1n);
      await refused(
        send(buyer, registrationOf(world, key, buyerOrg, hashes), voucher),
        "DeviceAlreadyRegistered",
        [key.id],
        key.id,
      );
    });

    it("is good for exactly its device, hashes, buyer and end, on this registry and chain", async () => {
      const { registry, maker, buyer, buyerOrg, tenant, tenantOrg, domain, clerk } = world;
      const key = makeKey(1);
      const until = await soon();
      const request = registrationOf(world, key, buyerOrg);
      const good = await voucherOf(world, maker, key.id, { buyer: buyerOrg, until });
      const invalid = (voucher: typeof good, sent = request) =>
        expect(send(buyer, sent, voucher)(SENT)).to.be.revertedWithCustomError(
          registry,
          "VoucherSignatureInvalid",
        );
      await invalid({ ...good, until: until + 1n });
      await invalid({ ...good, buyer: 0n });
      await invalid({ ...good, signature: "0x" });
      await invalid(good, registrationOf(world, key, buyerOrg, { parametersHash: id("other") }));
      await invalid(good, registrationOf(world, key, buyerOrg, { certificateHash: id("other") }));
      await invalid(good, registrationOf(world, makeKey(1), buyerOrg));
      for (const change of [
        { chainId: 1n },
        { verifyingContract: await world.consortium.getAddress() },
        { name: "Other" },
      ]) {
        const elsewhere = { ...world, domain: { ...domain, ...change } };
        await invalid(await voucherOf(elsewhere, maker, key.id, { buyer: buyerOrg, until }));
      }
      // Signed by somebody else, in the maker's name or in its own.
      await invalid({
        ...(await voucherOf(world, buyer, key.id, { buyer: buyerOrg, until })),
        maker: maker.address,
      });
      const own = await voucherOf(world, buyer, key.id, { buyer: buyerOrg, until });
      await refused(send(buyer, request, own), "ManufacturerRefused", [buyer.address, 0n], key.id);
      await refused(
        send(tenant, registrationOf(world, key, tenantOrg), good),
        "VoucherBuyerRefused",
        [buyerOrg, tenantOrg],
        key.id,
      );
      await refused(send(tenant, request, good), "RegistrationOwnerRefused", [buyerOrg, tenantOrg], key.id);
      await refused(send(clerk, request, good), "RoleMissing", [clerk.address, Role.DeviceManager], key.id);
      await time.setNextBlockTimestamp(until);
      await refused(send(buyer, request, good), "VoucherExpired", [until, until], key.id);
    });

    it("ends with its signer's role and comes back with its renewal", async () => {
      const { consortium, maker, buyer, buyerOrg } = world;
      const key = makeKey(8);
      const request = registrationOf(world, key, buyerOrg);
      const voucher = await voucherOf(world, maker, key.id);
      await consortium.connect(maker).forfeit(Role.Manufacturer);
      await refused(send(buyer, request, voucher), "ManufacturerRefused", [maker.address, 0n], key.id);
      await grant(world, maker, Role.Manufacturer);
      await send(buyer, request, voucher)({});
    });
  });

  describe("the quota", () => {
    it("is one for all four ways, for an account's whole life", async () => {
      const { registry, maker, makerOrg, buyer, buyerOrg } = world;
      const { used } = await registry.manufacturerOf(maker.address);
      const quota = used + 6n;
      await grant(world, maker, Role.Manufacturer, 30n, quota);
      const single = () => registrationOf(world, makeKey(1), makerOrg);
      const until = await soon();
      const byVoucher = async () => {
        const key = makeKey(1);
        const voucher = await voucherOf(world, maker, key.id);
        return (sent: object) =>
          registry.connect(buyer).registerByVoucher(registrationOf(world, key, buyerOrg), voucher, sent);
      };
      await registry.connect(maker).register(single());
      await registry.connect(maker).registerBatch([single(), single()]);
      await registry.connect(maker).openList(id("first"), 2, until, 0);
      await (await byVoucher())({});
      const over = (asked: bigint) => [maker.address, quota, quota, asked];
      const exceeded = "ManufacturerQuotaExceeded";
      const full = async () => {
        await refused((sent) => registry.connect(maker).register(single(), sent), exceeded, over(1n));
        await refused((sent) => registry.connect(maker).registerBatch([single()], sent), exceeded, over(1n));
        await refused(
          (sent) => registry.connect(maker).openList(id("more"), 1, until, 0, sent),
          exceeded,
          over(1n),
        );
        await refused(await byVoucher(), exceeded, over(1n));
      };
      await full();
      // Neither forfeiting nor a new grant of the same quota gives anything back.
      await world.consortium.connect(maker).forfeit(Role.Manufacturer);
      await grant(world, maker, Role.Manufacturer, 30n, quota);
      await full();
      await grant(world, maker, Role.Manufacturer, 30n, quota + 1n);
      await refused((sent) => registry.connect(maker).registerBatch([single(), single()], sent), exceeded, [
        maker.address,
        quota + 1n,
        quota,
        2n,
      ]);
      await registry.connect(maker).register(single());
      // Lowered below what is used.
      await grant(world, maker, Role.Manufacturer, 30n, 1n);
      await refused((sent) => registry.connect(maker).register(single(), sent), exceeded, [
        maker.address,
        1n,
        quota + 1n,
        1n,
      ]);
    });
  });

  describe("run-off", () => {
    it("closes every way in for ever and leaves the devices alone", async () => {
      const { registry, admin, maker, makerOrg, buyer, buyerOrg, tenant, key, consortium } = world;
      const successor = await consortium.getAddress();
      await registry.connect(admin).closeEntries(successor);
      const closed = (name: "register" | "registerBatch" | "openList" | "activate" | "registerByVoucher") =>
        [registry.interface.getFunction(name).selector, successor] as const;
      const request = registrationOf(world, makeKey(1), makerOrg);
      const proof = { maker: makerOrg, root: id("r"), index: 0, path: [] };
      const voucher = await voucherOf(world, maker, key.id);
      for (const [name, send] of [
        ["register", (sent: object) => registry.connect(maker).register(request, sent)],
        ["registerBatch", (sent: object) => registry.connect(maker).registerBatch([request], sent)],
        ["openList", (sent: object) => registry.connect(maker).openList(id("r"), 1, LATER, 0, sent)],
        ["activate", (sent: object) => registry.connect(buyer).activate(request, proof, sent)],
        [
          "registerByVoucher",
          (sent: object) => registry.connect(buyer).registerByVoucher(request, voucher, sent),
        ],
      ] as const)
        await refused(send, "ActionClosed", [...closed(name)]);
      await registry.connect(buyer).offer(key.id, world.tenantOrg, await soon());
      await registry.connect(tenant).acceptOffer(key.id);
      const [present, next] = await rotation(world, key.id, key, makeKey(1));
      await registry.connect(tenant).rotateKey(key.id, present, next, LATER);
      expect((await registry.record(key.id)).org).to.not.equal(buyerOrg);
    });
  });

  describe("any act", () => {
    it("counts as its signer's when anyone relays it, once, and is refused for the same reasons", async () => {
      const { registry, maker, makerOrg, stranger, clerk, key } = world;
      const request = registrationOf(world, makeKey(1), makerOrg);
      const act = async (signer: Owners["maker"], call: string) => {
        const message = {
          signer: signer.address,
          call,
          nonce: await registry["nonces(address)"](signer.address),
          deadline: LATER,
        };
        const signature = await signAct(registry, signer, message);
        return (sent: object) =>
          registry.connect(stranger).act(message.signer, call, message.nonce, LATER, signature, sent);
      };
      const call = registry.interface.encodeFunctionData("register", [request]);
      const relayed = await act(maker, call);
      await relayed({});
      expect((await registry.record(await registry.deviceIdOf(request.key))).maker).to.equal(makerOrg);
      await expect(relayed(SENT)).to.be.revertedWithCustomError(registry, "InvalidAccountNonce");
      await expect((await act(clerk, call))(SENT)).to.be.revertedWithCustomError(
        registry,
        "ManufacturerRefused",
      );
      const suspend = registry.interface.encodeFunctionData("suspend", [key.id]);
      await (await act(clerk, suspend))({});
      expect((await registry.record(key.id)).status).to.equal(DeviceStatus.SuspendedByOwner);
    });
  });
});
