import { setTimeout as sleep } from "node:timers/promises";
import { TenonError } from "@tenon/sdk";

/** The oracle's HTTP interface, as anybody on this computer may use it. */
export class OracleClient {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** Gets a JSON answer. Throws `OracleRefused` with the oracle's own code and words. */
  async get(path: string): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(20_000) });
    const body = (await response.json()) as Record<string, unknown>;
    if (response.ok) return body;
    throw new TenonError("OracleRefused", String(body.message ?? response.statusText), {
      args: { path, status: response.status, code: body.code },
    });
  }

  /** Asks again until the answer is there: a frame is provable a second or two after it was sent. */
  async when(path: string, ms = 60_000): Promise<Record<string, unknown>> {
    const deadline = Date.now() + ms;
    for (;;) {
      try {
        return await this.get(path);
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await sleep(500);
      }
    }
  }

  /** Prometheus metrics by name; a metric with labels is the sum over them. */
  async metrics(): Promise<Map<string, number>> {
    const response = await fetch(`${this.url}/metrics`, { signal: AbortSignal.timeout(5_000) });
    const sums = new Map<string, number>();
    for (const line of (await response.text()).split("\n")) {
      const match = /^([a-zA-Z_:][\w:]*)(?:\{[^}]*\})? (\S+)/.exec(line);
      if (match === null) continue;
      sums.set(match[1]!, (sums.get(match[1]!) ?? 0) + Number(match[2]));
    }
    return sums;
  }
}
