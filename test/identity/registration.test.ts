import { expect } from "chai";
import { id } from "ethers";
import { network } from "hardhat";
import { holderOf } from "../support/consortium.js";
import {
  DeviceStatus,
  deployRegistry,
  proveRegistration,
  register,
  send,
  type World,
} from "../support/devices.js";
import { expectGas } from "../support/gas.js";
import { makeKey } from "../support/keys.js";

const { ethers } = await network.create();

describe("DeviceRegistry: registration", () => {
  let world: World;
  beforeEach(async () => {
    world = await deployRegistry(ethers);
  });

  describe("gas", () => {
    // Fixed keys and dense hashes: the figure must not hang on lucky zero bytes.
    const p256 = makeKey(1, id("gas:p256") as `0x${string}`);
    const k1 = makeKey(8, id("gas:k1") as `0x${string}`);
    const hashes = { parametersHash: id("parameters"), certificateHash: id("certificate") };

    const measure = async (key: typeof p256, org: bigint) => {
      const proof = proveRegistration(world.domain, key, { owner: holderOf(org), ...hashes });
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
