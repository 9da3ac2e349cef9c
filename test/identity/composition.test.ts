import { expect } from "chai";
import { id, ZeroHash } from "ethers";
import { network } from "hardhat";
import type { Hex } from "../../sdk/src/bytes.js";
import { Role } from "../support/consortium.js";
import { deployFacts, type Facts, handOver, newDevice, relay } from "../support/facts.js";
import { expectGas } from "../support/gas.js";
import { makeKey, type TestKey } from "../support/keys.js";
import { expectRefused } from "../support/refused.js";

const { ethers, networkHelpers } = await network.create();

const NAMES = ["excavator", "engine", "ecu", "sensor", "battery", "module"] as const;
type Name = (typeof NAMES)[number];

describe("DeviceComposition", () => {
  let facts: Facts;
  let devices: Record<Name, TestKey>;

  const fixture = async () => {
    const world = await deployFacts(ethers);
    const made: Partial<Record<Name, TestKey>> = {};
    for (const name of NAMES) made[name] = await newDevice(world, world.oneOrg, makeKey(1, id(name) as Hex));
    return { world, made: made as Record<Name, TestKey> };
  };
  beforeEach(async () => {
    ({ world: facts, made: devices } = await networkHelpers.loadFixture(fixture));
  });

  const ids = (...names: Name[]) => names.map((name) => devices[name].id);
  const attach = (machine: Name, ...parts: Name[]) =>
    facts.composition.connect(facts.one).attachParts(devices[machine].id, ids(...parts));
  const move = (machine: Name, ...parts: Name[]) =>
    facts.composition.connect(facts.one).moveParts(devices[machine].id, ids(...parts));
  const detach = (...parts: Name[]) => facts.composition.connect(facts.one).detachParts(ids(...parts));
  const machineOf = async (part: Name) => {
    const found = await facts.composition.machineOf(devices[part].id);
    return found === ZeroHash ? undefined : NAMES.find((name) => devices[name].id === found);
  };
  const rootOf = async (device: Name) => {
    const found = await facts.composition.rootOf(devices[device].id);
    return NAMES.find((name) => devices[name].id === found);
  };
  const isPartOf = (part: Name, machine: Name) =>
    facts.composition.isPartOf(devices[part].id, devices[machine].id);
  const partsOf = (machine: Name) => facts.composition.partsOf(devices[machine].id);
  /** Everything the contract says of all devices. */
  const state = async () =>
    Promise.all(NAMES.map(async (name) => [await machineOf(name), await rootOf(name), await partsOf(name)]));
  const refused = (
    send: (overrides: object) => Promise<Awaited<ReturnType<typeof attach>>>,
    error: string,
    args: unknown[],
    contract: Facts["composition"] | Facts["registry"] | Facts["consortium"] = facts.composition,
  ) => expectRefused(send, contract, error, args, state);
  const by = (signer: Facts["one"]) => facts.composition.connect(signer);

  describe("attach", () => {
    it("builds parts into a machine, level by level", async () => {
      const first = attach("excavator", "engine");
      await expect(first)
        .to.emit(facts.composition, "PartAttached")
        .withArgs(devices.engine.id, devices.excavator.id, facts.oneOrg, facts.one.address);
      expectGas("Attach the first part to a machine", (await (await first).wait())!.gasUsed);
      await attach("engine", "ecu");
      await attach("ecu", "sensor");
      expect(await machineOf("sensor")).to.equal("ecu");
      expect(await rootOf("sensor")).to.equal("excavator");
      expect(await rootOf("excavator")).to.equal("excavator");
      expect(await isPartOf("sensor", "excavator")).to.equal(true);
      expect(await isPartOf("sensor", "engine")).to.equal(true);
      expect(await isPartOf("excavator", "sensor")).to.equal(false);
      expect(await isPartOf("sensor", "sensor")).to.equal(false);
      expect(await isPartOf("battery", "excavator")).to.equal(false);
    });

    it("counts parts, and a batch costs little for each", async () => {
      const parts: Hex[] = [];
      for (let i = 0; i < 20; i++)
        parts.push((await newDevice(facts, facts.oneOrg, makeKey(1, id(`p${i}`) as Hex))).id);
      const sent = await by(facts.one).attachParts(devices.excavator.id, parts);
      expectGas("Attach parts to a machine, batch of 20, each", (await sent.wait())!.gasUsed / 20n);
      expect(await partsOf("excavator")).to.equal(20n);
    });

    it("joins whole assemblies", async () => {
      await attach("engine", "ecu");
      await attach("battery", "module");
      await attach("excavator", "engine", "battery");
      expect(await rootOf("module")).to.equal("excavator");
      expect(await partsOf("excavator")).to.equal(2n);
    });

    it("refuses a fifth level, from above and from below", async () => {
      await attach("excavator", "engine");
      await attach("engine", "ecu");
      await attach("ecu", "sensor");
      const [sensor, battery, module, excavator, engine] = ids(
        "sensor",
        "battery",
        "module",
        "excavator",
        "engine",
      );
      await refused((o) => by(facts.one).attachParts(sensor!, [battery!], o), "CompositionTooDeep", [
        battery,
        sensor,
        5n,
      ]);
      await attach("battery", "module");
      await refused((o) => by(facts.one).attachParts(ids("ecu")[0]!, [battery!], o), "CompositionTooDeep", [
        battery,
        ids("ecu")[0],
        5n,
      ]);
      await refused((o) => by(facts.one).attachParts(module!, [excavator!], o), "CompositionTooDeep", [
        excavator,
        module,
        6n,
      ]);
      await attach("engine", "battery");
      await detach("engine");
      await refused((o) => by(facts.one).attachParts(module!, [engine!], o), "CompositionCycle", [
        engine,
        module,
      ]);
    });

    it("refuses circles and itself", async () => {
      await attach("excavator", "engine");
      await attach("engine", "ecu");
      const [excavator, engine, ecu] = ids("excavator", "engine", "ecu");
      for (const below of [engine, ecu]) {
        await refused((o) => by(facts.one).attachParts(below!, [excavator!], o), "CompositionCycle", [
          excavator,
          below,
        ]);
      }
      await refused((o) => by(facts.one).attachParts(ecu!, [engine!], o), "CompositionCycle", [engine, ecu]);
      await refused((o) => by(facts.one).attachParts(ecu!, [ecu!], o), "PartOfItself", [ecu]);
    });

    it("refuses a part that is in a machine, also twice in one call", async () => {
      await attach("excavator", "engine");
      const [excavator, engine, battery, module] = ids("excavator", "engine", "battery", "module");
      await refused((o) => by(facts.one).attachParts(battery!, [engine!], o), "PartTaken", [
        engine,
        excavator,
      ]);
      await refused((o) => by(facts.one).attachParts(excavator!, [engine!], o), "PartTaken", [
        engine,
        excavator,
      ]);
      await refused((o) => by(facts.one).attachParts(battery!, [module!, module!], o), "PartTaken", [
        module,
        battery,
      ]);
    });

    it("is for the owner's device manager, and for what the organisation holds", async () => {
      const foreign = await newDevice(facts, facts.twoOrg);
      const [excavator, engine] = ids("excavator", "engine");
      const { one, two, stranger, ownCertifier, oneOrg, twoOrg, consortium, registry } = facts;
      const send = (signer: typeof one) => (o: object) => by(signer).attachParts(excavator!, [engine!], o);
      await refused(send(stranger), "SignatoryUnknown", [stranger.address], consortium);
      await refused(
        send(ownCertifier),
        "RoleMissing",
        [ownCertifier.address, Role.DeviceManager],
        consortium,
      );
      await refused((o) => by(two).attachParts(excavator!, [engine!], o), "DeviceNotOwned", [
        excavator,
        twoOrg,
        oneOrg,
      ]);
      await refused((o) => by(one).attachParts(excavator!, [foreign.id], o), "DeviceNotOwned", [
        foreign.id,
        oneOrg,
        twoOrg,
      ]);
      await refused((o) => by(one).attachParts(excavator!, [], o), "PartsEmpty", []);
      const unknown = makeKey(1).id;
      await refused(
        (o) => by(one).attachParts(excavator!, [unknown], o),
        "DeviceUnknown",
        [unknown],
        registry,
      );
      await refused((o) => by(one).attachParts(unknown, [engine!], o), "DeviceUnknown", [unknown], registry);
      await registry.connect(facts.authority).revoke(engine!);
      await refused((o) => by(one).attachParts(excavator!, [engine!], o), "DeviceEnded", [engine], registry);
      await refused((o) => by(one).attachParts(engine!, [excavator!], o), "DeviceEnded", [engine], registry);
    });

    it("is also done by a signature that anybody brings", async () => {
      const { composition, one, stranger } = facts;
      const call = composition.interface.encodeFunctionData("attachParts", [
        devices.excavator.id,
        ids("engine"),
      ]);
      await expect(relay(composition, one, stranger, call))
        .to.emit(composition, "PartAttached")
        .withArgs(devices.engine.id, devices.excavator.id, facts.oneOrg, one.address);
    });
  });

  describe("move and detach", () => {
    it("moves a part from one machine to another in one step", async () => {
      await attach("excavator", "engine");
      const moved = move("battery", "engine");
      const { composition, one, oneOrg } = facts;
      await expect(moved)
        .to.emit(composition, "PartDetached")
        .withArgs(devices.engine.id, devices.excavator.id, one.address);
      await expect(moved)
        .to.emit(composition, "PartAttached")
        .withArgs(devices.engine.id, devices.battery.id, oneOrg, one.address);
      expectGas("Move a part between machines", (await (await moved).wait())!.gasUsed);
      expect([await partsOf("excavator"), await partsOf("battery")]).to.deep.equal([0n, 1n]);
      expect(await machineOf("engine")).to.equal("battery");
    });

    it("moves a part within its machine, and back", async () => {
      await attach("excavator", "engine", "battery");
      await move("engine", "battery");
      expect(await rootOf("battery")).to.equal("excavator");
      await move("excavator", "battery");
      expect(await machineOf("battery")).to.equal("excavator");
      await move("excavator", "battery");
      expect(await partsOf("excavator")).to.equal(2n);
    });

    it("does not move what is in no machine, nor in a circle", async () => {
      const [excavator, engine, ecu] = ids("excavator", "engine", "ecu");
      await refused((o) => by(facts.one).moveParts(excavator!, [engine!], o), "PartFree", [engine]);
      await attach("excavator", "engine");
      await attach("engine", "ecu");
      await refused((o) => by(facts.one).moveParts(ecu!, [engine!], o), "CompositionCycle", [engine, ecu]);
    });

    it("detaches, and what was below stays below", async () => {
      await attach("excavator", "engine");
      await attach("engine", "ecu");
      const gone = detach("engine");
      await expect(gone)
        .to.emit(facts.composition, "PartDetached")
        .withArgs(devices.engine.id, devices.excavator.id, facts.one.address);
      expectGas("Detach a part", (await (await gone).wait())!.gasUsed);
      expect(await rootOf("ecu")).to.equal("engine");
      expect(await partsOf("excavator")).to.equal(0n);
      await attach("excavator", "engine");
      expect(await rootOf("ecu")).to.equal("excavator");
    });

    it("detaches suspended parts, and only what is attached and owned", async () => {
      await attach("excavator", "engine");
      await facts.registry.connect(facts.one).suspend(devices.engine.id);
      await detach("engine");
      const [engine] = ids("engine");
      const { one, two, stranger, oneOrg, twoOrg, consortium } = facts;
      await refused((o) => by(one).detachParts([engine!], o), "PartFree", [engine]);
      await refused((o) => by(one).detachParts([], o), "PartsEmpty", []);
      await refused((o) => by(two).detachParts([engine!], o), "DeviceNotOwned", [engine, twoOrg, oneOrg]);
      await refused(
        (o) => by(stranger).detachParts([engine!], o),
        "SignatoryUnknown",
        [stranger.address],
        consortium,
      );
    });

    it("is deep enough again once all parts are out", async () => {
      await attach("excavator", "engine");
      await attach("engine", "ecu");
      await attach("ecu", "sensor");
      const [excavator, battery] = ids("excavator", "battery");
      await refused((o) => by(facts.one).attachParts(battery!, [excavator!], o), "CompositionTooDeep", [
        excavator,
        battery,
        5n,
      ]);
      await detach("engine");
      await attach("battery", "excavator");
      expect(await rootOf("excavator")).to.equal("battery");
    });
  });

  describe("a change of hands", () => {
    it("takes a part that is sold alone out of its machine, for good", async () => {
      const { one, two, oneOrg, twoOrg } = facts;
      await attach("excavator", "engine", "battery");
      await attach("engine", "ecu");
      await handOver(facts, [devices.engine], one, two, twoOrg);
      expect([await machineOf("engine"), await machineOf("ecu")]).to.deep.equal([undefined, undefined]);
      expect(await machineOf("battery")).to.equal("excavator");
      await handOver(facts, [devices.engine], two, one, oneOrg);
      expect([await machineOf("engine"), await machineOf("ecu")]).to.deep.equal([undefined, undefined]);
      expect(await partsOf("engine")).to.equal(0n);
    });

    it("leaves the count too high until somebody prunes, or the part is attached again", async () => {
      const { one, two, oneOrg, twoOrg, composition, stranger } = facts;
      await attach("excavator", "engine", "battery");
      await refused((o) => by(stranger).prune(devices.engine.id, o), "LinkHolds", [
        devices.engine.id,
        devices.excavator.id,
      ]);
      await handOver(facts, [devices.engine, devices.battery], one, two, twoOrg);
      expect(await partsOf("excavator")).to.equal(2n);
      await expect(by(stranger).prune(devices.engine.id))
        .to.emit(composition, "PartPruned")
        .withArgs(devices.engine.id, devices.excavator.id, stranger.address);
      expect(await partsOf("excavator")).to.equal(1n);
      await refused((o) => by(stranger).prune(devices.engine.id, o), "PartFree", [devices.engine.id]);
      await refused((o) => by(stranger).prune(makeKey(1).id, o), "PartFree", [
        (given: string) => given.length === 66,
      ]);
      await handOver(facts, [devices.battery], two, one, oneOrg);
      await expect(attach("excavator", "battery")).to.emit(composition, "PartPruned");
      expect(await partsOf("excavator")).to.equal(1n);
    });

    it("ends every link of a machine that is sold, and the buyer builds it anew", async () => {
      const { one, two, twoOrg } = facts;
      await attach("excavator", "engine", "battery");
      await attach("engine", "ecu");
      await handOver(facts, [devices.excavator], one, two, twoOrg);
      expect([await machineOf("engine"), await partsOf("excavator")]).to.deep.equal([undefined, 0n]);
      expect(await machineOf("ecu")).to.equal("engine");
      await handOver(facts, [devices.engine, devices.ecu], one, two, twoOrg);
      await by(two).attachParts(devices.excavator.id, ids("engine"));
      await by(two).attachParts(devices.engine.id, ids("ecu"));
      expect(await rootOf("ecu")).to.equal("excavator");
      expect([await partsOf("excavator"), await partsOf("engine")]).to.deep.equal([1n, 1n]);
      await facts.composition.connect(facts.stranger).prune(devices.battery.id);
      expect(await partsOf("excavator")).to.equal(1n);
    });

    it("ends links with a revoked device", async () => {
      await attach("excavator", "engine");
      await facts.registry.connect(facts.authority).revoke(devices.engine.id);
      expect(await machineOf("engine")).to.equal(undefined);
    });
  });
});
