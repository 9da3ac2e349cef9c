import type { Manifest } from "../bundle/manifest.js";
import { rateSeconds } from "./alerts.js";
import type { Timing } from "./limits.js";

type Unit = "none" | "s" | "percentunit" | "bytes" | "ops" | "short";

type Colour = "green" | "orange" | "red";

export interface Query {
  expr: string;
  /** Grafana's legend, such as `{{validator}}`. */
  legend: string;
}

export interface Panel {
  title: string;
  description: string;
  kind: "stat" | "timeseries" | "state-timeline" | "table";
  unit: Unit;
  queries: Query[];
  /** Of 24 columns. */
  width: number;
  height: number;
  stacked?: boolean;
  /** Colours by value: the first below all, each other from its number on. */
  steps?: [colour: Colour, from: number | null][];
}

const STAT = { kind: "stat", width: 4, height: 4 } as const;
const GRAPH = { kind: "timeseries", width: 8, height: 8 } as const;

/** What the dashboard shows, top down. Its queries name only metrics of the exporter and of Besu. */
export function panels(timing: Timing): Panel[] {
  const rate = `[${rateSeconds(timing)}s]`;
  const recent = `[${Math.max(60, 20 * timing.blockPeriodSeconds)}s]`;
  const late = timing.blockPeriodSeconds + timing.requestTimeoutSeconds;
  return [
    {
      ...STAT,
      title: "Newest block",
      description: "The highest head of the own nodes",
      unit: "none",
      queries: [{ expr: "tenon_network_block", legend: "" }],
    },
    {
      ...STAT,
      title: "Block age",
      description: "Orange: a proposer was missing. Red: no tolerated fault explains it",
      unit: "s",
      queries: [{ expr: "tenon_network_block_age_seconds", legend: "" }],
      steps: [
        ["green", null],
        ["orange", late],
        ["red", 4 * late],
      ],
    },
    {
      ...STAT,
      title: "Validators taking part",
      description: "Proposed or sealed within the last three turns",
      unit: "none",
      queries: [{ expr: "tenon_network_validators_active", legend: "" }],
    },
    {
      ...STAT,
      title: "May still fail",
      description: "Validators that may fail before the chain stops",
      unit: "none",
      queries: [{ expr: "clamp_min(tenon_network_validators_active - tenon_network_quorum, 0)", legend: "" }],
      steps: [
        ["red", null],
        ["green", 1],
      ],
    },
    {
      ...STAT,
      title: "Transactions a second",
      description: "In blocks",
      unit: "ops",
      queries: [{ expr: `rate(tenon_network_transactions_total${rate})`, legend: "" }],
    },
    {
      ...STAT,
      title: "Things wrong",
      description: "Reasons the exporter gives now; the table below names them",
      unit: "none",
      queries: [{ expr: "count(tenon_network_reason) or vector(0)", legend: "" }],
      steps: [
        ["green", null],
        ["orange", 1],
        ["red", 4],
      ],
    },
    {
      ...GRAPH,
      title: "Age of the newest block",
      description: "A stalled chain is a straight line upwards",
      unit: "s",
      queries: [
        { expr: "tenon_network_block_age_seconds", legend: "age" },
        { expr: "tenon_network_block_overdue_seconds", legend: "overdue" },
        { expr: "tenon_network_stall_after_seconds", legend: "stalled from" },
      ],
    },
    {
      ...GRAPH,
      title: "Round changes per block",
      description: "0 while every proposer answers in time; a third with one dead validator of four",
      unit: "none",
      queries: [
        {
          expr: `rate(tenon_network_round_changes_total${recent}) / rate(tenon_network_blocks_total${recent})`,
          legend: "rounds per block",
        },
      ],
    },
    {
      ...GRAPH,
      title: "Validators against quorum",
      description: "Below the quorum no block is made",
      unit: "none",
      queries: [
        { expr: "tenon_network_validators_active", legend: "taking part" },
        { expr: "tenon_network_validators_connected", legend: "in reach" },
        { expr: "tenon_network_quorum", legend: "quorum" },
      ],
    },
    {
      ...GRAPH,
      title: "Proposer share",
      description: "Validators take turns: equal shares",
      unit: "percentunit",
      stacked: true,
      queries: [
        {
          expr: `rate(tenon_network_validator_proposals_total${recent}) / on(instance) group_left() rate(tenon_network_blocks_total${recent})`,
          legend: "{{validator}}",
        },
      ],
    },
    {
      ...GRAPH,
      title: "Blocks sealed",
      description:
        "A block needs a quorum of seals and rarely has more: the slowest is often left out, the dead always",
      unit: "percentunit",
      queries: [
        {
          expr: `rate(tenon_network_validator_seals_total${recent}) / on(instance) group_left() rate(tenon_network_blocks_total${recent})`,
          legend: "{{validator}}",
        },
      ],
    },
    {
      ...GRAPH,
      title: "Blocks behind",
      description: "Own nodes behind the highest of them; a node that does not answer has no line",
      unit: "none",
      queries: [{ expr: "tenon_network_node_behind_blocks", legend: "{{node}}" }],
    },
    {
      ...GRAPH,
      title: "Transactions and gas",
      description: "In blocks, a second",
      unit: "short",
      queries: [
        { expr: `rate(tenon_network_transactions_total${recent})`, legend: "transactions" },
        { expr: `rate(tenon_network_gas_used_total${recent}) / 1000000`, legend: "million gas" },
      ],
    },
    {
      ...GRAPH,
      title: "Pool",
      description: "What waits on each node; growing without blocks means the chain stands",
      unit: "none",
      queries: [{ expr: "tenon_network_node_pool_transactions", legend: "{{node}}" }],
    },
    {
      ...GRAPH,
      title: "Peers",
      description: "Connections of each own node",
      unit: "none",
      queries: [{ expr: "tenon_network_node_peers", legend: "{{node}}" }],
    },
    {
      ...GRAPH,
      title: "Memory",
      description: "Java heap in use",
      unit: "bytes",
      queries: [{ expr: 'sum by (node) (jvm_memory_used_bytes{area="heap"})', legend: "{{node}}" }],
    },
    {
      ...GRAPH,
      title: "Disk free",
      description: "On the disk of each node's data",
      unit: "bytes",
      queries: [{ expr: "tenon_network_node_disk_free_bytes", legend: "{{node}}" }],
    },
    {
      title: "What is wrong now",
      description: "npx hardhat network monitor prints it, with what to do",
      kind: "table",
      unit: "none",
      width: 8,
      height: 8,
      queries: [{ expr: "tenon_network_reason", legend: "" }],
    },
    {
      title: "What was wrong",
      description: "The same over time",
      kind: "state-timeline",
      unit: "none",
      width: 24,
      height: 9,
      queries: [{ expr: "tenon_network_reason", legend: "{{code}} {{subject}}" }],
      steps: [["orange", null]],
    },
  ];
}

/** The dashboard in Grafana's own form, as it would export it. */
export function dashboard(manifest: Manifest): object {
  let x = 0;
  let y = 0;
  let rowHeight = 0;
  const placed = panels(manifest).map((panel, index) => {
    if (x + panel.width > 24) {
      x = 0;
      y += rowHeight;
      rowHeight = 0;
    }
    const gridPos = { x, y, w: panel.width, h: panel.height };
    x += panel.width;
    rowHeight = Math.max(rowHeight, panel.height);
    return grafanaPanel(panel, index + 1, gridPos);
  });
  return {
    uid: "tenon-network",
    title: `Tenon network, chain ${manifest.chainId}`,
    tags: ["tenon"],
    schemaVersion: 39,
    version: 1,
    editable: true,
    timezone: "browser",
    time: { from: "now-1h", to: "now" },
    refresh: "10s",
    templating: { list: [] },
    annotations: { list: [] },
    panels: placed,
  };
}

function grafanaPanel(panel: Panel, id: number, gridPos: object): object {
  const { title, description, kind, unit, queries, steps } = panel;
  const datasource = { type: "prometheus", uid: "prometheus" };
  const single = kind === "table";
  const overTime = kind === "timeseries" || kind === "state-timeline";
  return {
    id,
    title,
    description,
    type: kind,
    gridPos,
    datasource,
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      expr,
      legendFormat: legend,
      instant: !overTime,
      range: overTime,
      ...(single && { format: "table" }),
    })),
    fieldConfig: {
      defaults: {
        unit,
        ...(kind === "timeseries" && { custom: graphStyle(panel.stacked === true), min: 0 }),
        ...(steps !== undefined && { thresholds: thresholds(steps) }),
      },
      overrides: [],
    },
    options: options(kind),
    ...(single && {
      transformations: [
        { id: "organize", options: { excludeByName: { Time: true, Value: true, __name__: true } } },
      ],
    }),
  };
}

function graphStyle(stacked: boolean): object {
  return {
    lineWidth: 1,
    fillOpacity: stacked ? 40 : 10,
    showPoints: "never",
    stacking: { mode: stacked ? "normal" : "none" },
  };
}

function thresholds(steps: NonNullable<Panel["steps"]>): object {
  return { mode: "absolute", steps: steps.map(([color, value]) => ({ color, value })) };
}

function options(kind: Panel["kind"]): object {
  if (kind === "stat") return { reduceOptions: { calcs: ["lastNotNull"] }, colorMode: "value" };
  if (kind === "table") return { showHeader: true };
  if (kind === "state-timeline") return { showValue: "never", legend: { showLegend: false } };
  return { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } };
}
