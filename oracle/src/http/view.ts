import type { DatabaseSync } from "node:sqlite";
import type { Anchorer } from "../chain/anchorer.js";
import type { ChainConnection } from "../chain/connection.js";
import type { RegistryDirectory } from "../chain/directory.js";
import type { Pipeline } from "../ingest/pipeline.js";
import type { Places } from "../proofs/places.js";
import type { ProofService } from "../proofs/service.js";

/** The parts of a running oracle that its HTTP answers are made of. */
export interface OracleView {
  db: DatabaseSync;
  /** Folder whose disk must have room. */
  stateDir: string;
  diskFloorBytes: number;
  /** Seconds without an answer of the node after which the oracle is not ready. */
  freshSeconds: number;
  stream: number;
  chain: ChainConnection;
  directory: Pick<RegistryDirectory, "get" | "size">;
  anchorer: Pick<Anchorer, "status">;
  pipeline: Pick<Pipeline, "health" | "position" | "stats">;
  places: Places;
  proofs: ProofService;
}

/** What an answer is true at. */
export interface AsOf {
  block: number;
  hash: string;
  /** The last anchored batch; -1 before the first. */
  batch: number;
}

export function asOf({ chain, anchorer }: Pick<OracleView, "chain" | "anchorer">): AsOf {
  return { block: chain.head.number, hash: chain.head.hash, batch: anchorer.status.anchored };
}
