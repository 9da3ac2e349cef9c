import { TenonError } from "@tenon/sdk/errors";

const BUSY = 5;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

/** Whether an error is SQLite's. */
export function isDatabaseError(error: unknown): error is Error & { errcode: number } {
  return error instanceof Error && (error as { code?: unknown }).code === "ERR_SQLITE_ERROR";
}

/** Whether SQLite failed because another process holds the file. */
export function isBusy(error: unknown): boolean {
  return isDatabaseError(error) && (error.errcode & 0xff) === BUSY;
}

/** An error of SQLite in words: `StateDamaged` for a file that is not a whole database, else `StateUnusable`. */
export function stateFault(error: Error & { errcode: number }, path = "state.db"): TenonError {
  // The primary code is in the lowest byte.
  const code = error.errcode & 0xff;
  const details = { args: { database: path, reason: error.message }, cause: error };
  if (code === CORRUPT || code === NOT_A_DATABASE) {
    const remedy =
      "Stop the oracle and move state.db away, with its -wal and -shm: log and chain hold all it is made of.";
    return new TenonError("StateDamaged", "The state database is damaged", { ...details, remedy });
  }
  const remedy = "Check the free space of its disk and who may write its folder.";
  return new TenonError("StateUnusable", "The state database cannot be used", { ...details, remedy });
}
