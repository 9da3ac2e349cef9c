import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** How far back from the end lines are looked for. */
const WINDOW = 1 << 20;

/** The last lines of a file, none from before `from` (a position in bytes); none when it does not exist. */
export function lastLines(path: string, lines: number, from = 0): string[] {
  if (!existsSync(path)) return [];
  const { size } = statSync(path);
  const start = Math.max(from, size - WINDOW, 0);
  const text = readText(path, start, size).toString();
  return text
    .split("\n")
    .filter((line) => line !== "")
    .slice(-lines);
}

/** Tells every line appended to the files, by their names, until `signal` ends it. */
export async function followFiles(
  files: ReadonlyMap<string, string>,
  line: (name: string, text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const sizeOf = (path: string) => (existsSync(path) ? statSync(path).size : 0);
  const states = [...files].map(([name, path]) => ({ name, path, at: sizeOf(path), rest: Buffer.alloc(0) }));
  while (!signal.aborted) {
    for (const state of states) {
      const size = sizeOf(state.path);
      if (size < state.at) Object.assign(state, { at: 0, rest: Buffer.alloc(0) }); // made anew
      if (size === state.at) continue;
      const text = Buffer.concat([state.rest, readText(state.path, state.at, size)]);
      const end = text.lastIndexOf(10) + 1;
      for (const one of text.subarray(0, end).toString().split("\n").slice(0, -1)) line(state.name, one);
      Object.assign(state, { at: size, rest: text.subarray(end) });
    }
    await sleep(250, undefined, { signal }).catch(() => {});
  }
}

function readText(path: string, from: number, to: number): Buffer {
  const text = Buffer.alloc(to - from);
  const file = openSync(path, "r");
  try {
    return text.subarray(0, readSync(file, text, 0, text.length, from));
  } finally {
    closeSync(file);
  }
}
