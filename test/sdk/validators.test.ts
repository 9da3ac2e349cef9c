import { readFileSync } from "node:fs";
import { expect } from "chai";
import { encodeRlp, keccak256, SigningKey, Wallet } from "ethers";
import type { Hex } from "../../sdk/src/bytes.js";
import { followValidators, ProofError, setAt, verifyQbftSeals } from "../../sdk/src/index.js";
import { findChanges } from "../../sdk/src/proof/changes.js";
import { readHeader } from "../../sdk/src/proof/header.js";
import { quorumOf, readQbftHeader } from "../../sdk/src/proof/qbft.js";
import { rlpList, strictRlp } from "../../sdk/src/proof/rlp.js";
import { refusal } from "../support/refusal.js";
import { rpcBlock } from "../support/rpc-block.js";

const { headers: real } = JSON.parse(readFileSync("sdk/vectors/qbft.json", "utf8")) as {
  headers: { header: Hex }[];
};
const template = rlpList("seals", strictRlp("seals", real[1]!.header));
const EPOCH_LENGTH = 100n;

interface Member {
  address: Hex;
  key: SigningKey;
}
const members: Member[] = Array.from({ length: 8 }, () => {
  const { privateKey, address } = Wallet.createRandom();
  return { address: address.toLowerCase() as Hex, key: new SigningKey(privateKey) };
}).sort((a, b) => (a.address < b.address ? -1 : 1));
const [a, b, c, d, e, f] = members.map(({ address }) => address) as [Hex, Hex, Hex, Hex, Hex, Hex];

interface Vote {
  by: Hex;
  subject?: Hex;
  add?: boolean;
}

/** A chain of our own, sealed by the keys of whoever is named: block n carries vote n, from block 1 on. */
function chainOf(first: Hex[], votes: Vote[], sets: Record<number, Hex[]>, start = 1): Hex[] {
  const headers: Hex[] = [encoded({ number: start - 1, set: first, vote: { by: first[0]! }, sealers: [] })];
  let set = first;
  votes.forEach((vote, i) => {
    const number = start + i;
    set = sets[number] ?? set;
    const parent = readQbftHeader(headers.at(-1)!).hash;
    headers.push(encoded({ number, set, vote, parent, sealers: set.slice(0, quorumOf(set.length)) }));
  });
  return headers;
}

function encoded(block: { number: number; set: Hex[]; vote: Vote; parent?: Hex; sealers: Hex[] }): Hex {
  const { number, set, vote, parent = `0x${"00".repeat(32)}`, sealers } = block;
  const items = [...template];
  items[0] = parent;
  items[2] = vote.by;
  items[8] = number === 0 ? "0x" : `0x${number.toString(16).padStart(2, "0")}`;
  const bare = encodeRlp(items) as Hex;
  const cast = vote.subject === undefined ? [] : [vote.subject, vote.add === false ? "0x" : "0xff"];
  const extra = (seals: Hex[]) => encodeRlp([`0x${"00".repeat(32)}`, set, cast, "0x", seals]) as Hex;
  const { withExtraData } = readHeader(bare, "seals");
  const digest = keccak256(withExtraData(extra([])));
  const seals = sealers.map((address) => {
    const { r, s, yParity } = members.find((each) => each.address === address)!.key.sign(digest);
    return `${r}${s.slice(2)}0${yParity}` as Hex;
  });
  return withExtraData(extra(seals));
}

/** The headers of these blocks as a bundle has them: seals only where a majority is complete. */
function part(chain: Hex[], from: number, to: number, ...flips: number[]): Hex[] {
  const bare = (number: number) => readQbftHeader(chain[number]!).unsealed;
  return Array.from({ length: to - from + 1 }, (_, i) => from + i).map((number) =>
    number === to || flips.includes(number) ? chain[number]! : bare(number),
  );
}

const from = (validators: Hex[]) => ({ from: 1n, validators });
const follow = (first: Hex[], changes: Hex[][]) => followValidators(from(first), changes, EPOCH_LENGTH);

function fault(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof ProofError) return `${error.step}: ${error.message.split("\n")[0]}`;
    throw error;
  }
  return "held";
}

describe("following a validator set through votes", () => {
  const four = [a, b, c, d];
  const add = (by: Hex, subject = e): Vote => ({ by, subject });
  const drop = (by: Hex, subject: Hex): Vote => ({ by, subject, add: false });
  const quiet = (by: Hex): Vote => ({ by });

  it("adds and removes with more than half of the votes, block by block", () => {
    const votes = [add(a), quiet(b), add(c), add(d), quiet(a), drop(e, b), drop(a, b), drop(c, b), quiet(e)];
    const five = [...four, e].sort() as Hex[];
    const chain = chainOf(four, votes, { 5: five, 9: five.filter((each) => each !== b) });
    const sets = follow(four, [part(chain, 1, 4), part(chain, 6, 8)]);
    expect(sets).to.deep.equal([
      from(four),
      { from: 5n, validators: five },
      { from: 9n, validators: five.filter((each) => each !== b) },
    ]);
    expect(setAt(sets, 4n)).to.deep.equal(four);
    expect(setAt(sets, 5n)).to.deep.equal(five);
    expect(setAt(sets, 999n)).to.not.include(b);
    expect(fault(() => setAt(sets, 0n))).to.include("older than the trusted validators");
    for (const number of [5, 9]) verifyQbftSeals(chain[number]!, setAt(sets, BigInt(number)));
    // One part over both changes does as well; a part may begin before the first vote.
    expect(follow(four, [part(chain, 1, 8, 4)])).to.deep.equal(sets);
  });

  it("counts a validator's last word only, within one epoch, and no stranger's", () => {
    const ends = "validators: The headers end before a majority had voted";
    const vote = (...votes: Vote[]) =>
      fault(() => follow(four, [part(chainOf(four, votes, {}), 1, votes.length)]));
    expect(vote(add(a), add(b))).to.equal(ends);
    expect(vote(add(a), add(b), add(a), add(b))).to.equal(ends);
    expect(vote(add(a), add(b), drop(a, e), add(c)), "withdrawn").to.equal(ends);
    expect(vote(add(a), add(b), add(c, f)), "another subject").to.equal(ends);
    expect(vote(add(a), add(b), drop(a, e), add(c), add(a))).to.equal("held");
    expect(vote(drop(a, d), drop(b, d), drop(d, d)), "also about itself").to.equal("held");
    expect(vote(add(a, b), add(c, b), add(d, b)), "who is one already").to.equal(ends);
    expect(vote(add(a), add(b), add(f))).to.equal("validators: The proposer is no validator");
    const over = (start: number) => {
      const chain = chainOf(four, [add(a), add(b), quiet(d), add(c)], {}, start);
      return fault(() => follow(four, [part(chain, 1, 4)]));
    };
    expect(over(50)).to.equal("held");
    expect(over(98), "block 100 forgets the votes before").to.equal(ends);
    const atEpoch = chainOf(four, [add(a), add(b), add(c)], {}, 98);
    expect(
      fault(() => follow(four, [part(atEpoch, 1, 3)])),
      "and its own",
    ).to.equal(ends);
  });

  it("takes the removed validator's own votes away", () => {
    const votes = [add(d), drop(a, d), drop(b, d), drop(c, d), add(a), add(b)];
    const three = [a, b, c];
    const chain = chainOf(four, votes, { 5: three });
    const sets = follow(four, [part(chain, 1, 6, 4)]);
    expect(sets.map(({ from: block }) => block)).to.deep.equal([1n, 5n, 7n]);
    const early = chainOf(four, votes.slice(0, 5), { 5: three });
    expect(fault(() => follow(four, [part(early, 1, 5, 4)]))).to.include("end before a majority");
  });

  it("refuses headers that are missing, moved, unsealed, sealed by others or of other sets", () => {
    const votes = [add(a), add(b), add(c), quiet(d)];
    const five = [...four, e].sort() as Hex[];
    const chain = chainOf(four, votes, { 4: five });
    const whole = part(chain, 1, 3);
    const refused = (changes: Hex[][], first = four) => fault(() => follow(first, changes));
    expect(refused([whole])).to.equal("held");
    expect(refused([[]])).to.include("has no headers");
    expect(refused([[whole[0]!, whole[2]!]])).to.include("does not follow the one before");
    expect(refused([[whole[1]!, whole[0]!, whole[2]!]])).to.include("does not follow the one before");
    expect(refused([[whole[2]!]])).to.include("end before a majority");
    expect(refused([[...whole, readQbftHeader(chain[4]!).unsealed]])).to.include("end before a majority");
    expect(refused([whole, whole]), "twice").to.include("older than the set");
    expect(refused([[chain[1]!, ...whole.slice(1)]]), "seals that nobody checks").to.include(
      "nothing would check",
    );
    const unsealed = [...whole.slice(0, 2), readQbftHeader(chain[3]!).unsealed];
    expect(refused([unsealed])).to.equal("seals: Too few validators sealed the header");
    expect(refused([whole], [a, b, c])).to.include("names other validators");
    const { hash: parent } = readQbftHeader(chain[2]!);
    const forged = encoded({ number: 3, set: four, vote: add(c), parent, sealers: [a, b, f] });
    expect(refused([[...whole.slice(0, 2), forged]])).to.include("not made by a trusted validator");
    const early = followValidators({ from: 2n, validators: four }, [], EPOCH_LENGTH);
    expect(fault(() => setAt(early, 1n))).to.include("older than the trusted validators");
  });

  it("finds the headers on a chain, also where the votes on two changes overlap", async () => {
    const five = [...four, e].sort() as Hex[];
    const six = [...five, f].sort() as Hex[];
    const votes = [
      quiet(a),
      add(b, f),
      add(c),
      add(d),
      quiet(a),
      add(b),
      add(c, f),
      add(d, f),
      quiet(e),
      drop(a, b),
    ];
    votes.push(drop(c, b), quiet(f), drop(d, b), drop(e, b), quiet(a), quiet(c), drop(a, e));
    const last = six.filter((each) => each !== b);
    const chain = chainOf(four, votes, { 7: five, 9: six, 15: last });
    const node = {
      request: async (call: { params?: unknown }) => rpcBlock(chain[Number((call.params as [Hex])[0])]!),
    };
    const changes = await findChanges(node, BigInt(chain.length - 1), EPOCH_LENGTH);
    expect(changes.map((headers) => readQbftHeader(headers[0]!).number)).to.deep.equal([2n, 10n]);
    expect(changes.map((headers) => headers.length)).to.deep.equal([7, 5]);
    const sets = follow(four, changes);
    expect(sets.map((set) => set.validators)).to.deep.equal([four, five, six, last]);
    expect(await findChanges(node, 5n, EPOCH_LENGTH), "before the first").to.deep.equal([]);

    const jump = chainOf(four, [quiet(a), quiet(b), quiet(c)], { 3: five });
    const changed = {
      request: async (call: { params?: unknown }) => rpcBlock(jump[Number((call.params as [Hex])[0])]!),
    };
    expect((await refusal(findChanges(changed, 3n, EPOCH_LENGTH))).code).to.equal("ValidatorChangeUnproven");
  });
});
