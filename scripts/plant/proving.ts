import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Deployment,
  type DeviceKey,
  deviceRangeProofFrom,
  type FrameProof,
  frameProofFrom,
  type Hex,
  type VerifiedStep,
  verifyDeviceRange,
  verifyFrameProof,
} from "@tenon/sdk";
import type { JsonRpcApiProvider } from "ethers";
import type { OracleClient } from "./oracle-client.js";

export interface Prover {
  oracle: OracleClient;
  provider: JsonRpcApiProvider;
  deployment: Deployment;
  state: string;
}

/** A machine and one of its frames. */
export interface FrameName {
  device: Hex;
  epoch: number;
  seq: bigint;
}

/** The oracle's proof of a frame, once the frame is anchored. */
export async function proofOf({ oracle }: Prover, { device, epoch, seq }: FrameName): Promise<FrameProof> {
  return frameProofFrom(await oracle.when(`/proof/frame?device=${device}&epoch=${epoch}&seq=${seq}`));
}

/**
 * Checks a frame's proof with nothing but a block hash, here one that our own node told us, and keeps the bundle in
 * `file` for whoever wants to check it again.
 */
export async function proveFrame(
  prover: Prover,
  key: DeviceKey,
  frame: FrameName,
  file = "proof.json",
): Promise<VerifiedStep[]> {
  const { oracle, deployment, state } = prover;
  const path = `/proof/frame?device=${frame.device}&epoch=${frame.epoch}&seq=${frame.seq}`;
  const answer = await oracle.when(path);
  writeFileSync(join(state, file), `${JSON.stringify(answer, null, 2)}\n`);
  const proof = frameProofFrom(answer);
  const trustedBlockHash = await hashOf(prover, proof.block.number);
  return verifyFrameProof(proof, { trustedBlockHash, deployment, deviceKey: key });
}

/** Checks that these are all frames the machine made from `from` to `to`: none was removed. */
export async function proveRange(
  prover: Prover,
  key: DeviceKey,
  { device, epoch }: FrameName,
  from: bigint,
  to: bigint,
): Promise<{ frames: number; steps: VerifiedStep[] }> {
  const query = `device=${device}&epoch=${epoch}&from=${from}&to=${to}`;
  const proof = deviceRangeProofFrom(await prover.oracle.when(`/proof/device-range?${query}`));
  const trustedBlockHash = [
    await hashOf(prover, proof.last.block.number),
    await hashOf(prover, proof.head.block.number),
  ];
  const { deployment } = prover;
  const steps = verifyDeviceRange(proof, { trustedBlockHash, deployment, deviceKey: key });
  return { frames: proof.frames.length, steps };
}

async function hashOf({ provider }: Prover, number: bigint): Promise<Hex> {
  const block = await provider.getBlock(Number(number));
  return (block?.hash ?? "0x") as Hex;
}
