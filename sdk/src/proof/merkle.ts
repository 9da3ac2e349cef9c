import { TenonError } from "../errors.js";
import { sha256, sha256Into } from "../sha256.js";

const HASH = 32;

/** MTH({}) of RFC 9162 §2.1.1: SHA-256 of nothing. */
const EMPTY_ROOT = sha256(new Uint8Array());

const nodeInput = new Uint8Array(1 + 2 * HASH);
nodeInput[0] = 0x01;

/** SHA-256(0x00 ‖ entry). */
export function leafHash(entry: Uint8Array): Uint8Array {
  const input = Buffer.allocUnsafe(1 + entry.length);
  input[0] = 0x00;
  input.set(entry, 1);
  return sha256(input);
}

/** The leaf hashes of many entries one after another, as `MerkleTree` takes them: faster than one by one. */
export function leafHashes(entries: readonly Uint8Array[]): Uint8Array {
  const hashes = new Uint8Array(entries.length * HASH);
  let input = new Uint8Array(1);
  entries.forEach((entry, i) => {
    if (input.length !== 1 + entry.length) input = new Uint8Array(1 + entry.length);
    input.set(entry, 1);
    sha256Into(input, hashes, i * HASH);
  });
  return hashes;
}

/** SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH);
  return sha256(nodeInput);
}

/** SHA-256(0x02 ‖ size as 8 bytes big-endian ‖ root): binds the size where the chain does not store it. */
export function sizedRoot(root: Uint8Array, size: number): Uint8Array {
  const input = Buffer.alloc(9 + HASH);
  input[0] = 0x02;
  input.writeBigUInt64BE(BigInt(size), 1);
  input.set(root, 9);
  return sha256(input);
}

/** The level above: pairs hashed, a last one without a partner carried up. */
function levelAbove(level: Uint8Array): Uint8Array {
  const count = level.length / HASH;
  const above = new Uint8Array(Math.ceil(count / 2) * HASH);
  for (let i = 0; i + 1 < count; i += 2) {
    // A loop, because a view for each pair would cost more than the copy.
    for (let k = 0; k < 2 * HASH; k++) nodeInput[1 + k] = level[i * HASH + k]!;
    sha256Into(nodeInput, above, (i / 2) * HASH);
  }
  if (count % 2 === 1) above.set(level.subarray(-HASH), above.length - HASH);
  return above;
}

/** A Merkle tree of RFC 9162 shape over leaf hashes in order, kept whole, one flat buffer a level. */
export class MerkleTree {
  readonly size: number;
  readonly root: Uint8Array;
  private readonly levels: Uint8Array[];

  /** @param leafHashes 32 bytes each (see `leafHash`), or all of them one after another. */
  constructor(leafHashes: readonly Uint8Array[] | Uint8Array) {
    let level = leafHashes instanceof Uint8Array ? leafHashes : flatten(leafHashes);
    requireMultiple(level);
    this.size = level.length / HASH;
    this.levels = [level];
    while (level.length > HASH) {
      level = levelAbove(level);
      this.levels.push(level);
    }
    this.root = this.size === 0 ? EMPTY_ROOT : level;
  }

  /** The inclusion path of a leaf, from the bottom up (RFC 9162 §2.1.3.1). */
  path(index: number): Uint8Array[] {
    if (!Number.isInteger(index) || index < 0 || index >= this.size) {
      throw new TenonError("LeafIndexOutOfRange", "No such leaf", { args: { index, size: this.size } });
    }
    const path: Uint8Array[] = [];
    let at = index;
    for (const level of this.levels) {
      const sibling = (at ^ 1) * HASH;
      if (sibling < level.length) path.push(level.subarray(sibling, sibling + HASH));
      at >>>= 1;
    }
    return path;
  }
}

function flatten(leafHashes: readonly Uint8Array[]): Uint8Array {
  const flat = new Uint8Array(leafHashes.length * HASH);
  leafHashes.forEach((leaf, i) => {
    requireMultiple(leaf, HASH);
    flat.set(leaf, i * HASH);
  });
  return flat;
}

function requireMultiple(hashes: Uint8Array, exactly?: number): void {
  if (exactly === undefined ? hashes.length % HASH === 0 : hashes.length === exactly) return;
  throw new TenonError("LeafHashInvalid", "A leaf hash has 32 bytes", {
    args: { length: hashes.length },
    remedy: "Pass leafHash(entry), not the entry.",
  });
}

/** Root only, without keeping the tree: for the 1,024 commitments of an epoch, or a rebuild. */
export function treeRoot(leafHashes: readonly Uint8Array[] | Uint8Array): Uint8Array {
  return new MerkleTree(leafHashes).root;
}

/** An inclusion claim: leaf hash `leaf` stands at `index` in the tree of `size` leaves with this `root`. */
export interface Inclusion {
  leaf: Uint8Array;
  index: number;
  size: number;
  path: readonly Uint8Array[];
  root: Uint8Array;
}

/** Checks an inclusion claim; index and size are bound (RFC 9162 §2.1.3.2). */
export function verifyInclusion({ leaf, index, size, path, root }: Inclusion): boolean {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  if (leaf.length !== HASH || path.some((node) => node.length !== HASH)) return false;
  let at = index;
  let last = size - 1;
  let computed = leaf;
  for (const sibling of path) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      computed = nodeHash(sibling, computed);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      computed = nodeHash(computed, sibling);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && Buffer.compare(computed, root) === 0;
}
