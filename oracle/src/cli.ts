#!/usr/bin/env -S npx tsx
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Command } from "./commands/command.js";
import { wordsOf } from "./commands/failure.js";
import { gaps } from "./commands/gaps.js";
import { prove } from "./commands/prove.js";
import { rejects } from "./commands/rejects.js";
import { serve } from "./commands/serve.js";
import { verify } from "./commands/verify.js";

const commands: Record<string, Command> = { serve, prove, verify, gaps, rejects };

const help = `Tenon's oracle: takes signed frames from devices, stores them, anchors them on the chain and proves them.

  npm run oracle -- <command> [options]

Commands
${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`)
  .join("\n")}

  npm run oracle -- <command> --help says what a command takes.

Settings come from a file (--config FILE, else ./oracle.json when it is there), from the environment (TENON_CHAIN_RPC
is the setting chain.rpc) and from options; the last one counts. oracle/README.md lists them.`;

/** Exit codes: 0 all is well, 1 something is wrong and was said, 2 the command line was not understood. */
async function main([name, ...rest]: string[]): Promise<number> {
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    console.log(help);
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    console.error(`There is no command "${name}".\n\n${help}`);
    return 2;
  }
  let values: Record<string, string | boolean | undefined>;
  try {
    const options = {
      ...command.options,
      config: { type: "string" },
      help: { type: "boolean", short: "h" },
    } as const;
    values = parseArgs({ args: rest, options, allowPositionals: false }).values as typeof values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${command.help}`);
    return 2;
  }
  if (values.help === true) {
    console.log(command.help);
    return 0;
  }
  const file =
    (values.config as string | undefined) ?? (existsSync("oracle.json") ? "oracle.json" : undefined);
  return command.run(values, file);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(wordsOf(error));
  process.exitCode = 1;
}
