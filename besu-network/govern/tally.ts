import type { Hex } from "../../sdk/src/bytes.js";

/** Validators that must vote the same before the set changes: more than half. */
export const votesNeeded = (validators: number): number => Math.floor(validators / 2) + 1;

/** What one header says: its proposer wants `subject` in or out of the set of validators. */
export interface Vote {
  voter: Hex;
  subject: Hex;
  add: boolean;
}

/**
 * The votes that count now, kept as every node keeps them: a later vote of the same voter replaces the earlier one, the
 * vote that makes a majority changes the set at once, and whoever leaves takes its own votes along.
 */
export class Tally {
  readonly validators: Set<Hex>;
  readonly #votes = new Map<Hex, Map<Hex, boolean>>();

  constructor(validators: Iterable<Hex>) {
    this.validators = new Set(validators);
  }

  apply({ voter, subject, add }: Vote): void {
    const votes = this.#votes.get(subject) ?? new Map<Hex, boolean>();
    this.#votes.set(subject, votes.set(voter, add));
    if (this.voters(subject, add).length < votesNeeded(this.validators.size)) return;
    this.#votes.delete(subject);
    if (add) {
      this.validators.add(subject);
    } else {
      this.validators.delete(subject);
      for (const others of this.#votes.values()) others.delete(subject);
    }
  }

  /** At an epoch's block all votes lapse. */
  lapse(): void {
    this.#votes.clear();
  }

  /** Who has voted so about `subject`, with the votes not yet spent on a change. */
  voters(subject: Hex, add: boolean): Hex[] {
    return [...(this.#votes.get(subject) ?? [])].filter(([, vote]) => vote === add).map(([voter]) => voter);
  }
}
