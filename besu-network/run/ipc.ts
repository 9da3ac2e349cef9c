import { once } from "node:events";
import { mkdtempSync, rmdirSync, symlinkSync, unlinkSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TenonError } from "../../sdk/src/errors.js";
import { type Bundle, layout } from "../bundle/manifest.js";

/** Longest path that a UNIX socket's address holds on Linux; macOS holds 103 bytes. */
const LONGEST_ADDRESS = process.platform === "linux" ? 107 : 103;

export interface IpcOptions {
  /** Milliseconds until a call that has no answer fails with `NodeSilent` (default 10,000). */
  timeout?: number;
}

/** Connections open at once; further calls wait for their turn. */
const MOST_AT_ONCE = 16;

/** How often a request is sent when the node has read it in pieces. */
const MOST_SENDINGS = 6;

/** The refusals of a request's pieces come within this time of each other. */
const PIECES_MS = 50;

/**
 * Administration of one node, over the UNIX socket in its folder: all JSON-RPC groups, for whoever may write that
 * folder. Calls may be made without waiting for each other.
 *
 * Besu takes what it reads at once for whole requests and answers a parse error to each piece of a split one. How much it
 * reads at once shrinks while requests are small; 2,048 bytes on a fresh connection. So each call has a connection of its
 * own, and one longer than that is sent again after the refused pieces have made the node read more.
 *
 * Errors: `NodeUnreachable` (not running, not ours, connection lost), `NodeSilent` (no answer in time),
 * `NodeRefused` (the node answered with an error; `args.code` is JSON-RPC's).
 */
export class Ipc {
  readonly node: string;
  readonly #path: string;
  readonly #timeout: number;
  readonly #ending = new AbortController();
  readonly #turns: (() => void)[] = [];
  #open = 0;

  private constructor(path: string, node: string, timeout: number) {
    this.#path = path;
    this.node = node;
    this.#timeout = timeout;
  }

  /** Connects to a node of the bundle by its name. */
  static connect(bundle: Bundle, node: string, options: IpcOptions = {}): Promise<Ipc> {
    return Ipc.open(join(bundle.dir, layout.ipc(node)), node, options);
  }

  /** Connects to a socket by its path, however long that is. */
  static async open(path: string, node: string, { timeout = 10_000 }: IpcOptions = {}): Promise<Ipc> {
    (await connectTo(path, node)).destroy();
    return new Ipc(path, node, timeout);
  }

  /** Calls one method and gives its result. */
  async call(method: string, params: readonly unknown[] = []): Promise<unknown> {
    if (this.#open >= MOST_AT_ONCE) await new Promise<void>((turn) => this.#turns.push(turn));
    else this.#open++;
    try {
      if (this.#ending.signal.aborted) throw unreachable(this.node, "the connection was closed here");
      return await this.#exchange(await connectTo(this.#path, this.node), method, params);
    } finally {
      const next = this.#turns.shift();
      if (next === undefined) this.#open--;
      else next();
    }
  }

  /** Ends it; calls still waiting fail with `NodeUnreachable`. */
  close(): void {
    this.#ending.abort();
  }

  async #exchange(socket: Socket, method: string, params: readonly unknown[]): Promise<unknown> {
    const ended = new AbortController();
    try {
      return await Promise.race([
        ask(socket, this.node, method, params),
        sleep(this.#timeout, undefined, { signal: ended.signal }).then(() => {
          throw silent(this.node, method, this.#timeout);
        }),
        once(this.#ending.signal, "abort", { signal: ended.signal }).then(() => {
          throw unreachable(this.node, "the connection was closed here");
        }),
      ]);
    } finally {
      ended.abort();
      socket.destroy();
    }
  }
}

function connectTo(path: string, node: string): Promise<Socket> {
  return withShortPath(path, async (address) => {
    const socket = createConnection(address);
    try {
      await once(socket, "connect");
      return socket;
    } catch (cause) {
      socket.destroy();
      throw unreachable(node, cause);
    }
  });
}

interface Answer {
  id: number | null;
  result?: unknown;
  error?: { code: number; message: string; data?: unknown };
}

async function ask(
  socket: Socket,
  node: string,
  method: string,
  params: readonly unknown[],
): Promise<unknown> {
  let sendings = 0;
  let again: NodeJS.Timeout | undefined;
  const send = () => socket.write(`${JSON.stringify({ jsonrpc: "2.0", id: ++sendings, method, params })}\n`);
  send();
  try {
    for await (const { id, result, error } of answers(socket, node)) {
      if (id === null && error !== undefined && sendings < MOST_SENDINGS) {
        clearTimeout(again);
        again = setTimeout(send, PIECES_MS);
      } else if (error !== undefined) throw refused(node, method, error);
      else return result;
    }
  } finally {
    clearTimeout(again);
  }
  throw unreachable(node, "the node closed the connection");
}

/** The lines that come, however they are cut into pieces on the way. */
async function* answers(socket: Socket, node: string): AsyncGenerator<Answer> {
  let unread: Buffer[] = [];
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      let from = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
        const line = Buffer.concat([...unread, chunk.subarray(from, end)]).toString();
        unread = [];
        from = end + 1;
        if (line.trim() !== "") yield JSON.parse(line) as Answer;
      }
      if (from < chunk.length) unread.push(chunk.subarray(from));
    }
  } catch (cause) {
    throw unreachable(node, cause);
  }
}

/** Connects for the time of `work`. */
export async function withIpc<T>(bundle: Bundle, node: string, work: (ipc: Ipc) => Promise<T>): Promise<T> {
  const ipc = await Ipc.connect(bundle, node);
  try {
    return await work(ipc);
  } finally {
    ipc.close();
  }
}

/** Gives `use` a path of at most 107 bytes: the path, the way from here to it, or one through a short-lived link. */
async function withShortPath<T>(path: string, use: (address: string) => Promise<T>): Promise<T> {
  for (const address of [path, relative(process.cwd(), path)]) {
    if (Buffer.byteLength(address) <= LONGEST_ADDRESS) return use(address);
  }
  const folder = mkdtempSync(join(tmpdir(), "tenon-socket-"));
  const link = join(folder, "n");
  symlinkSync(dirname(path), link);
  try {
    return await use(join(link, basename(path)));
  } finally {
    unlinkSync(link);
    rmdirSync(folder);
  }
}

function unreachable(node: string, cause: unknown): TenonError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOENT" || code === "ECONNREFUSED") {
    return new TenonError("NodeUnreachable", "The node does not run here", {
      args: { node },
      remedy: "Start it with npx hardhat network up; npx hardhat network status shows which nodes run.",
      cause,
    });
  }
  const refused = code === "EACCES";
  return new TenonError("NodeUnreachable", "The node cannot be administered", {
    args: { node, reason: cause instanceof Error ? cause.message : cause },
    remedy: refused
      ? "Run this as the user who runs the nodes."
      : "npx hardhat network status shows which nodes run, npx hardhat network logs why one does not.",
    cause,
  });
}

function silent(node: string, method: string, milliseconds: number): TenonError {
  return new TenonError("NodeSilent", "The node did not answer in time", {
    args: { node, method, milliseconds },
    remedy: "It may be starting or overloaded: look at its log with npx hardhat network logs.",
  });
}

function refused(node: string, method: string, error: { code: number; message: string; data?: unknown }) {
  const { code, message, data } = error;
  return new TenonError("NodeRefused", "The node refused the call", {
    args: {
      node,
      method,
      code,
      reason: data === undefined ? message : `${message}: ${JSON.stringify(data)}`,
    },
  });
}
