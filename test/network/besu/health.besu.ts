import { expect } from "chai";
import { Exporter } from "../../../besu-network/monitor/exporter.js";
import type { Health } from "../../../besu-network/monitor/health.js";
import { ownSources, rpcSources, settingsOf } from "../../../besu-network/monitor/sources.js";
import { newKey } from "../../scenarios/support/chain.js";
import { seen } from "../seen.js";
import { besuMetrics } from "../support/rules.js";
import { call } from "./support/chain.js";
import { spoken, startNetwork, type TestNetwork, until } from "./support/network.js";
import { signed } from "./support/transactions.js";

describe("the health of a network, told by its exporter", function () {
  this.timeout(300_000);
  let network: TestNetwork;
  let exporter: Exporter;
  const exporters: Exporter[] = [];
  const watch = async (sources: Parameters<typeof Exporter.start>[0]["sources"]) => {
    const settings = settingsOf(network.bundle);
    const started = await Exporter.start({ sources, settings, host: "127.0.0.1", port: 0 });
    exporters.push(started);
    return started;
  };

  before(async () => {
    network = await startNetwork();
    exporter = await watch(ownSources(network.bundle));
  });
  after(async () => {
    for (const each of exporters) await each.stop();
    await network?.end();
  });

  const reasons = (of = exporter) =>
    of.health().reasons.map(({ code, subject }) => (subject === null ? code : `${code} ${subject}`));
  const told = (what: string, ms: number, expected: string[]) =>
    until(what, ms, async () => expected.every((reason) => reasons().includes(reason)));

  it("four validators that take turns: nothing is wrong, and every node tells pool, peers and disk", async () => {
    await until("nothing is wrong in forty blocks", 200_000, async () => {
      const { reasons: wrong, measures } = exporter.health();
      return wrong.length === 0 && measures.windowBlocks > 40;
    });
    const { perValidator, perNode, active, connected } = exporter.health().measures;
    expect({ active, connected }).to.deep.equal({ active: 4, connected: 4 });
    for (const node of perNode) {
      expect(node.validatorsReached, node.name).to.be.at.least(node.role === "validator" ? 3 : 1);
      expect(node.pool, node.name).to.equal(0);
      expect(node.diskFreeBytes, node.name).to.be.greaterThan(0);
    }
    seen(
      `proposed ${perValidator.map(({ proposals }) => proposals)}, sealed ${perValidator.map(({ seals }) => seals)}`,
    );
  });

  it("an RPC node asked from outside, with a token: the same chain, without peers' names and pool", async () => {
    const { http } = network.bundle.manifest.nodes.find(({ role }) => role === "rpc")!.ports;
    const outside = await watch(rpcSources(network.bundle, [`http://127.0.0.1:${http}`]));
    expect(reasons(outside)).to.deep.equal([]);
    expect(outside.health().measures).to.deep.include({
      validators: 4,
      active: 4,
      connected: null,
      pool: null,
    });
  });

  it("Besu exports the metrics that the dashboard takes from it", async () => {
    for (const { host, ports } of network.bundle.manifest.nodes) {
      const text = await (await fetch(`http://${host}:${ports.metrics}/metrics`)).text();
      for (const name of besuMetrics) expect(text).to.match(new RegExp(`^${name}\\{`, "m"));
    }
  });

  it("a transaction whose sender left out a nonce: the pool is called stuck, and the chain is not", async () => {
    const sender = newKey();
    const { chainId } = network.bundle.manifest;
    const raw = await signed(sender, { chainId, nonce: 1, to: sender.address });
    await call(network.bundle, "rpc1", "eth_sendRawTransaction", [raw]);
    const took = await until("the pool is stuck", 90_000, async () => reasons().includes("PoolStuck"));
    expect(reasons()).to.deep.equal(["PoolStuck"]);
    const status = JSON.stringify(await call(network.bundle, "rpc1", "txpool_status"));
    await call(network.bundle, "rpc1", "eth_sendRawTransaction", [
      await signed(sender, { chainId, nonce: 0, to: sender.address }),
    ]);
    await until("the pool is well again", 30_000, async () => reasons().length === 0);
    seen(`stuck after ${spoken(took)} (txpool_status ${status}), well again with the missing nonce`);
  });

  it("one of four killed: named as down and silent, no more may fail, and the chain is not called stalled", async () => {
    await network.runner.kill("validator3");
    const down = await told("validator3 is down", 30_000, ["NodeDown validator3"]);
    const silent = await told("validator3 is silent", 120_000, [
      "ValidatorSilent validator3",
      "QuorumAtEdge",
    ]);
    expect(exporter.health().status).to.equal("warning");
    seen(`down after ${spoken(down)}, silent ${spoken(silent)} later`);
  });

  it("two of four killed: stalled, the quorum lost, and /health answers 503", async () => {
    await network.runner.kill("validator2");
    const took = await told("the chain is stalled", 60_000, ["ChainStalled", "QuorumLost"]);
    const response = await fetch(`${exporter.url}/health`);
    expect(response.status).to.equal(503);
    expect(((await response.json()) as Health).measures).to.deep.include({ connected: 2, quorum: 3 });
    seen(`stalled after ${spoken(took)}`);
  });

  it("all validators started together: no longer critical, and at last nothing is wrong", async () => {
    const validators = ["validator1", "validator2", "validator3", "validator4"];
    await network.runner.stop(["validator1", "validator4"]);
    await network.runner.start(validators);
    const moving = await until("blocks again", 120_000, async () => exporter.health().status !== "critical");
    const taking = await until(
      "all four take part",
      120_000,
      async () => exporter.health().measures.active === 4,
    );
    expect(reasons().filter((reason) => reason !== "RoundChanges")).to.deep.equal([]);
    seen(`blocks after ${spoken(moving)}, all four take part ${spoken(taking)} later`);
  });
});
