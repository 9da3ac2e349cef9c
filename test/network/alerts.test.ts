import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { alertRules } from "../../besu-network/monitor/alerts.js";
import { monitoringFiles, monitoringLayout } from "../../besu-network/monitor/files.js";
import { reasonCodes } from "../../besu-network/monitor/health.js";
import { tasks } from "../../tasks/index.js";
import { paperManifest } from "./support/manifest.js";
import { promtoolTests } from "./support/promtool.js";
import { unknownMetrics } from "./support/rules.js";

const run = promisify(execFile);
const timings = [
  { blockPeriodSeconds: 1, requestTimeoutSeconds: 2 },
  { blockPeriodSeconds: 5, requestTimeoutSeconds: 10 },
];

describe("alert rules", () => {
  it("cover every reason of health, with its severity", () => {
    const rules = alertRules(paperManifest);
    for (const [code, severity] of Object.entries(reasonCodes)) {
      expect(
        rules.find(({ alert }) => alert === `Tenon${code}`),
        code,
      ).to.include({ severity });
    }
  });

  it("name only metrics that the exporter tells", () => {
    for (const timing of timings) {
      for (const { alert, expr } of alertRules(timing)) expect(unknownMetrics(expr), alert).to.deep.equal([]);
    }
  });

  it("say what to do, in commands that there are", () => {
    const known = tasks.map(({ id }) => id.join(" "));
    for (const { alert, action } of alertRules(paperManifest)) {
      expect(action, alert).to.match(/^.{20,}\.$/);
      for (const [, command] of action.matchAll(/network ([a-z]+(?:-[a-z]+)*)/g)) {
        expect(known, `${alert}: ${action}`).to.include(`network ${command}`);
      }
    }
  });

  it("wait longer where blocks and timeouts are longer", () => {
    const [fast, slow] = timings.map((timing) => alertRules(timing));
    const lasting = (rules: typeof fast) =>
      rules!.find(({ alert }) => alert === "TenonValidatorSilent")!.forSeconds;
    expect(lasting(fast)).to.equal(15);
    expect(lasting(slow)).to.equal(45);
  });

  it("are taken by Prometheus and fire as they should", async function () {
    this.timeout(60_000);
    const promtool = await run("promtool", ["--version"]).catch(() => undefined);
    if (promtool === undefined) {
      console.log("        skipped, because promtool is not on the PATH (it comes with Prometheus)");
      this.skip();
    }
    const folder = mkdtempSync(join(tmpdir(), "tenon-alerts-"));
    try {
      for (const [path, text] of Object.entries(monitoringFiles(paperManifest))) {
        mkdirSync(join(folder, dirname(path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
      await run("promtool", ["check", "config", join(folder, monitoringLayout.prometheus)]);
      await run("promtool", ["check", "rules", join(folder, monitoringLayout.alerts)]);
      const tests = join(folder, "tests.json");
      writeFileSync(tests, JSON.stringify(promtoolTests(join(folder, monitoringLayout.alerts))));
      const { stdout } = await run("promtool", ["test", "rules", tests]);
      expect(stdout).to.include("SUCCESS");
    } catch (error) {
      const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
      expect.fail(`${(error as Error).message}\n${stdout}${stderr}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
