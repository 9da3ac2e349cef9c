import { type KeyObject, verify } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WsPeer } from "./ws-frames.js";

export interface RpcRequest {
  method: string;
  params: unknown[];
}

/** What stands between the client and the chain. `forward` asks the real chain. */
export type Fault = (request: RpcRequest, forward: () => Promise<unknown>) => Promise<unknown>;

/** Thrown by a fault: the request gets no answer, its connection is cut. */
export class NoAnswer extends Error {}

/** Thrown by a fault: the request gets this HTTP status and no JSON-RPC answer. */
export class HttpStatus extends Error {
  constructor(readonly status: number) {
    super(`HTTP ${status}`);
  }
}

export interface RpcServerOptions {
  /** Default: a free one. */
  port?: number;
  /** Asks for tokens signed with this key's private half, as Besu does. */
  jwtKey?: KeyObject;
}

interface Chain {
  request(request: RpcRequest): Promise<unknown>;
}

/**
 * The in-process chain as a node with an address, over HTTP and WebSocket, and with a place for faults: a fault sees
 * each request first and may change, delay, lose or refuse it.
 */
export class RpcServer {
  readonly requests: RpcRequest[] = [];
  /** The `authorization` header of every HTTP request and every opened WebSocket. */
  readonly authorizations: (string | undefined)[] = [];
  fault: Fault | undefined;
  readonly #chain: Chain;
  readonly #options: RpcServerOptions;
  readonly #peers = new Set<WsPeer>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  private constructor(chain: Chain, options: RpcServerOptions) {
    this.#chain = chain;
    this.#options = options;
    this.#server.on("upgrade", (request, stream) => this.#accept(request, stream));
  }

  static async start(chain: Chain, options: RpcServerOptions = {}): Promise<RpcServer> {
    const server = new RpcServer(chain, options);
    await new Promise<void>((resolve, reject) => {
      server.#server.once("error", reject);
      server.#server.listen(options.port ?? 0, "127.0.0.1", resolve);
    });
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** WebSockets that are open. */
  get sockets(): number {
    return this.#peers.size;
  }

  /** How often a method was asked for. */
  count(method: string): number {
    return this.requests.filter((request) => request.method === method).length;
  }

  /** Cuts every WebSocket, as a node that is killed does. */
  cutSockets(): void {
    for (const peer of this.#peers) peer.cut();
  }

  close(): Promise<void> {
    this.cutSockets();
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    this.authorizations.push(incoming.headers.authorization);
    if (!this.#allowed(incoming.headers.authorization)) return void response.writeHead(401).end();
    try {
      const body = await this.#respond(Buffer.concat(chunks).toString());
      response.setHeader("content-type", "application/json");
      response.end(body);
    } catch (error) {
      if (error instanceof HttpStatus) response.writeHead(error.status).end();
      else response.destroy();
    }
  }

  /** As Besu: the socket opens whatever the token is, and every request on it is refused while that is not good. */
  #accept(incoming: IncomingMessage, stream: Duplex): void {
    const { authorization } = incoming.headers;
    this.authorizations.push(authorization);
    const peer = new WsPeer(stream, incoming, (text) => void this.#take(peer, authorization, text));
    this.#peers.add(peer);
    stream.on("close", () => this.#peers.delete(peer));
  }

  async #take(peer: WsPeer, authorization: string | undefined, text: string): Promise<void> {
    const { id, method } = JSON.parse(text);
    if (!this.#allowed(authorization)) {
      return peer.send(
        JSON.stringify({ id, jsonrpc: "2.0", error: { code: -40_100, message: "Unauthorized" } }),
      );
    }
    if (method === "eth_subscribe") {
      this.requests.push({ method, params: [] });
      peer.send(JSON.stringify({ id, jsonrpc: "2.0", result: "0x1" }));
      return this.#announce(peer);
    }
    try {
      peer.send(await this.#respond(text));
    } catch {
      peer.cut();
    }
  }

  /** Tells a subscriber of every new head. */
  #announce(peer: WsPeer): void {
    let last: unknown;
    const timer = setInterval(async () => {
      const block = (await this.#chain.request({
        method: "eth_getBlockByNumber",
        params: ["latest", false],
      })) as { number: string };
      if (block.number === last) return;
      last = block.number;
      const params = { subscription: "0x1", result: block };
      peer.send(JSON.stringify({ jsonrpc: "2.0", method: "eth_subscription", params }));
    }, 20);
    peer.stream.on("close", () => clearInterval(timer));
  }

  /** The answer to one request. Throws NoAnswer or HttpStatus. */
  async #respond(text: string): Promise<string> {
    const { id, method, params } = JSON.parse(text);
    const request = { method, params };
    this.requests.push(request);
    const forward = () => this.#chain.request(request);
    try {
      const result = await (this.fault === undefined ? forward() : this.fault(request, forward));
      return JSON.stringify({ id, jsonrpc: "2.0", result });
    } catch (error) {
      if (error instanceof NoAnswer || error instanceof HttpStatus) throw error;
      const {
        code = -32_000,
        message = String(error),
        data,
      } = error as { code?: number; message?: string; data?: unknown };
      return JSON.stringify({ id, jsonrpc: "2.0", error: { code, message, data } });
    }
  }

  /** The rules of Besu: ES256, an expiry that is not over, not signed in the future, and permissions. */
  #allowed(authorization: string | undefined): boolean {
    if (this.#options.jwtKey === undefined) return true;
    const [head, claims, signature] = (authorization?.replace(/^Bearer /, "") ?? "").split(".");
    if (head === undefined || claims === undefined || signature === undefined) return false;
    const read = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());
    const { exp, iat, permissions } = read(claims);
    const now = Date.now() / 1_000;
    return (
      read(head).alg === "ES256" &&
      exp > now &&
      (iat === undefined || iat <= now) &&
      Array.isArray(permissions) &&
      verify(
        "sha256",
        Buffer.from(`${head}.${claims}`),
        { key: this.#options.jwtKey, dsaEncoding: "ieee-p1363" },
        Buffer.from(signature, "base64url"),
      )
    );
  }
}
