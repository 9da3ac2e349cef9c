import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { freeBytes, lagSeconds, readiness } from "./health.js";
import type { OracleView } from "./view.js";

/** Prometheus metrics of an oracle. Values are read when they are asked for. */
export function metricsOf(view: OracleView): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name: `tenon_${name}`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `tenon_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  const labelled = (
    name: string,
    label: string,
    help: string,
    read: () => Iterable<readonly [string, number]>,
  ) =>
    new Counter({
      name: `tenon_${name}`,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset();
        for (const [value, count] of read()) this.inc({ [label]: value }, count);
      },
    });

  const { pipeline, anchorer, chain, places, directory } = view;
  const { stats } = pipeline;
  const status = anchorer.status;

  counter("messages_received_total", "Messages taken from the broker", () => stats.received);
  counter("frames_total", "Frames verified and stored", () => stats.frames);
  counter("readings_total", "Readings in verified frames", () => stats.readings);
  counter("frame_bytes_total", "Bytes of stored frames", () => stats.bytes);
  counter("duplicates_total", "Frames received again and confirmed again", () => stats.duplicates);
  labelled("rejects_total", "reason", "Messages refused and kept as rejects", () => stats.rejects);
  counter("rate_limited_total", "Messages counted into rate-limited rejects", () => stats.rateLimited);
  counter("commits_total", "Commits of the log", () => stats.commits);
  counter("fsync_seconds_total", "Time in append and fdatasync", () => stats.commitSeconds);
  counter("verify_seconds_total", "Time waiting for verification", () => stats.verifySeconds);
  counter("batches_total", "Batches closed", () => stats.batches);

  gauge("log_head_frames", "Frames in the log", () => pipeline.position().frames);
  gauge("log_head_rejects", "Rejects in the log", () => pipeline.position().rejects);
  gauge("anchored_frames", "Frames anchored", () => status.anchoredFrames);
  gauge("anchored_batch", "Number of the last anchored batch", () => status.anchored);
  gauge(
    "anchor_lag_frames",
    "Frames stored and not anchored",
    () => pipeline.position().frames - status.anchoredFrames,
  );
  gauge("anchor_lag_seconds", "Age of the oldest closed frame not anchored", () => lagSeconds(view));
  gauge(
    "batch_frames",
    "Frames of the last closed batch",
    () => places.batch(places.closed() - 1)?.count ?? 0,
  );
  gauge("open_batch_frames", "Frames of the open batch", () => pipeline.position().openBatch.frames);
  labelled("transactions_total", "state", "Anchor transactions by what became of them", () =>
    Object.entries(status.counts),
  );
  gauge("transaction_open_seconds", "Age of the anchor on its way", () =>
    status.intent === undefined ? 0 : (Date.now() - status.intent.createdAt) / 1_000,
  );
  gauge("anchor_halted", "1 when anchoring halted", () => (status.phase === "halted" ? 1 : 0));
  gauge("role_expires_seconds", "Seconds until the anchor key's role ends", () =>
    status.roleUntil === undefined ? 0 : status.roleUntil - chain.head.timestamp,
  );

  gauge("gaps_open", "Gaps in devices' sequences that are not filled", () => places.factCounts().gaps);
  gauge("forks", "Forks devices signed", () => places.factCounts().forks);
  gauge(
    "equivocations",
    "Places at which a device signed two frames",
    () => places.factCounts().equivocations,
  );
  gauge("devices", "Devices in the registry", () => directory.size);

  gauge("chain_block", "Newest block seen", () => chain.head.number);
  gauge("chain_silent_seconds", "Seconds since the node told its head", () => chain.silentMs / 1_000);
  gauge("chain_nodes", "Nodes in the configuration", () => chain.nodes.length);
  gauge(
    "chain_nodes_good",
    "Nodes on the right chain that answered when last asked",
    () => chain.nodes.filter(({ state }) => state === "good").length,
  );
  gauge("chain_halted", "1 when the chain halted", () => (chain.halted === undefined ? 0 : 1));
  gauge("disk_free_bytes", "Free bytes on the state folder's disk", () => freeBytes(view.stateDir));
  gauge("ready", "1 when /readyz says ready", () => (readiness(view).ready ? 1 : 0));
  return registry;
}
