import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { checkGenesis, type Finding } from "../../besu-network/genesis/check.js";
import { encodeExtraData } from "../../besu-network/genesis/extra-data.js";
import { genesisOf } from "../../besu-network/genesis/genesis.js";
import type { Hex } from "../../sdk/src/bytes.js";
import { ranTask } from "./support/task.js";

const NOW = 1_790_000_000;
const LATER = NOW + 86_400;
const validator = (digit: number): Hex => `0x${String(digit).repeat(40)}`;

// biome-ignore lint/suspicious/noExplicitAny: the cases write what no type allows
type Loose = any;

function checked(change: (genesis: Loose) => void): Finding[] {
  const genesis = genesisOf({
    chainId: 1_234_567_890,
    validators: [1, 2, 3, 4].map(validator),
    blockPeriod: 2,
    timestamp: NOW - 3600,
  });
  change(genesis);
  return checkGenesis(JSON.stringify(genesis), NOW);
}

const qbft = (values: object) => (genesis: Loose) => Object.assign(genesis.config.qbft, values);
const config = (values: object) => (genesis: Loose) => Object.assign(genesis.config, values);
const top = (values: object) => (genesis: Loose) => Object.assign(genesis, values);
const transition = (...entries: object[]) => config({ transitions: { qbft: entries } });
const without = (key: string) => (genesis: Loose) => {
  for (const part of [genesis, genesis.config, genesis.config.qbft]) delete part[key];
};
const extra = (data: Parameters<typeof encodeExtraData>[0]) => top({ extraData: encodeExtraData(data) });
const four = [1, 2, 3, 4].map(validator);

type Case = [title: string, change: (genesis: Loose) => void, expected: string, words: RegExp];

const cases: Case[] = [
  ["no config", (g) => delete g.config, "error config", /no config/],
  [
    "IBFT 2.0",
    (g) => {
      g.config.ibft2 = g.config.qbft;
      delete g.config.qbft;
    },
    "error qbft",
    /IBFT 2.0/,
  ],
  [
    "Clique",
    (g) => {
      g.config.clique = {};
      delete g.config.qbft;
    },
    "error qbft",
    /Clique/,
  ],
  ["no chain id", without("chainId"), "error chain-id", /replayed/],
  ["a public chain's id", config({ chainId: 1 }), "error chain-id", /public chain/],
  ["the test tools' id", config({ chainId: 31337 }), "error chain-id", /test tools/],
  ["no Osaka", without("osakaTime"), "error osaka", /P-256/],
  ["Osaka later", config({ osakaTime: LATER }), "error osaka", /first block/],
  ["London later", config({ londonBlock: 100 }), "error fork-order", /before Osaka/],
  ["Amsterdam", config({ amsterdamTime: 0 }), "error fork-untried", /nobody tried/],
  ["proof of stake", config({ terminalTotalDifficulty: 0 }), "error proof-of-stake", /waits/],
  [
    "a system contract",
    config({ depositContractAddress: validator(1) }),
    "error system-contract",
    /no use for it/,
  ],
  ["a base fee that rises", without("zeroBaseFee"), "error zero-base-fee", /without money/],
  ["a fixed base fee", config({ fixedBaseFee: true }), "error fixed-base-fee", /min-gas-price/],
  ["a base fee in block 0", top({ baseFeePerGas: "0x1" }), "warning base-fee", /puts a price/],
  ["no base fee in block 0", without("baseFeePerGas"), "warning base-fee", /1 gwei/],
  ["a larger contract size", config({ contractSizeLimit: 100_000 }), "warning contract-size", /49,152/],
  ["another stack size", config({ evmStackSize: 2048 }), "warning stack-size", /1,024/],
  ["another curve", config({ ecCurve: "secp256r1" }), "error curve", /secp256k1/],
  ["a period of 0", qbft({ blockperiodseconds: 0 }), "error period", /does not start/],
  ["half a second", qbft({ blockperiodseconds: 0.5 }), "error period", /does not start/],
  [
    "a short timeout",
    qbft({ requesttimeoutseconds: 3 }),
    "error request-timeout",
    /twice the block period of 2 s.*Write 4/,
  ],
  ["no timeout", without("requesttimeoutseconds"), "error request-timeout", /left out it is 1/],
  ["a long timeout", qbft({ requesttimeoutseconds: 60 }), "warning request-timeout", /dead validator/],
  ["an empty-block period", qbft({ emptyblockperiodseconds: 30 }), "warning empty-period", /known fault/],
  ["a short empty-block period", qbft({ emptyblockperiodseconds: 2 }), "error empty-period", /longer/],
  ["the old name of it", qbft({ xemptyblockperiodseconds: 30 }), "error misnamed", /silently ignored/],
  ["milliseconds of tests", qbft({ xblockperiodmilliseconds: 500 }), "error misnamed", /own tests/],
  ["milliseconds of nobody", qbft({ blockPeriodMilliseconds: 500 }), "error misnamed", /no such setting/],
  ["a setting of nobody", qbft({ blocktime: 5 }), "warning unknown", /ignored/],
  ["no epoch", qbft({ epochlength: 0 }), "error epoch", /whole number/],
  ["a short epoch", qbft({ epochlength: 10 }), "warning epoch", /Votes are dropped/],
  ["a reward", qbft({ blockreward: "5000000000000000000" }), "warning block-reward", /out of nothing/],
  ["no gas of a transaction", without("pertxgaslimit"), "warning transaction-gas", /State it/],
  ["no cap on it", qbft({ pertxgaslimit: 0 }), "warning transaction-gas", /no cap/],
  ["more than a block's", qbft({ pertxgaslimit: 100_000_000 }), "error transaction-gas", /does not start/],
  ["too little of it", qbft({ pertxgaslimit: 1_000_000 }), "warning transaction-gas", /do not fit/],
  ["words for it", qbft({ pertxgaslimit: "much" }), "error transaction-gas", /whole number/],
  ["no gas limit", without("gasLimit"), "error gas-limit", /must be a number/],
  ["a small gas limit", top({ gasLimit: "0xffffff" }), "error gas-limit", /less than one transaction/],
  ["a huge gas limit", top({ gasLimit: "0x1fffffffffffff" }), "warning gas-limit", /slows down/],
  ["another mix hash", top({ mixHash: `0x${"00".repeat(32)}` }), "error mix-hash", /one value/],
  ["another difficulty", top({ difficulty: "0x2" }), "error difficulty", /always 1/],
  [
    "a time in milliseconds",
    top({ timestamp: `0x${(NOW * 1000).toString(16)}` }),
    "error timestamp",
    /milliseconds/,
  ],
  ["a time of words", top({ timestamp: "today" }), "error timestamp", /seconds since 1970/],
  ["no extraData", without("extraData"), "error extra-data", /not RLP/],
  [
    "a vote in block 0",
    extra({ validators: four, vote: { validator: validator(5), add: true } }),
    "error extra-data",
    /nobody voted/,
  ],
  ["no validators", extra({ validators: [] }), "error validators", /nobody may/],
  ["one of them twice", extra({ validators: [...four, validator(4)] }), "error validators", /twice/],
  ["another order", extra({ validators: [...four].reverse() }), "warning validators", /ascending/],
  ["three of them", extra({ validators: four.slice(1) }), "warning validators", /outlive both/],
  ["two of them", extra({ validators: four.slice(2) }), "warning validators", /four outlive one/],
  [
    "a contract and a list",
    qbft({ validatorcontractaddress: validator(7) }),
    "error validators",
    /must be empty/,
  ],
  [
    "a transition at a block",
    transition({ block: 1000, blockperiodseconds: 2 }),
    "error transition-time",
    /looks like a block number.*block 1/,
  ],
  ["one in milliseconds", transition({ block: LATER * 1000 }), "error transition-time", /milliseconds/],
  [
    "one without a time",
    transition({ blockperiodseconds: 2 }),
    "error transition-time",
    /seconds since 1970/,
  ],
  ["one before block 0", transition({ block: NOW - 7200 }), "error transition-time", /not after block 0/],
  ["one in the past", transition({ block: NOW - 60 }), "warning transition-past", /history/],
  [
    "two in the wrong order",
    transition({ block: LATER + 1 }, { block: LATER }),
    "error transition-order",
    /order/,
  ],
  [
    "one of the timeout",
    transition({ block: LATER, requesttimeoutseconds: 9 }),
    "error transition-timeout",
    /cannot change/,
  ],
  [
    "one of a period too long",
    transition({ block: LATER, blockperiodseconds: 3 }),
    "error request-timeout",
    /period of 3 s/,
  ],
  [
    "one of the old name",
    transition({ block: LATER, xemptyblockperiodseconds: 30 }),
    "error misnamed",
    /ignored/,
  ],
  [
    "one of validators",
    transition({ block: LATER, validators: four }),
    "warning transition-validators",
    /vote instead/,
  ],
  [
    "one of too much gas",
    transition({ block: LATER, pertxgaslimit: 100_000_000 }),
    "error transaction-gas",
    /does not start/,
  ],
  ["one of nobody", transition({ block: LATER, blocktime: 3 }), "warning unknown", /ignored/],
  ["no list of them", config({ transitions: { qbft: {} } }), "error transition", /list/],
];

describe("the check of a genesis", () => {
  it("finds nothing in what this project writes", () => {
    expect(checked(() => {})).to.deep.equal([]);
  });

  for (const [title, change, expected, words] of cases) {
    it(`says what is wrong: ${title}`, () => {
      const findings = checked(change);
      const found = findings.map(({ severity, rule }) => `${severity} ${rule}`);
      expect(found).to.include(expected);
      const finding = findings.find(({ severity, rule }) => `${severity} ${rule}` === expected)!;
      expect(finding.message).to.match(words);
    });
  }

  it("says one thing of one fault", () => {
    const alone = cases.filter(([, change]) => checked(change).length === 1);
    expect(alone.length).to.be.greaterThan(cases.length * 0.9);
  });

  it("reads keys as Besu does, in any case of letters", () => {
    const findings = checked((genesis) => {
      genesis.config.qbft = { blockPeriodSeconds: 2, requestTimeoutSeconds: 3, perTxGasLimit: 16_777_216 };
    });
    expect(findings.map(({ rule }) => rule)).to.deep.equal(["request-timeout"]);
  });

  it("takes a transition in the future that keeps the rules", () => {
    expect(checked(transition({ block: LATER, blockperiodseconds: 1 }))).to.deep.equal([]);
  });

  it("says what is not JSON, and what is no genesis", () => {
    expect(checkGenesis("{").map(({ rule }) => rule)).to.deep.equal(["json"]);
    for (const text of ["[]", "1", "null", "{}", '{"config":[]}']) {
      expect(
        checkGenesis(text).map(({ rule }) => rule),
        text,
      ).to.deep.equal(["config"]);
    }
  });
});

describe("network:check", () => {
  const file = (change: (genesis: Loose) => void): string => {
    const path = join(mkdtempSync(join(tmpdir(), "tenon-check-")), "genesis.json");
    const genesis = genesisOf({ chainId: 7_654_321, validators: four, blockPeriod: 1, timestamp: NOW });
    change(genesis);
    writeFileSync(path, JSON.stringify(genesis));
    return path;
  };
  const check = (path: string, json = false) => ranTask(["network", "check"], { file: path, json });

  it("ends with 0 when nothing is wrong, or when a choice only deserves a warning", async () => {
    const good = await check(file(() => {}));
    expect(good.exitCode).to.equal(0);
    expect(good.out).to.contain("nothing is wrong");
    const warned = await check(file(qbft({ emptyblockperiodseconds: 30 })));
    expect(warned.exitCode).to.equal(0);
    expect(warned.out).to.contain("0 errors, 1 warnings");
  });

  it("ends with 1 and the words when something is wrong, also as JSON", async () => {
    const path = file(qbft({ requesttimeoutseconds: 1 }));
    const said = await check(path);
    expect(said.exitCode).to.equal(1);
    expect(said.out).to.contain("error: config.qbft.requesttimeoutseconds");
    const json = await check(path, true);
    expect(json.exitCode).to.equal(1);
    expect(JSON.parse(json.out)).to.have.length(1);
  });

  it("ends with 1 when there is no such file", async () => {
    const said = await check("/nowhere/genesis.json");
    expect(said.exitCode).to.equal(1);
    expect(said.err).to.contain("GenesisUnreadable");
  });
});
