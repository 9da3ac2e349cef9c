import { computeAddress, dataSlice, recoverAddress, Signature } from "ethers";
import { network } from "hardhat";
import { fromHex, type Hex, toHex } from "../../sdk/src/bytes.js";
import { decodeFrame, type FrameDomain, frameAad, frameHash } from "../../sdk/src/frame/index.js";
import { deployTelemetry, type Telemetry } from "../support/anchors.js";
import {
  anchorInFullBatch,
  domainOf,
  fullRoot,
  K1_DEVICE,
  makeFrame,
  P256_DEVICE,
  type TestProof,
} from "../support/frames.js";
import { expectGas, gasOfView } from "../support/gas.js";
import type { TestKey } from "../support/keys.js";

const { ethers } = await network.create();

describe("FrameReader: gas", () => {
  let world: Telemetry;
  let domain: FrameDomain;

  before(async () => {
    world = await deployTelemetry(ethers);
    domain = await domainOf(world);
  });

  /** Whether the recovery id that the reader tries first is the wrong one. */
  function recoversLast(frame: Hex): boolean {
    const decoded = decodeFrame(fromHex(frame));
    const digest = toHex(frameHash(decoded, frameAad(domain)));
    const [x, y] = [K1_DEVICE.x.slice(2), K1_DEVICE.y.slice(2)];
    const [r, s] = [dataSlice(decoded.signature, 0, 32), dataSlice(decoded.signature, 32)];
    return recoverAddress(digest, Signature.from({ r, s, v: 27 })) !== computeAddress(`0x04${x}${y}`);
  }

  /** A meter frame with the dearest signature, no zero byte in it nor in the root, proven in a full batch. */
  async function prove(key: TestKey): Promise<TestProof> {
    for (let value = 123_457n; ; value++) {
      const frame = makeFrame(domain, key, value, { signing: key.curve === 1 ? "high" : "low" });
      if (fromHex(`0x${frame.slice(-128)}${fullRoot(frame).slice(2)}`).includes(0)) continue;
      if (key.curve === 8 && !recoversLast(frame)) continue;
      return anchorInFullBatch(world, frame);
    }
  }

  for (const [curve, key] of Object.entries({ "P-256": P256_DEVICE, secp256k1: K1_DEVICE })) {
    it(`of a meter frame of ${curve} in a batch of 1,024`, async () => {
      const { reader, stranger } = world;
      const proof = await prove(key);
      const measure = (name: string, args: unknown[]) => gasOfView(stranger, reader, name, args);
      expectGas(`Verify a ${curve} frame in a batch of 1,024`, await measure("verify", [proof]));
      const signed = await measure("verifySigned", [proof, key.x, key.y]);
      expectGas(`Verify a ${curve} frame in a batch of 1,024 with its signature`, signed);
      expectGas(`Read the meter of a ${curve} frame`, await measure("readMeter", [proof.frame]));
    });
  }
});
