import { getAddress, Interface, type Result } from "ethers";
import { type AnchorData, anchorOfEvent } from "../anchor.js";
import { fromHex, type Hex, toHex } from "../bytes.js";
import { addressOf, type Deployment } from "../deployment.js";
import { decodeFrame, type Frame, frameAad, verifyFrame } from "../frame/frame.js";
import { type DeviceKey, deviceIdOf, importDeviceKey } from "../frame/key.js";
import { abis } from "../generated/abis.js";
import { type BlockProof, verifyBlockProof } from "./block.js";
import { ProofError, type ProofStep } from "./error.js";
import { frameProofFrom } from "./form.js";
import { leafHash, verifyInclusion } from "./merkle.js";

/** The chain and contracts a proof is about. */
export interface ProvenChain {
  readonly version: 1;
  /** Decimal. */
  readonly chainId: string;
  readonly genesisHash: Hex;
  readonly anchorLog: string;
  /** The device registry: part of what devices sign. */
  readonly registry: string;
}

/** That a frame is in a batch which the AnchorLog accepted in a certain block. Answer of `/proof/frame`. */
export interface FrameProof extends ProvenChain {
  /** The frame's bytes as the device signed them. */
  readonly frame: Hex;
  /** Position of the frame within its batch, and its path under `anchor.framesRoot`. */
  readonly index: number;
  readonly path: readonly Hex[];
  readonly anchor: AnchorData;
  /**
   * Path of the batch under its epoch root; empty until the epoch is sealed. Only contracts need it (FrameReader):
   * here the block itself proves the anchor, so it is not looked at.
   */
  readonly epochPath: readonly Hex[];
  readonly block: BlockProof;
}

/** A device's entry under the heads root of an anchored batch. */
export interface HeadProof {
  /** 84 bytes: device, epoch, contiguous seq, frame hash there, highest seq. */
  readonly entry: Hex;
  readonly index: number;
  readonly size: number;
  readonly path: readonly Hex[];
  /** The tree's root, of which `anchor.headsRoot` is the sized form. */
  readonly root: Hex;
  readonly anchor: AnchorData;
  readonly block: BlockProof;
}

/**
 * That these are all frames which a device made between two sequence numbers: each names the one before by hash, the
 * last is anchored, and the oracle committed to having no gap up to it. Answer of `/proof/device-range`.
 */
export interface DeviceRangeProof extends ProvenChain {
  readonly device: Hex;
  readonly epoch: number;
  readonly from: bigint;
  readonly to: bigint;
  readonly frames: readonly Hex[];
  readonly last: FrameProof;
  readonly head: HeadProof;
}

/** What the verifier believes beforehand. Nothing else is taken on trust, and no node is asked. */
export interface Trust {
  /** Hash of the block of the anchor, from a source the verifier trusts; one for each block that the proof uses. */
  readonly trustedBlockHash: Hex | readonly Hex[];
  /** Which contracts are the real ones: anybody can deploy a copy that says anything. */
  readonly deployment: Deployment;
  /**
   * The device's birth key, which its id is the hash of. With it the device's signature is checked too; without it, the
   * oracle's word stands for it.
   */
  readonly deviceKey?: DeviceKey;
  /** Instead: a key the device got later. That it is this device's is the verifier's to know (`devices.keyOf`). */
  readonly laterKey?: DeviceKey;
}

/** One link that held, ready to be shown. */
export interface VerifiedStep {
  readonly name: ProofStep;
  readonly detail: string;
}

const anchorLogAbi = new Interface(abis.AnchorLog);

/**
 * Checks a frame proof, link by link: frame bytes → device signature → leaf → batch root → contract → receipt →
 * block. Takes a `FrameProof` or its JSON.
 * @throws ProofError naming the first link that does not hold.
 */
export function verifyFrameProof(source: unknown, trust: Trust): VerifiedStep[] {
  const proof = frameProofFrom(source);
  const chain = checkChain(proof, trust.deployment);
  const { frame, step } = openFrame(proof.frame);
  const signature = checkSignature(frame, proof, trust);
  const leaf = leafHash(frame.bytes);
  const path = proof.path.map((node) => fromHex(node));
  const { count, framesRoot, batch } = proof.anchor;
  if (!verifyInclusion({ leaf, index: proof.index, size: count, path, root: fromHex(framesRoot) })) {
    throw new ProofError("batch root", "The path does not lead from the frame to the batch's root", {
      args: { leaf: toHex(leaf), index: proof.index, count, framesRoot },
    });
  }
  const inBatch: VerifiedStep = {
    name: "batch root",
    detail: `leaf ${toHex(leaf)} is frame ${proof.index} of ${count} in batch ${batch}, root ${framesRoot}`,
  };
  return [
    chain,
    step,
    ...signature,
    inBatch,
    ...checkAnchor(proof.anchor, proof.block, proof.anchorLog, trust),
  ];
}

/** That the proof is about the chain and the contracts the verifier means. */
export function checkChain(proof: ProvenChain, deployment: Deployment): VerifiedStep {
  const expected = {
    chainId: String(deployment.chainId),
    genesisHash: deployment.genesisHash as string,
    anchorLog: addressOf(deployment, "AnchorLog").toLowerCase(),
    registry: addressOf(deployment, "DeviceRegistry").toLowerCase(),
  };
  for (const [name, value] of Object.entries(expected)) {
    const given = proof[name as keyof typeof expected].toLowerCase();
    if (given !== value) {
      throw new ProofError("deployment", "The proof is about another deployment", {
        args: { field: name, expected: value, given },
      });
    }
  }
  return { name: "deployment", detail: `chain ${proof.chainId}, AnchorLog ${getAddress(proof.anchorLog)}` };
}

export function openFrame(bytes: Hex): { frame: Frame; step: VerifiedStep } {
  try {
    const frame = decodeFrame(fromHex(bytes));
    const { device, epoch, seq } = frame.header;
    const detail = `${frame.bytes.length} bytes, device ${device}, epoch ${epoch}, seq ${seq}`;
    return { frame, step: { name: "frame", detail } };
  } catch (cause) {
    throw new ProofError("frame", "The frame is not well formed", { cause });
  }
}

export function aadOf(chain: ProvenChain): Uint8Array {
  return frameAad({ chainId: BigInt(chain.chainId), registry: chain.registry });
}

/** Checks the device's signature with the key that is trusted; nothing when none is. */
export function checkSignature(
  frame: Frame,
  chain: ProvenChain,
  { deviceKey, laterKey }: Pick<Trust, "deviceKey" | "laterKey">,
): VerifiedStep[] {
  const key = laterKey ?? deviceKey;
  if (key === undefined) return [];
  const { device, algorithm, seq } = frame.header;
  if (!verifyFrame(frame, aadOf(chain), laterKey === undefined ? key : importDeviceKey(key))) {
    throw new ProofError("device signature", "The device's key did not sign this frame for this deployment", {
      args: { device, key: deviceIdOf(key), seq },
    });
  }
  const whose =
    laterKey === undefined
      ? `the key of ${device}, which is the hash of that key`
      : `key ${deviceIdOf(key)}, which the verifier knows as that of ${device}`;
  return [{ name: "device signature", detail: `${algorithm === -7 ? "ES256" : "ES256K"} by ${whose}` }];
}

/** That the AnchorLog accepted exactly this batch, in a block whose hash is trusted. */
export function checkAnchor(
  anchor: AnchorData,
  block: BlockProof,
  anchorLog: string,
  trust: Trust,
): VerifiedStep[] {
  const log = verifyBlockProof(block, trust.trustedBlockHash);
  if (log.address !== anchorLog.toLowerCase()) {
    throw new ProofError("contract", "The log is not the AnchorLog's", {
      args: { address: log.address, anchorLog },
    });
  }
  const said = anchoredArgs(log.topics, log.data);
  const saidAnchor = said && anchorOfEvent(said);
  for (const [name, value] of Object.entries(anchor)) {
    const found = saidAnchor?.[name as keyof AnchorData];
    if (found !== value) {
      throw new ProofError("contract", "The AnchorLog did not anchor this batch", {
        args: { field: name, given: value, anchored: found ?? "another event" },
      });
    }
  }
  const { stream, batch } = anchor;
  return [
    {
      name: "contract",
      detail: `AnchorLog ${getAddress(anchorLog)} accepted batch ${batch} of stream ${stream}`,
    },
    {
      name: "receipt",
      detail: `transaction ${block.transactionIndex} of the block, log ${block.logIndex}; ${block.receiptPath.length} trie nodes`,
    },
    { name: "block", detail: `number ${block.number}, header hashes to ${block.hash}` },
  ];
}

function anchoredArgs(topics: readonly Hex[], data: Hex): Result | undefined {
  const event = anchorLogAbi.getEvent("Anchored")!;
  if (topics[0] !== event.topicHash || topics.length !== 3) return undefined;
  return anchorLogAbi.decodeEventLog(event, data, topics);
}
