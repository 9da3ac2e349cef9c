import { expect } from "chai";
import { encodeRlp, keccak256, type RlpStructuredData } from "ethers";
import { type Hex, toHex } from "../../sdk/src/bytes.js";
import { ProofError } from "../../sdk/src/index.js";
import { rlpUint, strictRlp } from "../../sdk/src/proof/rlp.js";
import { emptyRoot, findEntry, proveEntry, type TrieEntry } from "../../sdk/src/proof/trie.js";
import { Random, testSeed } from "../support/random.js";

const seed = testSeed();
const find = (root: Hex, key: Hex, path: readonly Hex[]) => findEntry("receipt", root, key, path);
const strict = (encoded: Hex) => strictRlp("receipt", encoded);

function refused(body: () => unknown): string {
  try {
    return `accepted as ${JSON.stringify(body())}`;
  } catch (error) {
    if (error instanceof ProofError) return "refused";
    throw error;
  }
}

describe("RLP of proofs", () => {
  it(`reads back what it wrote, and no byte more or less (seed ${seed})`, () => {
    const random = new Random(seed);
    const value = (depth: number): RlpStructuredData =>
      depth === 0 || random.below(2) === 0
        ? toHex(random.bytes(random.pick([0, 1, 2, 31, 32, 33, 55, 56, 57, 255, 256, 300])))
        : Array.from({ length: random.below(6) }, () => value(depth - 1));
    for (let i = 0; i < 300; i++) {
      const item = value(3);
      const encoded = encodeRlp(item) as Hex;
      expect(strict(encoded)).to.deep.equal(item);
      expect(refused(() => strict(`${encoded}00`))).to.equal("refused");
      if (encoded.length > 4) expect(refused(() => strict(encoded.slice(0, -2) as Hex))).to.equal("refused");
    }
  });

  it(`has one encoding for each value: what it accepts, it would have written (seed ${seed})`, () => {
    const random = new Random(seed + 1);
    let accepted = 0;
    for (let i = 0; i < 20_000; i++) {
      // Small bytes near the borders of the forms, so that many are RLP.
      const first = random.pick([
        0x7f, 0x80, 0x81, 0x82, 0xb7, 0xb8, 0xb9, 0xc0, 0xc1, 0xc2, 0xf7, 0xf8, 0xf9,
      ]);
      const bytes = [
        first,
        ...Array.from({ length: random.below(4) }, () => random.pick([0, 1, 0x7f, 0x80, 0xc0])),
      ];
      const encoded = toHex(Uint8Array.from(bytes));
      let item: RlpStructuredData;
      try {
        item = strict(encoded);
      } catch (error) {
        expect(error).to.be.instanceOf(ProofError);
        continue;
      }
      accepted++;
      expect(encodeRlp(item)).to.equal(encoded);
    }
    expect(accepted).to.be.greaterThan(1000);
  });

  it("refuses longer forms, and numbers with leading zeros", () => {
    for (const encoded of [
      "0x8101",
      "0x817f",
      "0xb800",
      "0xb801aa",
      "0xb90001aa",
      "0xf800",
      "0xf801c0",
      "0xf90001c0",
    ]) {
      expect(
        refused(() => strict(encoded as Hex)),
        encoded,
      ).to.equal("refused");
    }
    for (const encoded of [
      "0x",
      "0x81",
      "0xb8",
      "0xc1",
      "0xc2c1",
      "0xbfffffffffffffffff00",
      "0xffffffffffffffffff",
    ]) {
      expect(
        refused(() => strict(encoded as Hex)),
        encoded,
      ).to.equal("refused");
    }
    expect(
      refused(() => strict(`0x${"f9ffff".repeat(30_000)}`)),
      "lists in lists",
    ).to.equal("refused");
    expect(rlpUint("receipt", "0x", 8)).to.equal(0n);
    expect(rlpUint("receipt", "0xff", 1)).to.equal(255n);
    for (const number of ["0x00", "0x0001", "0x010000000000000000"] as const) {
      expect(
        refused(() => rlpUint("receipt", number, 8)),
        number,
      ).to.equal("refused");
    }
  });
});

describe("proofs of presence and absence in a trie of hashed keys", () => {
  const hashed = (i: number) => keccak256(toHex(Uint8Array.of(i >> 8, i & 255))) as Hex;

  for (const count of [1, 2, 3, 16, 17, 100, 400]) {
    it(`hold for ${count} entries, and for nothing else (seed ${seed})`, () => {
      const random = new Random(seed + count);
      const value = () => toHex(random.bytes(1 + random.below(random.pick([4, 40, 120]))));
      const entries: TrieEntry[] = Array.from({ length: count }, (_, i) => ({
        key: hashed(i),
        value: value(),
      }));
      for (let i = 0; i < 12; i++) {
        const entry = random.pick(entries);
        const absent = hashed(1000 + random.below(1000));
        const present = proveEntry(entries, entry.key);
        const missing = proveEntry(entries, absent);
        const { root } = present;
        expect(find(root, entry.key, present.path)).to.equal(entry.value);
        expect(find(root, absent, missing.path)).to.equal(undefined);
        // Another key's path proves nothing but, at most, that its own end is there or not.
        const other = random.pick(entries);
        const known = refusedOr(() => find(root, other.key, present.path));
        expect(known).to.be.oneOf(["refused", other.value]);
        expect(refusedOr(() => find(root, absent, present.path))).to.be.oneOf(["refused", undefined]);
        expect(refusedOr(() => find(root, entry.key, missing.path))).to.be.oneOf(["refused", entry.value]);
        for (const { key, path } of [
          { key: entry.key, path: present.path },
          { key: absent, path: missing.path },
        ]) {
          const at = random.below(path.length);
          const without = path.filter((_, j) => j !== at);
          expect(refused(() => find(root, key, without))).to.equal("refused");
          expect(refused(() => find(root, key, [...path, random.pick(path)]))).to.equal("refused");
          expect(
            refused(() =>
              find(
                root,
                key,
                path.map((node, j) => (j === at ? flip(node, random) : node)),
              ),
            ),
          ).to.equal("refused");
          expect(refused(() => find(flip(root, random), key, path))).to.equal("refused");
        }
      }
    });
  }

  it("hold for the empty trie, which nodes prove with no path or with one empty node", () => {
    expect(find(emptyRoot, hashed(1), [])).to.equal(undefined);
    expect(find(emptyRoot, hashed(1), ["0x80"])).to.equal(undefined);
    expect(refused(() => find(emptyRoot, hashed(1), ["0x80", "0x80"]))).to.equal("refused");
    expect(refused(() => find(emptyRoot, hashed(1), ["0xc0"]))).to.equal("refused");
    expect(refused(() => find(keccak256("0x81") as Hex, hashed(1), []))).to.equal("refused");
  });

  it("are refused when a node has a form that no trie writes, though its hash fits", () => {
    const key = hashed(7);
    const nibbles = key.slice(2);
    const hash = keccak256("0x1234");
    const branch = (children: Record<string, RlpStructuredData>, value = "0x") => [
      ..."0123456789abcdef".split("").map((digit) => children[digit] ?? "0x"),
      value,
    ];
    const first = nibbles[0] as string;
    const rest = `0x3${nibbles.slice(1)}`;
    const nodes: Record<string, RlpStructuredData> = {
      "a string": "0x1234",
      "an empty list": [],
      "three items": [`0x20${nibbles}`, "0x12", "0x34"],
      "a flag above 3": [`0x40${nibbles}`, "0x12"],
      "padding that is not zero": [`0x21${nibbles}`, "0x12"],
      "no flag": ["0x", "0x12"],
      "a leaf for a shorter key": [`0x20${nibbles.slice(2)}`, "0x12"],
      "a leaf for a longer key": [`0x20${nibbles}00`, "0x12"],
      "a list as a value": [`0x20${nibbles}`, ["0x12"]],
      "an extension of no nibbles": ["0x00", hash],
      "an extension to nothing": [`0x1${first}`, "0x"],
      "a reference of 31 bytes": [`0x1${first}`, hash.slice(0, -2)],
      "a reference of 33 bytes": [`0x1${first}`, `${hash}00`],
      "a branch with a value": branch({ [first]: [rest, "0x12"] }, "0x56"),
      "a long node inside its parent": branch({
        [first]: [rest, "0x12"],
        "0": [`0x3${nibbles.slice(1)}`, hash],
      }),
      "a path longer than the key": [`0x00${nibbles}`, hash],
      "a flag that is a list": [[], "0x12"],
    };
    for (const [what, node] of Object.entries(nodes)) {
      const encoded = encodeRlp(node) as Hex;
      expect(
        refused(() => find(keccak256(encoded) as Hex, key, [encoded])),
        what,
      ).to.equal("refused");
    }
    const sound = encodeRlp([`0x20${nibbles}`, "0x12"]) as Hex;
    expect(find(keccak256(sound) as Hex, key, [sound])).to.equal("0x12");
  });
});

function refusedOr<T>(body: () => T): T | "refused" {
  try {
    return body();
  } catch (error) {
    if (error instanceof ProofError) return "refused";
    throw error;
  }
}

function flip(hex: Hex, random: Random): Hex {
  const bytes = Buffer.from(hex.slice(2), "hex");
  bytes[random.below(bytes.length)]! ^= 1 + random.below(255);
  return toHex(bytes);
}
