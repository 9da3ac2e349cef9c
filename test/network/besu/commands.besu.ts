import { execFile } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { Bundle } from "../../../besu-network/bundle/manifest.js";
import type { Recovery } from "../../../besu-network/run/recover.js";
import type { Runner } from "../../../besu-network/run/runner.js";
import type { Status } from "../../../besu-network/run/status.js";
import { newKey } from "../../scenarios/support/chain.js";
import { seen } from "../seen.js";
import { blockOf, call, expectOneChain, heightAt, namesOf } from "./support/chain.js";
import { spoken, startNetwork, type TestNetwork, until } from "./support/network.js";
import { sendAll, transfers } from "./support/transactions.js";

const hardhat = join("node_modules", "hardhat", "dist", "src", "cli.js");

interface Said {
  code: number;
  out: string;
  err: string;
}

describe("the commands that run a network, and a quorum that is lost", function () {
  this.timeout(600_000);
  let network: TestNetwork;
  let bundle: Bundle;
  let runner: Runner;

  before(async () => {
    network = await startNetwork();
    ({ bundle, runner } = network);
  });
  after(() => network?.end());

  /** `npx hardhat network …`, in a process of its own as a user's is. */
  function command(...args: string[]): Promise<Said> {
    return new Promise((resolve) => {
      const all = [hardhat, "network", ...args, "--dir", bundle.dir];
      execFile(process.execPath, all, { maxBuffer: 64 << 20 }, (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), out, err });
      });
    });
  }

  async function status(): Promise<Status & { exitCode: number }> {
    const { code, out } = await command("status", "--json");
    return { ...(JSON.parse(out) as Status), exitCode: code };
  }
  const stateOf = ({ nodes }: Status, name: string) => nodes.find((node) => node.name === name)?.state;
  const codesOf = ({ reasons }: Status) => reasons.map(({ code }) => code);
  const untilRunning = (ms = 180_000) =>
    until("the status is running", ms, async () => (await status()).verdict === "running");

  /** Transactions from a fresh key, taken by a node; answers how many. */
  async function wait(node: string, count: number): Promise<number> {
    const raw = await transfers(newKey(), bundle.manifest.chainId, count);
    await sendAll(raw, (one) => call(bundle, node, "eth_sendRawTransaction", [one]), 8);
    return count;
  }

  it("status: running, with every column of every node, and exit code 0", async () => {
    seen(`running ${spoken(await untilRunning())} after the first blocks`);
    await sleep(12_000); // three turns of the four validators
    const all = await status();
    expect(all.exitCode).to.equal(0);
    expect(all.validators).to.deep.equal({ total: 4, quorum: 3, active: 4 });
    for (const node of all.nodes) {
      expect(node.state, node.name).to.equal("up");
      expect(node.block, node.name).to.be.greaterThan(0);
      expect(node.peers, node.name).to.be.greaterThan(0);
      expect(node.data, node.name).to.be.greaterThan(0);
      expect(node.version, node.name).to.match(/^besu\//);
      if (node.role === "validator") expect(node.proposerShare, node.name).to.be.within(0.1, 0.5);
      else expect(node.proposerShare, node.name).to.equal(null);
    }
    const { out } = await command("status");
    for (const line of out.split("\n").filter((text) => text !== "")) seen(line);
  });

  it("up again changes nothing; logs shows the node's own lines", async () => {
    const up = await command("up");
    expect(up.code).to.equal(0);
    expect(up.out).to.include("starting 0 of 5 nodes").and.include("the chain runs");
    const logs = await command("logs", "--node", "rpc1", "--lines", "5");
    expect(logs.out.trimEnd().split("\n").length).to.equal(5);
    expect(logs.out).to.match(/Imported|block/i);
  });

  it("one validator killed: degraded, exit code 1; recover starts it and restarts nobody", async () => {
    await runner.kill("validator4");
    await until("the status is degraded", 60_000, async () => (await status()).exitCode === 1);
    const hurt = await status();
    expect(stateOf(hurt, "validator4")).to.equal("down");
    expect(codesOf(hurt)).to.include("NodeDown");
    const { code, out } = await command("recover", "--json");
    expect(code).to.equal(0);
    const recovery = JSON.parse(out) as Recovery;
    expect(recovery).to.deep.include({ stood: false, restarted: [], started: ["validator4"] });
    seen(`started again, with new blocks after ${recovery.seconds} s`);
  });

  it("two of four validators killed: no blocks, status stalled with exit code 2, and recover resumes it", async () => {
    await untilRunning();
    await runner.kill("validator2");
    await runner.kill("validator3");
    await sleep(3_000); // the block under way
    const before = (await blockOf(bundle, "validator1", "latest"))!;
    const waiting = (await wait("rpc1", 150)) + (await wait("validator1", 50));
    await sleep(40_000);
    expect(await heightAt(bundle, "validator1"), "blocks without a quorum").to.equal(before.number);
    const hurt = await status();
    expect(hurt.exitCode).to.equal(2);
    expect(hurt.verdict).to.equal("stalled");
    expect(codesOf(hurt)).to.include.members(["QuorumLost", "ChainStalled"]);
    expect([stateOf(hurt, "validator2"), stateOf(hurt, "validator3")]).to.deep.equal(["down", "down"]);

    const { code, out, err } = await command("recover", "--json");
    expect(code, err).to.equal(0);
    const recovery = JSON.parse(out) as Recovery;
    expect(recovery.stood).to.equal(true);
    expect(recovery.started).to.have.members(["validator2", "validator3"]);
    expect(recovery.restarted).to.have.members(["validator1", "validator4"]);
    expect(recovery.pool?.before).to.equal(waiting);
    const { mined, waiting: left, lost } = recovery.pool!;
    expect(mined + left + lost.length).to.equal(waiting);
    seen(
      `stood for ${recovery.blockAge} s; all nodes answered ${recovery.answered} s after recover was called, two new blocks after ${recovery.seconds} s`,
    );
    seen(
      `of ${waiting} transactions that waited: ${mined} mined, ${left} still waiting, ${lost.length} lost`,
    );
    await expectOneChain(bundle);
  });

  it("every node killed: recover starts all, and says that nobody can tell what waited", async () => {
    await untilRunning();
    await wait("rpc1", 20);
    await Promise.all(namesOf(bundle).map((name) => runner.kill(name)));
    const hurt = await status();
    expect([hurt.exitCode, hurt.verdict]).to.deep.equal([2, "down"]);
    const { code, out } = await command("recover");
    expect(code).to.equal(0);
    expect(out).to.include("No own node answers").and.include("sends the same bytes again");
    seen(/Block \d+ after \d+ s/.exec(out)![0]);
    await expectOneChain(bundle);
  });

  it("down keeps the chain, reset without --yes keeps it too, reset --yes deletes it", async () => {
    const height = await heightAt(bundle, "rpc1");
    expect((await command("down")).code).to.equal(0);
    expect([...(await runner.running())]).to.deep.equal([]);
    const refused = await command("reset");
    expect(refused.code).to.equal(1);
    expect(refused.err).to.include("ResetUnconfirmed");
    const up = await command("up");
    expect(up.code, up.err).to.equal(0);
    expect(await heightAt(bundle, "rpc1")).to.be.greaterThan(height);
    seen(/Block \d+ after \d+ s/.exec(up.out)![0]);
    expect((await command("reset", "--yes")).code).to.equal(0);
    expect([...(await runner.running())]).to.deep.equal([]);
    await runner.start(["rpc1"]);
    expect(await heightAt(bundle, "rpc1")).to.equal(0);
  });
});
