/** What every error of Tenon carries besides its message. */
export interface TenonErrorDetails {
  /** The values that were refused, by name, ready to be printed. */
  args?: Record<string, unknown>;
  /** What the reader can do about it, one line. */
  remedy?: string;
  cause?: unknown;
}

/**
 * The one base of every error thrown by SDK, oracle and tasks. `code` is stable and meant for programs
 * (for a contract's refusal it is the name of the Solidity error); the message is meant for people.
 */
export class TenonError extends Error {
  readonly code: string;
  readonly args: Record<string, unknown>;
  readonly remedy: string | undefined;

  constructor(code: string, shortMessage: string, details: TenonErrorDetails = {}) {
    const args = details.args ?? {};
    const shown = Object.entries(args).map(([name, value]) => `  ${name}: ${String(value)}`);
    const remedy = details.remedy === undefined ? [] : [`  → ${details.remedy}`];
    super([shortMessage, ...shown, ...remedy].join("\n"), { cause: details.cause });
    this.name = "TenonError";
    this.code = code;
    this.args = args;
    this.remedy = details.remedy;
  }
}
