import { expect } from "chai";
import { network } from "hardhat";
import { type CurveName, DeviceSigner } from "../../sdk/src/device/index.js";
import { holderOf } from "../support/consortium.js";
import { deployRegistry, LATER, send } from "../support/devices.js";

const { ethers, networkHelpers } = await network.create();

const fixture = async () => deployRegistry(ethers);

describe("device key and DeviceRegistry", () => {
  for (const curve of ["P-256", "secp256k1"] satisfies CurveName[]) {
    it(`the contract accepts the proof a ${curve} device signs, for this owner only`, async () => {
      const world = await networkHelpers.loadFixture(fixture);
      const signer = DeviceSigner.generate(curve);
      const proof = signer.signRegistration({
        chainId: (await ethers.provider.getNetwork()).chainId,
        registry: await world.registry.getAddress(),
        owner: holderOf(world.buyerOrg),
        parametersHash: `0x${"00".repeat(32)}`,
        certificateHash: `0x${"00".repeat(32)}`,
        deadline: LATER,
      });
      const none = ethers.ZeroHash;
      const digest = await world.registry.registrationDigest({
        owner: world.makerOrg,
        key: signer.key,
        parametersHash: none,
        certificateHash: none,
        deadline: LATER,
        r: none,
        s: none,
      });
      await expect(send(world, signer.key, world.makerOrg, proof))
        .to.be.revertedWithCustomError(world.registry, "DeviceProofInvalid")
        .withArgs(signer.id, digest);
      await send(world, signer.key, world.buyerOrg, proof);
      expect(await world.registry.ownerOf(signer.id)).to.equal(holderOf(world.buyerOrg));
    });
  }
});
