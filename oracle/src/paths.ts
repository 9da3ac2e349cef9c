import { join } from "node:path";

/** The segment log of a state folder. */
export function logDir(stateDir: string): string {
  return join(stateDir, "log");
}

/** The state database of a state folder. */
export function databasePath(stateDir: string): string {
  return join(stateDir, "state.db");
}
