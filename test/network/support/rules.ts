import { metrics } from "../../../besu-network/monitor/metrics.js";

/** What Besu exports of those that dashboard and rules may name; `npm run test:network` holds them against a real node. */
export const besuMetrics = ["jvm_memory_used_bytes"];

/** Every metric that PromQL may name here: the exporter's, Besu's and Prometheus' own. */
const known = new Set([...metrics.map(({ name }) => name as string), ...besuMetrics, "up"]);

const words = new Set(
  "and or unless on by bool ignoring group_left group_right rate increase sum max min count vector absent clamp_min predict_linear".split(
    " ",
  ),
);

/** The metrics that a query names: words that are no function, keyword or label. */
export function metricsIn(query: string): string[] {
  const bare = query.replaceAll(
    /"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(on|by|ignoring|group_left|group_right)\s*\([^)]*\)/g,
    " ",
  );
  return [...bare.matchAll(/[a-zA-Z_:][\w:]*/g)].map(([word]) => word).filter((word) => !words.has(word));
}

export function unknownMetrics(query: string): string[] {
  return metricsIn(query).filter((name) => !known.has(name));
}
