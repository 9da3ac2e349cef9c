import { expect } from "chai";
import { Collector } from "../../besu-network/monitor/collector.js";
import { Exporter } from "../../besu-network/monitor/exporter.js";
import { type Health, healthOf, type Reason } from "../../besu-network/monitor/health.js";
import { metrics } from "../../besu-network/monitor/metrics.js";
import { PaperNetwork } from "./support/paper-node.js";

const start = 1_700_000_000;

/** A network with blocks from `start` on, one a second. */
function running(blocks: number, each: Parameters<PaperNetwork["mine"]>[1][] = turns): PaperNetwork {
  const network = new PaperNetwork();
  for (let index = 0; index < blocks; index++) network.mine(start + index, each[index % each.length]!);
  return network;
}

const turns = [
  { proposer: 1, sealers: [1, 2, 3] },
  { proposer: 2, sealers: [2, 3, 4] },
  { proposer: 3, sealers: [3, 4, 1] },
  { proposer: 4, sealers: [4, 1, 2] },
];
const withoutThird = [
  { proposer: 1, sealers: [1, 2, 4] },
  { proposer: 2, sealers: [1, 2, 4] },
  { proposer: 4, sealers: [1, 2, 4], round: 1 },
];

describe("the collector", () => {
  const judged = async (network: PaperNetwork, at: number): Promise<[Collector, Health]> => {
    const collector = new Collector(network.sources(), network.settings());
    await collector.poll(1_000 * at);
    await collector.poll(1_000 * at);
    return [collector, healthOf(collector.samples(1_000 * at), network.settings())];
  };
  const codes = ({ reasons }: Health) =>
    reasons.map(({ code, subject }) => (subject ? `${code} ${subject}` : code));

  it("reads proposers, rounds and sealers out of sealed headers", async () => {
    const [collector, health] = await judged(running(40, withoutThird), start + 40);
    expect(codes(health)).to.have.members(["ValidatorSilent validator3", "RoundChanges", "QuorumAtEdge"]);
    const third = health.measures.perValidator.find(({ name }) => name === "validator3");
    expect(third).to.include({ silentBlocks: 40, proposals: 0, seals: 0, connected: true });
    expect(collector.counts).to.include({ blocks: 40, roundChanges: 13 });
  });

  it("counts each block once, whatever gap there was between two polls", async () => {
    const network = running(3);
    const collector = new Collector(network.sources(), network.settings());
    await collector.poll(1_000 * (start + 3));
    for (let index = 3; index < 80; index++) network.mine(start + index, turns[index % 4]!);
    await collector.poll(1_000 * (start + 80));
    await collector.poll(1_000 * (start + 81));
    expect(collector.counts.blocks).to.equal(80);
    expect(collector.samples(0).blocks.map(({ number }) => number)).to.deep.equal(
      Array.from({ length: 81 }, (_, index) => index),
    );
  });

  it("sees nodes that go and come back, and who is connected", async () => {
    const network = running(20);
    const collector = new Collector(network.sources(), network.settings());
    const at = (start + 20) * 1_000;
    network.down.add(2).add(3);
    await collector.poll(at);
    const down = healthOf(collector.samples(at + 10_000), network.settings());
    expect(codes(down)).to.include.members([
      "NodeDown validator2",
      "NodeDown validator3",
      "ChainStalled",
      "QuorumLost",
    ]);
    expect(down.reasons.find(({ code }) => code === "NodeDown")!.message).to.equal("it does not run here");
    network.down.clear();
    await collector.poll(at);
    expect(codes(healthOf(collector.samples(at), network.settings()))).to.deep.equal([]);
  });

  it("believes nothing of a node whose header no quorum sealed", async () => {
    const network = running(8);
    network.mine(start + 8, { proposer: 1, sealers: [1, 2] });
    const [collector, health] = await judged(network, start + 9);
    expect(collector.counts.blocks).to.equal(8);
    const fault = health.reasons.find(({ code }) => code === "NodeDown");
    expect(fault!.message).to.match(
      /Too few validators sealed the header, step: seals, block: 9, seals: 2, required: 3/,
    );
  });

  it("begins anew after the network was reset", async () => {
    const network = running(30);
    const collector = new Collector(network.sources(), network.settings());
    await collector.poll(1_000 * (start + 30));
    network.blocks.splice(1);
    for (let index = 0; index < 10; index++) network.mine(start + 100 + index, turns[index % 4]!);
    await collector.poll(1_000 * (start + 110));
    expect(collector.samples(0).blocks.map(({ number }) => number)).to.deep.equal([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
    expect(codes(healthOf(collector.samples(1_000 * (start + 110)), network.settings()))).to.deep.equal([]);
  });
});

describe("the exporter", () => {
  let exporter: Exporter | undefined;
  const changes: [string[], string[]][] = [];
  const serve = async (network: PaperNetwork) => {
    const words = (reasons: Reason[]) => reasons.map(({ code }) => code);
    exporter = await Exporter.start({
      sources: network.sources(),
      settings: network.settings(),
      host: "127.0.0.1",
      port: 0,
      onChange: (began, ended) => changes.push([words(began), words(ended)]),
    });
    return exporter.url;
  };
  /** A network whose newest block is as old as `age` seconds now. */
  const upToDate = (age: number) => {
    const network = new PaperNetwork();
    const first = Math.floor(Date.now() / 1_000) - age - 19;
    for (let index = 0; index < 20; index++)
      network.mine(first + index, { ...turns[index % 4]!, transactions: 2 });
    return network;
  };
  afterEach(async () => {
    await exporter?.stop();
    exporter = undefined;
    changes.length = 0;
  });

  it("tells Prometheus every metric it knows of a healthy network", async () => {
    const response = await fetch(`${await serve(upToDate(0))}/metrics`);
    expect(response.headers.get("content-type")).to.match(/^text\/plain; version=0\.0\.4/);
    const text = await response.text();
    for (const { name, type } of metrics) {
      expect(text).to.include(`# TYPE ${name} ${type}\n`);
      // Nothing is wrong, so no reason has a line.
      if (name !== "tenon_network_reason")
        expect(text, name).to.match(new RegExp(`^${name}(\\{.*\\})? [\\d.-]+$`, "m"));
    }
    expect(text).to.match(/^tenon_network_block 20$/m);
    expect(text).to.match(/^tenon_network_transactions_total 40$/m);
    expect(text).to.match(/^tenon_network_validator_proposals_total\{validator="validator2"\} 5$/m);
    expect(text).to.match(/^tenon_network_node_up\{node="validator1",role="validator"\} 1$/m);
    for (const line of text.trimEnd().split("\n")) {
      expect(line).to.match(/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)+\})? -?[\d.]+(e[+-]\d+)?)$/);
    }
  });

  it("answers /health with 503 while the chain stands, and says why and what to do", async () => {
    const network = upToDate(60);
    const response = await fetch(`${await serve(network)}/health`);
    expect(response.status).to.equal(503);
    const { status, reasons } = (await response.json()) as Health;
    expect(status).to.equal("critical");
    expect(reasons.map(({ code }) => code)).to.deep.equal(["ChainStalled"]);
    expect(reasons[0]!.remedy).to.include("npx hardhat network recover");
    expect(changes).to.deep.equal([[["ChainStalled"], []]]);

    network.mine(Math.floor(Date.now() / 1_000), turns[0]!);
    await waitFor(() => changes.length === 2);
    expect(changes[1]).to.deep.equal([[], ["ChainStalled"]]);
    expect((await fetch(`${exporter!.url}/health`)).status).to.equal(200);
  });

  it("gives no number that nobody knows", async () => {
    const network = upToDate(0);
    for (const node of [1, 2, 3, 4]) network.down.add(node);
    const text = await (await fetch(`${await serve(network)}/metrics`)).text();
    expect(text).not.to.match(/^tenon_network_block_age_seconds \S/m);
    expect(text).to.match(
      /^tenon_network_reason\{code="NothingAnswers",severity="critical",subject="chain"\} 1$/m,
    );
  });

  it("listens on loopback, and says so when it cannot", async () => {
    const url = await serve(upToDate(0));
    expect(new URL(url).hostname).to.equal("127.0.0.1");
    const network = upToDate(0);
    const again = Exporter.start({
      sources: network.sources(),
      settings: network.settings(),
      host: "127.0.0.1",
      port: Number(new URL(url).port),
    });
    await again.then(
      () => expect.fail("the port was taken"),
      (error) => expect(error).to.include({ code: "PortRefused" }),
    );
    expect((await fetch(`${url}/`)).status).to.equal(404);
  });
});

async function waitFor(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 8_000; !condition(); ) {
    if (Date.now() > end) expect.fail("nothing changed in time");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
