import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface RpcRequest {
  method: string;
  params: unknown[];
}

/** What stands between the client and the chain. `forward` asks the real chain. */
export type Fault = (request: RpcRequest, forward: () => Promise<unknown>) => Promise<unknown>;

/** Thrown by a fault: the request gets no answer, its connection is cut. */
export class NoAnswer extends Error {}

/**
 * The in-process chain as a node with an address, and with a place for faults: a fault sees each request first and may
 * change, delay, lose or refuse it.
 */
export class RpcServer {
  readonly requests: RpcRequest[] = [];
  fault: Fault | undefined;
  readonly #chain: { request(request: RpcRequest): Promise<unknown> };
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  private constructor(chain: { request(request: RpcRequest): Promise<unknown> }) {
    this.#chain = chain;
  }

  static async start(chain: { request(request: RpcRequest): Promise<unknown> }): Promise<RpcServer> {
    const server = new RpcServer(chain);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How often a method was asked for. */
  count(method: string): number {
    return this.requests.filter((request) => request.method === method).length;
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString());
    const request = { method, params };
    this.requests.push(request);
    const forward = () => this.#chain.request(request);
    try {
      const result = await (this.fault === undefined ? forward() : this.fault(request, forward));
      this.#reply(response, { id, jsonrpc: "2.0", result });
    } catch (error) {
      if (error instanceof NoAnswer) return void response.destroy();
      const {
        code = -32_000,
        message = String(error),
        data,
      } = error as { code?: number; message?: string; data?: unknown };
      this.#reply(response, { id, jsonrpc: "2.0", error: { code, message, data } });
    }
  }

  #reply(response: ServerResponse, body: unknown): void {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(body));
  }
}
