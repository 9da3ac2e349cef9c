import type { Hex } from "../../sdk/src/bytes.js";
import type { Health } from "./health.js";
import type { BlockSample } from "./samples.js";

/** What the exporter has counted since it started; Prometheus makes rates of it. */
export interface Counts {
  blocks: number;
  roundChanges: number;
  transactions: number;
  gas: number;
  proposals: Map<Hex, number>;
  seals: Map<Hex, number>;
}

export function newCounts(): Counts {
  return { blocks: 0, roundChanges: 0, transactions: 0, gas: 0, proposals: new Map(), seals: new Map() };
}

export function countBlock(counts: Counts, block: BlockSample): void {
  counts.blocks += 1;
  counts.roundChanges += block.round;
  counts.transactions += block.transactions;
  counts.gas += block.gasUsed;
  const add = (tally: Map<Hex, number>, who: Hex, by: number) => tally.set(who, (tally.get(who) ?? 0) + by);
  for (const validator of block.validators) {
    // Counters exist from the first block on, so that a rate shows a validator that never takes part as 0.
    add(counts.proposals, validator, validator === block.proposer ? 1 : 0);
    add(counts.seals, validator, block.sealers.includes(validator) ? 1 : 0);
  }
}

/** What a scrape is answered from. */
export interface View {
  health: Health;
  counts: Counts;
  /** Seconds since the nodes were last asked. */
  pollAgeSeconds: number;
  names: Readonly<Record<Hex, string>>;
}

type Value = number | boolean | null | undefined;
type Row = readonly [labels: Readonly<Record<string, string>>, value: Value];

interface Metric {
  name: `tenon_network_${string}`;
  type: "gauge" | "counter";
  help: string;
  read: (view: View) => Row[];
}

const gauge = (name: string, help: string, read: (view: View) => Value): Metric => ({
  name: `tenon_network_${name}`,
  type: "gauge",
  help,
  read: (view) => [[{}, read(view)]],
});

const counter = (name: string, help: string, read: (counts: Counts) => number): Metric => ({
  name: `tenon_network_${name}`,
  type: "counter",
  help,
  read: ({ counts }) => [[{}, read(counts)]],
});

const perValidator = (
  name: string,
  help: string,
  read: (validator: Health["measures"]["perValidator"][number]) => Value,
): Metric => ({
  name: `tenon_network_validator_${name}`,
  type: "gauge",
  help,
  read: ({ health }) => health.measures.perValidator.map((each) => [{ validator: each.name }, read(each)]),
});

const tally = (name: string, help: string, read: (counts: Counts) => Map<Hex, number>): Metric => ({
  name: `tenon_network_validator_${name}`,
  type: "counter",
  help,
  read: ({ counts, names }) =>
    [...read(counts)].map(([address, count]) => [{ validator: names[address] ?? address }, count]),
});

const perNode = (
  name: string,
  help: string,
  read: (node: Health["measures"]["perNode"][number]) => Value,
): Metric => ({
  name: `tenon_network_node_${name}`,
  type: "gauge",
  help,
  read: ({ health }) =>
    health.measures.perNode.map((each) => [{ node: each.name, role: each.role }, read(each)]),
});

/** Everything the exporter tells. Alert rules and dashboard may name these and `up`; a test holds them to it. */
export const metrics: readonly Metric[] = [
  gauge("block", "Number of the newest block", ({ health }) => health.measures.head?.number),
  gauge("block_age_seconds", "Age of the newest block", ({ health }) => health.measures.blockAgeSeconds),
  gauge(
    "block_overdue_seconds",
    "How long the next block has been due",
    ({ health }) => health.measures.overdueSeconds,
  ),
  gauge(
    "stall_after_seconds",
    "Overdue seconds from which no tolerated fault is an explanation",
    ({ health }) => health.measures.stallSeconds,
  ),
  gauge("block_round", "Rounds changed before the newest block", ({ health }) => health.measures.round),
  counter("blocks_total", "Blocks seen", ({ blocks }) => blocks),
  counter("round_changes_total", "Rounds that ended without a block", ({ roundChanges }) => roundChanges),
  counter("transactions_total", "Transactions in the blocks seen", ({ transactions }) => transactions),
  counter("gas_used_total", "Gas used by the blocks seen", ({ gas }) => gas),

  gauge(
    "validators",
    "Validators, as the newest header lists them",
    ({ health }) => health.measures.validators || null,
  ),
  gauge("quorum", "Validators that must agree", ({ health }) => health.measures.quorum || null),
  gauge("faults_tolerated", "Validators that may fail", ({ health }) =>
    health.measures.validators > 0 ? health.measures.faultsTolerated : null,
  ),
  gauge(
    "validators_active",
    "Validators that took part in the last three turns; none while the chain stands",
    ({ health }) => (health.measures.validators > 0 ? health.measures.active : null),
  ),
  gauge("validators_connected", "Validators that run here or are peers of nodes here", ({ health }) =>
    health.measures.validators > 0 ? health.measures.connected : null,
  ),
  perValidator(
    "silent_blocks",
    "Blocks since it last proposed or sealed",
    ({ silentBlocks }) => silentBlocks,
  ),
  perValidator("connected", "1 when it runs here or is a peer of a node here", ({ connected }) => connected),
  tally("proposals_total", "Blocks it proposed", ({ proposals }) => proposals),
  tally("seals_total", "Blocks that carry its seal", ({ seals }) => seals),

  perNode("up", "1 when the node answers", ({ up }) => up),
  perNode("block", "Number of the node's newest block", ({ block }) => block),
  perNode("behind_blocks", "Blocks behind the highest own node", ({ behind }) => behind),
  perNode("peers", "Connected peers", ({ peers }) => peers),
  perNode(
    "validators_reached",
    "Validators it is connected to, itself included",
    ({ validatorsReached }) => validatorsReached,
  ),
  perNode("pool_transactions", "Transactions in its pool", ({ pool }) => pool),
  perNode("pool_limit", "Transactions its pool holds at most", ({ poolLimit }) => poolLimit),
  perNode("disk_free_bytes", "Free bytes on the disk of its data", ({ diskFreeBytes }) => diskFreeBytes),
  perNode("wrong_chain", "1 when its chain id or genesis is not the network's", ({ up, wrongChain }) =>
    up ? wrongChain : null,
  ),
  gauge(
    "heads_disagree",
    "1 when own nodes have different blocks at one height",
    ({ health }) => health.measures.headsDisagree,
  ),
  gauge(
    "pool_growth",
    "What came into the fullest pool since the newest block",
    ({ health }) => health.measures.poolGrowth,
  ),
  gauge(
    "pool_stuck_blocks",
    "Newest blocks that took nothing from a pool that was not empty",
    ({ health }) => health.measures.poolStuckBlocks,
  ),

  {
    name: "tenon_network_reason",
    type: "gauge",
    help: "1 for each thing that is wrong now",
    read: ({ health }) =>
      health.reasons.map(({ code, severity, subject }) => [
        { code, severity, subject: subject ?? "chain" },
        1,
      ]),
  },
  gauge("poll_age_seconds", "Seconds since the nodes were asked", ({ pollAgeSeconds }) => pollAgeSeconds),
];

/** Prometheus' text format. A metric of which nothing is known has no line, rather than a false zero. */
export function renderMetrics(view: View): string {
  return metrics.map((metric) => renderMetric(metric, metric.read(view))).join("");
}

function renderMetric({ name, type, help }: Metric, rows: Row[]): string {
  const lines = rows.flatMap(([labels, value]) =>
    value === null || value === undefined ? [] : [`${name}${renderLabels(labels)} ${Number(value)}\n`],
  );
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
