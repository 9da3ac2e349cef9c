import { readFileSync } from "node:fs";
import { expect } from "chai";
import { encodeRlp, keccak256, SigningKey, Wallet } from "ethers";
import { type Hex, toHex } from "../../sdk/src/bytes.js";
import { ProofError, TenonError } from "../../sdk/src/index.js";
import { headerRlp } from "../../sdk/src/proof/block.js";
import { readHeader } from "../../sdk/src/proof/header.js";
import { quorumOf, readQbftHeader, sealedHeader, verifyQbftSeals } from "../../sdk/src/proof/qbft.js";
import { rlpList, strictRlp } from "../../sdk/src/proof/rlp.js";
import { Random, testSeed } from "../support/random.js";
import { rpcBlock } from "../support/rpc-block.js";

interface Vector {
  number: number;
  hash: Hex;
  validators: Hex[];
  round: number;
  sealed: Hex;
  signers: Hex[];
  header: Hex;
}
const vectors = JSON.parse(readFileSync("sdk/vectors/qbft.json", "utf8")) as {
  headers: Vector[];
};
const [genesis, ...blocks] = vectors.headers as [Vector, ...Vector[]];
const real = blocks[0] as Vector;
const { validators } = real;

/** Why a header was not accepted, or "held". */
function fault(header: Hex, trusted: readonly string[] = real.validators): string {
  try {
    verifyQbftSeals(header, trusted);
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    expect(error.step).to.equal("seals");
    return error.message.split("\n")[0] as string;
  }
  return "held";
}

describe("seals of real QBFT headers", () => {
  it("have their blocks' hashes, are sealed by a quorum, at round 0 and above", () => {
    expect(blocks.map(({ round }) => round)).to.include.members([0, 1]);
    expect(blocks.map(({ signers }) => signers.length)).to.include.members([3, 4]);
    for (const { header, hash, validators: set, sealed, signers, round, number } of blocks) {
      const verified = verifyQbftSeals(header, set);
      expect(verified).to.deep.include({ hash, sealed, signers, round, number: BigInt(number) });
      expect(verified.signers.length).to.be.at.least(quorumOf(set.length));
      expect(verified.validators).to.have.members(set);
      expect(keccak256(verified.unsealed)).to.equal(hash);
      expect(set).to.include(verified.miner);
    }
  });

  it("are read from what JSON-RPC answers, and left out for the block's hash", () => {
    for (const { header, hash } of vectors.headers) {
      const block = rpcBlock(header);
      expect(sealedHeader(block)).to.equal(header);
      expect(keccak256(headerRlp(block))).to.equal(hash);
      for (const wrong of [{ gasUsed: "0x1" }, { hash: keccak256("0x") }]) {
        expect(() => sealedHeader({ ...block, ...wrong })).to.throw("does not hash to the block's hash");
        expect(() => headerRlp({ ...block, ...wrong })).to.throw("does not hash to the block's hash");
      }
      expect(() => sealedHeader({ ...block, extraData: "0x1234" })).to.throw("not one of a QBFT chain");
    }
  });

  it("take the set in any order and case, and no other set", () => {
    const upper = validators.map((each) => `0x${each.slice(2).toUpperCase()}`).reverse();
    expect(fault(real.header, upper)).to.equal("held");
    const other = Wallet.createRandom().address;
    for (const set of [validators.slice(1), [...validators, other], [...validators.slice(1), other]]) {
      expect(fault(real.header, set)).to.equal("The header names other validators than the trusted ones");
    }
  });

  it("are none in the genesis block, which hashes as it is", () => {
    const { hash, validators: named, round, seals } = readQbftHeader(genesis.header);
    expect({ hash, named, round, seals }).to.deep.equal({
      hash: genesis.hash,
      named: validators,
      round: 0,
      seals: [],
    });
    expect(keccak256(genesis.header)).to.equal(genesis.hash);
    expect(fault(genesis.header)).to.equal("Too few validators sealed the header");
  });

  it("name a set of addresses, or nothing is verified", () => {
    for (const set of [[], ["0x12"], [...validators, validators[0]!], [...validators.slice(1), "nobody"]]) {
      expect(() => verifyQbftSeals(real.header, set))
        .to.throw(TenonError)
        .with.property("code", "ValidatorsInvalid");
    }
  });

  const seed = testSeed();
  it(`do not hold when any byte of the header is changed (seed ${seed})`, () => {
    const random = new Random(seed);
    for (const { header, validators: set } of blocks) {
      for (let i = 0; i < 60; i++) {
        const bytes = Buffer.from(header.slice(2), "hex");
        const at = random.below(bytes.length);
        bytes[at]! ^= 1 + random.below(255);
        expect(fault(toHex(bytes), set), `byte ${at}`).to.not.equal("held");
      }
      expect(fault(`${header}00`, set)).to.not.equal("held");
      expect(fault(header.slice(0, -2) as Hex, set)).to.not.equal("held");
    }
  });
});

describe("seals of made headers", () => {
  const keys = Array.from({ length: 7 }, () => new SigningKey(Wallet.createRandom().privateKey));
  const addressOf = (key: SigningKey) => new Wallet(key.privateKey).address.toLowerCase() as Hex;
  const set = keys.slice(0, 4).map(addressOf);
  const items = rlpList("seals", strictRlp("seals", real.header));

  const header = (extraData: unknown[]) => readHeader(real.header, "seals").withExtraData(rlp(extraData));
  const rlp = (value: unknown) => encodeRlp(value as string[]) as Hex;
  const vanity = `0x${"00".repeat(32)}`;

  /** The real header with a set of our own, sealed by `by`; `seal` may spoil a seal. */
  function made(by: SigningKey[], seal = (bytes: Hex, _i: number) => bytes, extra: Partial<Extra> = {}): Hex {
    const { named = set, vote = [], round = "0x01", signed = round } = extra;
    const sealed = keccak256(header([vanity, named, vote, signed, []]));
    const seals = by.map((key, i) => {
      const { r, s, yParity } = key.sign(sealed);
      return seal(`${r}${s.slice(2)}0${yParity}` as Hex, i);
    });
    return header([vanity, named, vote, round, seals]);
  }
  interface Extra {
    named: string[];
    vote: unknown[];
    round: string;
    signed: string;
  }

  it("hold with two thirds of the validators or more, whatever the size of the set", () => {
    for (let n = 1; n <= keys.length; n++) {
      const named = keys.slice(0, n).map(addressOf);
      const needed = quorumOf(n);
      for (let by = 0; by <= n; by++) {
        const result = fault(made(keys.slice(0, by), undefined, { named }), named);
        expect(result).to.equal(by >= needed ? "held" : "Too few validators sealed the header");
      }
    }
    expect([1, 2, 3, 4, 5, 6, 7].map(quorumOf)).to.deep.equal([1, 2, 2, 3, 4, 4, 5]);
  });

  it("count each validator once, and nobody else", () => {
    const [a, b, c, d, stranger] = keys as [SigningKey, SigningKey, SigningKey, SigningKey, SigningKey];
    expect(fault(made([a, b, c, d]), set)).to.equal("held");
    expect(fault(made([a, b, b]), set)).to.equal("A validator sealed the header twice");
    expect(fault(made([a, b, c, a]), set)).to.equal("A validator sealed the header twice");
    const foreign = "A seal was not made by a trusted validator for this header";
    expect(fault(made([a, b, stranger]), set)).to.equal(foreign);
    expect(fault(made([a, b, c, stranger]), set), "a quorum and one more").to.equal(foreign);
  });

  it("are refused in any but their one form", () => {
    const by = keys.slice(0, 3);
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const word = (value: bigint) => value.toString(16).padStart(64, "0");
    const last = (change: (r: string, s: string, v: string) => string) =>
      fault(
        made(by, (seal, i) =>
          i < 2 ? seal : (`0x${change(seal.slice(2, 66), seal.slice(66, 130), seal.slice(130))}` as Hex),
        ),
        set,
      );
    const form = "A seal is not a signature in its one valid form";
    expect(last((r, s, v) => r + s + v)).to.equal("held");
    const flipped = (v: string) => (v === "00" ? "01" : "00");
    expect(
      last((r, s, v) => r + word(order - BigInt(`0x${s}`)) + flipped(v)),
      "high s",
    ).to.equal(form);
    expect(
      last((r, s, v) => r + s + (v === "00" ? "1b" : "1c")),
      "27 and 28",
    ).to.equal(form);
    expect(last((_, s, v) => word(0n) + s + v)).to.equal(form);
    expect(last((r, _, v) => r + word(0n) + v)).to.equal(form);
    expect(last((_, s, v) => word(order) + s + v)).to.equal(form);
    expect(last((r, s, v) => r + s + flipped(v))).to.not.equal("held");
    expect(
      last((r, s) => r + s),
      "64 bytes",
    ).to.include("must be bytes");
    expect(
      last((r, s, v) => `${r}${s}${v}00`),
      "66 bytes",
    ).to.include("must be bytes");
  });

  it("belong to one round and one vote", () => {
    const by = keys.slice(0, 3);
    const foreign = "A seal was not made by a trusted validator for this header";
    expect(fault(made(by, undefined, { round: "0x02", signed: "0x01" }), set)).to.equal(foreign);
    const add = [addressOf(keys[5] as SigningKey), "0xff"];
    expect(readQbftHeader(made(by, undefined, { vote: add })).vote).to.deep.equal({
      subject: add[0],
      add: true,
    });
    const drop = made(by, undefined, { vote: [add[0], "0x"] });
    expect(readQbftHeader(drop).vote?.add).to.equal(false);
    expect(fault(drop, set)).to.equal("held");
    expect(fault(made(by, undefined, { vote: [add[0], "0x01"] }), set)).to.include(
      "neither adds nor removes",
    );
    expect(fault(made(by, undefined, { round: "0x0001" }), set)).to.include("shortest form");
    expect(fault(made(by, undefined, { round: "0x0100000000" }), set)).to.include("too large");
    expect(fault(made(by, undefined, { named: [...set, set[0]!] }), set)).to.include(
      "names a validator twice",
    );
  });

  it("are looked for only in headers of the known form", () => {
    const refused = (value: unknown) => fault(rlp(value), set);
    expect(refused(items.slice(0, 14))).to.include("a list is missing or of another length");
    expect(refused([...items, "0x"])).to.include("a list is missing or of another length");
    expect(refused("0x1234")).to.include("a list is missing");
    expect(refused(items.map((item, i) => (i === 12 ? "0x1234" : item)))).to.not.equal("held");
    expect(refused(items.map((item, i) => (i === 0 ? "0x12" : item)))).to.include("must be bytes");
    expect(refused(items.map((item, i) => (i === 8 ? "0x0001" : item)))).to.include("shortest form");
    expect(fault("0x", set)).to.include("RLP");
    expect(fault(`0x${"c1".repeat(200)}`, set)).to.include("RLP");
    // The same list with a length in a longer form than it needs.
    const long = `0xfa00${real.header.slice(4)}` as Hex;
    expect(fault(long)).to.include("shortest form");
  });
});
