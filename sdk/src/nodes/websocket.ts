import { Unanswered } from "./failure.js";
import { loginOf, resultOf, type Transport, type TransportOptions } from "./http.js";
import type { Token } from "./jwt.js";

interface Waiting {
  resolve(message: Record<string, unknown>): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

export interface SocketOptions extends TransportOptions {
  /** Told the number of every head that the node announces (`newHeads`). */
  readonly onHead: (number: number) => void;
  /** Told when an open socket is lost: the next one may lead to another node. */
  readonly onLost: () => void;
}

/**
 * JSON-RPC over ws:// or wss://. A lost socket is opened again by the next request, at a growing distance while that
 * fails; the announcement of heads is asked for on every new socket. A node looks at the token of the opening request
 * only, so a socket is replaced before its token ends.
 */
export class WebSocketTransport implements Transport {
  readonly #options: SocketOptions;
  readonly #url: string;
  readonly #login: string | undefined;
  #socket: Socket | undefined;
  #failures = 0;
  #notBefore = 0;
  #closed = false;

  constructor(options: SocketOptions) {
    const address = new URL(options.url);
    this.#options = options;
    this.#login = loginOf(address);
    address.username = "";
    address.password = "";
    this.#url = address.href;
  }

  async call(method: string, params: unknown): Promise<unknown> {
    const socket = await this.#ready();
    return resultOf(await socket.ask(method, params, this.#options.timeoutMs), socket.token?.value);
  }

  close(): void {
    this.#closed = true;
    this.#socket?.close();
  }

  async #ready(): Promise<Socket> {
    const token = await this.#options.tokens?.get();
    if (this.#closed) throw new Unanswered("the connection was closed", false);
    const before = this.#socket;
    if (before?.usable && before.token?.value === token?.value) {
      await before.opened;
      return before;
    }
    if (performance.now() < this.#notBefore) throw new Unanswered("lost, and not tried again yet", false);
    const socket = this.#open(token);
    this.#socket = socket;
    try {
      await socket.opened;
    } catch (error) {
      // Why an opening failed is not told to clients; a refused token is one reason.
      if (token !== undefined) this.#options.tokens?.refused(token.value);
      const pause = Math.min(5_000, 100 * 2 ** this.#failures++) * (0.75 + Math.random() / 2);
      this.#notBefore = performance.now() + pause;
      throw error;
    } finally {
      before?.retire();
    }
    this.#failures = 0;
    // Not every node announces heads, and not every user may ask for it: they are then found by asking.
    socket.ask("eth_subscribe", ["newHeads"], this.#options.timeoutMs).catch(() => {});
    return socket;
  }

  #open(token: Token | undefined): Socket {
    const { onHead, onLost, timeoutMs } = this.#options;
    const authorization = token === undefined ? this.#login : `Bearer ${token.value}`;
    const socket: Socket = new Socket(this.#url, token, authorization, timeoutMs, onHead, () => {
      if (this.#socket === socket && !this.#closed) onLost();
    });
    return socket;
  }
}

class Socket {
  readonly token: Token | undefined;
  /** Resolves when requests may be sent; rejects when that never happens. */
  readonly opened: Promise<void>;
  #retired = false;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  constructor(
    url: string,
    token: Token | undefined,
    authorization: string | undefined,
    timeoutMs: number,
    onHead: (number: number) => void,
    onLost: () => void,
  ) {
    this.token = token;
    this.#socket = new WebSocket(url, authorization === undefined ? {} : { headers: { authorization } });
    this.#socket.addEventListener("message", ({ data }) => this.#take(String(data), onHead));
    this.#socket.addEventListener("error", () => {}); // a close follows
    this.opened = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#socket.close();
        reject(new Unanswered(`no WebSocket in ${timeoutMs} ms`, false));
      }, timeoutMs);
      this.#socket.addEventListener("open", () => {
        clearTimeout(timer);
        resolve();
      });
      this.#socket.addEventListener("close", () => {
        clearTimeout(timer);
        reject(new Unanswered("no WebSocket could be opened", false));
        this.#dropAll();
        onLost();
      });
    });
    this.opened.catch(() => {}); // whoever waits for it gets it
  }

  /** It is open, or will be. */
  get usable(): boolean {
    const { readyState } = this.#socket;
    return !this.#retired && (readyState === WebSocket.OPEN || readyState === WebSocket.CONNECTING);
  }

  ask(method: string, params: unknown, timeoutMs: number): Promise<Record<string, unknown>> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Unanswered(`no answer in ${timeoutMs} ms`, true));
        this.#socket.close(); // silent: a new socket shows whether the node is there
      }, timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  /** Takes no more requests, and closes when the last answer is in. */
  retire(): void {
    this.#retired = true;
    if (this.#waiting.size === 0) this.#socket.close();
  }

  close(): void {
    this.#retired = true;
    this.#socket.close();
    this.#dropAll();
  }

  #take(text: string, onHead: (number: number) => void): void {
    let message: Record<string, unknown>;
    try {
      message = JSON.parse(text);
    } catch {
      this.#socket.close(); // not JSON-RPC: nothing that follows can be understood
      return;
    }
    if (message.method === "eth_subscription") {
      const { result } = (message.params ?? {}) as { result?: { number?: string } };
      if (result?.number !== undefined) onHead(Number(result.number));
      return;
    }
    const waiting = this.#waiting.get(Number(message.id));
    if (waiting === undefined) return;
    this.#waiting.delete(Number(message.id));
    clearTimeout(waiting.timer);
    waiting.resolve(message);
    if (this.#retired && this.#waiting.size === 0) this.#socket.close();
  }

  #dropAll(): void {
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new Unanswered("the WebSocket was lost", true, true));
    }
    this.#waiting.clear();
  }
}
