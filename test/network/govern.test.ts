import { expect } from "chai";
import {
  type Candidate,
  checkAddition,
  checkPause,
  checkRemoval,
  type ValidatorView,
} from "../../besu-network/govern/rules.js";
import { Tally, votesNeeded } from "../../besu-network/govern/tally.js";
import type { Hex } from "../../sdk/src/bytes.js";
import { quorumOf } from "../../sdk/src/proof/qbft.js";
import { codeOf } from "../support/refusal.js";
import { someNode } from "./support/bundle.js";

const address = (at: number): Hex => `0x${at.toString(16).padStart(40, "0")}`;
const some = (count: number): Hex[] => Array.from({ length: count }, (_, at) => address(at + 1));

describe("network: votes needed", () => {
  it("are more than half", () => {
    expect([1, 2, 3, 4, 5, 6, 7, 10].map(votesNeeded)).to.deep.equal([1, 2, 2, 3, 3, 4, 4, 6]);
  });
});

describe("network: the tally of votes", () => {
  const [a, b, c, d, e] = some(5) as [Hex, Hex, Hex, Hex, Hex];

  it("changes the set with the vote that makes a majority, and spends the votes", () => {
    const tally = new Tally([a, b, c, d]);
    for (const voter of [a, b]) tally.apply({ voter, subject: e, add: true });
    tally.apply({ voter: b, subject: e, add: true });
    expect(tally.voters(e, true)).to.deep.equal([a, b]);
    expect([...tally.validators]).to.deep.equal([a, b, c, d]);
    tally.apply({ voter: c, subject: e, add: true });
    expect([...tally.validators]).to.deep.equal([a, b, c, d, e]);
    expect(tally.voters(e, true)).to.deep.equal([]);
  });

  it("lets a voter change its mind", () => {
    const tally = new Tally([a, b, c, d]);
    tally.apply({ voter: a, subject: d, add: false });
    tally.apply({ voter: b, subject: d, add: false });
    tally.apply({ voter: a, subject: d, add: true });
    tally.apply({ voter: c, subject: d, add: false });
    expect([...tally.validators]).to.deep.equal([a, b, c, d]);
    expect(tally.voters(d, false)).to.deep.equal([b, c]);
  });

  it("forgets the votes of who was voted out, and all of them at an epoch", () => {
    const tally = new Tally([a, b, c, d, e]);
    tally.apply({ voter: e, subject: d, add: false });
    tally.apply({ voter: a, subject: d, add: false });
    for (const voter of [a, b, c]) tally.apply({ voter, subject: e, add: false });
    expect([...tally.validators]).to.deep.equal([a, b, c, d]);
    expect(tally.voters(d, false)).to.deep.equal([a]);
    tally.lapse();
    expect(tally.voters(d, false)).to.deep.equal([]);
  });
});

describe("network: what would halt the chain is refused", () => {
  const view = (count: number, silent: Hex[] = []): ValidatorView => {
    const validators = some(count);
    return {
      validators,
      live: new Set(validators.filter((validator) => !silent.includes(validator))),
      nameOf: (validator) => `validator${Number(validator)}`,
    };
  };

  it("a removal that leaves fewer than four", () => {
    expect(codeOf(() => checkRemoval(address(1), view(4)))).to.equal("RemovalBelowFour");
    expect(codeOf(() => checkRemoval(address(1), view(5)))).to.equal(undefined);
  });

  it("a removal after which the live ones are no quorum; the silent one itself may go", () => {
    // Of seven, two are silent: six left need four, and of them five or four are live.
    expect(codeOf(() => checkRemoval(address(7), view(7, [address(6), address(7)])))).to.equal(undefined);
    expect(codeOf(() => checkRemoval(address(1), view(7, [address(6), address(7)])))).to.equal(undefined);
    // Of eight (quorum six), two are silent: seven left need five.
    expect(codeOf(() => checkRemoval(address(1), view(8, [address(7), address(8)])))).to.equal(undefined);
    // Of six (quorum four), two are silent: five left need four, and only three of them are live.
    expect(codeOf(() => checkRemoval(address(1), view(6, [address(5), address(6)])))).to.equal(
      "RemovalHalts",
    );
    expect(codeOf(() => checkRemoval(address(6), view(6, [address(5), address(6)])))).to.equal(undefined);
  });

  it("never lets a removal through that ends below the quorum, for every number of silent ones", () => {
    for (let count = 1; count <= 16; count++) {
      for (let silent = 0; silent <= count; silent++) {
        for (const target of [address(1), address(count)]) {
          const given = view(count, some(count).slice(count - silent));
          const left = given.validators.filter((validator) => validator !== target);
          const live = left.filter((validator) => given.live.has(validator)).length;
          const safe = left.length >= 4 && live >= quorumOf(left.length);
          expect(codeOf(() => checkRemoval(target, given)) === undefined, `${count} ${silent}`).to.equal(
            safe,
          );
        }
      }
    }
  });

  it("a removal of who is no validator", () => {
    expect(codeOf(() => checkRemoval(address(9), view(5)))).to.equal("ValidatorUnknown");
  });

  it("an addition of one that is a validator, serves clients, is not connected or behind", () => {
    const { node } = someNode("validator5", "validator", "works", 5);
    const good: Candidate = { node, connected: true, head: 98 };
    expect(codeOf(() => checkAddition(good, 100, view(4)))).to.equal(undefined);
    const refused = (change: Partial<Candidate>, seen = view(4)) =>
      codeOf(() => checkAddition({ ...good, ...change }, 100, seen));
    expect(refused({ connected: false })).to.equal("NodeNotConnected");
    expect(refused({ head: 96 })).to.equal("NodeBehind");
    expect(refused({ head: null })).to.equal("NodeBehind");
    expect(refused({ node: { ...node, address: address(2) } })).to.equal("ValidatorAlready");
    expect(refused({ node: someNode("rpc1", "rpc", "works", 6).node })).to.equal("ValidatorServesClients");
  });

  it("an addition that raises the quorum above what is alive", () => {
    const { node } = someNode("validator6", "validator", "works", 5);
    const candidate = { node, connected: true, head: 100 };
    // Five with one silent: six need four, five are live. Six with two silent: seven need five, five are live.
    expect(codeOf(() => checkAddition(candidate, 100, view(5, [address(5)])))).to.equal(undefined);
    expect(codeOf(() => checkAddition(candidate, 100, view(6, [address(5), address(6)])))).to.equal(
      undefined,
    );
    // Seven with two silent: eight need six, and six are live; with three silent five are.
    expect(codeOf(() => checkAddition(candidate, 100, view(7, [address(6), address(7)])))).to.equal(
      undefined,
    );
    expect(
      codeOf(() => checkAddition(candidate, 100, view(7, [address(5), address(6), address(7)]))),
    ).to.equal("AdditionHalts");
  });

  it("a pause of a validator that the quorum needs", () => {
    expect(codeOf(() => checkPause(address(1), view(4)))).to.equal(undefined);
    expect(codeOf(() => checkPause(address(1), view(4, [address(4)])))).to.equal("PauseHalts");
    expect(codeOf(() => checkPause(address(4), view(4, [address(4)])))).to.equal(undefined);
    expect(codeOf(() => checkPause(address(9), view(4, [address(4)])))).to.equal(undefined);
  });
});
