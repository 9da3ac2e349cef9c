import { expect } from "chai";
import { id } from "ethers";
import { network } from "hardhat";
import type { Hex } from "../../sdk/src/bytes.js";
import { holderOf } from "../support/consortium.js";
import { DeviceStatus, deployRegistry, proveRegistration, send, type World } from "../support/devices.js";
import { expectGas } from "../support/gas.js";
import { makeKey, type TestKey } from "../support/keys.js";

const { ethers } = await network.create();

const isDense = (word: string) => !/^0x(..)*00/.test(word);
const dense = (text: string): string => (isDense(id(text)) ? id(text) : dense(`${text}'`));

describe("DeviceRegistry: registration", () => {
  let world: World;
  beforeEach(async () => {
    world = await deployRegistry(ethers);
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

    it("stays under 65,000 for a P-256 device of the manufacturer's own organisation", async () => {
      const gasUsed = await measure(p256, world.makerOrg);
      expect(gasUsed <= 65_000n, `${gasUsed}`).to.equal(true);
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
