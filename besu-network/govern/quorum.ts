/** Validators that may lie or be silent while the chain still agrees and goes on: `f` of `n = 3f + 1`. */
export const faultsTolerated = (validators: number): number => Math.floor((validators - 1) / 3);

/** Validators that must sign a block: `ceil(2n / 3)`. */
export const quorumOf = (validators: number): number => Math.ceil((2 * validators) / 3);

/** Validators that must vote the same before the set changes: more than half. */
export const votesNeeded = (validators: number): number => Math.floor(validators / 2) + 1;

/** The fewest validators of which one may fail: with three a block needs two signers, and one liar is enough for two chains. */
export const FEWEST_VALIDATORS = 4;
