import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { createBundle } from "../../besu-network/bundle/create.js";
import { type Part, reportOf } from "../../scripts/network-report.js";
import { useNetwork } from "../../scripts/plant/chain.js";
import { refusal } from "../support/refusal.js";

describe("the network tests, where there is no Besu", () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "tenon-no-besu-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("say in a line that they are skipped, and why, and succeed", async () => {
    const { TENON_NETWORK: _, BESU_HOME: __, ...env } = process.env;
    const args = ["--import", "tsx", "scripts/test-network.ts"];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...env, PATH: folder } });
    expect(stdout).to.equal(
      "skipped, because there is no besu on the PATH (BESU_HOME is not set), and there is no docker either\n",
    );
  });

  it("report what passed, failed, was left out and was not reached", () => {
    const test = { suite: "faults", ms: 1_250, seen: [] };
    const parts: Part[] = [
      {
        ...{ file: "a.besu.ts", ms: 61_000, passed: false, code: 1 },
        results: [
          { ...test, title: "one killed", state: "passed", seen: ["12 blocks in 19.5 s"] },
          { ...test, title: "two killed", state: "failed", error: "expected 1 to equal 2\n at x" },
          { ...test, title: "all killed", state: "not reached" },
        ],
      },
      { file: "b.besu.ts", ms: 0, passed: true, code: 0, results: [], skipped: "there is no key" },
      { file: "c.besu.ts", ms: 5_000, passed: false, code: null, results: [] },
    ];
    const facts = { client: "besu/v26.9.0/linux-x86_64", settings: ["4 validators"] };
    const text = reportOf({ parts, facts, started: new Date("2026-11-21T17:00:00Z"), commit: "abc" });
    for (const line of [
      "- 2026-11-21 17:00 UTC, commit abc",
      "- besu/v26.9.0/linux-x86_64",
      "- 1 scenarios passed, 2 failed, 0 skipped, in 1 min 6 s; not everything held",
      "## a.besu.ts, 1 min 1 s",
      "- ✔ one killed (1.3 s)",
      "  - 12 blocks in 19.5 s",
      "- ✘ two killed (1.3 s)",
      "  - failed: expected 1 to equal 2",
      "- ✘ all killed, which was not reached",
      "Skipped, because there is no key.",
      "The run of this file broke off (exit code null).",
    ]) {
      expect(text.split("\n")).to.include(line);
    }
  });

  it("let no plant start on a network that does not run, or has no node for clients", async () => {
    const out = join(folder, "network");
    await createBundle({ out, mode: "local", portBase: 41_000 });
    const down = await refusal(useNetwork(out));
    expect({ code: down.code, network: down.args.network }).to.deep.equal({
      code: "NetworkDown",
      network: out,
    });
    const validators = join(folder, "validators");
    await createBundle({ out: validators, mode: "local", rpcNodes: 0 });
    expect((await refusal(useNetwork(validators))).code).to.equal("RpcNodeMissing");
    expect((await refusal(useNetwork(folder))).code).to.equal("BundleMissing");
  });
});
