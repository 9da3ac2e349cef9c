import {
  ABSENT_TURNS,
  behindBlocks,
  CLOCK_TOLERANCE_SECONDS,
  type HealthSettings,
  POOL_FULL_SHARE,
  POOL_STUCK_BLOCKS,
  ROUND_CHANGE_SHARE,
  silentBlocks,
  TREND_BLOCKS,
} from "./limits.js";
import { type Measures, measure, type NodeMeasure } from "./measures.js";
import type { Samples } from "./samples.js";

/** `critical`: the chain stands, or soon will, or nobody can tell. `warning`: somebody should look today. */
export type Severity = "critical" | "warning";

/** Everything that can be wrong, with who should act on it how fast. */
export const reasonCodes = {
  NothingAnswers: "critical",
  WrongChain: "critical",
  HeadsDisagree: "critical",
  ChainStalled: "critical",
  QuorumLost: "critical",
  DiskLow: "critical",
  QuorumAtEdge: "warning",
  ValidatorSilent: "warning",
  ProposerAbsent: "warning",
  SealsAbsent: "warning",
  RoundChanges: "warning",
  NodeDown: "warning",
  NodeBehind: "warning",
  PeersBelowQuorum: "warning",
  PoolFull: "warning",
  PoolStuck: "warning",
  ClockAhead: "warning",
} as const satisfies Record<string, Severity>;

export type ReasonCode = keyof typeof reasonCodes;

/** One thing that is wrong. */
export interface Reason {
  code: ReasonCode;
  severity: Severity;
  /** The node or validator it is about; `null` when it is the chain. */
  subject: string | null;
  message: string;
  remedy: string;
}

export interface Health {
  /** The worst of the reasons' severities; `ok` without any. */
  status: "ok" | Severity;
  reasons: Reason[];
  measures: Measures;
}

/** What somebody types, by what is wrong. The alert rules say the same. */
export const remedies: Readonly<Record<ReasonCode, string>> = {
  NothingAnswers: "npx hardhat network status, then npx hardhat network up.",
  WrongChain: "Stop the node, put the bundle's genesis.json back, and npx hardhat network restore its data.",
  HeadsDisagree:
    "Stop the nodes that differ from the majority of validators, keep their data, npx hardhat network logs.",
  ChainStalled:
    "npx hardhat network status shows who is missing; npx hardhat network recover restarts the rounds.",
  QuorumLost: "Bring validators back: npx hardhat network recover; call the organisations of the others.",
  DiskLow: "Free space or move the node's data to a larger disk before it stops.",
  QuorumAtEdge:
    "One more failure stops the chain: npx hardhat network status, and bring the missing validator back.",
  ValidatorSilent:
    "npx hardhat network status, then network up or network logs there; else call its organisation.",
  ProposerAbsent:
    "Compare clock and load of that validator with the others'; npx hardhat network logs shows why.",
  SealsAbsent: "That validator answers too late to count: look at its load and its line to the others.",
  RoundChanges: "Look for a silent validator or one that is slow: npx hardhat network status.",
  NodeDown: "npx hardhat network up, and npx hardhat network logs if it does not stay up.",
  NodeBehind: "npx hardhat network logs: a node that catches up says so; if not, check its peers.",
  PeersBelowQuorum:
    "Check addresses and firewall of its peers; npx hardhat network allow-node for a node that is not allowed.",
  PoolFull: "Slow the senders, or raise tx-pool-max-size on every node.",
  PoolStuck:
    "Look for a gap in a sender's nonces; restarting the node empties its pool, senders must resend.",
  ClockAhead: "Set the clocks of the validators and of this machine by NTP.",
};

/** Judges what was sampled. Pure: the moment is in the samples. */
export function healthOf(samples: Samples, settings: HealthSettings): Health {
  const measures = measure(samples, settings);
  const reasons = [
    ...nodeReasons(samples, measures, settings),
    ...chainReasons(measures),
    ...validatorReasons(measures),
    ...poolReasons(measures),
  ];
  const critical = reasons.some(({ severity }) => severity === "critical");
  return { status: critical ? "critical" : reasons.length > 0 ? "warning" : "ok", reasons, measures };
}

function reason(code: ReasonCode, subject: string | null, message: string): Reason {
  return { code, severity: reasonCodes[code], subject, message, remedy: remedies[code] };
}

function chainReasons(m: Measures): Reason[] {
  const found: Reason[] = [];
  if (m.headsDisagree)
    found.push(reason("HeadsDisagree", null, "own nodes have different blocks at one height"));
  if (m.stalled) {
    const waiting = (m.pool ?? 0) > 0 ? `, ${m.pool} transactions wait` : "";
    const age = Math.round(m.blockAgeSeconds ?? 0);
    found.push(reason("ChainStalled", null, `block ${m.head?.number} is ${age} s old${waiting}`));
  }
  // Without a stall it says only that nodes here have few peers.
  if (m.stalled && m.connected !== null && m.connected < m.quorum) {
    const message = `${m.connected} of ${m.validators} validators are in reach, ${m.quorum} make a block`;
    found.push(reason("QuorumLost", null, message));
  }
  if (m.roundChanges > ROUND_CHANGE_SHARE * Math.max(m.windowBlocks, TREND_BLOCKS)) {
    found.push(reason("RoundChanges", null, `${m.roundChanges} rounds changed in ${m.windowBlocks} blocks`));
  }
  if (m.blockAgeSeconds !== null && m.blockAgeSeconds < -CLOCK_TOLERANCE_SECONDS) {
    const ahead = Math.round(-m.blockAgeSeconds);
    found.push(reason("ClockAhead", null, `the newest block is ${ahead} s ahead of this machine's clock`));
  }
  return found;
}

function validatorReasons(m: Measures): Reason[] {
  const found: Reason[] = [];
  for (const { name, silentBlocks: silent, proposals, seals, blocks } of m.perValidator) {
    if (silent > silentBlocks(m.validators)) {
      found.push(reason("ValidatorSilent", name, `neither proposed nor sealed the last ${silent} blocks`));
    } else if (proposals === 0 && seals >= (ABSENT_TURNS / 2) * m.validators) {
      // Of the blocks of its turns it seals more than half, as a rule.
      found.push(
        reason("ProposerAbsent", name, `sealed ${seals} of the last ${blocks} blocks, proposed none`),
      );
    } else if (seals === 0 && proposals >= ABSENT_TURNS) {
      found.push(
        reason("SealsAbsent", name, `proposed ${proposals} of the last ${blocks} blocks, sealed none`),
      );
    }
  }
  if (m.faultsTolerated > 0 && !m.stalled && m.active <= m.quorum) {
    const message = `${m.active} of ${m.validators} validators take part, ${m.quorum} must`;
    found.push(reason("QuorumAtEdge", null, message));
  }
  return found;
}

function nodeReasons({ polls }: Samples, m: Measures, settings: HealthSettings): Reason[] {
  const nodes = polls.at(-1)?.nodes ?? [];
  const found: Reason[] = [];
  if (!m.perNode.some(({ up }) => up)) found.push(reason("NothingAnswers", null, "no own node answers"));
  for (const node of m.perNode) {
    const { answer } = nodes.find(({ name }) => name === node.name)!;
    if (typeof answer === "string") found.push(reason("NodeDown", node.name, answer));
    else found.push(...answeringReasons(node, m, settings));
  }
  return found;
}

function answeringReasons(node: NodeMeasure, m: Measures, settings: HealthSettings): Reason[] {
  const { name, behind, validatorsReached, diskFreeBytes } = node;
  const found: Reason[] = [];
  if (node.wrongChain) found.push(reason("WrongChain", name, "its chain id or genesis is not the network's"));
  if (behind !== null && behind > behindBlocks(settings)) {
    found.push(reason("NodeBehind", name, `${behind} blocks behind block ${m.head?.number}`));
  }
  // One connection is enough to follow the chain; making blocks takes a quorum.
  const needed = node.role === "validator" ? m.quorum : Math.min(1, m.validators);
  if (!node.wrongChain && validatorsReached !== null && validatorsReached < needed) {
    const message = `reaches ${validatorsReached} of ${m.validators} validators, needs ${needed}`;
    found.push(reason("PeersBelowQuorum", name, message));
  }
  if (diskFreeBytes !== null && diskFreeBytes < settings.diskFloorBytes) {
    found.push(reason("DiskLow", name, `${diskFreeBytes} bytes free, below ${settings.diskFloorBytes}`));
  }
  return found;
}

function poolReasons(m: Measures): Reason[] {
  const found = m.perNode
    .filter(
      ({ pool, poolLimit }) => pool !== null && poolLimit !== null && pool > POOL_FULL_SHARE * poolLimit,
    )
    .map(({ name, pool, poolLimit }) => reason("PoolFull", name, `${pool} of ${poolLimit} places are taken`));
  if (m.poolStuckBlocks > POOL_STUCK_BLOCKS) {
    const message = `${m.pool} transactions wait, and ${m.poolStuckBlocks} blocks took none`;
    found.push(reason("PoolStuck", null, message));
  }
  return found;
}
