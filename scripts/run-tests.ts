/**
 * Runs every test that needs nothing but Node, on two cores: the Solidity tests and those that start whole processes
 * beside the rest. What a part printed is shown when it ends, whole; the exit code is 1 when any part failed.
 *
 *   npm test
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";

interface Part {
  name: string;
  args: string[];
}

/** Says after how long which run could not end: every run of Mocha needs it. */
const ENDING = "test/ending.test.ts";

const files = globSync("test/**/*.test.ts").sort();
const startsProcesses = (file: string) => /^test\/(scenarios|tasks)\//.test(file);

const mocha = (name: string, chosen: string[]): Part => ({
  name,
  args: ["test", "mocha", "--no-compile", ...chosen, ENDING],
});
const rest = files.filter((file) => file !== ENDING);

/** Each lane is one core's work, one part after the other. */
const lanes: Part[][] = [
  [
    { name: "Solidity", args: ["test", "solidity", "--no-compile"] },
    mocha("scenarios and tasks", rest.filter(startsProcesses)),
  ],
  [
    mocha(
      "contracts, SDK, oracle, devices and network",
      rest.filter((file) => !startsProcesses(file)),
    ),
  ],
];

function run({ name, args }: Part): Promise<boolean> {
  const started = Date.now();
  const child = spawn("npx", ["hardhat", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => said.push(data));
  console.log(`… ${name}: begun`);
  return new Promise((resolve) => {
    child.on("close", (code) => {
      const seconds = Math.round((Date.now() - started) / 1_000);
      console.log(Buffer.concat(said).toString("utf8").trimEnd());
      console.log(
        `\n${code === 0 ? "✔" : "✘"} ${name}: ${code === 0 ? "passed" : "failed"} in ${seconds} s\n`,
      );
      resolve(code === 0);
    });
  });
}

async function runLane(parts: Part[]): Promise<boolean> {
  let passed = true;
  for (const part of parts) passed = (await run(part)) && passed;
  return passed;
}

const passed = (await Promise.all(lanes.map(runLane))).every((lane) => lane);
console.log(passed ? "Everything passed." : "Something failed: look for ✘ above.");
process.exitCode = passed ? 0 : 1;
