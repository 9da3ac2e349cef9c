import { fromHex, type Hex, toHex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { leafHashes, MerkleTree, sizedRoot } from "./merkle.js";

/** What the oracle holds of one device when a batch closes. */
export interface DeviceHead {
  device: Hex;
  epoch: number;
  /** Highest seq up to which no frame of the epoch is missing. */
  contiguous: bigint;
  /** Frame hash at `contiguous`; 32 zero bytes when `contiguous` is 0. */
  hash: Uint8Array;
  /** Highest seq seen at all. */
  highest: bigint;
}

/** Bytes of an encoded head. */
export const HEAD_LENGTH = 84;

/** device 32 ‖ epoch u32 ‖ contiguous u64 ‖ frame hash 32 ‖ highest u64, big-endian. */
export function encodeHead(head: DeviceHead): Uint8Array {
  if (head.hash.length !== 32 || head.contiguous > head.highest) {
    throw new TenonError("HeadInvalid", "Not a device head", {
      args: {
        device: head.device,
        hashBytes: head.hash.length,
        contiguous: head.contiguous,
        highest: head.highest,
      },
      remedy: "The hash has 32 bytes and the contiguous seq is not above the highest.",
    });
  }
  const entry = Buffer.alloc(HEAD_LENGTH);
  entry.set(fromHex(head.device, 32));
  entry.writeUInt32BE(head.epoch, 32);
  entry.writeBigUInt64BE(head.contiguous, 36);
  entry.set(head.hash, 44);
  entry.writeBigUInt64BE(head.highest, 76);
  return new Uint8Array(entry);
}

export function decodeHead(entry: Uint8Array): DeviceHead {
  if (entry.length !== HEAD_LENGTH) {
    throw new TenonError("HeadInvalid", "A device head has 84 bytes", { args: { length: entry.length } });
  }
  const view = new DataView(entry.buffer, entry.byteOffset, HEAD_LENGTH);
  return {
    device: toHex(entry.subarray(0, 32)),
    epoch: view.getUint32(32),
    contiguous: view.getBigUint64(36),
    hash: new Uint8Array(entry.subarray(44, 76)),
    highest: view.getBigUint64(76),
  };
}

export interface HeadsTree {
  /** Encoded heads, sorted by device id: the leaves' entries. */
  entries: Uint8Array[];
  tree: MerkleTree;
  /** The sized root, as anchored. */
  root: Uint8Array;
}

/** The tree over the heads of all devices touched in a batch, one each, sorted by device id. */
export function headsTree(heads: readonly DeviceHead[]): HeadsTree {
  const entries = heads.map(encodeHead).sort((a, b) => Buffer.compare(a, b));
  for (let i = 1; i < entries.length; i++) {
    const device = toHex(entries[i]!.subarray(0, 32));
    if (device === toHex(entries[i - 1]!.subarray(0, 32))) {
      throw new TenonError("HeadInvalid", "A device stands twice among the heads", { args: { device } });
    }
  }
  const tree = new MerkleTree(leafHashes(entries));
  return { entries, tree, root: sizedRoot(tree.root, tree.size) };
}
