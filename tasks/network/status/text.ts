import type { Severity } from "../../../besu-network/monitor/health.js";
import type { NodeStatus, Status, StatusReason } from "../../../besu-network/run/status.js";
import { shortVersion } from "../../../besu-network/run/version.js";

/** The status as people read it: a line on the chain, a table of the nodes, what is wrong and what to do. */
export function statusText(status: Status): string {
  const { verdict, chainId, organisation, block, blockAge, validators, roundChanges, reasons } = status;
  const { total, quorum, active } = validators;
  const chain =
    block === null
      ? "no own node answers"
      : `block ${block}, ${age(blockAge)} old · ${active} of ${total} validators take part, ${quorum} make a block · ` +
        `${roundChanges.rounds} rounds changed in ${roundChanges.blocks} blocks`;
  return [
    `${verdict} · chain ${chainId} · ${organisation}`,
    chain,
    "",
    ...table(status),
    ...wrong(status.verdict === "down" ? reasons.filter(({ code }) => code === "NothingAnswers") : reasons),
  ].join("\n");
}

/** The gravest first; one remedy for all that it helps. */
function wrong(reasons: readonly StatusReason[]): string[] {
  const grave = (severity: Severity) => reasons.filter((reason) => reason.severity === severity);
  const byRemedy = Map.groupBy([...grave("critical"), ...grave("warning")], ({ remedy }) => remedy);
  return [...byRemedy].flatMap(([remedy, those]) => [
    "",
    ...those.map(({ code, severity, subject, message }) => {
      const about = subject === null ? "" : ` ${subject}`;
      return `${severity} ${code}${about}: ${message}`;
    }),
    `  → ${remedy}`,
  ]);
}

const columns: [string, (node: NodeStatus, status: Status) => string | null][] = [
  ["node", ({ name }) => name],
  ["role", ({ role }) => role],
  ["state", ({ state }) => state],
  ["block", ({ block }) => count(block)],
  ["age", ({ blockAge }) => age(blockAge)],
  ["peers", ({ peers }) => count(peers)],
  [
    "validators",
    ({ validatorsReached: reached }, { validators }) =>
      reached === null ? null : `${reached} of ${validators.total}`,
  ],
  ["proposed", ({ proposerShare: share }) => (share === null ? null : `${Math.round(100 * share)} %`)],
  ["pool", ({ pool }) => count(pool)],
  ["data", ({ data }) => bytes(data)],
  ["version", ({ version }) => (version === null ? null : shortVersion(version))],
  ["address", ({ address }) => address],
];

function table(status: Status): string[] {
  const rows = [
    columns.map(([title]) => title),
    ...status.nodes.map((node) => columns.map(([, cell]) => cell(node, status) ?? "–")),
  ];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}

const count = (value: number | null) => (value === null ? null : String(value));

function age(seconds: number | null): string | null {
  if (seconds === null) return null;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7_200) return `${Math.round(whole / 60)} min`;
  return `${Math.round(whole / 3_600)} h`;
}

function bytes(value: number | null): string | null {
  if (value === null) return null;
  if (value < 1e6) return `${Math.round(value / 1e3)} kB`;
  return value < 1e9 ? `${Math.round(value / 1e6)} MB` : `${(value / 1e9).toFixed(1)} GB`;
}
