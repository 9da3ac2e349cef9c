import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { TenonError } from "../../sdk/src/errors.js";
import { Collector, type NodeSource } from "./collector.js";
import { type Health, healthOf, type Reason } from "./health.js";
import type { HealthSettings } from "./limits.js";
import { renderMetrics } from "./metrics.js";

export interface ExporterOptions {
  sources: readonly NodeSource[];
  settings: HealthSettings;
  /** Where to listen; what it tells is for operators, so it is loopback unless somebody asks for more. */
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Told what came to be wrong, and what no longer is, after each poll. */
  onChange?: (began: Reason[], ended: Reason[]) => void;
}

/**
 * Watches the own nodes of a network: asks them once a block period and answers `/metrics` (Prometheus' text format) and
 * `/health` (JSON; status 503 while something is critical).
 */
export class Exporter {
  readonly url: string;
  readonly #server: Server;
  readonly #collector: Collector;
  readonly #options: ExporterOptions;
  readonly #stop = new AbortController();
  #polling: Promise<void> = Promise.resolve();
  #polledAt: number;
  #reasons: Reason[] = [];

  private constructor(server: Server, collector: Collector, options: ExporterOptions, polledAt: number) {
    const { port } = server.address() as AddressInfo;
    this.url = `http://${options.host.includes(":") ? `[${options.host}]` : options.host}:${port}`;
    this.#server = server;
    this.#collector = collector;
    this.#options = options;
    this.#polledAt = polledAt;
  }

  /** Asks the nodes a first time, listens, and goes on until `stop`. Throws `PortRefused`. */
  static async start(options: ExporterOptions): Promise<Exporter> {
    const collector = new Collector(options.sources, options.settings);
    const at = Date.now();
    await collector.poll(at);
    const server = createServer();
    try {
      await listen(server, options);
    } catch (error) {
      collector.close();
      throw error;
    }
    const exporter = new Exporter(server, collector, options, at);
    server.on("request", ({ url }, response) => exporter.#answer(url ?? "/", response));
    exporter.#polling = exporter.#pollOn();
    return exporter;
  }

  health(): Health {
    return healthOf(this.#collector.samples(Date.now()), this.#options.settings);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#server.close();
    this.#server.closeAllConnections();
    await this.#polling;
    this.#collector.close();
  }

  async #pollOn(): Promise<void> {
    const { signal } = this.#stop;
    const period = Math.max(1_000, 1_000 * this.#options.settings.blockPeriodSeconds);
    // Whoever started it knows by then that it runs.
    await setImmediate();
    this.#tell();
    while (!signal.aborted) {
      const rest = Math.max(0, this.#polledAt + period - Date.now());
      await sleep(rest, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await this.#poll();
      this.#tell();
    }
  }

  async #poll(): Promise<void> {
    const at = Date.now();
    await this.#collector.poll(at);
    this.#polledAt = at;
  }

  /** Tells what changed since the last time. */
  #tell(): void {
    const { reasons } = this.health();
    const same = (one: Reason) => (other: Reason) => one.code === other.code && one.subject === other.subject;
    const began = reasons.filter((reason) => !this.#reasons.some(same(reason)));
    const ended = this.#reasons.filter((reason) => !reasons.some(same(reason)));
    this.#reasons = reasons;
    if (began.length + ended.length > 0) this.#options.onChange?.(began, ended);
  }

  #answer(url: string, response: ServerResponse): void {
    const path = url.split("?")[0];
    const health = this.health();
    if (path === "/metrics") {
      const pollAgeSeconds = (Date.now() - this.#polledAt) / 1_000;
      const { names } = this.#options.settings;
      const text = renderMetrics({ health, counts: this.#collector.counts, pollAgeSeconds, names });
      response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }).end(text);
    } else if (path === "/health") {
      const status = health.status === "critical" ? 503 : 200;
      response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(health)}\n`);
    } else {
      response.writeHead(404, { "content-type": "text/plain" }).end("Here are /metrics and /health.\n");
    }
  }
}

async function listen(server: Server, { host, port }: ExporterOptions): Promise<void> {
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (cause) {
    throw new TenonError("PortRefused", "The exporter cannot listen there", {
      args: { host, port, reason: (cause as NodeJS.ErrnoException).code },
      remedy: "Stop what listens there, or give another --port (0 takes a free one).",
      cause,
    });
  }
}
