import hre from "hardhat";

/** What a task printed, and the exit code it left. */
export interface Ran {
  out: string;
  err: string;
  exitCode: number;
}

/** Runs a task of the product in this process, as the command line would, with what its options were given. */
export async function ranTask(id: string[], given: Record<string, unknown>): Promise<Ran> {
  const { log, error } = console;
  const before = process.exitCode;
  const out: string[] = [];
  const err: string[] = [];
  process.exitCode = 0;
  console.log = (...words: unknown[]) => out.push(words.join(" "));
  console.error = (...words: unknown[]) => err.push(words.join(" "));
  try {
    await hre.tasks.getTask(id).run(given);
    return { out: out.join("\n"), err: err.join("\n"), exitCode: Number(process.exitCode) };
  } finally {
    Object.assign(console, { log, error });
    process.exitCode = before;
  }
}
