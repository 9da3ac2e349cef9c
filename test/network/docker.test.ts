import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { createBundle } from "../../besu-network/bundle/create.js";
import { type Bundle, layout } from "../../besu-network/bundle/manifest.js";
import { dockerState } from "../../besu-network/run/docker.js";
import { type Runner, runnerOf } from "../../besu-network/run/runner.js";
import { refusal } from "../support/refusal.js";

/**
 * A program in the place of docker: writes down what it is asked and answers from a table; `fails` names what it refuses. An
 * engine is not needed to see which commands a bundle is run with.
 */
const PROGRAM = `
const { appendFileSync, readFileSync } = require("node:fs");
const asked = process.argv.slice(2).join(" ");
const { log, answers, fails } = JSON.parse(readFileSync(__dirname + "/docker.json", "utf8"));
appendFileSync(log, asked + "\\n");
if (fails.some((one) => asked.startsWith(one))) {
  console.error("refused: " + asked);
  process.exit(1);
}
for (const [start, answer] of Object.entries(answers)) if (asked.startsWith(start)) console.log(answer);
`;

describe("nodes as containers", () => {
  const { PATH } = process.env;
  let folder: string;
  let bundle: Bundle;
  let runner: Runner;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "docker-"));
    const bin = join(folder, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "docker.cjs"), PROGRAM);
    writeFileSync(join(bin, "docker"), `#!/bin/sh\nexec "${process.execPath}" "${bin}/docker.cjs" "$@"\n`);
    chmodSync(join(bin, "docker"), 0o755);
    [bundle] = (await createBundle({ out: join(folder, "network"), mode: "docker" })) as [Bundle];
    runner = await runnerOf(bundle);
  });

  beforeEach(() => {
    process.env.PATH = `${join(folder, "bin")}:${PATH}`;
    behave({});
    writeFileSync(join(folder, "log"), "");
  });

  afterEach(() => {
    process.env.PATH = PATH;
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  function behave({ answers = {}, fails = [] }: { answers?: Record<string, string>; fails?: string[] }) {
    const log = join(folder, "log");
    writeFileSync(join(folder, "bin", "docker.json"), JSON.stringify({ log, answers, fails }));
  }
  const asked = () => readFileSync(join(folder, "log"), "utf8").trimEnd().split("\n");

  it("run: only the bundle's own nodes among the services", async () => {
    behave({ answers: { "compose ps": "grafana\nvalidator1\nproxy\nrpc1" } });
    expect([...(await runner.running())]).to.deep.equal(["validator1", "rpc1"]);
    expect(asked()).to.deep.equal(["compose ps --services --status running"]);
  });

  it("are stopped one by one, or all with the proxy and the monitoring; none named stops none", async () => {
    await runner.stop(["validator2", "rpc1"]);
    await runner.stop();
    await runner.stop([]);
    await runner.start([]);
    await runner.kill("validator3");
    expect(asked()).to.deep.equal([
      "compose stop --timeout 60 validator2 rpc1",
      "compose down",
      "compose kill validator3",
    ]);
  });

  it("lose only the volumes of their chains in a reset", async () => {
    const volumes = ["validator1", "validator2", "validator3", "validator4", "rpc1", "grafana", "proxy"];
    const named = Object.fromEntries(
      volumes.map((name) => [`${name}-data`, { name: `tenon-x_${name}-data` }]),
    );
    behave({ answers: { "compose config": JSON.stringify({ volumes: named }) } });
    await runner.erase();
    const chains = ["validator1", "validator2", "validator3", "validator4", "rpc1"];
    expect(asked()).to.deep.equal([
      "compose down",
      "compose config --format json",
      `volume rm --force ${chains.map((name) => `tenon-x_${name}-data`).join(" ")}`,
    ]);
    expect(readFileSync(join(bundle.dir, layout.nodeKey("rpc1")), "utf8")).to.match(/^0x[0-9a-f]{64}\n$/);
  });

  it("need an engine: what is missing is told before anything is done", async () => {
    const states: [string[], string][] = [
      [["--version"], "no-client"],
      [["compose version"], "no-compose"],
      [["version"], "no-engine"],
    ];
    for (const [fails, state] of states) {
      behave({ fails });
      expect(await dockerState()).to.equal(state);
      const error = await refusal(runner.start());
      expect(error.code).to.equal("DockerMissing");
      expect(error.args).to.deep.equal({ state });
      expect(error.remedy)
        .to.match(/Install|Start/)
        .and.match(/--mode local/);
    }
    expect(asked().join("\n")).not.to.match(/compose (up|down|ps)/);
    process.env.PATH = join(folder, "nothing");
    expect(await dockerState()).to.equal("no-client");
  });

  it("that docker refuses to run are told in docker's words", async () => {
    behave({ fails: ["compose kill"] });
    const error = await refusal(runner.kill("validator1"));
    expect(error.code).to.equal("DockerFailed");
    expect(error.args).to.deep.equal({
      command: "docker compose kill validator1",
      reason: "refused: compose kill validator1",
    });
  });
});
