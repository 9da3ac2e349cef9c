import type { AnchorData } from "../../../sdk/src/anchor.js";
import { fromHex, type Hex, toHex } from "../../../sdk/src/bytes.js";
import type { Deployment } from "../../../sdk/src/deployment.js";
import type { DeviceSigner } from "../../../sdk/src/device/index.js";
import { decodeFrame, encodeFrame, frameAad, frameHash, meterPayload } from "../../../sdk/src/frame/index.js";
import { headsTree } from "../../../sdk/src/proof/heads.js";
import { leafHash, MerkleTree } from "../../../sdk/src/proof/merkle.js";
import { rejectsTree } from "../../../sdk/src/proof/rejects.js";

const aadOf = ({ chainId, contracts }: Deployment) =>
  frameAad({ chainId: BigInt(chainId), registry: contracts.DeviceRegistry.address });

/** A device's first three readings of a running meter, chained, all made at `time` (seconds). */
export function threeFrames(device: DeviceSigner, deployment: Deployment, time: bigint): Hex[] {
  const aad = aadOf(deployment);
  const frames: Hex[] = [];
  let prev: Uint8Array = new Uint8Array(32);
  for (const seq of [1n, 2n, 3n]) {
    const payload = meterPayload({ name: "runtime", unit: "s", value: 3_600n * seq, time });
    const header = {
      algorithm: device.algorithm,
      contentType: 112,
      device: device.id,
      epoch: 1,
      seq,
      prev,
      time: 1_000n * time,
      clock: "synced",
      uptime: 1_000n * seq,
      beacon: null,
    } as const;
    const frame = encodeFrame(header, payload, aad, device.sign);
    prev = frameHash(decodeFrame(frame), aad);
    frames.push(toHex(frame));
  }
  return frames;
}

/** The first batch of stream 1 with all frames of one device, and the paths of its tree. */
export function anchorOf(frames: Hex[], device: DeviceSigner, deployment: Deployment) {
  const last = decodeFrame(fromHex(frames.at(-1)!));
  const { seq, time } = last.header;
  const hash = frameHash(last, aadOf(deployment));
  const tree = new MerkleTree(frames.map((frame) => leafHash(fromHex(frame))));
  const batch: AnchorData = {
    stream: 1,
    batch: 0,
    first: 0n,
    count: frames.length,
    minTime: time / 1_000n,
    maxTime: time / 1_000n,
    framesRoot: toHex(tree.root),
    headsRoot: toHex(headsTree([{ device: device.id, epoch: 1, contiguous: seq, hash, highest: seq }]).root),
    rejectsRoot: toHex(rejectsTree([]).root),
  };
  return { batch, pathOf: (index: number) => tree.path(index).map(toHex) };
}
