import { hash } from "node:crypto";
import { nodeHash } from "@tenon/sdk/proof/merkle";

/**
 * The root of a growing RFC 9162 tree in logarithmic memory: it keeps the roots of its full subtrees, largest first.
 * Agrees with `MerkleTree` over the same leaf hashes.
 */
export class TreeHead {
  size = 0;
  readonly #peaks: Uint8Array[] = [];

  /** @param leaf Leaf hash, 32 bytes. */
  append(leaf: Uint8Array): void {
    let node = leaf;
    for (let filled = this.size; filled % 2 === 1; filled = (filled - 1) / 2) {
      node = nodeHash(this.#peaks.pop()!, node);
    }
    this.#peaks.push(node);
    this.size++;
  }

  root(): Uint8Array {
    if (this.#peaks.length === 0) return hash("sha256", new Uint8Array(), "buffer");
    return this.#peaks.reduceRight((right, left) => nodeHash(left, right));
  }
}
