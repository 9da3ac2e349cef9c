import { loadDeployment } from "@tenon/sdk/deployment";
import { pino } from "pino";
import { loadReadConfig } from "../config.js";
import type { VerifyReport } from "../verify/report.js";
import { verifyState } from "../verify/verify.js";
import { type Command, overridesOf, type SettingOption, settingOptions, settingsHelp } from "./command.js";

const names: SettingOption[] = ["state", "deployment", "rpc", "jwt-key", "stream"];

/** Checks a whole log against the chain. */
export const verify: Command = {
  summary: "rebuilds every root from the log and compares it with the chain",
  help: `Rebuilds every batch from the log: checksums, device signatures, the three roots. Compares them with the state
database, with every anchor on the chain and with the stream's head. Names each frame and batch that differs or is
missing. Works on a running oracle's folder and on a copy of it, and changes nothing.

  npm run oracle -- verify --state DIR --deployment FILE --rpc URL --stream 1

${settingsHelp(...names)}
  --json               prints the report as JSON

Ends with 0 when nothing differs, else with 1.`,
  options: { ...settingOptions(...names), json: { type: "boolean" } },
  async run(values, file) {
    const { state, deployment, chain } = loadReadConfig(file, process.env, overridesOf(values));
    const live = process.stderr.isTTY === true;
    const report = await verifyState({
      stateDir: state,
      deployment: loadDeployment(deployment),
      rpc: chain.rpc,
      jwtKey: chain.jwtKey,
      stream: chain.stream,
      logger: pino({ level: "silent" }),
      onProgress: ({ frames, batches }) => {
        if (live) process.stderr.write(`\r${frames} frames, ${batches} batches checked `);
      },
    });
    if (live) process.stderr.write("\r\x1b[K");
    console.log(values.json === true ? JSON.stringify(report, decimals, 2) : textOf(report));
    return report.ok ? 0 : 1;
  },
};

function textOf(report: VerifyReport): string {
  const { frames, rejects, batches, anchored, block, differences, unlisted, consequences, notes } = report;
  const lines = [...notes, ...differences.map(({ message }) => `✘ ${message}`)];
  if (unlisted > 0) lines.push(`✘ and ${unlisted} more`);
  if (consequences > 0) lines.push(`  ${consequences} later heads roots differ as a consequence`);
  const read = `${frames} frames and ${rejects} rejects in ${batches} batches, ${anchored} of them anchored at block ${block.number}`;
  const verdict = report.ok ? "nothing differs" : `${differences.length + unlisted} differences`;
  lines.push(`${read}: ${verdict}`);
  return lines.join("\n");
}

function decimals(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
