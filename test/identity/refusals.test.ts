import { expect } from "chai";
import { id, keccak256, sha256, ZeroHash } from "ethers";
import { network } from "hardhat";
import { DAY, grant, holderOf, NO_LIMIT, OrgStatus, Role } from "../support/consortium.js";
import {
  CURVES,
  deployRegistry,
  LATER,
  proveRegistration,
  register,
  registrationBytes,
  send,
  type World,
} from "../support/devices.js";
import { flipS, makeKey, type Signature, type TestKey } from "../support/keys.js";
import { expectRefused } from "../support/refused.js";

const { ethers, networkHelpers } = await network.create();
const { time } = networkHelpers;

const NO_PROOF = { r: ZeroHash, s: ZeroHash } as Signature;

describe("DeviceRegistry: refused registrations", () => {
  const fixture = async () => deployRegistry(ethers);
  let world: World;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
  });

  type Sent = Parameters<typeof send>;

  /** The registration fails with this error, and the device is what it was before: unknown unless `known`. */
  const expectNo = async (
    error: string,
    args: unknown[],
    key: Sent[1],
    org: bigint,
    proof: Signature,
    more = {},
  ) => {
    const { registry } = world;
    const device = await registry.deviceIdOf({ curve: key.curve, x: key.x, y: key.y });
    const contract = error.startsWith("Organisation") ? world.consortium : registry;
    const state = () => registry.record(device);
    await expectRefused((sent) => send(world, key, org, proof, more, sent), contract, error, args, state);
  };

  const prove = (key: TestKey, org: bigint, more = {}) =>
    proveRegistration(world.domain, key, { owner: holderOf(org), ...more });

  const digestOf = (key: TestKey, org: bigint, more = {}) => {
    const bytes = registrationBytes(world.domain, key, { owner: holderOf(org), ...more });
    return key.curve === 1 ? sha256(bytes) : keccak256(bytes);
  };

  for (const [curve, name] of CURVES) {
    describe(`with a ${name} key`, () => {
      let key: TestKey;
      beforeEach(() => {
        key = makeKey(curve);
      });

      it("refuses no proof", async () => {
        await expectNo("DeviceProofMissing", [key.id], key, world.makerOrg, NO_PROOF);
      });

      it("refuses half a proof", async () => {
        const { makerOrg } = world;
        const { r, s } = prove(key, makerOrg);
        for (const half of [
          { r, s: ZeroHash },
          { r: ZeroHash, s },
        ] as Signature[]) {
          await expectNo("DeviceProofInvalid", [key.id, digestOf(key, makerOrg)], key, makerOrg, half);
        }
      });

      it("refuses another device's proof", async () => {
        const { makerOrg } = world;
        const proof = prove(makeKey(curve), makerOrg);
        await expectNo("DeviceProofInvalid", [key.id, digestOf(key, makerOrg)], key, makerOrg, proof);
      });

      it("refuses a proof for another owner, parameters, certificate or deadline", async () => {
        const { makerOrg, buyerOrg } = world;
        const signed = { parametersHash: id("p"), certificateHash: id("c"), deadline: LATER };
        const proof = prove(key, makerOrg, signed);
        const changes = [
          { parametersHash: id("other") },
          { certificateHash: ZeroHash },
          { deadline: LATER + 1n },
        ];
        for (const change of changes) {
          const sent = { ...signed, ...change };
          const digest = digestOf(key, makerOrg, sent);
          await expectNo("DeviceProofInvalid", [key.id, digest], key, makerOrg, proof, sent);
        }
        const digest = digestOf(key, buyerOrg, signed);
        await expectNo("DeviceProofInvalid", [key.id, digest], key, buyerOrg, proof, signed);
        await send(world, key, makerOrg, proof, signed);
      });

      it("refuses a signature over the other curve's digest", async () => {
        const { makerOrg, domain } = world;
        const bytes = registrationBytes(domain, key, { owner: holderOf(makerOrg) });
        // A P-256 device that signs SHA-256 of the Keccak digest; a secp256k1 device that signs SHA-256 of the bytes.
        const proof =
          curve === 1
            ? key.signBytes(Buffer.from(keccak256(bytes).slice(2), "hex"))
            : key.signDigest(sha256(bytes));
        await expectNo("DeviceProofInvalid", [key.id, digestOf(key, makerOrg)], key, makerOrg, proof);
      });

      it("refuses an expired proof", async () => {
        const { makerOrg } = world;
        const deadline = BigInt(await time.latest()) + 60n;
        const proof = prove(key, makerOrg, { deadline });
        await time.setNextBlockTimestamp(deadline + 1n);
        const args = [key.id, deadline, deadline + 1n];
        await expectNo("DeviceProofExpired", args, key, makerOrg, proof, { deadline });
      });

      it("refuses s in the upper half, although the curve's own rule would take it", async () => {
        const { makerOrg } = world;
        const proof = prove(key, makerOrg);
        const high = flipS(curve, proof);
        await expectNo("DeviceProofHighS", [key.id, high.s], key, makerOrg, high);
        await send(world, key, makerOrg, proof);
      });

      it("refuses the zero key and keys off the curve", async () => {
        const { makerOrg } = world;
        const proof = prove(key, makerOrg);
        const flipped = `${key.y.slice(0, -1)}${(Number.parseInt(key.y.slice(-1), 16) ^ 1).toString(16)}`;
        const tooBig = `0x${"ff".repeat(32)}`;
        const keys = [
          { x: ZeroHash, y: ZeroHash },
          { x: key.x, y: ZeroHash },
          { x: ZeroHash, y: key.y },
          { x: key.x, y: flipped },
          { x: tooBig, y: key.y },
          { x: key.x, y: tooBig },
        ];
        for (const { x, y } of keys) {
          await expectNo("DeviceKeyInvalid", [curve, x, y], { curve, x, y }, makerOrg, proof);
        }
      });

      it("refuses a second registration, by whomever and for whomever", async () => {
        const { makerOrg, buyerOrg, buyer } = world;
        const proof = prove(key, makerOrg);
        await send(world, key, makerOrg, proof);
        await grant(world, buyer, Role.Manufacturer);
        await expectNo("DeviceAlreadyRegistered", [key.id], key, makerOrg, proof);
        await expectNo("DeviceAlreadyRegistered", [key.id], key, makerOrg, proof, { by: buyer });
        await expectNo("DeviceAlreadyRegistered", [key.id], key, buyerOrg, prove(key, buyerOrg), {
          by: buyer,
        });
      });

      it("refuses a second registration of a revoked device", async () => {
        const { registry, makerOrg, maker } = world;
        await register(world, key, makerOrg);
        await registry.connect(maker).revoke(key.id);
        await expectNo("DeviceAlreadyRegistered", [key.id], key, makerOrg, prove(key, makerOrg));
      });

      it("refuses the replay in another contract of the same chain", async () => {
        const { makerOrg, domain } = world;
        const second = await deployRegistry(ethers);
        expect(second.domain.chainId).to.equal(domain.chainId);
        expect(second.domain.verifyingContract).to.not.equal(domain.verifyingContract);
        const proof = prove(key, makerOrg);
        await send(world, key, makerOrg, proof);
        await expectReplayRefused(second, key, makerOrg, proof);
      });

      it("refuses the replay on another chain, at the same address", async () => {
        const { makerOrg } = world;
        const elsewhere = await network.create({ network: "default", override: { chainId: 31338 } });
        const here = await deployRegistry((await network.create()).ethers);
        const second = await deployRegistry(elsewhere.ethers);
        expect(await second.registry.getAddress()).to.equal(await here.registry.getAddress());
        const proof = proveRegistration(here.domain, key, { owner: holderOf(makerOrg) });
        await send(here, key, makerOrg, proof);
        await expectReplayRefused(second, key, makerOrg, proof);
        await elsewhere.close();
      });

      it("gives an attacker who sends the proof first nothing", async () => {
        const { registry, makerOrg, stranger, buyer, buyerOrg } = world;
        const proof = prove(key, makerOrg, { parametersHash: id("p") });
        const more = { parametersHash: id("p") };
        // A stranger and a signatory without the role cannot send it at all.
        for (const by of [stranger, buyer]) {
          await expectNo("ManufacturerRefused", [by.address, 0n], key, makerOrg, proof, { ...more, by });
        }
        // Another manufacturer cannot turn it to its own use; it can only do what the device asked for.
        await grant(world, buyer, Role.Manufacturer);
        const digest = digestOf(key, buyerOrg, more);
        await expectNo("DeviceProofInvalid", [key.id, digest], key, buyerOrg, proof, { ...more, by: buyer });
        await send(world, key, makerOrg, proof, { ...more, by: buyer });
        expect(await registry.ownerOf(key.id)).to.equal(holderOf(makerOrg));
      });
    });
  }

  const expectReplayRefused = async (second: World, key: TestKey, org: bigint, proof: Signature) => {
    const bytes = registrationBytes(second.domain, key, { owner: holderOf(org) });
    await expectRefused(
      (sent) => send(second, key, org, proof, {}, sent),
      second.registry,
      "DeviceProofInvalid",
      [key.id, key.curve === 1 ? sha256(bytes) : keccak256(bytes)],
      () => second.registry.record(key.id),
    );
    await register(second, key, org);
  };

  it("refuses a curve it does not know", async () => {
    const { makerOrg } = world;
    const { x, y } = makeKey(1);
    const proof = prove(makeKey(1), makerOrg);
    for (const curve of [0, 2, 3, 6, 7, 9, 255]) {
      await expectNo("DeviceCurveUnsupported", [curve], { curve, x, y }, makerOrg, proof);
    }
  });

  it("takes a key for another curve as another device", async () => {
    const { makerOrg } = world;
    const key = makeKey(1);
    const claimed = { curve: 8, x: key.x, y: key.y };
    const proof = prove(key, makerOrg);
    await expectNo("DeviceKeyInvalid", [8, key.x, key.y], claimed, makerOrg, proof);
  });

  it("names the first fault when there are several", async () => {
    const { makerOrg, stranger } = world;
    const deadline = BigInt(await time.latest()) - 1n;
    const bad = { curve: 7, x: ZeroHash, y: ZeroHash };
    const device = await world.registry.deviceIdOf(bad);
    const junk = { r: id("r"), s: `0x${"ff".repeat(32)}` } as Signature;
    await expectNo("ManufacturerRefused", [stranger.address, 0n], bad, 99n, NO_PROOF, { by: stranger });
    await expectNo("OrganisationUnknown", [99n], bad, 99n, NO_PROOF, { deadline });
    await expectNo("DeviceProofMissing", [device], bad, makerOrg, NO_PROOF, { deadline });
    const now = BigInt(await time.latest()) + 10n;
    await time.setNextBlockTimestamp(now);
    await expectNo("DeviceProofExpired", [device, deadline, now], bad, makerOrg, junk, { deadline });
    await expectNo("DeviceCurveUnsupported", [7], bad, makerOrg, junk);
    for (const [curve] of CURVES) {
      await expectNo("DeviceKeyInvalid", [curve, ZeroHash, ZeroHash], { ...bad, curve }, makerOrg, junk);
      const key = makeKey(curve);
      await expectNo("DeviceProofHighS", [key.id, junk.s], key, makerOrg, junk);
    }
  });

  describe("the owner", () => {
    it("must be known and active", async () => {
      const { buyerOrg, consortium, guardian, registrar } = world;
      const key = makeKey(1);
      await expectNo("OrganisationUnknown", [99n], key, 99n, prove(key, 99n));
      await expectNo("OrganisationUnknown", [0n], key, 0n, prove(key, 0n));
      const proof = prove(key, buyerOrg);
      await consortium.connect(guardian).suspend(buyerOrg);
      await expectNo("OrganisationNotActive", [buyerOrg, OrgStatus.Suspended], key, buyerOrg, proof);
      await consortium.connect(registrar).reinstate(buyerOrg);
      await send(world, key, buyerOrg, proof);
      await consortium.connect(registrar).exit(buyerOrg);
      const next = makeKey(1);
      const args = [buyerOrg, OrgStatus.Exited];
      await expectNo("OrganisationNotActive", args, next, buyerOrg, prove(next, buyerOrg));
    });
  });

  describe("the manufacturer", () => {
    const expectManufacturer = async (allowed: boolean, until = 0n, by = world.maker) => {
      const key = makeKey(1);
      const proof = prove(key, world.makerOrg);
      if (allowed) return send(world, key, world.makerOrg, proof, { by });
      return expectNo("ManufacturerRefused", [by.address, until], key, world.makerOrg, proof, { by });
    };

    it("registers within its term only", async () => {
      const { consortium, registrar, maker } = world;
      const until = BigInt(await time.latest()) + DAY;
      await consortium.connect(registrar).grantRole(maker.address, Role.Manufacturer, until, NO_LIMIT);
      await expectManufacturer(true);
      await time.setNextBlockTimestamp(until - 1n);
      await expectManufacturer(true);
      await time.setNextBlockTimestamp(until);
      await expectManufacturer(false, until);
    });

    it("is stopped in the same block by forfeit, revoke, suspension, removal and exit", async () => {
      const { consortium, registrar, guardian, maker, makerOrg } = world;
      const register = consortium.connect(registrar);
      const guard = consortium.connect(guardian);
      const stops = [
        () => consortium.connect(maker).forfeit(Role.Manufacturer),
        () => guard.revokeRole(maker.address, Role.Manufacturer),
        () => guard.suspend(makerOrg),
        () => guard.removeSignatory(maker.address),
        () => register.exit(makerOrg),
      ];
      for (const stop of stops) {
        const snapshot = await networkHelpers.takeSnapshot();
        await expectManufacturer(true);
        await stop();
        await expectManufacturer(false);
        await snapshot.restore();
      }
    });

    it("is another account of the organisation only with a role of its own", async () => {
      const { consortium, registrar, makerOrg, others } = world;
      const colleague = others[5]!;
      await consortium.connect(registrar).addSignatory(makerOrg, colleague.address);
      await expectManufacturer(false, 0n, colleague);
      await grant(world, colleague, Role.Manufacturer);
      await expectManufacturer(true, 0n, colleague);
    });

    it("is nobody by another role", async () => {
      const by = world.authority;
      for (const role of [Role.DeviceAuthority, Role.Anchor, Role.Treasurer]) await grant(world, by, role);
      await expectManufacturer(false, 0n, by);
    });
  });
});
