import { expect } from "chai";
import { id, keccak256, sha256, ZeroHash } from "ethers";
import { network } from "hardhat";
import type { Hex } from "../../sdk/src/bytes.js";
import { holderOf } from "../support/consortium.js";
import {
  CURVES,
  DeviceStatus,
  deployRegistry,
  LATER,
  proveRegistration,
  recordOf,
  registrationBytes,
  send,
  type World,
} from "../support/devices.js";
import { expectGas } from "../support/gas.js";
import { makeKey, type TestKey } from "../support/keys.js";

const { ethers, networkHelpers } = await network.create();

const onChain = ({ curve, x, y }: TestKey) => ({ curve, x, y });

const isDense = (word: string) => !/^0x(..)*00/.test(word);
const dense = (text: string): string => (isDense(id(text)) ? id(text) : dense(`${text}'`));

describe("DeviceRegistry: registration", () => {
  const fixture = async () => deployRegistry(ethers);
  let world: World;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
  });

  for (const [curve, name] of CURVES) {
    describe(`with a ${name} key`, () => {
      it("writes the record and gives the key and the hashes in the event", async () => {
        const { registry, domain, makerOrg, buyerOrg } = world;
        for (const org of [makerOrg, buyerOrg]) {
          const key = makeKey(curve);
          const owner = holderOf(org);
          const hashes = { parametersHash: id("parameters"), certificateHash: id("certificate") };
          const proof = proveRegistration(domain, key, { owner, ...hashes });
          await expect(send(world, key, org, proof, hashes))
            .to.emit(registry, "DeviceRegistered")
            .withArgs(
              key.id,
              owner,
              makerOrg,
              [curve, key.x, key.y],
              hashes.parametersHash,
              hashes.certificateHash,
            );
          const since = await networkHelpers.time.latest();
          const block = await networkHelpers.time.latestBlock();
          expect(recordOf(await registry.record(key.id))).to.deep.equal({
            owner,
            since: BigInt(since),
            status: DeviceStatus.Active,
            curve: BigInt(curve),
            epoch: 1n,
            blockNumber: BigInt(block),
            engaged: true,
            locked: false,
            accessStopped: false,
            rotated: false,
            org,
            maker: makerOrg,
          });
          expect(await registry.ownerOf(key.id)).to.equal(owner);
          expect((await registry.requireActive(key.id)).epoch).to.equal(1n);
        }
      });

      it("computes the id and the digest that ethers computes", async () => {
        const { registry, domain, buyerOrg } = world;
        const key = makeKey(curve);
        const message = { owner: holderOf(buyerOrg), parametersHash: id("p"), certificateHash: id("c") };
        const bytes = registrationBytes(domain, key, message);
        expect(bytes).to.have.length(66);
        expect(
          await registry.registrationDigest({
            ...message,
            owner: buyerOrg,
            key: onChain(key),
            deadline: LATER,
            r: ZeroHash,
            s: ZeroHash,
          }),
        ).to.equal(curve === 1 ? sha256(bytes) : keccak256(bytes));
        expect(await registry.deviceIdOf(onChain(key))).to.equal(key.id);
      });

      it("counts a proof in its last second", async () => {
        const { domain, makerOrg } = world;
        const key = makeKey(curve);
        const deadline = BigInt(await networkHelpers.time.latest()) + 60n;
        const proof = proveRegistration(domain, key, { owner: holderOf(makerOrg), deadline });
        await networkHelpers.time.setNextBlockTimestamp(deadline);
        await send(world, key, makerOrg, proof, { deadline });
      });
    });
  }

  it("says plainly that a chain has no P-256 precompile", async () => {
    const before = await network.create({ network: "default", override: { hardfork: "prague" } });
    const old = await deployRegistry(before.ethers);
    const key = makeKey(1);
    const proof = proveRegistration(old.domain, key, { owner: holderOf(old.makerOrg) });
    await expect(send(old, key, old.makerOrg, proof)).to.be.revertedWithCustomError(
      old.registry,
      "MissingPrecompile",
    );
    await before.close();
  });

  describe("gas", () => {
    const p256 = makeKey(1, id("gas:p256") as Hex);
    const k1 = makeKey(8, id("gas:k1") as Hex);

    // The dearest proof there is: no zero byte in the signature, and for secp256k1 the parity that is tried last.
    const dearestProof = (key: TestKey, org: bigint) => {
      for (let i = 0; ; ++i) {
        const hashes = { parametersHash: dense("parameters"), certificateHash: dense(`certificate ${i}`) };
        const proof = proveRegistration(world.domain, key, { owner: holderOf(org), ...hashes });
        if (isDense(proof.r) && isDense(proof.s) && proof.v !== 27) return { proof, hashes };
      }
    };

    const measure = async (key: TestKey, org: bigint) => {
      const { proof, hashes } = dearestProof(key, org);
      const receipt = await (await send(world, key, org, proof, hashes)).wait();
      expect((await world.registry.record(key.id)).status).to.equal(DeviceStatus.Active);
      return receipt!.gasUsed;
    };

    it("checks proof, role, quota and pause", async () => {
      const gasUsed = await measure(p256, world.makerOrg);
      expectGas("Register a device, P-256 proof, owner is the manufacturer's own organisation", gasUsed);
    });

    it("pays for the live check of another owner", async () => {
      expectGas(
        "Register a device, P-256 proof, owner is another organisation",
        await measure(p256, world.buyerOrg),
      );
    });

    it("is lower for secp256k1", async () => {
      expectGas(
        "Register a device, secp256k1 proof, owner is the manufacturer's own organisation",
        await measure(k1, world.makerOrg),
      );
    });
  });
});
