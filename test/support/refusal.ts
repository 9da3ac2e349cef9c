import { expect } from "chai";
import type { TenonError } from "../../sdk/src/errors.js";

/** What a promise was rejected with; the test fails when it was not. */
export async function refusal<T extends TenonError = TenonError>(promise: Promise<unknown>): Promise<T> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (outcome === undefined) expect.fail("was not refused");
  return outcome.error as T;
}
