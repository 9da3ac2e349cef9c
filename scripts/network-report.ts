import type { Result } from "../test/network/seen.js";

/** What a network was, for the report's head. */
export interface NetworkFacts {
  /** As the node says it: `besu/v…`. */
  client: string;
  settings: string[];
}

/** One test file of the run. */
export interface Part {
  file: string;
  results: Result[];
  ms: number;
  passed: boolean;
  /** Exit code of its process; null when it was ended from outside. */
  code: number | null;
  /** Why it was left out. */
  skipped?: string;
}

export interface Run {
  parts: Part[];
  facts: NetworkFacts;
  started: Date;
  commit: string;
}

const marks = { passed: "✔", failed: "✘", skipped: "–", "not reached": "✘" } as const;

/** The report of a full run in Markdown: what ran, and of every scenario what was seen and how long it took. */
export function reportOf({ parts, facts, started, commit }: Run): string {
  const results = parts.flatMap((part) => part.results);
  const count = (state: Result["state"]) => results.filter((result) => result.state === state).length;
  const took = parts.reduce((sum, { ms }) => sum + ms, 0);
  const failed = count("failed") + count("not reached");
  return [
    "# The last full run on a real network",
    "",
    "Written by `npm run test:network`; do not edit.",
    "",
    `- ${started.toISOString().slice(0, 16).replace("T", " ")} UTC, commit ${commit}`,
    `- ${facts.client}`,
    ...facts.settings.map((setting) => `- ${setting}`),
    `- ${count("passed")} scenarios passed, ${failed} failed, ${count("skipped")} skipped, in ${minutes(took)}; ${parts.every(({ passed }) => passed) ? "everything held" : "not everything held"}`,
    "",
    ...parts.flatMap(partLines),
  ].join("\n");
}

function partLines({ file, results, ms, passed, code, skipped }: Part): string[] {
  if (skipped !== undefined) return [`## ${file}`, "", `Skipped, because ${skipped}.`, ""];
  const suites = Map.groupBy(results, ({ suite }) => suite);
  const lines = [...suites].flatMap(([suite, tests]) => [
    `### ${suite}`,
    "",
    ...tests.flatMap(testLines),
    "",
  ]);
  const broken = passed || results.some(({ state }) => state === "failed");
  const ending = broken ? [] : [`The run of this file broke off (exit code ${code}).`, ""];
  return [`## ${file}, ${minutes(ms)}`, "", ...lines, ...ending];
}

function testLines({ title, state, ms, seen, error }: Result): string[] {
  const time = state === "passed" || state === "failed" ? ` (${(ms / 1000).toFixed(1)} s)` : "";
  const notes = error === undefined ? seen : [...seen, `failed: ${error.split("\n")[0]}`];
  const reached = state === "not reached" ? ", which was not reached" : "";
  return [`- ${marks[state]} ${title}${reached}${time}`, ...notes.map((note) => `  - ${note}`)];
}

function minutes(ms: number): string {
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}
