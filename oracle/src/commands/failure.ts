import { TenonError } from "@tenon/sdk/errors";
import { isDatabaseError, stateFault } from "../state/fault.js";

/** What a command says when it fails: never a stack trace, always what can be done. */
export function wordsOf(error: unknown): string {
  const typed = typedFailure(error);
  return `${typed.code}: ${typed.message}`;
}

function typedFailure(error: unknown): TenonError {
  if (error instanceof TenonError) return error;
  if (isDatabaseError(error)) return stateFault(error);
  const { code, syscall, path, shortMessage } = (error ?? {}) as Record<string, unknown>;
  const reason = String(
    shortMessage ?? (error instanceof Error ? `${error.name}: ${error.message}` : error),
  ).split("\n")[0];
  if (syscall !== undefined && code !== undefined) {
    return new TenonError("FileUnusable", "A file or folder cannot be used", {
      args: { ...(path !== undefined && { path }), reason: code },
      remedy: "Check that it is there, who may read and write it, and the free space of its disk.",
    });
  }
  if (shortMessage !== undefined) {
    return new TenonError("NodeUnavailable", "The node did not answer as it should", {
      args: { reason },
      remedy: "Check the node, then ask again.",
    });
  }
  const at = error instanceof Error ? /\(?([^\s(]+:\d+:\d+)\)?/.exec(error.stack ?? "")?.[1] : undefined;
  return new TenonError("InternalError", "The oracle failed in a way it has no words for", {
    args: { reason, ...(at !== undefined && { at }) },
    remedy: "Please report these lines.",
  });
}
