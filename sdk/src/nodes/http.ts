import { messageOf, RpcRefusal, Unanswered, Unauthorized } from "./failure.js";
import type { TokenSource } from "./jwt.js";

/** The way to one node. */
export interface Transport {
  /**
   * One request, once.
   * @throws RpcRefusal, Unanswered, Unauthorized.
   */
  call(method: string, params: unknown): Promise<unknown>;
  close(): void;
}

export interface TransportOptions {
  readonly url: string;
  readonly tokens: TokenSource | undefined;
  /** Milliseconds until a request counts as unanswered. */
  readonly timeoutMs: number;
}

/** What a request certainly did not get through: no connection was there to carry it. */
const neverSent = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** JSON-RPC over http:// or https://. */
export class HttpTransport implements Transport {
  readonly #url: string;
  readonly #login: string | undefined;
  readonly #tokens: TokenSource | undefined;
  readonly #timeoutMs: number;
  readonly #closed = new AbortController();
  #next = 1;

  constructor({ url, tokens, timeoutMs }: TransportOptions) {
    const address = new URL(url);
    this.#login = loginOf(address);
    address.username = "";
    address.password = "";
    this.#url = address.href;
    this.#tokens = tokens;
    this.#timeoutMs = timeoutMs;
  }

  async call(method: string, params: unknown): Promise<unknown> {
    const token = (await this.#tokens?.get())?.value;
    const authorization = token === undefined ? this.#login : `Bearer ${token}`;
    const { status, text } = await this.#post(
      JSON.stringify({ jsonrpc: "2.0", id: this.#next++, method, params }),
      authorization,
    );
    if (status === 401) throw new Unauthorized(token);
    if (status === 429 || status >= 500 || status === 403) throw new Unanswered(`HTTP ${status}`, true);
    return resultOf(parsed(text, status), token);
  }

  close(): void {
    this.#closed.abort();
  }

  async #post(body: string, authorization: string | undefined): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        body,
        redirect: "error", // a token goes to the address it was meant for, nowhere else
        headers: {
          "content-type": "application/json",
          ...(authorization !== undefined && { authorization }),
        },
        signal: AbortSignal.any([AbortSignal.timeout(this.#timeoutMs), this.#closed.signal]),
      });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      throw unanswered(error, this.#timeoutMs);
    }
  }
}

/** The header for a login in an address; `undefined` when there is none. */
export function loginOf({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(login).toString("base64")}`;
}

/** The result in a JSON-RPC answer. @throws RpcRefusal, Unauthorized. */
export function resultOf(answer: Record<string, unknown>, token: string | undefined): unknown {
  if (answer.error === undefined || answer.error === null) return answer.result;
  const refusal = new RpcRefusal(answer.error as object);
  throw refusal.code === -40_100 ? new Unauthorized(token) : refusal;
}

function parsed(text: string, status: number): Record<string, unknown> {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === "object" && answer !== null && ("result" in answer || "error" in answer)) {
      return answer as Record<string, unknown>;
    }
  } catch {
    // no JSON: a proxy's page
  }
  throw new Unanswered(`HTTP ${status} without a JSON-RPC answer`, true);
}

function unanswered(error: unknown, timeoutMs: number): Unanswered {
  const { name, cause } = error as Error & { cause?: { code?: string; message?: string } };
  if (name === "TimeoutError") return new Unanswered(`no answer in ${timeoutMs} ms`, true);
  const code = cause?.code ?? "";
  return new Unanswered(
    code || cause?.message || messageOf(error),
    !neverSent.has(code),
    !neverSent.has(code),
  );
}
