import { DatabaseSync } from "node:sqlite";
import { TenonError } from "../errors.js";

/** SQLite's code for a file that another process holds. */
const BUSY = 5;

/**
 * Takes a file for this process alone until {@link FileLock.release} or the end of the process, `kill -9`
 * included. It is SQLite's file lock, the one lock of the operating system that Node can reach.
 */
export class FileLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @throws TenonError `FileLocked` when another process, or this one, holds it; `LockUnusable` when it cannot be made. */
  static acquire(path: string): FileLock {
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path, { timeout: 0 });
      database.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
      return new FileLock(database);
    } catch (cause) {
      database?.close();
      if (((cause as { errcode?: number }).errcode ?? 0) % 256 !== BUSY) throw unusable(path, cause as Error);
      throw new TenonError("FileLocked", "Another process works on these files", {
        args: { lock: path },
        remedy: "Stop the other process, or give this one files of its own.",
        cause,
      });
    }
  }

  release(): void {
    this.#database.close();
  }
}

function unusable(path: string, cause: Error): TenonError {
  return new TenonError("LockUnusable", "The lock beside the files cannot be made", {
    args: { lock: path, reason: cause.message },
    remedy: "Let this user write the folder, and see that its disk has space.",
    cause,
  });
}
