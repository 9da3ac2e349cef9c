import { createHash } from "node:crypto";
import { expect } from "chai";
import { toHex } from "../../sdk/src/bytes.js";
import {
  leafHash,
  leafHashes,
  MerkleTree,
  nodeHash,
  sizedRoot,
  treeRoot,
  verifyInclusion,
} from "../../sdk/src/proof/merkle.js";

const sha256 = (...parts: Uint8Array[]) =>
  new Uint8Array(createHash("sha256").update(Buffer.concat(parts)).digest());

/** RFC 9162 §2.1.1, word for word. */
function mth(entries: Uint8Array[]): Uint8Array {
  if (entries.length === 0) return sha256();
  if (entries.length === 1) return sha256(Uint8Array.of(0), entries[0]!);
  const k = 2 ** Math.floor(Math.log2(entries.length - 1));
  return sha256(Uint8Array.of(1), mth(entries.slice(0, k)), mth(entries.slice(k)));
}

/** RFC 9162 §2.1.3.1, word for word. */
function pathOf(m: number, entries: Uint8Array[]): Uint8Array[] {
  if (entries.length === 1) return [];
  const k = 2 ** Math.floor(Math.log2(entries.length - 1));
  if (m < k) return [...pathOf(m, entries.slice(0, k)), mth(entries.slice(k))];
  return [...pathOf(m - k, entries.slice(k)), mth(entries.slice(0, k))];
}

const SIZES = [...Array.from({ length: 34 }, (_, i) => i), 63, 64, 65, 100];
const entry = (i: number) => new Uint8Array(Buffer.from(`entry ${i}`));
const entries = Array.from({ length: 100 }, (_, i) => entry(i));
const leaves = entries.map(leafHash);

describe("RFC 9162 tree", () => {
  it("gives the roots of the Certificate Transparency reference tests", () => {
    const inputs = [
      "",
      "00",
      "10",
      "2021",
      "3031",
      "40414243",
      "5051525354555657",
      "606162636465666768696a6b6c6d6e6f",
    ];
    const hashes = inputs.map((hex) => leafHash(Buffer.from(hex, "hex")));
    expect(toHex(treeRoot(hashes.slice(0, 1)))).to.equal(
      "0x6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    );
    expect(toHex(treeRoot(hashes))).to.equal(
      "0x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    );
  });

  for (const size of SIZES) {
    it(`has the RFC's root and paths at ${size} leaves`, () => {
      const tree = new MerkleTree(leaves.slice(0, size));
      const root = mth(entries.slice(0, size));
      expect(toHex(tree.root)).to.equal(toHex(root));
      for (let index = 0; index < size; index++) {
        const path = tree.path(index);
        expect(path.map(toHex)).to.deep.equal(pathOf(index, entries.slice(0, size)).map(toHex));
        expect(verifyInclusion({ leaf: leaves[index]!, index, size, path, root })).to.equal(true);
      }
    });
  }

  it("takes leaf hashes one by one or in one buffer", () => {
    const flat = leafHashes(entries);
    expect(toHex(flat)).to.equal(toHex(Buffer.concat(leaves)));
    expect(toHex(treeRoot(flat))).to.equal(toHex(treeRoot(leaves)));
  });

  it("refuses a wrong index, leaf, root, sibling or length of path, for every leaf", () => {
    for (const size of [1, 2, 3, 7, 8, 11]) {
      const tree = new MerkleTree(leaves.slice(0, size));
      for (let index = 0; index < size; index++) {
        const claim = { leaf: leaves[index]!, index, size, path: tree.path(index), root: tree.root };
        for (let other = -1; other <= size; other++) {
          if (other !== index)
            expect(verifyInclusion({ ...claim, index: other }), `${index}→${other}`).to.equal(false);
        }
        expect(verifyInclusion({ ...claim, leaf: leaves[99]! })).to.equal(false);
        expect(verifyInclusion({ ...claim, root: leaves[99]! })).to.equal(false);
        expect(verifyInclusion({ ...claim, path: [...claim.path, leaves[0]!] })).to.equal(false);
        claim.path.forEach((_, level) => {
          expect(verifyInclusion({ ...claim, path: claim.path.toSpliced(level, 1) })).to.equal(false);
          expect(verifyInclusion({ ...claim, path: claim.path.with(level, leaves[99]!) })).to.equal(false);
          expect(verifyInclusion({ ...claim, path: claim.path.with(level, new Uint8Array(31)) })).to.equal(
            false,
          );
        });
      }
    }
  });

  it("refuses an inner node as a leaf", () => {
    const tree = new MerkleTree(leaves.slice(0, 4));
    const inner = nodeHash(leaves[0]!, leaves[1]!);
    const path = tree.path(0).slice(1);
    expect(verifyInclusion({ leaf: inner, index: 0, size: 4, path, root: tree.root })).to.equal(false);
    // It would pass as a leaf of a tree of two: why size is bound, on chain or by `sizedRoot`.
    expect(verifyInclusion({ leaf: inner, index: 0, size: 2, path, root: tree.root })).to.equal(true);
    expect(toHex(sizedRoot(tree.root, 2))).to.not.equal(toHex(sizedRoot(tree.root, 4)));
  });

  it("refuses a leaf that is not a hash and an index that is not there", () => {
    const code = (name: string) => (error: unknown) => (error as { code?: string }).code === name;
    expect(() => new MerkleTree([entry(1)]))
      .to.throw()
      .that.satisfies(code("LeafHashInvalid"));
    expect(() => new MerkleTree(new Uint8Array(33)))
      .to.throw()
      .that.satisfies(code("LeafHashInvalid"));
    for (const index of [-1, 2, 0.5]) {
      expect(() => new MerkleTree(leaves.slice(0, 2)).path(index))
        .to.throw()
        .that.satisfies(code("LeafIndexOutOfRange"));
    }
  });
});
