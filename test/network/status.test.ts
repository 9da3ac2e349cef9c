import { expect } from "chai";
import { entriesOf } from "../../besu-network/run/pool.js";
import { type NodeStatus, type Status, verdictOf } from "../../besu-network/run/status.js";
import { statusText } from "../../tasks/network/status/text.js";

const verdict = (...codes: string[]) => verdictOf(codes.map((code) => ({ code })));

describe("the network's status", () => {
  it("is one word: the worst of what is wrong", () => {
    expect(verdict()).to.equal("running");
    expect(verdict("NodeDown")).to.equal("degraded");
    expect(verdict("DiskLow", "RoundChanges")).to.equal("degraded");
    expect(verdict("NodeDown", "QuorumLost")).to.equal("stalled");
    expect(verdict("ChainStalled")).to.equal("stalled");
    expect(verdict("NodeDown", "NothingAnswers")).to.equal("down");
  });

  const node: NodeStatus = {
    name: "validator1",
    role: "validator",
    organisation: "Acme",
    address: `0x${"a1".repeat(20)}`,
    state: "up",
    block: 1234,
    blockAge: 0.4,
    peers: 4,
    validatorsReached: 4,
    proposerShare: 0.253,
    pool: 17,
    poolLimit: 50_000,
    data: 126_400_000,
    version: "besu/validator1/v26.9.0/linux-x86_64/openjdk-java-25",
  };
  const none = {
    block: null,
    blockAge: null,
    peers: null,
    validatorsReached: null,
    pool: null,
    poolLimit: null,
    data: null,
    version: null,
  };
  const down: NodeStatus = { ...node, ...none, name: "validator2", state: "down", proposerShare: 0 };
  const reason = (
    code: string,
    severity: "critical" | "warning",
    subject: string | null,
    remedy: string,
  ) => ({
    code,
    severity,
    subject,
    message: `what ${code} means`,
    remedy,
  });
  const status: Status = {
    verdict: "stalled",
    chainId: 4711,
    genesisHash: `0x${"00".repeat(32)}`,
    organisation: "Acme",
    block: 1234,
    blockAge: 7_300,
    validators: { total: 4, quorum: 3, active: 2 },
    roundChanges: { rounds: 9, blocks: 100 },
    nodes: [node, down],
    reasons: [
      reason("NodeDown", "warning", "validator2", "Start it."),
      reason("QuorumLost", "critical", null, "Recover."),
      reason("NodeDown", "warning", "validator3", "Start it."),
    ],
  };

  it("is a table with everything of a node, and what is wrong with the gravest first", () => {
    expect(statusText(status).split("\n")).to.deep.equal([
      "stalled · chain 4711 · Acme",
      "block 1234, 2 h old · 2 of 4 validators take part, 3 make a block · 9 rounds changed in 100 blocks",
      "",
      "node        role       state  block  age  peers  validators  proposed  pool  data    version  address",
      `validator1  validator  up     1234   0 s  4      4 of 4      25 %      17    126 MB  26.9.0   ${node.address}`,
      `validator2  validator  down   –      –    –      –           0 %       –     –       –        ${node.address}`,
      "",
      "critical QuorumLost: what QuorumLost means",
      "  → Recover.",
      "",
      "warning NodeDown validator2: what NodeDown means",
      "warning NodeDown validator3: what NodeDown means",
      "  → Start it.",
    ]);
  });

  it("of a network that is down is that, and not a line for each node", () => {
    const reasons = [
      reason("NothingAnswers", "critical", null, "Start it."),
      reason("NodeDown", "warning", "validator1", "Start it."),
    ];
    const text = statusText({ ...status, verdict: "down", block: null, blockAge: null, reasons });
    expect(text).to.include("no own node answers");
    expect(text).not.to.include("NodeDown");
  });
});

describe("what waits in a pool", () => {
  it("is read by sender and nonce, ready or behind a gap", () => {
    const [a, b] = [`0x${"0a".repeat(20)}`, `0x${"0b".repeat(20)}`] as const;
    const hash = (number: number) => `0x${number.toString(16).padStart(64, "0")}` as const;
    const content = {
      pending: { [a]: { "0": { hash: hash(1) }, "1": { hash: hash(2) } } },
      queued: { [b]: { "9": { hash: hash(3) } } },
    };
    expect(entriesOf(content)).to.deep.equal([
      { hash: hash(1), sender: a, nonce: 0 },
      { hash: hash(2), sender: a, nonce: 1 },
      { hash: hash(3), sender: b, nonce: 9 },
    ]);
  });
});
