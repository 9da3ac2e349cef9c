import { createHash, timingSafeEqual } from "node:crypto";
import { TenonError } from "@tenon/sdk/errors";
import Fastify, { type FastifyInstance } from "fastify";
import type { Logger } from "../options.js";
import { answerOf } from "./errors.js";
import { addRoutes } from "./routes.js";
import { asOf, type OracleView } from "./view.js";

export interface HttpOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** With a token every route but `/livez` asks for `Authorization: Bearer …`. Required off loopback. */
  token?: string;
  logger: Logger;
}

const MAX_CONNECTIONS = 500;

/**
 * Starts the oracle's HTTP answers. Reads only: nothing can be changed through it.
 * @returns The server and the address it listens on.
 */
export async function startHttp(
  view: OracleView,
  options: HttpOptions,
): Promise<{ app: FastifyInstance; url: string }> {
  const app = Fastify({ bodyLimit: 1_024, requestTimeout: 30_000, forceCloseConnections: true });
  // Connections and the log's segments share the process's open files.
  app.server.maxConnections = MAX_CONNECTIONS;
  app.setReplySerializer((payload) => JSON.stringify(payload, decimals));
  app.addHook("onRequest", async (request) => {
    const { token } = options;
    if (token === undefined || request.url.split("?")[0] === "/livez") return;
    if (sameText(request.headers.authorization ?? "", `Bearer ${token}`)) return;
    throw new TenonError("TokenRefused", "This oracle asks for a token", {
      remedy: "Send the header Authorization: Bearer <token>.",
    });
  });
  app.setErrorHandler(async (error, request, reply) => {
    const { status, body } = answerOf(error);
    if (status >= 500) options.logger.error({ url: request.url, reason: String(error) }, "a request failed");
    return reply.code(status).send({ ...body, asOf: asOf(view) });
  });
  app.setNotFoundHandler(async (request, reply) => {
    const { status, body } = answerOf(
      new TenonError("RouteUnknown", "There is no such route", {
        args: { method: request.method, url: request.url },
        remedy: "oracle/README.md lists the routes.",
      }),
    );
    return reply.code(status).send({ ...body, asOf: asOf(view) });
  });
  addRoutes(app, view);
  try {
    return { app, url: await app.listen({ host: options.host, port: options.port }) };
  } catch (cause) {
    await app.close();
    throw new TenonError("HttpPortTaken", "The oracle's HTTP address cannot be used", {
      args: {
        host: options.host,
        port: options.port,
        reason: cause instanceof Error ? cause.message : String(cause),
      },
      remedy: "Choose another port (--http-port); 0 takes a free one.",
      cause,
    });
  }
}

/** 64-bit numbers travel as decimal text: JSON's own numbers would lose digits. */
function decimals(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

/** Compares without telling by its time how much was right. */
function sameText(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
