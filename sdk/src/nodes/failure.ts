import { TenonError } from "../errors.js";

/**
 * The nodes cannot do it now, and may later: nobody answers, all are behind, the token or the account is not allowed.
 * Codes: `ChainUnreachable`, `NodeBehind`, `NodeTokenRefused`, `AccountNotAllowed`, `AnswerUnknown`. For a transaction
 * that was sent it says nothing about what became of it.
 */
export class NodeError extends TenonError {
  override readonly name = "NodeError";
}

/** A node answered, and its answer is a JSON-RPC error. */
export class RpcRefusal extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(error: { code?: unknown; message?: unknown; data?: unknown }) {
    super(String(error.message ?? "no message"));
    this.code = Number(error.code ?? -32_603);
    this.data = error.data;
  }
}

/** A request without a usable answer. Says whether the node may have got it. */
export class Unanswered extends Error {
  constructor(
    message: string,
    /** False only when the request certainly never reached the node. */
    readonly delivered: boolean,
    /** The connection was cut: as often an idle one that the node had closed as a node that fell. */
    readonly cut = false,
  ) {
    super(message);
  }
}

/** The node refused the token that was presented; there is none when `token` is undefined. */
export class Unauthorized extends Error {
  constructor(readonly token: string | undefined) {
    super(token === undefined ? "it wants a token (JWT)" : "it refused the token (JWT)");
  }
}

/** The node shows an older head than was seen before. */
export class Behind extends Error {
  constructor(
    readonly head: number,
    readonly seen: number,
  ) {
    super(`it is at block ${head}; block ${seen} was seen before`);
  }
}

/** An address as it may be printed: no login, no path, no query, since any of them may be a secret. */
export function publicUrl(url: string): string {
  if (!URL.canParse(url)) return url.replace(/\/\/[^/]*@/, "//…@").replace(/[?#].*$/, "");
  const { protocol, host, pathname, search } = new URL(url);
  return `${protocol}//${host}${pathname + search === "/" || pathname + search === "" ? "" : "/…"}`;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
