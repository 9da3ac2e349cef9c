import { expect } from "chai";
import { healthOf, type ReasonCode, reasonCodes, remedies } from "../../besu-network/monitor/health.js";
import { faultsTolerated, stallSeconds } from "../../besu-network/monitor/limits.js";
import type { Poll, Samples } from "../../besu-network/monitor/samples.js";
import { quorumOf } from "../../sdk/src/proof/qbft.js";
import {
  address,
  answer,
  blocks,
  hashAt,
  healthy,
  now,
  pollOf,
  settings,
  validatorNode,
} from "./support/chain.js";

/** The reasons as `code` or `code subject`. */
function wrong(samples: Samples, differing: Partial<typeof settings> = {}): string[] {
  const { reasons } = healthOf(samples, { ...settings, ...differing });
  return reasons.map(({ code, subject }) => (subject === null ? code : `${code} ${subject}`));
}

describe("health of a network, judged from its chain", () => {
  it("finds nothing wrong with four validators that take turns", () => {
    const health = healthOf(healthy(), settings);
    expect(health.reasons).to.deep.equal([]);
    expect(health.status).to.equal("ok");
    expect(health.measures).to.deep.include({
      validators: 4,
      quorum: 3,
      faultsTolerated: 1,
      active: 4,
      connected: 4,
    });
    expect(health.measures.perValidator.map(({ proposals }) => proposals)).to.deep.equal([25, 25, 25, 25]);
  });

  it("counts quorum and tolerated faults as QBFT does", () => {
    expect([1, 2, 3, 4, 5, 6, 7, 10].map(quorumOf)).to.deep.equal([1, 2, 2, 3, 4, 4, 5, 7]);
    expect([1, 4, 5, 7, 10].map(faultsTolerated)).to.deep.equal([0, 1, 1, 2, 3]);
    // With timeout 2: a dead proposer costs 2, the next round 4; what is longer is no single fault.
    expect(stallSeconds(settings, 4)).to.equal(6);
    expect(stallSeconds(settings, 7)).to.equal(14);
  });

  describe("the chain stands", () => {
    const made = blocks({ validators: 4 });
    const at = (seconds: number, pool = 0): Samples => ({
      at: now + 1_000 * seconds,
      polls: [
        pollOf(made),
        pollOf(made, { pool: { transactions: pool, limit: 50_000 } }, now + 1_000 * seconds),
      ],
      blocks: made,
    });

    it("says so when no tolerated fault explains the wait, and not a second before", () => {
      expect(wrong(at(7))).to.deep.equal([]);
      expect(wrong(at(7.1))).to.deep.equal(["ChainStalled"]);
      expect(healthOf(at(7.1), settings).status).to.equal("critical");
      expect(healthOf(at(7.1), settings).measures.active, "nobody takes part").to.equal(0);
    });

    it("waits longer where the timeout is longer", () => {
      expect(wrong(at(12), { requestTimeoutSeconds: 4 })).to.deep.equal([]);
      expect(wrong(at(13.1), { requestTimeoutSeconds: 4 })).to.deep.equal(["ChainStalled"]);
    });

    it("says so of a chain that never made its first block", () => {
      const [block] = blocks({ validators: 4, blocks: 1 });
      const genesis = { ...block!, number: 0, hash: hashAt(0), proposer: address(0), sealers: [] };
      const at = (seconds: number): Samples => {
        const when = now + 1_000 * seconds;
        return { at: when, polls: [pollOf([genesis], {}, when)], blocks: [genesis] };
      };
      expect(wrong(at(7))).to.deep.equal([]);
      expect(wrong(at(7.1))).to.deep.equal(["ChainStalled"]);
    });

    it("tells how many transactions wait, and how many came since the last block", () => {
      const { reasons, measures } = healthOf(at(30, 12), settings);
      expect(reasons[0]!.message).to.equal("block 1099 is 30 s old, 12 transactions wait");
      expect(measures.poolGrowth).to.equal(12);
    });

    it("does not take an idle chain with an empty-block period for a stalled one", () => {
      const idle = { emptyBlockPeriodSeconds: 60 };
      expect(wrong(at(59), idle)).to.deep.equal([]);
      expect(wrong(at(67), idle)).to.deep.equal(["ChainStalled"]);
    });

    it("sees on a chain with an empty-block period that a transaction waits too long", () => {
      const waiting = (since: number, until: number): Samples => ({
        at: now + 1_000 * until,
        polls: [
          pollOf(made, {}, now),
          pollOf(made, { pool: { transactions: 1, limit: 50_000 } }, now + 1_000 * since),
          pollOf(made, { pool: { transactions: 1, limit: 50_000 } }, now + 1_000 * until),
        ],
        blocks: made,
      });
      expect(wrong(waiting(40, 46), { emptyBlockPeriodSeconds: 60 })).to.deep.equal([]);
      expect(wrong(waiting(40, 48), { emptyBlockPeriodSeconds: 60 })).to.deep.equal(["ChainStalled"]);
    });

    it("waits for the empty block when nothing came but what no block will take", () => {
      const stuck = { pool: { transactions: 1, limit: 50_000 } };
      const samples = {
        at: now + 40_000,
        polls: [pollOf(made, stuck), pollOf(made, stuck, now + 40_000)],
        blocks: made,
      };
      expect(wrong(samples, { emptyBlockPeriodSeconds: 60 })).to.deep.equal([]);
    });

    it("names a lost quorum when too few validators are in reach", () => {
      const polls = [
        {
          at: now + 20_000,
          nodes: [
            validatorNode(1, answer(made, 1, { peers: { count: 1, addresses: [address(2)] } })),
            validatorNode(2, answer(made, 2, { peers: { count: 1, addresses: [address(1)] } })),
            validatorNode(3, "it does not run here"),
            validatorNode(4, "it does not run here"),
          ],
        },
      ];
      const found = wrong({ at: now + 20_000, polls, blocks: made });
      expect(found).to.include.members([
        "ChainStalled",
        "QuorumLost",
        "NodeDown validator3",
        "NodeDown validator4",
      ]);
      expect(found).to.include.members(["PeersBelowQuorum validator1", "PeersBelowQuorum validator2"]);
    });
  });

  describe("a validator is missing", () => {
    it("names a dead one, the rounds it costs, and that no other may fail", () => {
      const samples = healthy({ dead: [3] });
      expect(wrong(samples)).to.have.members(["RoundChanges", "ValidatorSilent validator3", "QuorumAtEdge"]);
      expect(healthOf(samples, settings).measures).to.deep.include({ active: 3, roundChanges: 33 });
    });

    it("leaves room where seven validators have one dead", () => {
      expect(wrong(healthy({ validators: 7, dead: [3] }))).to.have.members([
        "RoundChanges",
        "ValidatorSilent validator3",
      ]);
    });

    it("does not call a validator silent for the turns before it was one", () => {
      const before = blocks({ validators: 3, blocks: 60 });
      const after = blocks({ validators: 4, dead: [4], blocks: 10 });
      const made = [...before, ...after].map((block, index) => ({ ...block, number: 1_000 + index }));
      const samples = { at: now, polls: [pollOf(made)], blocks: made };
      expect(wrong(samples).filter((each) => each.startsWith("ValidatorSilent"))).to.deep.equal([]);
    });

    it("names one whose proposals are never taken, and one whose seals always come late", () => {
      const made = blocks({ validators: 4 }).map((block) => ({
        ...block,
        proposer: block.proposer === address(2) ? address(1) : block.proposer,
        sealers: block.sealers.filter((each) => each !== address(4)),
      }));
      const samples = { at: now, polls: [pollOf(made)], blocks: made };
      expect(wrong(samples)).to.deep.equal(["ProposerAbsent validator2", "SealsAbsent validator4"]);
    });

    it("finds nothing wrong with one that has just come back", () => {
      const away = blocks({ validators: 4, dead: [3], blocks: 96 });
      const back = blocks({ validators: 4, blocks: 4 }).map((block) => ({
        ...block,
        sealers: [1, 2, 4].map(address),
      }));
      const made = [...away, ...back].map((block, index) => ({ ...block, number: 1_000 + index }));
      expect(wrong({ at: now, polls: [pollOf(made)], blocks: made })).to.deep.equal(["RoundChanges"]);
    });

    it("reads nothing out of a young chain", () => {
      expect(wrong(healthy({ blocks: 1 }))).to.deep.equal([]);
      const begun = blocks({ validators: 4, blocks: 3 }).map((block, index) => ({
        ...block,
        round: index === 0 ? 2 : 0,
      }));
      expect(wrong({ at: now, polls: [pollOf(begun)], blocks: begun })).to.deep.equal([]);
      expect(wrong({ at: now, polls: [pollOf(blocks({ validators: 4 }))], blocks: [] })).to.deep.equal([]);
    });
  });

  describe("nodes", () => {
    const made = blocks({ validators: 4 });
    const one = (differs: Parameters<typeof answer>[2]): Samples => ({
      at: now,
      polls: [
        { at: now, nodes: [...pollOf(made).nodes.slice(0, 3), validatorNode(4, answer(made, 4, differs))] },
      ],
      blocks: made,
    });

    it("reports each fault of one node with its name", () => {
      const head = { number: 1_080, hash: hashAt(1_080), timestamp: now / 1_000 - 19 };
      expect(wrong(one({ head, common: null })), "behind").to.deep.equal([]);
      expect(wrong(one({ head: { ...head, number: 1_068 }, common: null }))).to.deep.equal([
        "NodeBehind validator4",
      ]);
      expect(wrong(one({ diskFreeBytes: 999 }))).to.deep.equal(["DiskLow validator4"]);
      expect(wrong(one({ genesisHash: hashAt(7) }))).to.include("WrongChain validator4");
      expect(wrong(one({ chainId: 1 }))).to.include("WrongChain validator4");
      expect(wrong(one({ pool: { transactions: 41_000, limit: 50_000 } }))).to.include("PoolFull validator4");
      expect(wrong(one({ peers: { count: 1, addresses: [address(1)] } }))).to.deep.equal([
        "PeersBelowQuorum validator4",
      ]);
    });

    it("sees two blocks at one height, but not a head that another node has not yet", () => {
      expect(wrong(one({ common: { number: 1_099, hash: hashAt(8) } }))).to.deep.equal(["HeadsDisagree"]);
      const ahead = { number: 1_100, hash: hashAt(1_100), timestamp: now / 1_000 };
      expect(wrong(one({ head: ahead }))).to.deep.equal([]);
    });

    it("lets an RPC node have few connections, but not none", () => {
      const rpc = (addresses: ReturnType<typeof address>[]): Samples => {
        const told = answer(made, 9, { peers: { count: addresses.length, addresses } });
        const nodes: Poll["nodes"] = [{ name: "rpc1", role: "rpc", address: address(9), answer: told }];
        return { at: now, polls: [{ at: now, nodes }], blocks: made };
      };
      expect(wrong(rpc([1, 2, 3].map(address)))).to.deep.equal([]);
      expect(wrong(rpc([address(1)]))).to.deep.equal([]);
      expect(wrong(rpc([]))).to.deep.equal(["PeersBelowQuorum rpc1"]);
    });

    it("judges the chain through a node that does not tell its peers", () => {
      const told = answer(made, 9, { peers: { count: 4, addresses: null }, pool: null, diskFreeBytes: null });
      const nodes: Poll["nodes"] = [{ name: "rpc", role: "rpc", address: null, answer: told }];
      const samples = (seconds: number) => ({
        at: now + seconds * 1_000,
        polls: [{ at: now, nodes }],
        blocks: made,
      });
      expect(wrong(samples(0))).to.deep.equal([]);
      expect(healthOf(samples(0), settings).measures).to.deep.include({ connected: null, pool: null });
      expect(wrong(samples(60))).to.deep.equal(["ChainStalled"]);
    });

    it("claims nothing of the chain when no node answers", () => {
      const nodes = [1, 2, 3, 4].map((own) => validatorNode(own, "it does not run here"));
      const found = healthOf({ at: now + 60_000, polls: [{ at: now, nodes }], blocks: made }, settings);
      expect(found.reasons.map(({ code }) => code))
        .to.include("NothingAnswers")
        .and.not.include("ChainStalled");
      expect(found.measures.blockAgeSeconds).to.equal(null);
    });

    it("notices a clock that is wrong", () => {
      expect(wrong({ ...healthy(), at: now - 3_000 })).to.deep.equal(["ClockAhead"]);
    });
  });

  describe("a pool nobody empties", () => {
    const seconds = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => from + index);
    const waiting = (made: ReturnType<typeof blocks>): Samples => ({
      at: now,
      polls: seconds(-30, 1).map((each) =>
        pollOf(made, { pool: { transactions: each < -28 ? 0 : 5, limit: 50_000 } }, now + 1_000 * each),
      ),
      blocks: made,
    });

    it("is stuck when blocks come and take nothing", () => {
      const samples = waiting(blocks({ validators: 4 }));
      expect(wrong(samples)).to.deep.equal(["PoolStuck"]);
      expect(healthOf(samples, settings).measures.poolStuckBlocks).to.equal(28);
    });

    it("is not when one of them took some", () => {
      const made = blocks({ validators: 4 });
      made[90] = { ...made[90]!, transactions: 1 };
      expect(wrong(waiting(made))).to.deep.equal([]);
    });
  });

  it("knows a severity and a remedy for every reason", () => {
    for (const code of Object.keys(reasonCodes) as ReasonCode[])
      expect(remedies[code]).to.match(/^[A-Zn].{20,}\.$/);
  });
});
