import type { TenonError } from "../../sdk/src/errors.js";

/** The error a promise fails with; fails itself when there is none. */
export async function failure(promise: Promise<unknown>): Promise<TenonError> {
  try {
    await promise;
  } catch (error) {
    return error as TenonError;
  }
  throw new Error("it did not fail");
}
