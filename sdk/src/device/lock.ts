import { DatabaseSync } from "node:sqlite";
import { TenonError } from "../errors.js";

/**
 * Takes a file for this process alone until {@link FileLock.release} or the end of the process, `kill -9`
 * included. It is SQLite's file lock, the one lock of the operating system that Node can reach.
 */
export class FileLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @throws TenonError `FileLocked` when another process, or this one, holds it. */
  static acquire(path: string): FileLock {
    const database = new DatabaseSync(path, { timeout: 0 });
    try {
      database.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    } catch (cause) {
      database.close();
      throw new TenonError("FileLocked", "Another process works on these files", {
        args: { lock: path },
        remedy: "Stop the other process, or give this one files of its own.",
        cause,
      });
    }
    return new FileLock(database);
  }

  release(): void {
    this.#database.close();
  }
}
