import { equalBytes, fromHex, type Hex, toHex } from "../bytes.js";
import { type Frame, frameHash } from "../frame/frame.js";
import {
  aadOf,
  checkAnchor,
  checkChain,
  checkSignature,
  type DeviceRangeProof,
  openFrame,
  type Trust,
  type VerifiedStep,
  verifyFrameProof,
} from "./bundle.js";
import { ProofError } from "./error.js";
import { deviceRangeProofFrom } from "./form.js";
import { type DeviceHead, decodeHead } from "./heads.js";
import { leafHash, sizedRoot, verifyInclusion } from "./merkle.js";

/**
 * Checks that the frames of a device between two sequence numbers are complete: one frame for each number, each
 * naming the one before by its hash, the last one anchored, and the device's anchored head at or past it.
 * With `deviceKey` every frame's signature is checked as well. Takes a `DeviceRangeProof` or its JSON.
 * @throws ProofError naming the first link that does not hold.
 */
export function verifyDeviceRange(source: unknown, trust: Trust): VerifiedStep[] {
  const proof = deviceRangeProofFrom(source);
  const chain = checkChain(proof, trust.deployment);
  const frames = proof.frames.map((bytes) => openFrame(bytes).frame);
  const linked = checkLinks(proof, frames);
  const signed = checkSignatures(proof, frames, trust);
  const anchored = checkLast(proof, trust);
  const last = frames.at(-1) as Frame;
  return [
    chain,
    linked,
    ...signed,
    ...anchored,
    ...checkHead(proof, toHex(frameHash(last, aadOf(proof))), trust),
  ];
}

function checkLinks(proof: DeviceRangeProof, frames: readonly Frame[]): VerifiedStep {
  const { device, epoch, from, to } = proof;
  if (from < 1n || to < from || BigInt(frames.length) !== to - from + 1n) {
    throw new ProofError("chain of frames", "The number of frames is not that of the range", {
      args: { from, to, frames: frames.length },
    });
  }
  const aad = aadOf(proof);
  let previous: Uint8Array | undefined;
  frames.forEach((frame, i) => {
    const { header } = frame;
    const seq = from + BigInt(i);
    if (header.device !== device || header.epoch !== epoch || header.seq !== seq) {
      throw new ProofError("chain of frames", "A frame of the range is missing or replaced", {
        args: { expectedSeq: seq, device: header.device, epoch: header.epoch, seq: header.seq },
      });
    }
    if (previous !== undefined && !equalBytes(header.prev, previous)) {
      throw new ProofError("chain of frames", "A frame names another predecessor than the one before it", {
        args: { seq, prev: toHex(header.prev), before: toHex(previous) },
      });
    }
    previous = frameHash(frame, aad);
  });
  return {
    name: "chain of frames",
    detail: `${frames.length} frames, seq ${from} to ${to}, each names the one before`,
  };
}

function checkSignatures(proof: DeviceRangeProof, frames: readonly Frame[], trust: Trust): VerifiedStep[] {
  for (const frame of frames) checkSignature(frame, proof, trust);
  if (trust.deviceKey === undefined && trust.laterKey === undefined) return [];
  return [{ name: "device signature", detail: `${frames.length} signatures by the key of ${proof.device}` }];
}

function checkLast(proof: DeviceRangeProof, trust: Trust): VerifiedStep[] {
  if (proof.last.frame !== proof.frames.at(-1)) {
    throw new ProofError("frame", "The anchored frame is not the last of the range", {
      args: { to: proof.to },
    });
  }
  // Deployment and signatures have been checked for the whole range.
  const { deviceKey: _, ...rest } = trust;
  return verifyFrameProof(proof.last, rest).filter(({ name }) => name !== "deployment");
}

function checkHead(proof: DeviceRangeProof, lastHash: Hex, trust: Trust): VerifiedStep[] {
  const { entry, index, size, path, root, anchor, block } = proof.head;
  const bytes = fromHex(entry);
  const nodes = path.map((node) => fromHex(node));
  const rootBytes = fromHex(root);
  const included = verifyInclusion({ leaf: leafHash(bytes), index, size, path: nodes, root: rootBytes });
  if (!included || toHex(sizedRoot(rootBytes, size)) !== anchor.headsRoot) {
    throw new ProofError("device head", "The path does not lead from the device's head to the heads root", {
      args: { index, size, headsRoot: anchor.headsRoot },
    });
  }
  const head = openHead(bytes);
  if (head.device !== proof.device || head.epoch !== proof.epoch || head.contiguous < proof.to) {
    throw new ProofError("device head", "The anchored head does not reach the end of the range", {
      args: { device: head.device, epoch: head.epoch, contiguous: head.contiguous, to: proof.to },
    });
  }
  if (head.contiguous === proof.to && toHex(head.hash) !== lastHash) {
    throw new ProofError("device head", "The anchored head names another frame at the end of the range", {
      args: { head: toHex(head.hash), frame: lastHash },
    });
  }
  if (anchor.stream !== proof.last.anchor.stream || anchor.batch < proof.last.anchor.batch) {
    throw new ProofError("device head", "The head is of another stream, or older than the last frame", {
      args: { stream: anchor.stream, batch: anchor.batch, frameBatch: proof.last.anchor.batch },
    });
  }
  const detail = `no gap up to seq ${head.contiguous} (highest seen ${head.highest}), in batch ${anchor.batch}`;
  return [{ name: "device head", detail }, ...checkAnchor(anchor, block, proof.anchorLog, trust)];
}

function openHead(entry: Uint8Array): DeviceHead {
  try {
    return decodeHead(entry);
  } catch (cause) {
    throw new ProofError("device head", "The head is not well formed", { cause });
  }
}
