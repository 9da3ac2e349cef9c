import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { fromHex, type Hex } from "../../../sdk/src/bytes.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { type DeviceKey, decodeFrame, exportDeviceKey } from "../../../sdk/src/frame/index.js";
import { type FrameProof, type VerifiedStep, verifyFrameProof } from "../../../sdk/src/proof/bundle.js";
import { frameProofFrom } from "../../../sdk/src/proof/form.js";
import { answering } from "../../run.js";
import { findDeployment, toJson, withTenon } from "../../tenon.js";

interface VerifyArguments {
  file: string;
  trustedBlockHash: string | undefined;
  rpc: boolean;
  deviceKey: string | undefined;
  record: string | undefined;
  json: boolean;
}

interface Known {
  hash?: Hex;
  key?: DeviceKey;
}

export default async (args: VerifyArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(async () => {
    const proof = frameProofFrom(readProof(args.file));
    const deployment = findDeployment(args.record, Number(proof.chainId), proof.genesisHash);
    const chain = args.rpc ? await askChain(args, hre, proof) : {};
    const trusted = trustedHash(args.trustedBlockHash, chain.hash);
    const key = args.deviceKey === undefined ? chain.key : readKey(args.deviceKey);
    const steps = verifyFrameProof(proof, {
      trustedBlockHash: trusted,
      deployment,
      ...(key === undefined ? {} : { deviceKey: key }),
    });
    show(steps, key !== undefined, args.json);
  });

/** The block's hash as the node has it, and the device's key as it was registered. */
async function askChain(
  args: VerifyArguments,
  hre: HardhatRuntimeEnvironment,
  proof: FrameProof,
): Promise<Known> {
  const known: Known = {};
  await withTenon(hre, args.record, async ({ devices }, { ethers }) => {
    const block = await ethers.provider.getBlock(Number(proof.block.number));
    if (block?.hash == null) {
      throw new TenonError("BlockUnknown", "The node has no block of the number the proof names", {
        args: { block: proof.block.number },
        remedy: "Wait until the node is synced, or doubt the proof.",
      });
    }
    known.hash = block.hash as Hex;
    const { device } = decodeFrame(fromHex(proof.frame)).header;
    for (const entry of await devices.history(device)) if ("key" in entry) known.key = entry.key;
  });
  return known;
}

function trustedHash(given: string | undefined, onChain: Hex | undefined): Hex {
  if (given !== undefined) fromHex(given, 32);
  const trusted = given?.toLowerCase() ?? onChain;
  if (trusted === undefined) {
    throw new TenonError("TrustMissing", "A proof proves nothing until something is trusted", {
      remedy:
        "Give --trusted-block-hash with the hash of the anchor's block, or --rpc to believe the node of --network.",
    });
  }
  if (onChain !== undefined && onChain !== trusted) {
    throw new TenonError("TrustContradicted", "The node has another block than the one you trust", {
      args: { trusted, node: onChain },
      remedy: "One of the two is wrong: compare with other members before relying on either.",
    });
  }
  return trusted as Hex;
}

function show(steps: VerifiedStep[], signed: boolean, json: boolean): void {
  if (json) {
    console.log(toJson({ verified: true, deviceSignatureChecked: signed, steps }));
    return;
  }
  for (const { name, detail } of steps) console.log(`✓ ${name.padEnd(16)} ${detail}`);
  if (!signed) {
    console.log("  The device's signature was not checked: give --device-key or --rpc to check it as well.");
  }
  console.log("The frame is proven.");
}

function readProof(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw unreadable(
      "ProofUnreadable",
      path,
      "Save the answer of the oracle's /proof/frame to a file.",
      cause,
    );
  }
}

function readKey(path: string): DeviceKey {
  try {
    return exportDeviceKey(createPublicKey(readFileSync(path)));
  } catch (cause) {
    throw unreadable(
      "DeviceKeyUnreadable",
      path,
      "Give a PEM file with a P-256 or secp256k1 public key.",
      cause,
    );
  }
}

function unreadable(code: string, file: string, remedy: string, cause: unknown): TenonError {
  const reason = cause instanceof Error ? cause.message : cause;
  return new TenonError(code, "The file cannot be used", { args: { file, reason }, remedy, cause });
}
