import { optional } from "../options.js";

/** Whom a verifier trusts to have sealed blocks. */
export const validatorOptions = {
  validators: optional(
    "validators",
    "The network's genesis.json: its first validators are trusted, and those they voted in",
  ),
  trustedValidators: optional(
    "trustedValidators",
    "Addresses of the validators in force at the block, separated by commas",
  ),
};
