import { readFileSync } from "node:fs";
import { expect } from "chai";
import { decodeExtraData, type ExtraData, encodeExtraData } from "../../besu-network/genesis/extra-data.js";
import { BLOCK_GAS, type Genesis, genesisHash, genesisOf } from "../../besu-network/genesis/genesis.js";
import type { Hex } from "../../sdk/src/bytes.js";
import { TenonError } from "../../sdk/src/errors.js";

const validator = (digit: number): Hex => `0x${String(digit).repeat(40)}`;
const vanity: Hex = `0x${"00".repeat(32)}`;

/** Written by `genesisOf` once; the hashes are those that Besu 26.9 answered for block 0 after starting with the file. */
const vectors = {
  plain: "0x409d5a094d7440cc028042df641a1faf67f0c4e7cc639e227f068e7a4ea320db",
  allocated: "0x2ed1046ccef45c26d403642f69724b4435a994e78193e13a0cbc34b7dee5a150",
};
const vector = (name: string): Genesis =>
  JSON.parse(readFileSync(`test/network/vectors/genesis-${name}.json`, "utf8"));

describe("extraData of QBFT", () => {
  /** What `besu rlp encode --type=QBFT_EXTRA_DATA` prints. */
  const encoded: Record<string, { validators: Hex[]; bytes: Hex }> = {
    "two validators": {
      validators: [validator(1), validator(2)],
      bytes:
        "0xf84fa00000000000000000000000000000000000000000000000000000000000000000ea941111111111111111111111111111111111111111942222222222222222222222222222222222222222c080c0",
    },
    "none, as where a contract names them": { validators: [], bytes: `0xe5a0${vanity.slice(2)}c0c080c0` },
  };
  for (const [title, { validators, bytes }] of Object.entries(encoded)) {
    it(`is what Besu writes: ${title}`, () => {
      expect(encodeExtraData({ validators })).to.equal(bytes);
      expect(decodeExtraData(bytes)).to.deep.equal({ vanity, validators, vote: null, round: 0, seals: [] });
    });
  }

  it("carries votes, rounds and seals", () => {
    for (const add of [true, false]) {
      for (const round of [0, 1, 127, 128, 65_536]) {
        const data: ExtraData = {
          vanity: `0x${"ab".repeat(32)}`,
          validators: [validator(3)],
          vote: { validator: validator(4), add },
          round,
          seals: [`0x${"01".repeat(65)}`, `0x${"02".repeat(65)}`],
        };
        expect(decodeExtraData(encodeExtraData(data))).to.deep.equal(data);
      }
    }
  });

  const broken: Record<string, string> = {
    "0x": "it is not RLP",
    "0xzz": "it is not RLP",
    "0x80": "the whole is not a list",
    "0xc0": "it has 0 items",
    [`0xe4${"9f"}${"00".repeat(31)}c0c080c0`]: "vanity is not 32 bytes long",
    [`0xe8a0${vanity.slice(2)}c3820102c080c0`]: "a validator is not 20 bytes long",
    [`0xe9a0${vanity.slice(2)}c0c08400000000c0`]: "IBFT 2.0 writes four bytes",
    [`0xe8a0${vanity.slice(2)}c0c080c3820102`]: "a seal is not 65 bytes long",
    [`0xe5a0${vanity.slice(2)}c08080c0`]: "the vote is not a list",
    [`0xe7a0${vanity.slice(2)}c0c2010280c0`]: "its vote is not one",
  };
  for (const [given, reason] of Object.entries(broken)) {
    it(`is refused when ${reason}: ${given.slice(0, 12)}…`, () => {
      try {
        decodeExtraData(given);
        expect.fail("it was taken");
      } catch (error) {
        expect(error).to.be.instanceOf(TenonError);
        expect((error as TenonError).code).to.equal("ExtraDataInvalid");
        expect(String((error as TenonError).args.reason)).to.contain(reason);
      }
    });
  }
});

describe("the genesis of a network", () => {
  const choices = {
    chainId: 1_234_567_890,
    validators: [4, 3, 2, 1].map(validator),
    blockPeriod: 1,
    timestamp: 1_790_000_000,
  };

  it("is the file whose hash Besu has said", () => {
    expect(genesisOf(choices)).to.deep.equal(vector("plain"));
  });

  for (const [name, hash] of Object.entries(vectors)) {
    it(`has the hash that Besu gives its block 0: ${name}`, () => {
      expect(genesisHash(vector(name))).to.equal(hash);
    });
  }

  it("has another hash when any part of the header or an account is another", () => {
    const changes: ((genesis: Genesis) => void)[] = [
      (genesis) => (genesis.timestamp = "0x1"),
      (genesis) => (genesis.gasLimit = "0x3938701"),
      (genesis) => (genesis.extraData = encodeExtraData({ validators: [validator(1)] })),
      (genesis) => (genesis.coinbase = validator(1)),
      (genesis) => (genesis.nonce = "0x1"),
      (genesis) => (genesis.baseFeePerGas = "0x1"),
      (genesis) => (genesis.alloc[validator(9)] = { balance: "1" }),
      (genesis) => (genesis.alloc[validator(9)] = { balance: "1", code: "0x00" }),
      (genesis) => (genesis.alloc[validator(9)] = { balance: "1", storage: { "0x0": "0x1" } }),
    ];
    const hashes = changes.map((change) => {
      const genesis = vector("plain");
      change(genesis);
      return genesisHash(genesis);
    });
    expect(new Set([...hashes, vectors.plain]).size).to.equal(changes.length + 1);
  });

  it("waits twice the block period, states the gas of a transaction, names its validators in order", () => {
    const { config, extraData, gasLimit } = genesisOf({ ...choices, blockPeriod: 5, emptyBlockPeriod: 60 });
    expect(config.qbft).to.deep.equal({
      blockperiodseconds: 5,
      emptyblockperiodseconds: 60,
      requesttimeoutseconds: 10,
      epochlength: 30_000,
      pertxgaslimit: 2 ** 24,
    });
    expect(decodeExtraData(extraData).validators).to.deep.equal([1, 2, 3, 4].map(validator));
    expect(Number(gasLimit)).to.equal(BLOCK_GAS);
  });
});
