import type { Hex } from "../../sdk/src/bytes.js";
import type { Bundle } from "../bundle/manifest.js";
import type { Ipc } from "../run/ipc.js";
import { blockMade, type Header, type OwnNodes, qbftOf, readHeader, readHeaders } from "./chain.js";
import { Tally, votesNeeded } from "./tally.js";

/** How a vote stands. */
export interface VoteState {
  /** The set of validators is as was wanted. */
  changed: boolean;
  /** The newest block that was counted. */
  block: number;
  voters: Hex[];
  needed: number;
  /** Validators that have not voted so. */
  missing: Hex[];
}

/**
 * Votes with every own validator for `subject` to come (`add`) or go, and counts what the headers say until the set has
 * changed, or until the own votes are in and others' are missing. A proposer votes in its own block, so that
 * takes one round of the validators. Votes stay proposed until the set has changed, so that they are cast again
 * after an epoch's end; then they are taken back, because a vote left behind would act again on the next change.
 */
export async function vote(
  bundle: Bundle,
  own: OwnNodes,
  subject: Hex,
  add: boolean,
  told: (state: VoteState) => void,
): Promise<VoteState> {
  const { ipc, head } = await own.best();
  const tally = await readTally(bundle, ipc, head);
  const voting = own.answering.filter(({ node }) => tally.validators.has(node.address));
  for (const { ipc } of voting) await ipc.call("qbft_proposeValidatorVote", [subject, add]);
  const mine = voting.map(({ node }) => node.address);
  const end = head + 3 * tally.validators.size;
  const { epochlength } = qbftOf(bundle.dir);
  let state = stateOf(tally, subject, add, head);
  told(state);
  for (let number = head + 1; !state.changed && number <= end; number++) {
    if (mine.every((address) => state.voters.includes(address))) break;
    await blockMade(bundle.dir, ipc, number);
    const header = await readHeader(ipc, number);
    count(tally, header, epochlength);
    state = stateOf(tally, subject, add, number);
    if (header.vote?.subject === subject) told(state);
  }
  if (state.changed) await takeBack(own, subject);
  return state;
}

/** Takes the own votes about `subject` back; gives how many nodes still had one. */
export async function takeBack(own: OwnNodes, subject: Hex): Promise<number> {
  let had = 0;
  for (const { ipc } of own.answering) {
    const pending = (await ipc.call("qbft_getPendingVotes")) as Record<Hex, boolean>;
    if (!(subject in pending)) continue;
    await ipc.call("qbft_discardValidatorVote", [subject]);
    had++;
  }
  return had;
}

/** Waits until a header names the set as it shall be: from that block on it makes the blocks. */
export async function changeSeen(
  { dir }: Bundle,
  ipc: Ipc,
  subject: Hex,
  add: boolean,
  after: number,
): Promise<number> {
  for (let number = after + 1; ; number++) {
    await blockMade(dir, ipc, number);
    const { validators } = await readHeader(ipc, number);
    if (validators.includes(subject) === add) return number;
  }
}

/** The votes that count after block `head`: those since the last epoch's block. */
export async function readTally({ dir }: Bundle, ipc: Ipc, head: number): Promise<Tally> {
  const { epochlength } = qbftOf(dir);
  const start = head - (head % epochlength);
  const tally = new Tally((await readHeader(ipc, start)).validators);
  for (const header of await readHeaders(ipc, start + 1, head)) count(tally, header, epochlength);
  return tally;
}

function count(tally: Tally, { number, vote }: Header, epoch: number): void {
  if (number % epoch === 0) tally.lapse();
  else if (vote !== null) tally.apply(vote);
}

function stateOf(tally: Tally, subject: Hex, add: boolean, block: number): VoteState {
  const voters = tally.voters(subject, add);
  return {
    changed: tally.validators.has(subject) === add,
    block,
    voters,
    needed: votesNeeded(tally.validators.size),
    missing: [...tally.validators].filter((validator) => !voters.includes(validator)),
  };
}
