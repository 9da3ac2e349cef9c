import { expect } from "chai";
import type { Oracle } from "../../oracle/src/oracle.js";
import { verifyState } from "../../oracle/src/verify/verify.js";
import { verifyFrameProof } from "../../sdk/src/proof/bundle.js";
import { verifyDeviceRange } from "../../sdk/src/proof/range.js";
import { failure } from "../support/failure.js";
import { intentsOf, TestLogger, until } from "./support/chain.js";
import { eventually, get, type Plant, startPlant } from "./support/plant.js";

describe("oracle", () => {
  let plant: Plant;
  let oracle: Oracle | undefined;

  before(async () => {
    plant = await startPlant();
  });
  after(async () => {
    await oracle?.stop();
    await plant.close();
  });

  it("takes frames from a device's signature to a proof under a trusted block hash", async () => {
    oracle = await plant.startOracle();
    const { device, key: keyOf } = await plant.newDevice(1);
    for (let i = 0; i < 5; i++) device.record([{ name: "t", unit: "Cel", value: i }]);
    const proof = await eventually(oracle.url, `/proof/frame?device=${device.id}&epoch=1&seq=3`);
    expect(proof.asOf).to.have.keys("block", "hash", "batch");
    const block = await plant.chain.ethers.provider.getBlock(Number(proof.block.number));
    const trust = { deployment: plant.chain.deployment, trustedBlockHash: block!.hash as `0x${string}` };
    const steps = verifyFrameProof(proof, { ...trust, deviceKey: keyOf });
    expect(steps.map(({ name }) => name)).to.include.members(["device signature", "batch root", "contract", "block"]);
  });
});
