import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { createBundle } from "../../besu-network/bundle/create.js";
import { type Bundle, layout } from "../../besu-network/bundle/manifest.js";
import { waitForBlocks } from "../../besu-network/run/blocks.js";
import { nodeEnvironment } from "../../besu-network/run/local.js";
import { runningProcess } from "../../besu-network/run/process.js";
import { type Runner, runnerOf } from "../../besu-network/run/runner.js";
import { refusal } from "../support/refusal.js";
import { standInBesu } from "./support/stand-in-besu.js";

const NAMES = ["validator1", "validator2", "validator3", "validator4", "rpc1"];

describe("nodes as processes", () => {
  const environment = { ...process.env };
  let folder: string;
  let bundle: Bundle;
  let runner: Runner;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "run-"));
    process.env.BESU_HOME = standInBesu(join(folder, "besu"));
    const out = join(folder, "network");
    [bundle] = (await createBundle({ out, mode: "local", portBase: randomInt(12_000, 30_000) })) as [Bundle];
    runner = await runnerOf(bundle);
  });

  afterEach(async () => {
    delete process.env.STAND_IN;
    await runner.stop();
  });

  after(() => {
    for (const name of ["BESU_HOME", "STAND_IN", "PATH"]) {
      if (environment[name] === undefined) delete process.env[name];
      else process.env[name] = environment[name];
    }
    rmSync(folder, { recursive: true, force: true });
  });

  const path = (part: string) => join(bundle.dir, part);
  const standIn = (settings: object) => {
    process.env.STAND_IN = JSON.stringify(settings);
  };
  const pid = (name: string) => runningProcess(path(layout.pid(name)))?.pid;

  it("are started, answer, are left alone by a second start, and end when stopped", async () => {
    const answered: string[] = [];
    await runner.start(undefined, (name) => answered.push(name));
    expect(answered.sort()).to.deep.equal([...NAMES].sort());
    expect([...(await runner.running())]).to.have.members(NAMES);
    expect(statSync(path(layout.log("rpc1"))).mode & 0o777, "who may read the log").to.equal(0o600);
    const before = NAMES.map(pid);
    await runner.start();
    expect(NAMES.map(pid)).to.deep.equal(before);
    expect(await waitForBlocks(bundle, { blocks: 3 })).to.be.greaterThan(2);

    await runner.stop(["validator2"]);
    expect([...(await runner.running())]).to.have.members(NAMES.filter((name) => name !== "validator2"));
    await runner.stop();
    expect([...(await runner.running())]).to.deep.equal([]);
    expect(existsSync(path(layout.pid("rpc1")))).to.equal(false);
    expect(await runner.logs("rpc1", 1)).to.deep.equal(["stopping"]);
  });

  it("are killed at once, and start again over the socket that is left", async () => {
    await runner.start(["validator1"]);
    const first = pid("validator1");
    await runner.kill("validator1");
    expect([...(await runner.running())]).to.deep.equal([]);
    expect(await runner.logs("validator1", 1)).to.deep.equal(["answering"]);
    writeFileSync(path(layout.ipc("validator1")), ""); // what a power cut leaves
    await runner.start(["validator1"]);
    expect(pid("validator1")).not.to.equal(first);
  });

  it("are never taken for a stranger that has their number now", async () => {
    let stranger: ChildProcess | undefined;
    try {
      stranger = spawn("sleep", ["60"]);
      await runner.start(["validator1"]);
      const file = path(layout.pid("validator1"));
      const [, started] = readFileSync(file, "utf8").split("\n");
      await runner.stop(["validator1"]);
      writeFileSync(file, `${stranger.pid}\n${started}\n`);
      expect([...(await runner.running())]).to.deep.equal([]);
      await runner.kill("validator1");
      await runner.stop(["validator1"]);
      expect(stranger.exitCode).to.equal(null);
      expect(stranger.signalCode).to.equal(null);
      process.kill(stranger.pid!, 0);
    } finally {
      stranger?.kill();
    }
  });

  it("are started once by two commands at once", async () => {
    const outcomes = await Promise.allSettled([
      runner.start(["rpc1"]),
      (await runnerOf(bundle)).start(["rpc1"]),
    ]);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason.code).to.equal("NodeStarting");
    }
    expect((await runner.logs("rpc1")).filter((line) => line === "answering").length).to.equal(
      (await runner.logs("rpc1")).filter((line) => line === "stopping").length + 1,
    );
  });

  it("that end at their start are told with the reason of this start", async () => {
    appendFileSync(path(layout.log("validator3")), "ERROR | something of last week\n");
    const cases: [string, RegExp][] = [
      ["java.net.BindException: Address already in use", /holds one of its ports/],
      [
        "Supplied genesis block does not match chain data stored in data.",
        /data folder is of another network/,
      ],
      ["Unknown option in TOML configuration file: tx-pol", /config.toml does not suit/],
      ["ERROR | something new", /Its log says more/],
    ];
    for (const [line, remedy] of cases) {
      standIn({ die: line });
      const error = await refusal(runner.start(["validator3"]));
      expect(error.code).to.equal("NodeDied");
      expect(error.args).to.deep.equal({ node: "validator3", reason: line });
      expect(error.remedy).to.match(remedy);
      expect([...(await runner.running())]).to.deep.equal([]);
    }
  });

  it("are not started while another program has one of their ports", async () => {
    const { ports } = bundle.manifest.nodes.find(({ name }) => name === "rpc1")!;
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(ports.http!, "127.0.0.1", resolve));
    try {
      const error = await refusal(runner.start());
      expect(error.code).to.equal("PortInUse");
      expect(error.args.ports).to.equal(`${ports.http} (rpc1, http)`);
      expect([...(await runner.running())]).to.deep.equal([]);
    } finally {
      server.close();
    }
  });

  it("lose their chain in a reset and nothing else", async () => {
    await runner.start(["validator1"]);
    expect(existsSync(path(layout.data("validator1")))).to.equal(true);
    const kept = [layout.nodeKey("validator1"), layout.config("validator1"), layout.genesis, layout.manifest];
    const before = kept.map((part) => readFileSync(path(part), "utf8"));
    await runner.erase();
    expect([...(await runner.running())]).to.deep.equal([]);
    expect(existsSync(path(layout.data("validator1")))).to.equal(false);
    expect(kept.map((part) => readFileSync(path(part), "utf8"))).to.deep.equal(before);
  });

  it("are not run by a Besu that is missing or too old", async () => {
    standIn({ version: "26.8.0" });
    expect((await refusal(runner.start())).code).to.equal("BesuTooOld");
    const home = process.env.BESU_HOME;
    process.env.BESU_HOME = join(folder, "nothing");
    try {
      const error = await refusal(runner.check());
      expect(error.code).to.equal("BesuMissing");
      expect(error.args.lookedIn).to.include(join(folder, "nothing"));
      expect(error.remedy).to.match(/github.com.*BESU_HOME.*Docker/);
    } finally {
      process.env.BESU_HOME = home;
    }
    expect([...(await runner.running())]).to.deep.equal([]);
  });

  it("get no option from the environment, and a heap", async () => {
    process.env.BESU_RPC_HTTP_ENABLED = "true";
    try {
      await runner.start(["validator1"]);
    } finally {
      delete process.env.BESU_RPC_HTTP_ENABLED;
    }
    const text = readFileSync(join(path(layout.node("validator1")), "environment.json"), "utf8");
    expect(JSON.parse(text)).not.to.have.property("BESU_RPC_HTTP_ENABLED");
    expect(nodeEnvironment({ PATH: "/bin" }).BESU_OPTS).to.equal("-Xmx1g");
    expect(nodeEnvironment({ BESU_OPTS: "-Xmx3g" }).BESU_OPTS).to.equal("-Xmx3g");
    expect(nodeEnvironment({ JAVA_OPTS: "-Xmx3g" })).not.to.have.property("BESU_OPTS");
  });

  it("are followed line by line", async () => {
    const heard: string[] = [];
    const ending = new AbortController();
    const following = runner.follow(
      ["validator1"],
      (name, text) => heard.push(`${name}: ${text}`),
      ending.signal,
    );
    await runner.start(["validator1"]);
    await runner.stop(["validator1"]);
    const end = Date.now() + 5_000;
    while (heard.length < 2 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
    ending.abort();
    await following;
    expect(heard).to.deep.equal(["validator1: answering", "validator1: stopping"]);
  });

  it("of others are not ours to start, and a chain that stands is told", async () => {
    const error = await refusal(runner.start(["validator9"]));
    expect(error.code).to.equal("NodeNotOwn");
    expect(error.args).to.deep.equal({ node: "validator9", own: NAMES.join(", ") });
    standIn({ stands: true });
    await runner.start(["validator1"]);
    const missing = await refusal(waitForBlocks(bundle, { timeout: 600 }));
    expect(missing.code).to.equal("BlocksMissing");
    expect(missing.args).to.deep.include({ height: 7, goal: 8 });
  });
});
