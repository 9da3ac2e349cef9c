import { TenonError, type TenonErrorDetails } from "../errors.js";

/** The links of a proof, in the order in which they are checked. */
export type ProofStep =
  | "form"
  | "deployment"
  | "frame"
  | "chain of frames"
  | "device signature"
  | "batch root"
  | "device head"
  | "contract"
  | "receipt"
  | "block"
  | "validators"
  | "seals"
  | "contract code"
  | "device record"
  | "history"
  | "anchor record";

/** A proof that does not hold. `step` is the first link that failed; `code` is `ProofInvalid`. */
export class ProofError extends TenonError {
  readonly step: ProofStep;

  constructor(step: ProofStep, message: string, details: TenonErrorDetails = {}) {
    super("ProofInvalid", message, {
      remedy: "Do not rely on it. Ask for the proof anew; if it fails again, its source is wrong or lies.",
      ...details,
      args: { step, ...details.args },
    });
    this.name = "ProofError";
    this.step = step;
  }
}
