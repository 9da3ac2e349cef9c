/** What the report of `npm run test:network` says of one test. */
export interface Result {
  suite: string;
  title: string;
  state: "passed" | "failed" | "skipped" | "not reached";
  ms: number;
  /** What it noted, in the order in which it was seen. */
  seen: string[];
  error?: string;
}

const notes: string[] = [];

/** Says something that the running test saw and the report shall tell: figures, answers, times. */
export function seen(text: string): void {
  notes.push(text);
  console.log(`      ${text}`);
}

/** The notes since the last call. */
export function takeSeen(): string[] {
  return notes.splice(0);
}
