import { expect } from "chai";
import { TenonError } from "../../sdk/src/errors.js";

/** What a promise was rejected with; the test fails when it was not. */
export async function refusal<T extends TenonError = TenonError>(promise: Promise<unknown>): Promise<T> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  if (outcome === undefined) expect.fail("was not refused");
  return outcome.error as T;
}

/** The code of what a call refuses with; undefined when it goes through. */
export function codeOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    expect(error).to.be.instanceOf(TenonError);
    return (error as TenonError).code;
  }
}
