import { appendFileSync } from "node:fs";
import { type Result, takeSeen } from "./seen.js";

/**
 * Loaded beside the tests of `npm run test:network`: writes the result of each, one JSON a line, to the file that
 * TENON_RESULTS names. What a run that breaks off had shown by then is there.
 */
const file = process.env.TENON_RESULTS;
const told = new Set<Mocha.Test>();

function tell(test: Mocha.Test, state: Result["state"]): void {
  if (file === undefined || told.has(test)) return;
  told.add(test);
  const result: Result = {
    suite: test.parent?.fullTitle() ?? "",
    title: test.title,
    state,
    ms: test.duration ?? 0,
    seen: takeSeen(),
    ...(test.err === undefined ? {} : { error: test.err.message }),
  };
  appendFileSync(file, `${JSON.stringify(result)}\n`);
}

afterEach(function () {
  const test = this.currentTest;
  if (test?.state === "passed" || test?.state === "failed") tell(test, test.state);
});

after(function () {
  for (const test of testsOf(this.test!.parent!)) tell(test, test.isPending() ? "skipped" : "not reached");
});

function testsOf(suite: Mocha.Suite): Mocha.Test[] {
  return [...suite.tests, ...suite.suites.flatMap(testsOf)];
}
