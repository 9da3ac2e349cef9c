import type { Hex } from "../bytes.js";
import { ProofError } from "./error.js";
import { checkValidators, type QbftHeader, readQbftHeader, sameSet, verifyQbftSeals } from "./qbft.js";

/** A set and the first block it seals. */
export interface ValidatorSet {
  readonly from: bigint;
  readonly validators: readonly Hex[];
}

/**
 * How a verifier comes from a set it trusts to a later one, by what the older set itself decided: for each change the
 * headers from the first vote that counts to the block that completed the majority, without a gap. The votes are counted
 * by Besu's own rule, and the last must be sealed by the set that made the change. So nobody but a quorum of the old
 * validators can lead a verifier to a new set. Votes before the first header are not seen; a change they help to complete
 * shows as a set other than the counted one, and is refused.
 *
 * What it cannot do: sets that were changed without votes (by a transition in the genesis file, or by a contract); and it
 * believes old validators for ever, so a key that was removed must stay secret, or a newer set must be trusted instead.
 * @param first The trusted set, in force from block 1 or from `first.from`.
 * @param changes For each change, or several close together, the RLP of the headers in order: those that complete a
 * majority with their seals, the others with round 0 and none, because the next one's parent hash vouches for them.
 * @param epochLength Votes are forgotten every so many blocks (`epochlength` of the genesis file).
 * @throws ProofError at step `validators` or `seals`.
 */
export function followValidators(
  first: ValidatorSet,
  changes: readonly (readonly Hex[])[],
  epochLength: bigint,
): ValidatorSet[] {
  const sets = [first];
  for (const headers of changes) {
    const before = sets.length;
    const tally = new Tally(sets.at(-1) as ValidatorSet);
    let parent: QbftHeader | undefined;
    headers.forEach((encoded, i) => {
      const header = readQbftHeader(encoded);
      checkPlace(header, parent, tally.set);
      const changed = tally.count(header, epochLength);
      if (changed !== undefined) {
        verifyQbftSeals(encoded, tally.set.validators);
        tally.set = changed;
        sets.push(changed);
      } else if (i === headers.length - 1) {
        throw fault(header, "The headers end before a majority had voted");
      } else if (encoded !== header.unsealed) {
        throw fault(header, "A header has seals or a round that nothing would check");
      }
      parent = header;
    });
    if (sets.length === before) throw new ProofError("validators", "A change of validators has no headers");
  }
  return sets;
}

/** The set that seals a block. */
export function setAt(sets: readonly ValidatorSet[], block: bigint): readonly Hex[] {
  const found = sets.filter(({ from }) => from <= block).at(-1);
  if (found !== undefined) return found.validators;
  throw new ProofError("validators", "The block is older than the trusted validators", { args: { block } });
}

function checkPlace(
  header: QbftHeader,
  parent: QbftHeader | undefined,
  { from, validators }: ValidatorSet,
): void {
  if (header.number < from) throw fault(header, "The headers are older than the set they change");
  if (!sameSet(header.validators, checkValidators(validators))) {
    throw fault(header, "A header names other validators than the votes before it make");
  }
  if (parent !== undefined && (header.parentHash !== parent.hash || header.number !== parent.number + 1n)) {
    throw fault(header, "A header does not follow the one before it");
  }
}

/** The votes in force, as Besu counts them. */
class Tally {
  readonly #votes = new Map<Hex, Map<Hex, boolean>>(); // subject → proposer → add

  constructor(public set: ValidatorSet) {}

  /** Counts a header's vote; answers the new set when it completes a majority. */
  count(header: QbftHeader, epochLength: bigint): ValidatorSet | undefined {
    const { number, vote, miner } = header;
    const { validators } = this.set;
    if (!validators.includes(miner)) throw fault(header, "The proposer is no validator");
    if (number % epochLength === 0n) {
      this.#votes.clear();
      return undefined;
    }
    if (vote === undefined) return undefined;
    const { subject, add } = vote;
    const votes = this.#votes.get(subject) ?? new Map<Hex, boolean>();
    this.#votes.set(subject, votes.set(miner, add));
    const same = [...votes.values()].filter((each) => each === add).length;
    if (same <= validators.length / 2) return undefined;
    this.#votes.delete(subject);
    if (!add) for (const others of this.#votes.values()) others.delete(subject);
    if (validators.includes(subject) === add) return undefined;
    const changed = add ? [...validators, subject].sort() : validators.filter((each) => each !== subject);
    return { from: number + 1n, validators: changed };
  }
}

function fault({ number }: QbftHeader, message: string): ProofError {
  return new ProofError("validators", message, { args: { block: number } });
}
