import { readFileSync } from "node:fs";
import { expect } from "chai";
import { panels } from "../../besu-network/monitor/dashboard.js";
import { monitoringFiles, monitoringLayout } from "../../besu-network/monitor/files.js";
import { reasonCodes } from "../../besu-network/monitor/health.js";
import { metrics } from "../../besu-network/monitor/metrics.js";
import { EXPORTER_PORT, PROMETHEUS_PORT } from "../../besu-network/monitor/ports.js";
import { paperManifest } from "./support/manifest.js";
import { metricsIn, unknownMetrics } from "./support/rules.js";

interface GrafanaPanel {
  id: number;
  title: string;
  type: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource: { uid: string };
  targets: { refId: string; expr: string }[];
}

const files = monitoringFiles(paperManifest);
const dashboard = JSON.parse(files[`${monitoringLayout.dashboards}/tenon-network.json`]!) as {
  uid: string;
  panels: GrafanaPanel[];
};

describe("the Grafana dashboard", () => {
  it("asks only for what the exporter or Besu tell", () => {
    const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    expect(queries.length).to.be.greaterThan(15);
    expect(queries.flatMap(unknownMetrics)).to.deep.equal([]);
    expect(unknownMetrics("rate(tenon_network_block_aeg_seconds[1m])")).to.deep.equal([
      "tenon_network_block_aeg_seconds",
    ]);
    expect(metricsIn('a{x="b"} / on(c) group_left() rate(d[1m]) or vector(0)')).to.deep.equal(["a", "d"]);
  });

  it("shows every panel once, none over another, within 24 columns", () => {
    expect(dashboard.panels.map(({ title }) => title)).to.deep.equal(
      panels(paperManifest).map(({ title }) => title),
    );
    const taken = new Set<string>();
    for (const { gridPos, title } of dashboard.panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        expect(x, title).to.be.lessThan(24);
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`), `${title} lies over another`).to.equal(false);
          taken.add(`${x},${y}`);
        }
      }
    }
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).to.equal(dashboard.panels.length);
  });

  it("finds its data source, and Grafana finds it", () => {
    const datasource = files[`${monitoringLayout.provisioning}/datasources/prometheus.yml`]!;
    expect(datasource).to.include(`url: http://127.0.0.1:${PROMETHEUS_PORT}`);
    for (const { datasource: used } of dashboard.panels) expect(datasource).to.include(`uid: ${used.uid}\n`);
    const provider = files[`${monitoringLayout.provisioning}/dashboards/tenon.yml`]!;
    expect(provider).to.include("path: /var/lib/grafana/dashboards");
  });
});

describe("the document on monitoring", () => {
  const text = readFileSync("docs/network-monitoring.md", "utf8");

  it("names every metric and every reason, the reasons with their severity", () => {
    for (const { name } of metrics) expect(text).to.include(`\`${name.slice("tenon_network_".length)}\``);
    for (const [code, severity] of Object.entries(reasonCodes))
      expect(text).to.include(`| \`${code}\` | ${severity} |`);
  });
});

describe("Prometheus' configuration", () => {
  const targets = (text: string) => [...text.matchAll(/targets: \["(.+)"\]/g)].map(([, target]) => target);
  const path = monitoringLayout.prometheus;

  it("scrapes the exporter and the organisation's own nodes", () => {
    expect(targets(files[path]!)).to.deep.equal([
      `127.0.0.1:${EXPORTER_PORT}`,
      "10.0.0.1:9546",
      "10.0.0.2:9547",
    ]);
  });

  it("reaches containers at their addresses inside", () => {
    const nodes = paperManifest.nodes.map((node, index) => ({ ...node, inside: `172.20.0.${index + 2}` }));
    const text = monitoringFiles({ ...paperManifest, mode: "docker", nodes })[path]!;
    expect(targets(text)).to.include("172.20.0.2:9546");
  });
});
