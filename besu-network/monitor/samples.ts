import type { Hex } from "../../sdk/src/bytes.js";
import type { NodeRole } from "../bundle/manifest.js";

/** A block as its header tells it. */
export interface BlockSample {
  number: number;
  hash: Hex;
  /** Seconds since 1970. */
  timestamp: number;
  transactions: number;
  gasUsed: number;
  gasLimit: number;
  /** The round it was decided in; each round before it ended without a decision. */
  round: number;
  proposer: Hex;
  /** Who may validate at this block, as the header lists them. */
  validators: Hex[];
  /**
   * Whose commit seals the header carries. A node keeps the first quorum of seals that it received, so a missing seal
   * means late or absent, and two nodes keep different ones of the same block.
   */
  sealers: Hex[];
}

/** What one node answered. `null` where it does not tell. */
export interface NodeAnswer {
  chainId: number;
  genesisHash: Hex;
  head: { number: number; hash: Hex; timestamp: number };
  /** Hash at the highest block that every answering node has: they must be the same. */
  common: { number: number; hash: Hex } | null;
  peers: {
    count: number;
    /** Addresses of the peers' keys, which are validators' addresses when they are validators. */
    addresses: Hex[] | null;
  };
  pool: { transactions: number; limit: number | null } | null;
  diskFreeBytes: number | null;
}

export interface NodeSample {
  name: string;
  role: NodeRole;
  /** Address of its key; `null` for a node known by its URL only. */
  address: Hex | null;
  /** What it answered, or the reason why it did not. */
  answer: NodeAnswer | string;
}

/** All own nodes, asked once. */
export interface Poll {
  /** Milliseconds since 1970. */
  at: number;
  nodes: NodeSample[];
}

/** What is known at a moment: recent polls and recent blocks, both oldest first. */
export interface Samples {
  /** Milliseconds since 1970: the moment for which health is asked. */
  at: number;
  polls: Poll[];
  /** Without gaps; may be empty. */
  blocks: BlockSample[];
}

export type AnsweringNode = NodeSample & { answer: NodeAnswer };

export function answering(poll: Poll | undefined): AnsweringNode[] {
  return (poll?.nodes ?? []).filter((node): node is AnsweringNode => typeof node.answer !== "string");
}
