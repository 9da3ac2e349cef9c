import { expect } from "chai";
import { id } from "ethers";
import { network } from "hardhat";
import type { Hex } from "../../sdk/src/bytes.js";
import { DAY, grant, holderOf, NO_LIMIT, OrgStatus, Role } from "../support/consortium.js";
import {
  DeviceActor,
  DeviceStatus,
  deployRegistry,
  recordOf,
  register,
  type World,
} from "../support/devices.js";
import { expectGas } from "../support/gas.js";
import { makeKey } from "../support/keys.js";
import { expectRefused } from "../support/refused.js";

const { ethers, networkHelpers } = await network.create();

type Status = keyof typeof DeviceStatus;
type Actor = keyof typeof DeviceActor;
type Verb = "suspend" | "resume" | "revoke";

/** What each actor may do; everything that is not here must be refused. */
const ALLOWED: Record<Actor, Partial<Record<Status, Verb[]>>> = {
  Owner: {
    Active: ["suspend", "revoke"],
    SuspendedByOwner: ["resume", "revoke"],
    SuspendedByAuthority: ["revoke"],
  },
  Authority: {
    Active: ["suspend", "revoke"],
    SuspendedByOwner: ["suspend", "resume", "revoke"],
    SuspendedByAuthority: ["resume", "revoke"],
  },
};

const TO: Record<Verb, Record<Actor, Status>> = {
  suspend: { Owner: "SuspendedByOwner", Authority: "SuspendedByAuthority" },
  resume: { Owner: "Active", Authority: "Active" },
  revoke: { Owner: "Revoked", Authority: "Revoked" },
};

const VERBS = Object.keys(TO) as Verb[];
const LIVE_AND_DEAD: Status[] = ["Active", "SuspendedByOwner", "SuspendedByAuthority", "Revoked"];

describe("DeviceRegistry: states", () => {
  const key = makeKey(1, id("a device of fixed gas") as Hex);
  const fixture = async () => {
    const base = await deployRegistry(ethers);
    await register(base, key, base.buyerOrg);
    return base;
  };
  let world: World;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
  });

  const as = (actor: Actor) => (actor === "Owner" ? world.buyer : world.authority);
  const status = async () => (await world.registry.record(key.id)).status;

  /** Brings the device, which is active, to a state by steps the table allows. */
  const bringTo = async (state: Status) => {
    const { registry, buyer, authority } = world;
    if (state === "SuspendedByOwner") await registry.connect(buyer).suspend(key.id);
    if (state === "SuspendedByAuthority") await registry.connect(authority).suspend(key.id);
    if (state === "Revoked") await registry.connect(authority).revoke(key.id);
    expect(await status()).to.equal(DeviceStatus[state]);
  };

  const expectStep = async (verb: Verb, actor: Actor, from: Status) => {
    const to = TO[verb][actor];
    const before = await world.registry.record(key.id);
    await expect(world.registry.connect(as(actor))[verb](key.id))
      .to.emit(world.registry, "DeviceStatusChanged")
      .withArgs(key.id, DeviceStatus[from], DeviceStatus[to], as(actor).address);
    const after = recordOf(await world.registry.record(key.id));
    const expected = { ...recordOf(before), status: DeviceStatus[to] };
    if (verb !== "revoke") return expect(after).to.deep.equal(expected);
    // The last epoch begins.
    const { number, timestamp } = (await ethers.provider.getBlock("latest"))!;
    const last = { epoch: before.epoch + 1n, since: BigInt(timestamp), blockNumber: BigInt(number) };
    expect(after).to.deep.equal({ ...expected, ...last });
    expect(recordOf(await world.registry.recordOfEpoch(key.id, before.epoch))).to.deep.equal(
      recordOf(before),
    );
  };

  const expectNoStep = (
    verb: Verb,
    signer: World["buyer"],
    error: string,
    args: unknown[],
    device = key.id,
  ) =>
    expectRefused(
      (sent) => world.registry.connect(signer)[verb](device, sent),
      error.startsWith("Device") ? world.registry : world.consortium,
      error,
      args,
      () => world.registry.record(device),
    );

  /** Refused as nobody's: a revocation wants a role and says which, the rest wants any signatory of the owner. */
  const expectStranger = async (verb: Verb, signer: World["buyer"]) => {
    const org = await world.consortium.orgOf(signer.address);
    const manages = await world.consortium.hasRole(signer.address, Role.DeviceManager);
    const actor = [key.id, signer.address];
    if (verb !== "revoke" || manages) return expectNoStep(verb, signer, "DeviceActorRefused", actor);
    if (org === 0n) return expectNoStep(verb, signer, "SignatoryUnknown", [signer.address]);
    return expectNoStep(verb, signer, "RoleMissing", [signer.address, Role.DeviceManager]);
  };

  for (const actor of Object.keys(DeviceActor) as Actor[]) {
    for (const from of LIVE_AND_DEAD) {
      for (const verb of VERBS) {
        const allowed = ALLOWED[actor][from]?.includes(verb) ?? false;
        it(`${from} --${verb} by ${actor}--> ${allowed ? TO[verb][actor] : "refused"}`, async () => {
          await bringTo(from);
          if (allowed) return expectStep(verb, actor, from);
          const pair = [key.id, DeviceStatus[from], DeviceStatus[TO[verb][actor]], DeviceActor[actor]];
          return expectNoStep(verb, as(actor), "DeviceTransitionRefused", pair);
        });
      }
    }
  }

  it("lets nobody else act, in any state", async () => {
    const { maker, stranger, admin, registrar, guardian } = world;
    for (const state of LIVE_AND_DEAD) {
      const snapshot = await networkHelpers.takeSnapshot();
      await bringTo(state);
      for (const signer of [maker, stranger, admin, registrar, guardian]) {
        for (const verb of VERBS) await expectStranger(verb, signer);
      }
      await snapshot.restore();
    }
  });

  it("knows no unknown device", async () => {
    const { registry, buyer, authority } = world;
    const unknown = makeKey(1).id;
    for (const signer of [buyer, authority]) {
      for (const verb of VERBS) await expectNoStep(verb, signer, "DeviceUnknown", [unknown], unknown);
    }
    expect((await registry.record(unknown)).status).to.equal(DeviceStatus.None);
    for (const read of [registry.ownerOf(unknown), registry.requireActive(unknown)]) {
      await expect(read).to.be.revertedWithCustomError(registry, "DeviceUnknown").withArgs(unknown);
    }
  });

  it("answers requireActive for an active device only, and ownerOf in every state", async () => {
    const { registry, buyerOrg } = world;
    for (const state of LIVE_AND_DEAD) {
      const snapshot = await networkHelpers.takeSnapshot();
      await bringTo(state);
      expect(await registry.ownerOf(key.id)).to.equal(holderOf(buyerOrg));
      if (state === "Active") {
        expect(await registry.requireActive(key.id)).to.deep.equal(await registry.record(key.id));
      } else {
        await expect(registry.requireActive(key.id))
          .to.be.revertedWithCustomError(registry, "DeviceNotActive")
          .withArgs(key.id, DeviceStatus[state]);
      }
      await snapshot.restore();
    }
  });

  describe("the owner", () => {
    it("is every signatory of the organisation that holds the device", async () => {
      const { consortium, registrar, buyerOrg, others } = world;
      const colleague = others[5]!;
      await consortium.connect(registrar).addSignatory(buyerOrg, colleague.address);
      await world.registry.connect(colleague).suspend(key.id);
      await expectStep("resume", "Owner", "SuspendedByOwner");
    });

    it("is no longer a signatory who was removed, and the device stays where it was", async () => {
      const { consortium, guardian, buyer, buyerOrg, registry } = world;
      await consortium.connect(guardian).removeSignatory(buyer.address);
      await expectNoStep("suspend", buyer, "DeviceActorRefused", [key.id, buyer.address]);
      await expectNoStep("revoke", buyer, "SignatoryUnknown", [buyer.address]);
      expect(await registry.ownerOf(key.id)).to.equal(holderOf(buyerOrg));
    });

    it("cannot act while its organisation is suspended, or after it left", async () => {
      const { consortium, registrar, guardian, buyer, buyerOrg } = world;
      await consortium.connect(guardian).suspend(buyerOrg);
      await expectNoStep("suspend", buyer, "OrganisationNotActive", [buyerOrg, OrgStatus.Suspended]);
      await expectNoStep("revoke", buyer, "OrganisationNotActive", [buyerOrg, OrgStatus.Suspended]);
      await consortium.connect(registrar).reinstate(buyerOrg);
      await expectStep("suspend", "Owner", "Active");
      await consortium.connect(registrar).exit(buyerOrg);
      await expectNoStep("resume", buyer, "OrganisationNotActive", [buyerOrg, OrgStatus.Exited]);
    });

    it("revokes by its device manager only", async () => {
      const { consortium, registrar, buyerOrg, others } = world;
      const colleague = others[5]!;
      await consortium.connect(registrar).addSignatory(buyerOrg, colleague.address);
      await expectNoStep("revoke", colleague, "RoleMissing", [colleague.address, Role.DeviceManager]);
      await grant(world, colleague, Role.DeviceManager);
      await world.registry.connect(colleague).revoke(key.id);
    });

    it("acts as the authority, and only as that, once it holds that role", async () => {
      await world.consortium.connect(world.buyer).forfeit(Role.DeviceManager);
      await grant(world, world.buyer, Role.DeviceAuthority);
      await world.registry.connect(world.buyer).suspend(key.id);
      expect(await status()).to.equal(DeviceStatus.SuspendedByAuthority);
      await world.consortium.connect(world.buyer).forfeit(Role.DeviceAuthority);
      const pair = [key.id, DeviceStatus.SuspendedByAuthority, DeviceStatus.Active, DeviceActor.Owner];
      await expectNoStep("resume", world.buyer, "DeviceTransitionRefused", pair);
    });
  });

  describe("the authority", () => {
    it("is nothing after or without its term", async () => {
      const { consortium, registrar, authority } = world;
      const refused = () =>
        expectNoStep("suspend", authority, "DeviceActorRefused", [key.id, authority.address]);
      const until = BigInt(await networkHelpers.time.latest()) + DAY;
      await consortium.connect(registrar).grantRole(authority.address, Role.DeviceAuthority, until, NO_LIMIT);
      await networkHelpers.time.setNextBlockTimestamp(until);
      await refused();
      await grant(world, authority, Role.DeviceAuthority);
      await consortium.connect(authority).forfeit(Role.DeviceAuthority);
      await refused();
    });
  });

  it("costs what the snapshot says", async () => {
    const { registry, buyer, authority } = world;
    const byOwner = await (await registry.connect(buyer).suspend(key.id)).wait();
    expectGas("Suspend a device as its owner", byOwner!.gasUsed);
    const byAuthority = await (await registry.connect(authority).revoke(key.id)).wait();
    expectGas("Revoke a device as the authority", byAuthority!.gasUsed);
  });
});
