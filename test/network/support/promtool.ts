import { alertRules } from "../../../besu-network/monitor/alerts.js";
import { paperManifest } from "./manifest.js";

/** What the exporter tells of four healthy validators, as promtool's series: sixty samples, five seconds apart. */
const healthy: Record<string, string> = {
  block_age_seconds: "0.5+0x60",
  block_overdue_seconds: "0+0x60",
  stall_after_seconds: "6+0x60",
  validators: "4+0x60",
  quorum: "3+0x60",
  faults_tolerated: "1+0x60",
  validators_active: "4+0x60",
  validators_connected: "4+0x60",
  blocks_total: "0+5x60",
  round_changes_total: "0+0x60",
  heads_disagree: "0+0x60",
  pool_stuck_blocks: "0+0x60",
  poll_age_seconds: "0.5+0x60",
  'validator_silent_blocks{validator="validator3"}': "2+0x60",
  'node_up{node="validator3",role="validator"}': "1+0x60",
  'node_up{node="rpc1",role="rpc"}': "1+0x60",
  'node_behind_blocks{node="validator3",role="validator"}': "0+0x60",
  'node_validators_reached{node="validator3",role="validator"}': "4+0x60",
  'node_validators_reached{node="rpc1",role="rpc"}': "4+0x60",
  'node_pool_transactions{node="validator3",role="validator"}': "10+0x60",
  'node_pool_limit{node="validator3",role="validator"}': "50000+0x60",
  'node_disk_free_bytes{node="validator3",role="validator"}': "9e11+0x60",
  'node_wrong_chain{node="validator3",role="validator"}': "0+0x60",
};

interface Fault {
  /** What differs from `healthy`, from the start on. */
  differs: Record<string, string>;
  /** Labels of the alert besides the scrape's own. */
  labels?: Record<string, string>;
  /** The value as the summary prints it. */
  value?: string;
  /** Alerts that come with it. */
  also?: string[];
}

const validator3 = { validator: "validator3" };
const node3 = { node: "validator3", role: "validator" };
const overdue = { block_age_seconds: "8+0x60", block_overdue_seconds: "7+0x60" };

/** How each alert is brought about. */
const faults: Record<string, Fault> = {
  ChainStalled: { differs: overdue, value: "7s" },
  QuorumLost: { differs: { ...overdue, validators_connected: "2+0x60" }, value: "2", also: ["ChainStalled"] },
  HeadsDisagree: { differs: { heads_disagree: "1+0x60" } },
  WrongChain: { differs: { [`node_wrong_chain${braces(node3)}`]: "1+0x60" }, labels: node3 },
  NothingAnswers: { differs: { poll_age_seconds: "0+5x60" } },
  DiskLow: {
    differs: { [`node_disk_free_bytes${braces(node3)}`]: "1073741824+0x60" },
    labels: node3,
    value: "1Gi",
  },
  QuorumAtEdge: { differs: { validators_active: "3+0x60" }, value: "3" },
  ValidatorSilent: {
    differs: { [`validator_silent_blocks${braces(validator3)}`]: "13+0x60" },
    labels: validator3,
    value: "13",
  },
  ProposerAbsent: reasonTold("ProposerAbsent"),
  SealsAbsent: reasonTold("SealsAbsent"),
  RoundChanges: { differs: { round_changes_total: "0+1x60" }, value: "20%" },
  NodeDown: { differs: { [`node_up${braces(node3)}`]: "0+0x60" }, labels: node3 },
  NodeBehind: { differs: { [`node_behind_blocks${braces(node3)}`]: "31+0x60" }, labels: node3, value: "31" },
  PeersBelowQuorum: {
    differs: { [`node_validators_reached${braces(node3)}`]: "2+0x60" },
    labels: node3,
    value: "2",
  },
  PoolFull: {
    differs: { [`node_pool_transactions${braces(node3)}`]: "45000+0x60" },
    labels: node3,
    value: "90%",
  },
  PoolStuck: { differs: { pool_stuck_blocks: "21+0x60" }, value: "21" },
  ClockAhead: { differs: { block_age_seconds: "-3+0x60" }, value: "-3" },
};

/** An alert on what the exporter has judged itself. */
function reasonTold(code: string): Fault {
  const labels = { code, severity: "warning", subject: "validator3" };
  return { differs: { [`reason${braces(labels)}`]: "1+0x60" }, labels };
}

const scraped = { instance: "127.0.0.1:9600", job: "tenon-network" };
const rules = alertRules(paperManifest);

/** A file of tests for promtool: nothing fires when all is well, and each fault brings its alert and no other. */
export function promtoolTests(ruleFile: string): object {
  const afterSeconds = 180;
  return {
    rule_files: [ruleFile],
    evaluation_interval: "5s",
    tests: [
      {
        name: "healthy",
        interval: "5s",
        input_series: series({}),
        alert_rule_test: firing([], afterSeconds),
      },
      ...Object.entries(faults).map(([code, fault]) => {
        const codes = [code, ...(fault.also ?? [])];
        const soon = rules.find(({ alert }) => alert === `Tenon${code}`)!.forSeconds - 5;
        return {
          name: code,
          interval: "5s",
          input_series: series(fault.differs),
          alert_rule_test: [...firing(codes, afterSeconds), ...(soon > 0 ? firing([], soon, [code]) : [])],
        };
      }),
      diskFullSoon(),
    ],
  };
}

/** A disk that loses a gigabyte a minute is full before three days are over. */
function diskFullSoon(): object {
  const values = "900000000000-1000000000x600";
  const [alert] = firing(["DiskFullSoon"], 540 * 60, ["DiskFullSoon"], node3);
  return {
    name: "DiskFullSoon",
    interval: "1m",
    input_series: [{ series: metric(`node_disk_free_bytes${braces(node3)}`), values }],
    alert_rule_test: [alert],
  };
}

function series(differs: Record<string, string>): object[] {
  const all = Object.entries({ ...healthy, ...differs });
  return [
    { series: `up${braces(scraped)}`, values: "1+0x60" },
    ...all.map(([name, values]) => ({ series: metric(name), values })),
  ];
}

/** The exporter's metric as scraped: its own labels and the scrape's. */
function metric(name: string): string {
  const [bare, own] = name.split("{");
  const labels = braces(scraped).slice(1);
  return `tenon_network_${bare}{${own === undefined ? "" : `${own.slice(0, -1)},`}${labels}`;
}

/** Expects these alerts at a moment, and none of the others asked about. */
function firing(
  codes: string[],
  seconds: number,
  about = rules.map(({ alert }) => alert.slice("Tenon".length)),
  labels?: Record<string, string>,
): object[] {
  return about.map((code) => ({
    eval_time: `${seconds}s`,
    alertname: `Tenon${code}`,
    exp_alerts: codes.includes(code) ? [expected(code, { ...faults[code], ...(labels && { labels }) })] : [],
  }));
}

function expected(code: string, { labels = {}, value = "" }: Partial<Fault>): object {
  const { severity, summary, action } = rules.find(({ alert }) => alert === `Tenon${code}`)!;
  const text = summary
    .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? "")
    .replaceAll(/\{\{ \$value[^}]*\}\}/g, value);
  return { exp_labels: { severity, ...scraped, ...labels }, exp_annotations: { summary: text, action } };
}

function braces(labels: Record<string, string>): string {
  return `{${Object.entries(labels).map(([label, value]) => `${label}="${value}"`)}}`;
}
