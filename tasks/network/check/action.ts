import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { layout } from "../../../besu-network/bundle/manifest.js";
import { checkGenesis, type Finding } from "../../../besu-network/genesis/check.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { answering } from "../../run.js";

interface CheckArguments {
  file: string;
  json: boolean;
}

/** Exit code 0 without errors (warnings may be there), 1 with errors or when the file cannot be read. */
export default async ({ file, json }: CheckArguments): Promise<void> =>
  answering(async () => {
    const findings = checkGenesis(read(file));
    if (json) console.log(JSON.stringify(findings));
    else print(file, findings);
    if (findings.some(({ severity }) => severity === "error")) process.exitCode = 1;
  });

function read(path: string): string {
  const folder = existsSync(path) && statSync(path).isDirectory();
  const file = folder ? join(path, layout.genesis) : path;
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new TenonError("GenesisUnreadable", "The genesis file cannot be read", {
      args: { file, reason: cause instanceof Error ? cause.message : cause },
      remedy: "Name a genesis.json, or the folder that network create has made.",
      cause,
    });
  }
}

function print(file: string, findings: Finding[]): void {
  for (const { severity, at, message } of findings) console.log(`${severity}: ${at}\n  ${message}`);
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.length - errors;
  console.log(
    findings.length === 0 ? `${file}: nothing is wrong` : `${file}: ${errors} errors, ${warnings} warnings`,
  );
}
