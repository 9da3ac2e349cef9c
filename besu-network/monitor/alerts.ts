import { type ReasonCode, remedies, type Severity } from "./health.js";
import {
  behindBlocks,
  CLOCK_TOLERANCE_SECONDS,
  DISK_FLOOR_BYTES,
  POOL_FULL_SHARE,
  POOL_STUCK_BLOCKS,
  ROUND_CHANGE_SHARE,
  type Timing,
} from "./limits.js";

export interface AlertRule {
  /** CamelCase, as Prometheus shows it. */
  alert: string;
  /** PromQL; the alert is on while it has an answer. */
  expr: string;
  /** Seconds the answer must last. */
  forSeconds: number;
  severity: Severity;
  /** What is seen, with Prometheus' templates. */
  summary: string;
  /** What somebody does about it. */
  action: string;
}

/** Seconds between two scrapes: some blocks, at least five seconds. */
export function scrapeSeconds({ blockPeriodSeconds }: Timing): number {
  return Math.min(15, Math.max(5, blockPeriodSeconds));
}

/** Seconds over which rates are taken: enough blocks that one round change is not a trend. */
export function rateSeconds({ blockPeriodSeconds }: Timing): number {
  return Math.max(120, 60 * blockPeriodSeconds);
}

/**
 * The rules of a network with this timing. They say of metrics what `healthOf` says of samples, from the same limits;
 * what is asked for longer than a round trip of the fault they tolerate is asked for once and not twice.
 */
export function alertRules(timing: Timing): AlertRule[] {
  const scrape = scrapeSeconds(timing);
  // One dead proposer costs a period and a timeout: what lasts for three of them is no hiccup.
  const settle = Math.max(3 * scrape, 3 * (timing.blockPeriodSeconds + timing.requestTimeoutSeconds));
  const rate = `[${rateSeconds(timing)}s]`;
  const rule = (
    code: ReasonCode,
    severity: Severity,
    forSeconds: number,
    expr: string,
    summary: string,
  ): AlertRule => ({ alert: `Tenon${code}`, expr, forSeconds, severity, summary, action: remedies[code] });

  return [
    rule(
      "ChainStalled",
      "critical",
      scrape,
      "tenon_network_block_overdue_seconds > tenon_network_stall_after_seconds",
      "No block for longer than the tolerated faults explain: overdue by {{ $value | humanizeDuration }}",
    ),
    rule(
      "QuorumLost",
      "critical",
      scrape,
      "tenon_network_validators_connected < tenon_network_quorum and tenon_network_block_overdue_seconds > tenon_network_stall_after_seconds",
      "Only {{ $value }} validators are in reach, fewer than make a block",
    ),
    rule(
      "HeadsDisagree",
      "critical",
      0,
      "tenon_network_heads_disagree == 1",
      "Own nodes have different blocks at one height",
    ),
    rule(
      "WrongChain",
      "critical",
      0,
      "tenon_network_node_wrong_chain == 1",
      "{{ $labels.node }} is on another chain than the network's",
    ),
    rule(
      "NothingAnswers",
      "critical",
      settle,
      'max(tenon_network_node_up) == 0 or up{job="tenon-network"} == 0 or absent(up{job="tenon-network"}) == 1 or ' +
        `tenon_network_poll_age_seconds > ${settle}`,
      "No own node answers, or the exporter does not: nobody watches the chain",
    ),
    rule(
      "DiskLow",
      "critical",
      settle,
      `tenon_network_node_disk_free_bytes < ${DISK_FLOOR_BYTES}`,
      "{{ $labels.node }} has {{ $value | humanize1024 }}B of disk left",
    ),
    {
      alert: "TenonDiskFullSoon",
      severity: "warning",
      forSeconds: 3_600,
      expr: "predict_linear(tenon_network_node_disk_free_bytes[6h], 3 * 86400) < 0",
      summary: "The disk of {{ $labels.node }} is full within three days, at the rate of the last six hours",
      action: remedies.DiskLow,
    },
    rule(
      "QuorumAtEdge",
      "warning",
      settle,
      "tenon_network_validators_active <= tenon_network_quorum and tenon_network_faults_tolerated > 0 and tenon_network_validators_active > 0",
      "{{ $value }} validators take part, no more than must: the next failure stops the chain",
    ),
    rule(
      "ValidatorSilent",
      "warning",
      settle,
      "tenon_network_validator_silent_blocks > on(instance) group_left() 3 * tenon_network_validators",
      "{{ $labels.validator }} neither proposed nor sealed the last {{ $value }} blocks",
    ),
    rule(
      "ProposerAbsent",
      "warning",
      settle,
      'tenon_network_reason{code="ProposerAbsent"} == 1',
      "{{ $labels.subject }} seals blocks, but none of its own is accepted",
    ),
    rule(
      "SealsAbsent",
      "warning",
      settle,
      'tenon_network_reason{code="SealsAbsent"} == 1',
      "{{ $labels.subject }} proposes blocks, but its seals come too late",
    ),
    rule(
      "RoundChanges",
      "warning",
      settle,
      `increase(tenon_network_round_changes_total${rate}) / increase(tenon_network_blocks_total${rate}) > ${ROUND_CHANGE_SHARE}`,
      "{{ $value | humanizePercentage }} of the blocks needed another round",
    ),
    rule("NodeDown", "warning", settle, "tenon_network_node_up == 0", "{{ $labels.node }} does not answer"),
    rule(
      "NodeBehind",
      "warning",
      settle,
      `tenon_network_node_behind_blocks > ${behindBlocks(timing)}`,
      "{{ $labels.node }} is {{ $value }} blocks behind",
    ),
    rule(
      "PeersBelowQuorum",
      "warning",
      settle,
      'tenon_network_node_validators_reached{role="validator"} < on(instance) group_left() tenon_network_quorum or ' +
        'tenon_network_node_validators_reached{role!="validator"} < 1',
      "{{ $labels.node }} reaches {{ $value }} validators, too few",
    ),
    rule(
      "PoolFull",
      "warning",
      settle,
      `tenon_network_node_pool_transactions / tenon_network_node_pool_limit > ${POOL_FULL_SHARE}`,
      "The pool of {{ $labels.node }} is {{ $value | humanizePercentage }} full",
    ),
    rule(
      "PoolStuck",
      "warning",
      settle,
      `tenon_network_pool_stuck_blocks > ${POOL_STUCK_BLOCKS}`,
      "Transactions wait, and the last {{ $value }} blocks took none",
    ),
    rule(
      "ClockAhead",
      "warning",
      settle,
      `tenon_network_block_age_seconds < -${CLOCK_TOLERANCE_SECONDS}`,
      "The newest block is in the future by this machine's clock ({{ $value }} s)",
    ),
  ];
}

/** The rules as Prometheus reads them. JSON strings are YAML strings. */
export function renderAlerts(
  rules: readonly AlertRule[],
  evaluationSeconds: number,
  group = "tenon-network",
): string {
  const body = rules.map(({ alert, expr, forSeconds, severity, summary, action }) =>
    [
      `      - alert: ${alert}`,
      `        expr: ${JSON.stringify(expr)}`,
      `        for: ${forSeconds}s`,
      `        labels: { severity: ${severity} }`,
      "        annotations:",
      `          summary: ${JSON.stringify(summary)}`,
      `          action: ${JSON.stringify(action)}`,
    ].join("\n"),
  );
  return `groups:\n  - name: ${group}\n    interval: ${evaluationSeconds}s\n    rules:\n${body.join("\n")}\n`;
}
