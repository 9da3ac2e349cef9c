/**
 * Makes the implementation files of the W3C DID test suite (w3c/did-test-suite) from documents that the SDK resolves on a live
 * chain in this process, and runs the suite on them.
 *
 *   npx tsx scripts/check-did-suite.ts DIR                  writes did-tenon.json, resolver-tenon.json, dereferencer-tenon.json
 *   npx tsx scripts/check-did-suite.ts DIR --suite SUITE    and runs them; exit code 1 when a test fails
 *
 * SUITE is the folder packages/did-core-test-server of a checkout that was installed as its own README says (its package
 * jest-did-matcher lies beside it and is not on npm). The suite is left as it is: the files are handed to it by jest's
 * configuration. `npm run build` comes first.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { implementationOf } from "./did-suite/implementation.js";
import { madeDids } from "./did-suite/world.js";

const SUITES = [
  "did-identifier",
  "did-core-properties",
  "did-production",
  "did-consumption",
  "did-resolution",
  "did-url-dereferencing",
];

async function main(folder: string, suite: string | undefined): Promise<boolean> {
  const files = await implementationOf(await madeDids());
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, `${name}-tenon.json`), `${JSON.stringify(content, null, 2)}\n`);
  }
  console.log(
    `${folder}: ${files.did.dids.length} DIDs, ${files.resolver.executions.length} resolutions, ${files.dereferencer.executions.length} dereferencings`,
  );
  return suite === undefined || runSuite(resolve(folder), resolve(suite));
}

function runSuite(folder: string, suite: string): boolean {
  const config = join(folder, "jest.config.json");
  const setup = join(folder, "setup.cjs");
  const report = join(folder, "report.json");
  // Read inside jest, so that objects are those of its own realm: the suite looks at that.
  writeFileSync(
    setup,
    `global.systemSuiteConfig = {
  didMethods: [require("./did-tenon.json")],
  resolvers: [require("./resolver-tenon.json")],
  dereferencers: [require("./dereferencer-tenon.json")],
};
`,
  );
  const setupFilesAfterEnv = ["jest-extended", "jest-did-matcher"];
  writeFileSync(config, JSON.stringify({ rootDir: suite, setupFiles: [setup], setupFilesAfterEnv }));
  const patterns = SUITES.map((name) => `suites/${name}/`);
  const jest = join(suite, "node_modules/jest/bin/jest.js");
  const args = [jest, "--config", config, "--json", "--outputFile", report, "--silent", ...patterns];
  const { status } = spawnSync(process.execPath, args, {
    cwd: suite,
    stdio: ["ignore", "ignore", "inherit"],
  });
  const { numTotalTests, numPassedTests, numFailedTests, numTodoTests, testResults } = JSON.parse(
    readFileSync(report, "utf8"),
  );
  console.log(
    `${testResults.length} suites, ${numTotalTests} tests: ${numPassedTests} passed, ${numFailedTests} failed, ${numTodoTests} to do`,
  );
  return status === 0 && numPassedTests > 0;
}

const { positionals, values } = parseArgs({ allowPositionals: true, options: { suite: { type: "string" } } });
const [folder] = positionals;
if (folder === undefined) {
  console.error("npx tsx scripts/check-did-suite.ts DIR [--suite SUITE]");
  process.exitCode = 2;
} else {
  process.exitCode = (await main(folder, values.suite)) ? 0 : 1;
}
