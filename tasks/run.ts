import { TenonError } from "../sdk/src/errors.js";

/** How a task prints a refusal: the stable code, the values and the remedy, no stack trace. */
export function formatError(error: TenonError): string {
  return `${error.code}: ${error.message}`;
}

/**
 * Runs the body of a task. A `TenonError` is an answer to the user, so it goes to stderr in words and the process
 * ends with exit code 1; anything else is a fault of ours and keeps its stack trace.
 */
export async function answering(body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof TenonError)) throw error;
    console.error(formatError(error));
    process.exitCode = 1;
  }
}
