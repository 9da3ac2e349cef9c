/** One thing that is wrong with a genesis. */
export interface Finding {
  severity: "error" | "warning";
  /** Stable name, for programs. */
  rule: string;
  /** Where in the file, such as `config.qbft.requesttimeoutseconds`. */
  at: string;
  /** What is wrong, what comes of it, and what to write instead. */
  message: string;
}

export type Fields = Record<string, unknown>;

/** A genesis whose keys are in lower case, as Besu reads them. */
export interface GenesisFile {
  file: Fields;
  config: Fields;
  qbft: Fields;
  /** Seconds since 1970. */
  now: number;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value with the keys of all its objects in lower case. */
export function lowered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowered);
  if (!isFields(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toLowerCase(), lowered(inner)]));
}

/** A whole number as Besu takes it, decimal or `0x…`; `undefined` when it is none. */
export function wholeNumber(value: unknown): number | undefined {
  if (typeof value !== "number" && !(typeof value === "string" && /^(0x[0-9a-fA-F]+|\d+)$/.test(value))) {
    return undefined;
  }
  const number = Number(value);
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

type Say = (rule: string, at: string, message: string) => void;

/** Collects findings in the order in which they are made. */
export function report(): { findings: Finding[]; error: Say; warning: Say } {
  const findings: Finding[] = [];
  const say =
    (severity: Finding["severity"]): Say =>
    (rule, at, message) =>
      findings.push({ severity, rule, at, message });
  return { findings, error: say("error"), warning: say("warning") };
}
