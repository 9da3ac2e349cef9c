import { expect } from "chai";
import { verifyState } from "../../oracle/src/verify/verify.js";
import { createTenon, type Tenon } from "../../sdk/src/client.js";
import { DeviceSigner } from "../../sdk/src/device/index.js";
import {
  type DeviceKey,
  deviceIdOf,
  frameProofFrom,
  type Hex,
  verifyFrameProof,
} from "../../sdk/src/index.js";
import { TestLogger, until } from "./support/chain.js";
import { eventually, type Plant, startPlant } from "./support/plant.js";

const LATER = 4_000_000_000;

describe("oracle: owners and keys that change", () => {
  let plant: Plant;
  let buyer: Tenon;
  let maker: Tenon;
  before(async () => {
    plant = await startPlant();
    const { chain } = plant;
    const { deployment } = chain;
    buyer = await createTenon({ signer: chain.buyer, deployment });
    maker = await createTenon({ signer: chain.maker, deployment });
  });
  let oracle: Awaited<ReturnType<Plant["startOracle"]>> | undefined;
  after(async () => {
    await oracle?.stop();
    await plant.close();
  });

  const proofOf = async (url: string, device: Hex, epoch: number, seq: number, deviceKey: DeviceKey) => {
    const proof = frameProofFrom(
      await eventually(url, `/proof/frame?device=${device}&epoch=${epoch}&seq=${seq}`),
    );
    const { deployment } = plant.chain;
    const key = deviceIdOf(deviceKey) === device ? { deviceKey } : { laterKey: deviceKey };
    verifyFrameProof(proof, { trustedBlockHash: proof.block.hash, deployment, ...key });
    return proof;
  };

  it("takes a device's frames from owner to owner and from key to key, after a restart too", async function () {
    this.timeout(60_000);
    oracle = await plant.startOracle();
    let { url } = oracle;
    const { device, signer } = await plant.newDevice(1);
    const { id } = device;
    const receipted = () =>
      until(() => device.journal.pendingFrames === 0, `receipts of epoch ${device.journal.next().epoch}`);
    const directory = () => eventually(url, `/devices/${id}`).then(({ record }) => record);
    const inEpoch = (epoch: number) =>
      until(async () => (await directory()).epoch === epoch, `epoch ${epoch}`);
    const reading = (value: number) => device.record([{ name: "t", unit: "Cel", value }]);
    await eventually(url, `/devices/${id}`);
    reading(1);
    await receipted();

    // Sold: what the device made before it heard of it is still taken, as what it is.
    const { timestamp } = (await plant.chain.ethers.provider.getBlock("latest"))!;
    await buyer.devices.offer(id, Number(plant.chain.makerOrg), timestamp + 1_000).wait();
    await maker.devices.acceptOffer(id).wait();
    await inEpoch(2);
    reading(2);
    await receipted();
    const engagement = await maker.devices.engagement(id, LATER);
    await maker.devices.engage(engagement, signer.key, signer.signEngagement(engagement)).wait();
    expect(device.beginEpoch(engagement.epoch)).to.equal(2);
    reading(3);
    await receipted();

    // A new key: from here on the old one signs nothing.
    const next = DeviceSigner.generate("P-256", id);
    const rotation = await maker.devices.rotation(id, next.key, LATER);
    device.hold();
    expect(() => reading(4)).to.throw("no frames while its key is changed");
    const signed = { consent: signer.signRotation(rotation), proof: next.signRotation(rotation) };
    const { epoch } = await maker.devices.rotateKey(rotation, signer.key, signed).wait();
    await inEpoch(3);
    device.goOn({ epoch });
    reading(4); // still by the old key
    await until(async () => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return /tenon_rejects_total\{reason="bad-signature"\} [1-9]/.test(text);
    }, "the old key is refused");
    expect(device.journal.pendingFrames).to.equal(1);
    device.goOn({ signer: next, epoch });
    expect(device.journal.next().epoch).to.equal(4);
    reading(5);
    await until(() => device.journal.pendingFrames === 1, "the new key's frame has its receipt");
    expect(await directory()).to.deep.include({ epoch: 3, keyEpoch: 3, key: next.key });
    expect((await directory()).formerKeys).to.deep.equal([{ key: signer.key, epoch: 1 }]);

    await oracle.stop();
    oracle = await plant.startOracle();
    url = oracle.url;
    expect(await directory()).to.deep.include({ epoch: 3, keyEpoch: 3, key: next.key, status: "active" });
    reading(6);
    await until(() => device.journal.pendingFrames === 1, "after the restart");

    for (const [ofEpoch, seq, key] of [
      [1, 1, signer.key],
      [1, 2, signer.key],
      [2, 1, signer.key],
      [4, 1, next.key],
      [4, 2, next.key],
    ] as const) {
      const proof = await proofOf(url, id, ofEpoch, seq, key);
      // What came late is kept under its old epoch; whether it still counts is the contract's to say.
      if (ofEpoch === 1 && seq === 2) continue;
      expect(await maker.telemetry.verifyFrame(proof, key)).to.deep.include({ device: id, epoch: ofEpoch });
    }
    await maker.devices.revoke(id).wait();
    await until(async () => (await directory()).status === "revoked", "revoked");
    expect((await directory()).epoch).to.equal(4);
    await oracle.stop();
    oracle = undefined;
    const report = await verifyState({
      stateDir: plant.config.state,
      deployment: plant.chain.deployment,
      rpc: plant.chain.rpc.url,
      stream: plant.chain.stream,
      logger: new TestLogger(),
    });
    expect(report.differences).to.deep.equal([]);
    expect(report.frames).to.equal(5);
  });
});
