import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Box, frame, graph, type Line, spoken, text, timeline } from "./dashboard/chart.js";

/**
 * Draws a Grafana dashboard as an SVG, without Grafana: reads its JSON, asks a Prometheus each panel's queries, and puts
 * the answers where the JSON puts the panels. For a picture in a document or a mail.
 *
 *   npx tsx scripts/draw-dashboard.ts --dashboard DIR/monitor/grafana/dashboards/tenon-network.json \
 *     --prometheus http://127.0.0.1:9090 --minutes 15 --out dashboard.svg
 */
const { values: given } = parseArgs({
  options: {
    dashboard: { type: "string" },
    prometheus: { type: "string", default: "http://127.0.0.1:9090" },
    minutes: { type: "string", default: "15" },
    /** Seconds since 1970 at which it ends; now unless given. */
    end: { type: "string" },
    out: { type: "string", default: "dashboard.svg" },
  },
});
if (given.dashboard === undefined) throw new Error("Give the dashboard's file with --dashboard.");

interface Panel {
  title: string;
  type: "stat" | "timeseries" | "state-timeline" | "table";
  gridPos: { x: number; y: number; w: number; h: number };
  targets: { expr: string; legendFormat: string }[];
  fieldConfig: {
    defaults: {
      unit: string;
      custom?: { stacking?: { mode: string } };
      thresholds?: { steps: { color: string; value: number | null }[] };
    };
  };
}

interface Series {
  metric: Record<string, string>;
  value?: [number, string];
  values?: [number, string][];
}

const COLUMN = 50;
const ROW = 30;
const GAP = 8;
const HEAD = 44;
const STEP_SECONDS = 5;

const bodies = {
  stat: drawStat,
  timeseries: drawGraph,
  "state-timeline": drawTimeline,
  table: drawTable,
};
const end = Number(given.end ?? Math.floor(Date.now() / 1_000));
const range: [number, number] = [end - 60 * Number(given.minutes), end];
const { title, panels } = JSON.parse(readFileSync(given.dashboard, "utf8")) as {
  title: string;
  panels: Panel[];
};
const drawn = await Promise.all(panels.map(draw));
const height = HEAD + ROW * Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h));
const [from, to] = range.map((time) => new Date(time * 1_000).toISOString().slice(0, 16).replace("T", " "));
writeFileSync(
  given.out,
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${24 * COLUMN + GAP} ${height + GAP}" font-family="Inter, 'Segoe UI', 'DejaVu Sans', sans-serif">`,
    `<rect width="100%" height="100%" fill="#f6f8fa"/>`,
    text(GAP + 4, 28, title, { "font-size": 16, "font-weight": 600 }),
    text(24 * COLUMN - 4, 28, `${from} to ${to?.slice(11)} UTC`, { "text-anchor": "end" }),
    ...drawn,
    "</svg>\n",
  ].join("\n"),
);
console.log(`${panels.length} panels in ${given.out}`);

async function draw(panel: Panel): Promise<string> {
  const { x, y, w, h } = panel.gridPos;
  const box: Box = {
    x: GAP + x * COLUMN,
    y: HEAD + y * ROW,
    width: w * COLUMN - GAP,
    height: h * ROW - GAP,
  };
  return frame(box, panel.title) + (await bodies[panel.type](panel, box));
}

async function drawTimeline({ targets }: Panel, box: Box): Promise<string> {
  return timeline(box, (await Promise.all(targets.map(linesOf))).flat(), range);
}

async function drawGraph({ targets, fieldConfig: { defaults } }: Panel, box: Box): Promise<string> {
  const lines = await Promise.all(targets.map(linesOf));
  return graph(box, lines.flat(), defaults.unit, defaults.custom?.stacking?.mode === "normal", range);
}

async function drawStat({ targets, fieldConfig: { defaults } }: Panel, box: Box): Promise<string> {
  const [series] = await ask("query", { query: targets[0]!.expr, time: String(end) });
  const value = series?.value === undefined ? undefined : Number(series.value[1]);
  const step = defaults.thresholds?.steps.findLast(
    (each) => value !== undefined && (each.value ?? -1) <= value,
  );
  const fill = { green: "#1a7f37", orange: "#bc4c00", red: "#cf222e" }[step?.color ?? "green"] ?? "#24292f";
  const words = value === undefined ? "no data" : spoken(value, defaults.unit);
  const style = { "font-size": 30, "text-anchor": "middle", fill, "font-weight": 600 };
  return text(box.x + box.width / 2, box.y + box.height / 2 + 18, words, style);
}

async function drawTable({ targets }: Panel, box: Box): Promise<string> {
  const rows = await ask("query", { query: targets[0]!.expr, time: String(end) });
  const columns = ["severity", "code", "subject"];
  const place = (column: number) => box.x + 12 + column * (box.width / columns.length);
  const cells = [
    ...columns.map((name, column) => text(place(column), box.y + 42, name, { "font-weight": 600 })),
    ...rows.flatMap(({ metric }, row) =>
      columns.map((name, column) => text(place(column), box.y + 64 + 20 * row, metric[name] ?? "")),
    ),
  ];
  return rows.length === 0 ? text(box.x + 12, box.y + 44, "nothing") : cells.join("");
}

/** A query's series in the order of their names, with a hole where a sample is missing. */
async function linesOf({ expr, legendFormat }: Panel["targets"][number]): Promise<Line[]> {
  const [start, last] = range.map(String) as [string, string];
  const series = await ask("query_range", { query: expr, start, end: last, step: String(STEP_SECONDS) });
  const lines = series.map(({ metric, values = [] }) => {
    const known = new Map(values.map(([time, value]) => [time, Number(value)]));
    const points = [];
    for (let time = range[0]; time <= range[1]; time += STEP_SECONDS) {
      const value = known.get(time);
      points.push({ time, value: value === undefined || !Number.isFinite(value) ? null : value });
    }
    const name = legendFormat.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => metric[label] ?? "");
    return { name, points };
  });
  return lines.sort((a, b) => a.name.localeCompare(b.name));
}

async function ask(path: "query" | "query_range", parameters: Record<string, string>): Promise<Series[]> {
  const response = await fetch(`${given.prometheus}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const answer = (await response.json()) as { status: string; error?: string; data: { result: Series[] } };
  if (answer.status !== "success") throw new Error(`Prometheus refused ${parameters.query}: ${answer.error}`);
  return answer.data.result;
}
