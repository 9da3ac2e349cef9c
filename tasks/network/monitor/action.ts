import type { Bundle } from "../../../besu-network/bundle/manifest.js";
import type { NodeSource } from "../../../besu-network/monitor/collector.js";
import { Exporter } from "../../../besu-network/monitor/exporter.js";
import type { Reason } from "../../../besu-network/monitor/health.js";
import { ownSources, rpcSources, settingsOf } from "../../../besu-network/monitor/sources.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { answering } from "../../run.js";
import { bundleAt } from "../bundle.js";

interface MonitorArguments {
  dir: string | undefined;
  port: number;
  host: string;
  rpc: string | undefined;
  json: boolean;
}

export default async ({ dir, port, host, rpc, json }: MonitorArguments): Promise<void> =>
  answering(async () => {
    const bundle = bundleAt(dir);
    const stopped = untilStopped();
    const exporter = await Exporter.start({
      sources: sourcesOf(bundle, rpc),
      settings: settingsOf(bundle),
      host,
      port,
      onChange: (began, ended) => tell(began, ended, json),
    });
    const { url } = exporter;
    console.log(json ? JSON.stringify({ url }) : `Metrics at ${url}/metrics, health at ${url}/health`);
    await stopped;
    await exporter.stop();
  });

function sourcesOf(bundle: Bundle, rpc: string | undefined): NodeSource[] {
  if (rpc !== undefined)
    return rpcSources(
      bundle,
      rpc.split(",").map((url) => url.trim()),
    );
  const sources = ownSources(bundle);
  if (sources.length > 0) return sources;
  throw new TenonError("NoOwnNodes", "This bundle holds no node's key, so there is no socket to ask", {
    args: { dir: bundle.dir },
    remedy: "Give the address of a node that answers you with --rpc.",
  });
}

/** One line for each thing that came to be wrong, with what to do, and one when it is well again. */
function tell(began: Reason[], ended: Reason[], json: boolean): void {
  const at = new Date().toISOString();
  if (json) {
    console.log(JSON.stringify({ at, began, ended: ended.map(({ code, subject }) => ({ code, subject })) }));
    return;
  }
  const time = at.slice(11, 19);
  const about = (subject: string | null) => (subject === null ? "" : ` ${subject}`);
  for (const { code, severity, subject, message, remedy } of began) {
    console.log(`${time} ${severity} ${code}${about(subject)}: ${message}\n         → ${remedy}`);
  }
  for (const { code, subject } of ended) console.log(`${time} over ${code}${about(subject)}`);
}

/** Resolves on Ctrl-C or SIGTERM. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
}
