import { expect } from "chai";
import { id, type TypedDataDomain, ZeroHash } from "ethers";
import { network } from "hardhat";
import type { Hex } from "../../sdk/src/bytes.js";
import { installationMessage } from "../../sdk/src/devices/installation.js";
import { grant, Role } from "../support/consortium.js";
import { CURVES, LATER } from "../support/devices.js";
import {
  deployFacts,
  domainOf,
  type Facts,
  FirmwareReason,
  FirmwareState,
  handOver,
  type InstallationMessage,
  newDevice,
  proveInstallation,
  relay,
} from "../support/facts.js";
import { expectGas } from "../support/gas.js";
import { flipS, makeKey, type Signature, type TestKey } from "../support/keys.js";
import { expectRefused } from "../support/refused.js";

const { ethers, networkHelpers } = await network.create();

const MODEL = id("excavator controller");
const OTHER_MODEL = id("battery pack");
const manifest = (sequence: number) => id(`manifest ${sequence}`);
const image = (sequence: number) => id(`image ${sequence}`);

interface SendOptions {
  key?: TestKey;
  by?: Facts["stranger"];
  deadline?: bigint;
  /** The device named in the call; the key's own unless given. */
  target?: string;
}

const isDense = (hex: string) => !/^0x(..)*?00/.test(hex);

describe("DeviceFirmware", () => {
  let facts: Facts;
  let device: TestKey;
  let domain: TypedDataDomain;

  const fixture = async () => {
    const world = await deployFacts(ethers);
    const key = await newDevice(world, world.oneOrg, makeKey(1, id("a device that runs") as Hex));
    return { world, key, place: await domainOf(world.firmware) };
  };
  beforeEach(async () => {
    ({ world: facts, key: device, place: domain } = await networkHelpers.loadFixture(fixture));
  });

  const publish = (sequence: number, model = MODEL, maker = facts.maker) =>
    facts.firmware.connect(maker).publish(model, sequence, image(sequence), manifest(sequence));
  const message = async (release: bigint, more: Partial<InstallationMessage> = {}, key = device) => {
    const { epoch } = await facts.registry.record(key.id);
    const { manifestHash } = await facts.firmware.releaseOf(release);
    const { count } = await facts.firmware.installationOf(key.id);
    return { device: key.id, epoch, release, manifestHash, count, deadline: LATER, ...more };
  };
  const send = (
    release: bigint,
    { r, s }: Signature,
    { key = device, by = facts.stranger, deadline = LATER, target }: SendOptions = {},
    overrides = {},
  ) => {
    const { curve, x, y } = key;
    return facts.firmware
      .connect(by)
      .install(target ?? key.id, release, { curve, x, y }, deadline, r, s, overrides);
  };
  /** With the dearest signature there is: no zero byte, and for secp256k1 the parity that is tried last. */
  const install = async (release: bigint, key = device) => {
    for (let deadline = LATER - 1n; ; deadline--) {
      const proof = proveInstallation(domain, key, await message(release, { deadline }, key));
      if (isDense(proof.r) && isDense(proof.s) && proof.v !== 27)
        return send(release, proof, { key, deadline });
    }
  };
  const state = async () => [
    await facts.firmware.installationOf(device.id),
    await facts.firmware.stateOf(device.id),
    await facts.firmware.releaseOf(1n),
    await facts.firmware.releaseOf(2n),
    await facts.firmware.model(1n),
  ];
  const refused = (
    call: (overrides: object) => Promise<Awaited<ReturnType<typeof publish>>>,
    error: string,
    args: unknown[],
    contract: Facts["firmware"] | Facts["registry"] | Facts["consortium"] = facts.firmware,
  ) => expectRefused(call, contract, error, args, state);
  const expectExplained = async (release: bigint, reason: keyof typeof FirmwareReason, key = device) =>
    expect(await facts.firmware.explain(key.id, release)).to.equal(FirmwareReason[reason]);
  const expectState = async (expected: keyof typeof FirmwareState) =>
    expect(await facts.firmware.stateOf(device.id)).to.equal(FirmwareState[expected]);

  describe("releases", () => {
    it("are published by the maker, numbered, and open their model", async () => {
      const { firmware, maker, makerOrg } = facts;
      const first = publish(7);
      await expect(first).to.emit(firmware, "FirmwareModelOpened").withArgs(1n, makerOrg, MODEL);
      await expect(first)
        .to.emit(firmware, "FirmwareReleased")
        .withArgs(1n, 1n, 7n, image(7), manifest(7), maker.address);
      const { model, org, sequence, withdrawnAt, manifestHash } = await firmware.releaseOf(1n);
      expect([model, org, sequence, withdrawnAt, manifestHash]).to.deep.equal([
        1n,
        makerOrg,
        7n,
        0n,
        manifest(7),
      ]);
      expect(await firmware.modelIdOf(makerOrg, MODEL)).to.equal(1n);
      const second = await publish(9);
      expectGas("Publish a firmware release", (await second.wait())!.gasUsed);
      expect([...(await firmware.model(1n))]).to.deep.equal([makerOrg, 9n, 2n]);
      await publish(1, OTHER_MODEL);
      expect([...(await firmware.model(2n))]).to.deep.equal([makerOrg, 1n, 3n]);
    });

    it("rise in number, and name what they are", async () => {
      const { firmware, maker } = facts;
      await publish(7);
      for (const sequence of [7n, 6n, 0n]) {
        await refused(
          (o) => firmware.connect(maker).publish(MODEL, sequence, image(1), manifest(1), o),
          "FirmwareSequenceTaken",
          [1n, sequence, 7n],
        );
      }
      await refused(
        (o) => firmware.connect(maker).publish(OTHER_MODEL, 0n, image(1), manifest(1), o),
        "FirmwareSequenceTaken",
        [0n, 0n, 0n],
      );
      for (const hashes of [
        [ZeroHash, image(8), manifest(8)],
        [MODEL, ZeroHash, manifest(8)],
        [MODEL, image(8), ZeroHash],
      ] as const) {
        const [model, image_, manifest_] = hashes;
        await refused(
          (o) => firmware.connect(maker).publish(model, 8n, image_, manifest_, o),
          "FirmwareHashMissing",
          [],
        );
      }
    });

    it("are the maker's alone: each organisation has its own models", async () => {
      const { firmware, consortium, two, twoOrg, stranger } = facts;
      await publish(7);
      await refused(
        (o) => firmware.connect(stranger).publish(MODEL, 8n, image(8), manifest(8), o),
        "SignatoryUnknown",
        [stranger.address],
        consortium,
      );
      const rival = facts.others.at(-5)!;
      await consortium.connect(facts.registrar).addSignatory(twoOrg, rival.address);
      await grant(facts, rival, Role.Manufacturer);
      await publish(3, MODEL, rival);
      expect(await firmware.modelIdOf(twoOrg, MODEL)).to.equal(2n);
      await refused((o) => firmware.connect(rival).withdraw(1n, ZeroHash, o), "ReleaseForeign", [1n, twoOrg]);
      expect(two.address).not.to.equal(rival.address);
    });

    it("are withdrawn for good", async () => {
      const { firmware, maker, stranger, consortium } = facts;
      await publish(7);
      await install(1n);
      await expectState("Latest");
      const withdrawn = firmware.connect(maker).withdraw(1n, id("advisory"));
      await expect(withdrawn)
        .to.emit(firmware, "FirmwareWithdrawn")
        .withArgs(1n, id("advisory"), maker.address);
      expectGas("Withdraw a firmware release", (await (await withdrawn).wait())!.gasUsed);
      await expectState("Withdrawn");
      const since = (await firmware.releaseOf(1n)).withdrawnAt;
      await refused((o) => firmware.connect(maker).withdraw(1n, ZeroHash, o), "ReleaseWithdrawn", [
        1n,
        since,
      ]);
      await refused((o) => firmware.connect(maker).withdraw(9n, ZeroHash, o), "ReleaseUnknown", [9n]);
      await refused(
        (o) => firmware.connect(stranger).withdraw(1n, ZeroHash, o),
        "SignatoryUnknown",
        [stranger.address],
        consortium,
      );
      const proof = proveInstallation(domain, device, await message(1n));
      await refused((o) => send(1n, proof, {}, o), "ReleaseWithdrawn", [1n, since]);
      await expectExplained(1n, "ReleaseWithdrawn");
    });

    it("are also published by a signature that anybody brings", async () => {
      const { firmware, maker, stranger } = facts;
      const call = firmware.interface.encodeFunctionData("publish", [MODEL, 1n, image(1), manifest(1)]);
      await expect(relay(firmware, maker, stranger, call))
        .to.emit(firmware, "FirmwareReleased")
        .withArgs(1n, 1n, 1n, image(1), manifest(1), maker.address);
    });
  });

  describe("installations", () => {
    beforeEach(async () => {
      await publish(7);
      await publish(9);
      await publish(1, OTHER_MODEL);
    });

    for (const [curve, name] of CURVES) {
      it(`are attested by the device's own ${name} key, brought by anyone`, async () => {
        const key = await newDevice(facts, facts.oneOrg, makeKey(curve, id(`runs ${name}`) as Hex));
        await expectExplained(1n, "Installable", key);
        const sent = install(1n, key);
        await expect(sent).to.emit(facts.firmware, "FirmwareInstalled").withArgs(key.id, 1n, 7n, 1n, 1n);
        expectGas(`Attest an installation, ${name}, first of a device`, (await (await sent).wait())!.gasUsed);
        const at = BigInt(await networkHelpers.time.latest());
        expect([...(await facts.firmware.installationOf(key.id))]).to.deep.equal([1n, 1n, 7n, at, 1n, 1n]);
        const again = await install(2n, key);
        expectGas(`Attest an installation, ${name}`, (await again.wait())!.gasUsed);
      });
    }

    it("say where the firmware stands", async () => {
      await expectState("None");
      await install(1n);
      await expectState("Superseded");
      await install(2n);
      await expectState("Latest");
      await install(2n); // the same again, after a reset
      expect((await facts.firmware.installationOf(device.id)).count).to.equal(3n);
      await publish(12);
      await expectState("Superseded");
    });

    it("never go back to a lower number, also under another owner and after a withdrawal", async () => {
      await install(2n);
      const back = async () => proveInstallation(domain, device, await message(1n));
      await expectExplained(1n, "Rollback");
      const first = await back();
      await refused((o) => send(1n, first, {}, o), "FirmwareRollback", [device.id, 7n, 9n]);
      await handOver(facts, [device], facts.one, facts.two, facts.twoOrg);
      await facts.firmware.connect(facts.maker).withdraw(2n, ZeroHash);
      const second = await back();
      await refused((o) => send(1n, second, {}, o), "FirmwareRollback", [device.id, 7n, 9n]);
      await publish(10);
      await install(4n);
      await expectState("Latest");
    });

    it("stay with the model they began with", async () => {
      await install(1n);
      await expectExplained(3n, "OtherModel");
      const proof = proveInstallation(domain, device, await message(3n));
      await refused((o) => send(3n, proof, {}, o), "FirmwareModelMismatch", [device.id, 1n, 2n]);
    });

    it("count once each, for this device, release, epoch, chain and contract", async () => {
      const good = await message(1n);
      const proof = proveInstallation(domain, device, good);
      const wrong: [string, Signature][] = [
        ["another release", proveInstallation(domain, device, { ...good, release: 2n })],
        ["another manifest", proveInstallation(domain, device, { ...good, manifestHash: manifest(9) })],
        ["another device", proveInstallation(domain, device, { ...good, device: makeKey(1).id })],
        ["another epoch", proveInstallation(domain, device, { ...good, epoch: 2n })],
        ["another count", proveInstallation(domain, device, { ...good, count: 1n })],
        ["another deadline", proveInstallation(domain, device, { ...good, deadline: LATER - 1n })],
        ["another chain", proveInstallation({ ...domain, chainId: 1n }, device, good)],
        [
          "another contract",
          proveInstallation(
            { ...domain, verifyingContract: await facts.registry.getAddress() },
            device,
            good,
          ),
        ],
        [
          "another contract's name",
          proveInstallation({ ...domain, name: "Tenon DeviceRegistry" }, device, good),
        ],
        ["another key", proveInstallation(domain, makeKey(1), good)],
      ];
      for (const [, bad] of wrong) {
        await refused(
          (o) => send(1n, bad, {}, o),
          "DeviceProofInvalid",
          [device.id, (digest: string) => digest.length === 66],
          facts.registry,
        );
      }
      await send(1n, proof);
      await refused(
        (o) => send(1n, proof, {}, o),
        "DeviceProofInvalid",
        [device.id, (digest: string) => digest.length === 66],
        facts.registry,
      );
    });

    it("are refused without proof, late, with high s, and for a key that is not in force", async () => {
      const { registry } = facts;
      const good = await message(1n);
      const proof = proveInstallation(domain, device, good);
      const zero = { r: ZeroHash as Hex, s: ZeroHash as Hex };
      await refused((o) => send(1n, zero, {}, o), "DeviceProofMissing", [device.id], registry);
      const high = flipS(1, proof);
      await refused((o) => send(1n, high, {}, o), "DeviceProofHighS", [device.id, high.s], registry);
      const past = BigInt(await networkHelpers.time.latest());
      const late = proveInstallation(domain, device, { ...good, deadline: past });
      await refused(
        (o) => send(1n, late, { deadline: past }, o),
        "DeviceProofExpired",
        [device.id, past, (now: bigint) => now > past],
        registry,
      );
      const other = makeKey(1);
      await refused(
        (o) => send(1n, proveInstallation(domain, other, good), { key: other, target: device.id }, o),
        "DeviceKeyMismatch",
        [device.id, device.id, other.id],
        registry,
      );
    });

    it("are refused for an unknown release or device, and a revoked one; a suspended one may update", async () => {
      const { registry } = facts;
      await expectExplained(9n, "ReleaseUnknown");
      const none = proveInstallation(domain, device, await message(9n));
      await refused((o) => send(9n, none, {}, o), "ReleaseUnknown", [9n]);
      const unknown = makeKey(1);
      await expectExplained(1n, "DeviceUnknown", unknown);
      const proof = proveInstallation(domain, unknown, await message(1n, {}, unknown));
      await refused((o) => send(1n, proof, { key: unknown }, o), "DeviceUnknown", [unknown.id], registry);
      await registry.connect(facts.one).suspend(device.id);
      await install(1n);
      await registry.connect(facts.authority).revoke(device.id);
      await expectExplained(2n, "DeviceRevoked");
      const dead = proveInstallation(domain, device, await message(2n));
      await refused((o) => send(2n, dead, {}, o), "DeviceEnded", [device.id], registry);
    });

    it("ask the key of the present epoch: an old owner's signature does not count", async () => {
      const before = proveInstallation(domain, device, await message(1n));
      await handOver(facts, [device], facts.one, facts.two, facts.twoOrg);
      await refused(
        (o) => send(1n, before, {}, o),
        "DeviceProofInvalid",
        [device.id, (digest: string) => digest.length === 66],
        facts.registry,
      );
      await install(1n);
      expect((await facts.firmware.installationOf(device.id)).epoch).to.equal(2n);
    });

    it("are signed over the digest that the contract, ethers and the SDK agree on", async () => {
      for (const [curve] of CURVES) {
        const onChain = await facts.firmware.installationDigest(device.id, 2n, curve, LATER);
        const { epoch, release, manifestHash, count, deadline } = await message(2n);
        const { digest } = installationMessage(curve, {
          chainId: BigInt(domain.chainId!),
          firmware: domain.verifyingContract!,
          device: device.id,
          epoch: Number(epoch),
          release: Number(release),
          manifestHash: manifestHash as Hex,
          count: Number(count),
          deadline,
        });
        expect(onChain).to.equal(digest);
      }
    });
  });
});
