import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { TenonError } from "../../sdk/src/errors.js";
import type { EmbeddedChain } from "./node.js";

const HOST = "127.0.0.1";
const MAX_BODY = 8 * 1024 * 1024;

/** Serves the chain as JSON-RPC over HTTP, on loopback only: its accounts are open to whoever can reach it. */
export async function serve(chain: EmbeddedChain, port: number): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    void answer(chain, request).then((body) => {
      response.writeHead(200, { "content-type": "application/json" }).end(body);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(portRefused(port, cause)));
    server.listen(port, HOST, resolve);
  });
  return { server, url: `http://${HOST}:${(server.address() as AddressInfo).port}` };
}

function portRefused(port: number, cause: NodeJS.ErrnoException): TenonError {
  return new TenonError("PortRefused", "The chain cannot listen on this port", {
    args: { port, reason: cause.code },
    remedy: "Stop what listens there, or give another --port (0 takes a free one).",
    cause,
  });
}

async function answer(chain: EmbeddedChain, request: IncomingMessage): Promise<string> {
  let body: unknown;
  try {
    body = JSON.parse(await readBody(request));
  } catch (error) {
    return JSON.stringify(failure(null, { code: -32700, message: String(error) }));
  }
  const answers = Array.isArray(body)
    ? await Promise.all(body.map((one) => answerOne(chain, one)))
    : await answerOne(chain, body);
  return JSON.stringify(answers);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Error(`request larger than ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function answerOne(chain: EmbeddedChain, request: unknown): Promise<object> {
  const { id = null, method, params = [] } = (request ?? {}) as Record<string, unknown>;
  if (typeof method !== "string") return failure(id, { code: -32600, message: "Not a JSON-RPC request" });
  try {
    return { jsonrpc: "2.0", id, result: (await chain.request(method, params)) ?? null };
  } catch (error) {
    return failure(id, rpcError(error));
  }
}

function failure(id: unknown, error: object): object {
  return { jsonrpc: "2.0", id, error };
}

/** A revert is code 3 with the raw return data, as geth, Besu's clients and ethers expect. */
function rpcError(error: unknown): object {
  if (error instanceof TenonError) return { code: -32601, message: error.message };
  const { code, message, data } = error as { code?: unknown; message?: string; data?: unknown };
  const numeric = typeof code === "number" ? code : -32603;
  const returned = typeof data === "object" && data !== null && "data" in data ? data.data : data;
  return { code: numeric, message: message ?? String(error), data: returned };
}
