import type { Hex } from "../../sdk/src/bytes.js";
import { quorumOf } from "../../sdk/src/proof/qbft.js";
import { faultsTolerated, type HealthSettings, silentBlocks, stallSeconds } from "./limits.js";
import { type AnsweringNode, answering, type BlockSample, type Poll, type Samples } from "./samples.js";

/** A validator as the last blocks show it. */
export interface ValidatorMeasure {
  address: Hex;
  name: string;
  /** Blocks since it last proposed or sealed, counted at most since it became a validator. */
  silentBlocks: number;
  proposals: number;
  seals: number;
  /** Blocks of the window in which it was a validator. */
  blocks: number;
  /** An own node of this key answers, or an own node has it as its peer; `null` when no own node tells its peers. */
  connected: boolean | null;
}

export interface NodeMeasure {
  name: string;
  role: string;
  up: boolean;
  block: number | null;
  /** Blocks behind the highest head of the own nodes. */
  behind: number | null;
  peers: number | null;
  /** Validators it is connected to, itself among them when it is one. */
  validatorsReached: number | null;
  pool: number | null;
  poolLimit: number | null;
  diskFreeBytes: number | null;
  wrongChain: boolean;
}

/** The numbers behind a judgement; `null` where nothing is known. */
export interface Measures {
  head: { number: number; hash: Hex; timestamp: number } | null;
  blockAgeSeconds: number | null;
  /** How long the next block has been due; 0 while it is not. */
  overdueSeconds: number | null;
  /** Overdue seconds from which no tolerated fault is an explanation. */
  stallSeconds: number | null;
  validators: number;
  quorum: number;
  faultsTolerated: number;
  /** Overdue for longer than that. */
  stalled: boolean;
  /** Validators that proposed or sealed within the last three turns; none while the chain stands. */
  active: number;
  /** Validators that run here or are peers of nodes here. */
  connected: number | null;
  windowBlocks: number;
  roundChanges: number;
  /** Changed rounds of the newest block. */
  round: number | null;
  /** Own nodes that have different blocks at the same height. */
  headsDisagree: boolean;
  pool: number | null;
  /** What came into the fullest pool since the head was first seen. */
  poolGrowth: number | null;
  /** Blocks without any transaction while the pool was not empty. */
  poolStuckBlocks: number;
  perValidator: ValidatorMeasure[];
  perNode: NodeMeasure[];
}

/** Reads the numbers out of what was sampled. */
export function measure(samples: Samples, settings: HealthSettings): Measures {
  const latest = samples.polls.at(-1);
  const own = answering(latest).filter((node) => !onWrongChain(node, settings));
  const head = highest(own);
  const newest = samples.blocks.at(-1);
  const addresses = newest?.validators ?? [];
  const n = addresses.length;
  const overdueSeconds = head === null ? null : overdue(samples, head, settings);
  const stallAfter = n === 0 ? null : stallSeconds(settings, n);
  const stalled = overdueSeconds !== null && stallAfter !== null && overdueSeconds > stallAfter;
  // Block 0 only says who validates: nobody proposed or sealed it.
  const made = samples.blocks.filter(({ number }) => number > 0);
  const perValidator = addresses.map((address) => validatorMeasure(address, made, own, settings));
  return {
    head,
    blockAgeSeconds: head === null ? null : samples.at / 1_000 - head.timestamp,
    overdueSeconds,
    stallSeconds: stallAfter,
    stalled,
    validators: n,
    quorum: quorumOf(n),
    faultsTolerated: faultsTolerated(n),
    active: stalled ? 0 : perValidator.filter((each) => each.silentBlocks <= silentBlocks(n)).length,
    connected: perValidator.some(({ connected }) => connected === null)
      ? null
      : perValidator.filter(({ connected }) => connected).length,
    windowBlocks: made.length,
    roundChanges: made.reduce((sum, { round }) => sum + round, 0),
    round: newest?.round ?? null,
    headsDisagree: disagree(own),
    pool: poolOf(own),
    poolGrowth: poolGrowth(samples.polls, head?.number),
    poolStuckBlocks: poolStuck(samples),
    perValidator,
    perNode: (latest?.nodes ?? []).map((node) => nodeMeasure(node, head, addresses, settings)),
  };
}

function onWrongChain({ answer }: AnsweringNode, { chainId, genesisHash }: HealthSettings): boolean {
  return answer.chainId !== chainId || answer.genesisHash !== genesisHash;
}

function highest(nodes: AnsweringNode[]): Measures["head"] {
  return nodes
    .map(({ answer }) => answer.head)
    .reduce<Measures["head"]>(
      (best, head) => (best === null || head.number > best.number ? head : best),
      null,
    );
}

/**
 * With empty blocks at the block period the next one is due a period after the last. With an empty-block period it
 * is due then only if a transaction waits, and not before a period after that one came.
 */
function overdue(
  { at, polls }: Samples,
  head: { number: number; timestamp: number },
  { blockPeriodSeconds: period, emptyBlockPeriodSeconds: empty }: HealthSettings,
): number {
  const idle = head.timestamp + Math.max(period, empty);
  const waiting = waitingSince(polls, head.number);
  const due = waiting === undefined ? idle : Math.min(idle, Math.max(head.timestamp, waiting) + period);
  return Math.max(0, at / 1_000 - due);
}

/**
 * Seconds since 1970 of the first poll since which more has waited than when the head was first seen. What waited then
 * already was there for that block to take: as a rule it has a nonce missing before it, and no block will.
 */
function waitingSince(polls: Poll[], head: number): number | undefined {
  const sizes = sinceHead(polls, head).map(({ at, nodes }) => ({
    at,
    size: poolOf(answering({ at, nodes })) ?? 0,
  }));
  const before = sizes.findLastIndex(({ size }) => size <= (sizes[0]?.size ?? 0));
  const first = sizes[before + 1];
  return first === undefined ? undefined : first.at / 1_000;
}

/** The polls from the one that first saw the head on. */
function sinceHead(polls: Poll[], head: number): Poll[] {
  const first = polls.findIndex((poll) => highest(answering(poll))?.number === head);
  return first < 0 ? [] : polls.slice(first);
}

/** The fullest pool: pools gossip, and what one node holds may not have reached the others. */
function poolOf(nodes: AnsweringNode[]): number | null {
  const sizes = nodes.flatMap(({ answer }) => (answer.pool === null ? [] : [answer.pool.transactions]));
  return sizes.length === 0 ? null : Math.max(...sizes);
}

function poolGrowth(polls: Poll[], head: number | undefined): number | null {
  const now = poolOf(answering(polls.at(-1)));
  if (now === null || head === undefined) return null;
  return Math.max(0, now - (poolOf(answering(sinceHead(polls, head)[0])) ?? 0));
}

/** Newest blocks that are empty although, in every poll since the first of them, transactions waited. */
function poolStuck({ polls, blocks }: Samples): number {
  const emptyPool = polls.findLast((poll) => (poolOf(answering(poll)) ?? 0) === 0);
  const waitedSince = polls.find(({ at }) => at > (emptyPool?.at ?? 0))?.at ?? Number.POSITIVE_INFINITY;
  const filled = blocks.findLastIndex(({ transactions }) => transactions > 0);
  return blocks.slice(filled + 1).filter(({ timestamp }) => timestamp * 1_000 > waitedSince).length;
}

function disagree(nodes: AnsweringNode[]): boolean {
  const hashes = new Map<number, Hex>();
  const seen = nodes.flatMap(({ answer: { head, common } }) => (common === null ? [head] : [head, common]));
  return seen.some(({ number, hash }) => {
    const known = hashes.get(number);
    hashes.set(number, hash);
    return known !== undefined && known !== hash;
  });
}

function validatorMeasure(
  address: Hex,
  blocks: BlockSample[],
  own: AnsweringNode[],
  { names }: HealthSettings,
): ValidatorMeasure {
  const before = blocks.findLastIndex(({ validators }) => !validators.includes(address));
  const turns = blocks.slice(before + 1);
  const seen = turns.findLastIndex((block) => block.proposer === address || block.sealers.includes(address));
  return {
    address,
    name: names[address] ?? address,
    silentBlocks: turns.length - 1 - seen,
    proposals: turns.filter(({ proposer }) => proposer === address).length,
    seals: turns.filter(({ sealers }) => sealers.includes(address)).length,
    blocks: turns.length,
    connected: isConnected(address, own),
  };
}

function isConnected(address: Hex, own: AnsweringNode[]): boolean | null {
  if (own.some((node) => node.address === address)) return true;
  const telling = own.flatMap(({ answer }) => answer.peers.addresses ?? []);
  if (own.length > 0 && own.every(({ answer }) => answer.peers.addresses === null)) return null;
  return telling.includes(address);
}

function nodeMeasure(
  { name, role, address, answer }: Poll["nodes"][number],
  head: Measures["head"],
  validators: Hex[],
  settings: HealthSettings,
): NodeMeasure {
  if (typeof answer === "string") {
    const unknown = { block: null, behind: null, peers: null, validatorsReached: null };
    return {
      name,
      role,
      up: false,
      ...unknown,
      pool: null,
      poolLimit: null,
      diskFreeBytes: null,
      wrongChain: false,
    };
  }
  const { peers, pool, diskFreeBytes } = answer;
  const reached = peers.addresses?.filter((peer) => validators.includes(peer)).length;
  const itself = address !== null && validators.includes(address) ? 1 : 0;
  const wrongChain = onWrongChain({ name, role, address, answer }, settings);
  return {
    name,
    role,
    up: true,
    block: answer.head.number,
    behind: head === null || wrongChain ? null : head.number - answer.head.number,
    peers: peers.count,
    validatorsReached: reached === undefined ? null : reached + itself,
    pool: pool?.transactions ?? null,
    poolLimit: pool?.limit ?? null,
    diskFreeBytes,
    wrongChain,
  };
}
