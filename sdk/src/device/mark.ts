import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { TenonError } from "../errors.js";

/*
 * The epoch mark: a file beside the journal that says which epoch was begun last. When the journal is lost or an
 * older copy of it comes back, the mark shows it, and the next epoch begins instead of a counter used twice.
 */

function markPath(dir: string): string {
  return `${resolve(dir)}.epoch`;
}

/** The epoch begun last; 0 when there never was one. */
export function readEpochMark(dir: string): number {
  let text: string;
  try {
    text = readFileSync(markPath(dir), "ascii");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
  const epoch = Number(text.trim());
  if (Number.isInteger(epoch) && epoch >= 1 && epoch <= 0xffffffff) return epoch;
  throw new TenonError("EpochMarkDamaged", "The epoch mark of the journal cannot be read", {
    args: { path: markPath(dir), content: text.slice(0, 40) },
    remedy:
      "Write into it a number above every epoch the device has used; the oracle's /devices/<id> shows them.",
  });
}

export function writeEpochMark(dir: string, epoch: number): void {
  const path = markPath(dir);
  const file = openSync(`${path}.new`, "w", 0o600);
  try {
    writeSync(file, `${epoch}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
  syncFolder(dirname(path));
}

/** Makes names in a folder durable: a new or renamed file is lost in a crash without it. */
export function syncFolder(dir: string): void {
  const folder = openSync(dir, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
