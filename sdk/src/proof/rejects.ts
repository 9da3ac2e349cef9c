import { TenonError } from "../errors.js";
import { leafHashes, MerkleTree, sizedRoot } from "./merkle.js";

/** A refused input, as it is hashed into the rejects root. */
export interface RejectEntry {
  /** Running number of rejects of the stream, from 0. */
  index: bigint;
  /** Milliseconds since 1970 by the oracle's clock. */
  receivedAt: bigint;
  /** ASCII, at most 255 bytes: an error code or a reason such as `unknown-device`. */
  reason: string;
  /** Who sent it, UTF-8, at most 65,535 bytes: the MQTT topic, say. */
  source: string;
  /** Bytes of the raw input. */
  length: number;
  /** SHA-256 of the raw input. */
  hash: Uint8Array;
}

/** index u64 ‖ receivedAt u64 ‖ u8 length, reason ‖ u16 length, source ‖ raw length u32 ‖ SHA-256(raw), big-endian. */
export function encodeReject(reject: RejectEntry): Uint8Array {
  const reason = Buffer.from(reject.reason, "ascii");
  const source = Buffer.from(reject.source, "utf8");
  const plain = /^[\x20-\x7e]{1,255}$/.test(reject.reason);
  if (!plain || source.length > 0xffff || reject.hash.length !== 32) {
    throw new TenonError("RejectInvalid", "Not a reject entry", {
      args: { reason: reject.reason, sourceBytes: source.length, hashBytes: reject.hash.length },
      remedy: "Reason: 1 to 255 printable ASCII characters; source: up to 65,535 bytes; hash: 32 bytes.",
    });
  }
  const entry = Buffer.alloc(16 + 1 + reason.length + 2 + source.length + 4 + 32);
  entry.writeBigUInt64BE(reject.index, 0);
  entry.writeBigUInt64BE(reject.receivedAt, 8);
  let at = entry.writeUInt8(reason.length, 16);
  at = entry.writeUInt16BE(source.length, at + reason.copy(entry, at));
  at = entry.writeUInt32BE(reject.length, at + source.copy(entry, at));
  entry.set(reject.hash, at);
  return new Uint8Array(entry);
}

/** The tree over a batch's encoded rejects, in order, and its sized root, as anchored. */
export function rejectsTree(entries: readonly Uint8Array[]): { tree: MerkleTree; root: Uint8Array } {
  const tree = new MerkleTree(leafHashes(entries));
  return { tree, root: sizedRoot(tree.root, tree.size) };
}
