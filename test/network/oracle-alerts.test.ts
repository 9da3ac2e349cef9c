import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { renderAlerts } from "../../besu-network/monitor/alerts.js";
import { oracleRules } from "../../besu-network/monitor/oracle-alerts.js";
import { metricsOf } from "../../oracle/src/http/metrics.js";
import { tasks } from "../../tasks/index.js";

const run = promisify(execFile);
const labels = { instance: "127.0.0.1:8600", job: "tenon-oracle" };
const DAY = 86_400;

/** A metric of the oracle with one value for an hour. */
const series = (name: string, value: number) => ({
  series: `${name}{instance="${labels.instance}",job="${labels.job}"}`,
  values: `${value}+0x60`,
});

/** What is scraped, what must fire after five minutes, and what the value reads like. */
const cases: { name: string; role: number; ready: number; fires: string[]; value?: string }[] = [
  { name: "all is well", role: 15 * DAY, ready: 1, fires: [] },
  { name: "a role with exactly two weeks left", role: 14 * DAY, ready: 1, fires: [] },
  {
    name: "a role that ends in 13 days",
    role: 13 * DAY,
    ready: 1,
    fires: ["RoleEnding"],
    value: "13d 0h 0m 0s",
  },
  { name: "a role that ends in a second", role: 1, ready: 1, fires: ["RoleEnding"], value: "1s" },
  { name: "a role that has ended", role: 0, ready: 0, fires: ["RoleEnded", "OracleNotReady"] },
  { name: "no role at all", role: -1_800_000_000, ready: 0, fires: ["RoleEnded", "OracleNotReady"] },
];

describe("alert rules of an oracle", () => {
  it("name only metrics that the oracle tells, and commands that there are", () => {
    // Only the names are asked for: nothing is read before a scrape.
    const view = { pipeline: {}, anchorer: {}, chain: {}, places: {}, directory: {} };
    const known = metricsOf(view as never)
      .getMetricsAsArray()
      .map(({ name }) => name);
    const commands = tasks.map(({ id }) => id.join(" "));
    for (const { alert, expr, action } of oracleRules) {
      for (const [name] of expr.matchAll(/tenon_\w+/g)) expect(known, alert).to.include(name);
      for (const [, command] of action.matchAll(/npx hardhat (\w+ \w+)/g))
        expect(commands, alert).to.include(command);
    }
  });

  it("fire two weeks before a role ends, and when it has ended", async function () {
    this.timeout(60_000);
    if ((await run("promtool", ["--version"]).catch(() => undefined)) === undefined) {
      console.log("        skipped, because promtool is not on the PATH (it comes with Prometheus)");
      this.skip();
    }
    const folder = mkdtempSync(join(tmpdir(), "tenon-oracle-alerts-"));
    const rules = join(folder, "oracle-alerts.yml");
    const tests = join(folder, "tests.json");
    writeFileSync(rules, renderAlerts(oracleRules, 15, "tenon-oracle"));
    writeFileSync(tests, JSON.stringify(promtoolTests(rules)));
    try {
      await run("promtool", ["check", "rules", rules]);
      expect((await run("promtool", ["test", "rules", tests])).stdout).to.include("SUCCESS");
    } catch (error) {
      const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
      expect.fail(`${(error as Error).message}\n${stdout}${stderr}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function promtoolTests(rules: string): object {
  return {
    rule_files: [rules],
    evaluation_interval: "15s",
    tests: cases.map(({ name, role, ready, fires, value = "" }) => ({
      name,
      interval: "15s",
      input_series: [
        series("up", 1),
        series("tenon_role_expires_seconds", role),
        series("tenon_ready", ready),
      ],
      alert_rule_test: oracleRules.map(({ alert, severity, summary, action }) => ({
        eval_time: "5m",
        alertname: alert,
        exp_alerts: fires.includes(alert.slice("Tenon".length))
          ? [
              {
                exp_labels: { severity, ...labels },
                exp_annotations: { summary: inWords(summary, value), action },
              },
            ]
          : [],
      })),
    })),
  };
}

function inWords(summary: string, value: string): string {
  return summary
    .replaceAll("{{ $labels.instance }}", labels.instance)
    .replaceAll(/\{\{ \$value[^}]*\}\}/g, value);
}
