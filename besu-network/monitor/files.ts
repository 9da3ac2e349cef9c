import type { Manifest } from "../bundle/manifest.js";
import { alertRules, renderAlerts, scrapeSeconds } from "./alerts.js";
import { dashboard } from "./dashboard.js";
import { oracleRules } from "./oracle-alerts.js";
import { EXPORTER_PORT, PROMETHEUS_PORT } from "./ports.js";

/** The paths of `monitoringFiles` in a bundle, to be mounted into containers or used as they are. */
export const monitoringLayout = {
  /** Prometheus: `--config.file`; its rules lie beside it. */
  prometheus: "monitor/prometheus.yml",
  alerts: "monitor/alerts.yml",
  oracleAlerts: "monitor/oracle-alerts.yml",
  /** Grafana: `/etc/grafana/provisioning`. */
  provisioning: "monitor/grafana/provisioning",
  /** Grafana: `/var/lib/grafana/dashboards`. */
  dashboards: "monitor/grafana/dashboards",
} as const;

/**
 * Prometheus and Grafana for a bundle: path in the bundle → text. They are meant for the host's own network (as
 * processes, or as containers with `network_mode: host`), because the exporter reaches the nodes through their sockets
 * and listens on loopback only. Prometheus scrapes the organisation's own nodes; the others' are theirs to watch.
 */
export function monitoringFiles(manifest: Manifest): Record<string, string> {
  return {
    [monitoringLayout.prometheus]: prometheus(manifest),
    [monitoringLayout.alerts]: renderAlerts(alertRules(manifest), scrapeSeconds(manifest)),
    [monitoringLayout.oracleAlerts]: renderAlerts(oracleRules, scrapeSeconds(manifest), "tenon-oracle"),
    [`${monitoringLayout.provisioning}/datasources/prometheus.yml`]: datasource,
    [`${monitoringLayout.provisioning}/dashboards/tenon.yml`]: provider,
    [`${monitoringLayout.dashboards}/tenon-network.json`]: `${JSON.stringify(dashboard(manifest), null, 2)}\n`,
  };
}

function prometheus(manifest: Manifest): string {
  const own = manifest.nodes.filter(({ organisation }) => organisation === manifest.organisation);
  const targets = own.map(({ name, host, inside, ports }) =>
    [`      - targets: ["${inside ?? host}:${ports.metrics}"]`, `        labels: { node: ${name} }`].join(
      "\n",
    ),
  );
  return `global:
  scrape_interval: ${scrapeSeconds(manifest)}s
  evaluation_interval: ${scrapeSeconds(manifest)}s
  external_labels: { chain: "${manifest.chainId}" }
rule_files: [alerts.yml, oracle-alerts.yml]
scrape_configs:
  # Health, read from the chain: npx hardhat network monitor
  - job_name: tenon-network
    static_configs:
      - targets: ["127.0.0.1:${EXPORTER_PORT}"]
  # Your oracles, if there are any: [{ "targets": ["host:port"] }] in oracles.json beside this file
  - job_name: tenon-oracle
    file_sd_configs:
      - files: [oracles.json]
  # Memory, processor and so on of each Besu process
  - job_name: besu
    static_configs:
${targets.join("\n")}
`;
}

const datasource = `apiVersion: 1
datasources:
  - name: Prometheus
    uid: prometheus
    type: prometheus
    access: proxy
    url: http://127.0.0.1:${PROMETHEUS_PORT}
    isDefault: true
`;

const provider = `apiVersion: 1
providers:
  - name: tenon
    type: file
    allowUiUpdates: false
    options: { path: /var/lib/grafana/dashboards }
`;
