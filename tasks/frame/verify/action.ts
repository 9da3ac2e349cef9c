import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { fromHex, type Hex } from "../../../sdk/src/bytes.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { type DeviceKey, decodeFrame } from "../../../sdk/src/frame/index.js";
import { type FrameProof, type VerifiedStep, verifyFrameProof } from "../../../sdk/src/proof/bundle.js";
import { frameProofFrom, offlineBundleFrom } from "../../../sdk/src/proof/form.js";
import { verifyOffline } from "../../../sdk/src/proof/offline.js";
import { answering } from "../../run.js";
import { findDeployment, toJson, withTenon } from "../../tenon.js";
import { readBundle, readKey, readProof, trustedValidators } from "../files.js";

interface VerifyArguments {
  file: string;
  trustedBlockHash: string | undefined;
  rpc: boolean;
  offline: boolean;
  validators: string | undefined;
  trustedValidators: string | undefined;
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
    checkOptions(args);
    if (args.offline) return verifyBundle(args);
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

/** Sources of trust of one way are refused in the other: whoever names one believes that it was used. */
function checkOptions(args: VerifyArguments): void {
  const { trustedBlockHash, rpc, deviceKey, validators } = args;
  const unused = args.offline
    ? { "--trusted-block-hash": trustedBlockHash, "--rpc": rpc || undefined, "--device-key": deviceKey }
    : { "--validators": validators, "--trusted-validators": args.trustedValidators };
  const given = Object.entries(unused).filter(([, value]) => value !== undefined);
  if (given.length === 0) return;
  throw new TenonError("OptionUnused", "The option has no part in this way of verifying", {
    args: { options: given.map(([name]) => name).join(", "), offline: args.offline },
    remedy:
      "With --offline: --validators or --trusted-validators. Without: --trusted-block-hash or --rpc, and --device-key.",
  });
}

/** Without a node: the record says which chain and contracts, and the validators' seals vouch for the block. */
function verifyBundle(args: VerifyArguments): void {
  const bundle = offlineBundleFrom(readBundle(args.file));
  const { chainId, genesisHash } = bundle.frame;
  const deployment = findDeployment(args.record, Number(chainId), genesisHash);
  show(verifyOffline(bundle, { deployment, ...trustedValidators(args) }), true, args.json);
}

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
