import { type Hex, toHex } from "../../sdk/src/bytes.js";
import type { Deployment } from "../../sdk/src/deployment.js";
import { DeviceSigner } from "../../sdk/src/device/index.js";
import { decodeFrame, encodeFrame, frameAad, frameHash, meterPayload } from "../../sdk/src/frame/index.js";
import {
  type AnchorData,
  type DeviceHead,
  headsTree,
  leafHash,
  MerkleTree,
  sizedRoot,
  type Tenon,
} from "../../sdk/src/index.js";

/** A device that makes meter frames, each linked to the one before. */
export class TestDevice {
  readonly signer: DeviceSigner;
  readonly #aad: Uint8Array;
  #seq = 0n;
  #prev: Uint8Array = new Uint8Array(32);

  constructor(deployment: Deployment, curve: "P-256" | "secp256k1" = "P-256") {
    this.signer = DeviceSigner.generate(curve);
    const registry = deployment.contracts.DeviceRegistry.address;
    this.#aad = frameAad({ chainId: BigInt(deployment.chainId), registry });
  }

  /** The next frame: `hours` counted so far. */
  meter(hours: bigint, changes: { prev?: Uint8Array } = {}): Uint8Array {
    const time = 1_700_000_000n + 3_600n * this.#seq;
    const header = {
      algorithm: this.signer.algorithm,
      contentType: 112,
      device: this.signer.id,
      epoch: 1,
      seq: ++this.#seq,
      prev: changes.prev ?? this.#prev,
      time: 1_000n * time,
      clock: "synced",
      uptime: 3_600_000n * this.#seq,
      beacon: null,
    } as const;
    const payload = meterPayload({ name: "hours", unit: "s", value: 3_600n * hours, time });
    const frame = encodeFrame(header, payload, this.#aad, this.signer.sign);
    this.#prev = frameHash(decodeFrame(frame), this.#aad);
    return frame;
  }

  /** The head after the newest frame, when the receiver has them all. */
  head(): DeviceHead {
    const { id: device } = this.signer;
    return { device, epoch: 1, contiguous: this.#seq, hash: this.#prev, highest: this.#seq };
  }
}

/** A batch made of frames, as an oracle makes it. */
export interface TestBatch {
  anchor: AnchorData;
  tree: MerkleTree;
  heads: ReturnType<typeof headsTree>;
  frames: Uint8Array[];
}

/** Anchors the frames as the stream's next batch. */
export async function anchorFrames(
  tenon: Tenon,
  frames: Uint8Array[],
  heads: DeviceHead[],
  time: number,
): Promise<TestBatch> {
  const { next, size } = await tenon.telemetry.head(1);
  const tree = new MerkleTree(frames.map(leafHash));
  const sorted = headsTree(heads);
  const anchor: AnchorData = {
    stream: 1,
    batch: next,
    first: size,
    count: frames.length,
    minTime: BigInt(time - 1),
    maxTime: BigInt(time),
    framesRoot: toHex(tree.root),
    headsRoot: toHex(sorted.root),
    rejectsRoot: toHex(sizedRoot(new MerkleTree([]).root, 0)),
  };
  await tenon.telemetry.anchor(anchor).wait();
  return { anchor, tree, heads: sorted, frames };
}

/** Where a frame of a batch stands. */
export function placeOf({ anchor, tree, frames }: TestBatch, index: number) {
  const path: Hex[] = tree.path(index).map(toHex);
  return { frame: toHex(frames[index]!), stream: anchor.stream, batch: anchor.batch, index, path };
}
