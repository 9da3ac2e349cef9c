import { statfsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { NodeError } from "@tenon/sdk/nodes/failure";
import type { OracleView } from "./view.js";

/** One thing that is wrong, or soon will be. */
export interface Reason {
  part: "database" | "disk" | "ingest" | "chain" | "anchor" | "role";
  message: string;
  code?: string;
  remedy?: string;
}

export interface Readiness {
  ready: boolean;
  /** Why it is not ready. */
  reasons: Reason[];
  /** What needs somebody's attention before it becomes a reason. */
  warnings: Reason[];
}

/** How long before its end a role is warned of, seconds. */
const ROLE_WARNING = 14 * 86_400;
/** How long the oldest closed batch may wait for its anchor, seconds. */
const LAG_LIMIT = 60;

/** Whether the oracle takes frames and anchors them, and if not, why. Writes a row to know that it can. */
export function readiness(view: OracleView): Readiness {
  const reasons = [...databaseFault(view), ...diskFault(view), ...ingestFaults(view), ...chainFaults(view)];
  reasons.push(...anchorFaults(view));
  const role = roleState(view);
  if (role?.expired) reasons.push(role.reason);
  return {
    ready: reasons.length === 0,
    reasons,
    warnings: [...(role !== undefined && !role.expired ? [role.reason] : []), ...nodeWarnings(view)],
  };
}

/** Seconds since the oldest frame of a closed batch that is not anchored was received; 0 when all are. */
export function lagSeconds({ places, anchorer }: Pick<OracleView, "places" | "anchorer">): number {
  const oldest = places.batch(anchorer.status.anchored + 1);
  return oldest === undefined ? 0 : Math.max(0, Math.floor(Date.now() / 1_000) - oldest.minTime);
}

export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** When a row was last written to each database, and what came of it: a write is an fsync, and anybody may ask. */
const written = new WeakMap<DatabaseSync, { at: number; faults: Reason[] }>();
const WRITE_MS = 1_000;

function databaseFault({ db }: OracleView): Reason[] {
  const known = written.get(db);
  if (known !== undefined && performance.now() - known.at < WRITE_MS) return known.faults;
  const faults = writeFault(db);
  written.set(db, { at: performance.now(), faults });
  return faults;
}

function writeFault(db: DatabaseSync): Reason[] {
  try {
    db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('ready.at', ?)").run(Date.now());
    return [];
  } catch (error) {
    return [{ part: "database", message: `the state database cannot be written: ${messageOf(error)}` }];
  }
}

function diskFault({ stateDir, diskFloorBytes }: OracleView): Reason[] {
  const free = freeBytes(stateDir);
  if (free >= diskFloorBytes) return [];
  const message = `${free} bytes free on the state folder's disk, below the floor of ${diskFloorBytes}`;
  return [{ part: "disk", message, remedy: "Free space, or move sealed segments to a larger disk." }];
}

function ingestFaults({ pipeline }: OracleView): Reason[] {
  return pipeline.health().reasons.map((message) => ({ part: "ingest", message }));
}

function chainFaults({ chain, freshSeconds }: OracleView): Reason[] {
  if (chain.halted !== undefined) return [typed("chain", chain.halted)];
  // These do not end by themselves in a moment, as a restart does: said at once.
  const { lastError } = chain;
  if (lastError instanceof NodeError && lastError.code !== "ChainUnreachable")
    return [typed("chain", lastError)];
  if (chain.silentMs <= freshSeconds * 1_000) return [];
  const seconds = Math.round(chain.silentMs / 1_000);
  const message = `the node has not told its head for ${seconds} s: ${lastError === undefined ? "no answer" : messageOf(lastError)}`;
  return [{ part: "chain", message }];
}

/** Nodes that are out while another one does the work. */
function nodeWarnings({ chain }: OracleView): Reason[] {
  return chain.nodes
    .filter(({ state, reason }) => state !== "good" && reason !== undefined)
    .map(({ url, reason }) => ({ part: "chain", message: `node ${url}: ${reason}` }));
}

function anchorFaults(view: OracleView): Reason[] {
  const { phase, reason, nodeError } = view.anchorer.status;
  if (phase === "stopped") return [{ part: "anchor", message: "anchoring is stopped" }];
  if (reason !== undefined) return [typed("anchor", reason)];
  const lag = lagSeconds(view);
  if (lag <= LAG_LIMIT) return [];
  const why = nodeError === undefined ? "" : `: ${nodeError}`;
  return [{ part: "anchor", message: `the oldest frame has waited ${lag} s for its anchor${why}` }];
}

function roleState({ anchorer, chain }: OracleView): { expired: boolean; reason: Reason } | undefined {
  const until = anchorer.status.roleUntil;
  if (until === undefined) return undefined;
  const left = until - chain.head.timestamp;
  if (left > ROLE_WARNING) return undefined;
  const expired = left <= 0;
  const when = new Date(until * 1_000).toISOString();
  const message = expired
    ? until === 0
      ? "the anchor key has no role"
      : `the anchor key's role ended at ${when}`
    : `the anchor key's role ends at ${when}, in ${Math.floor(left / 86_400)} days`;
  return {
    expired,
    reason: { part: "role", message, remedy: "Ask the registrar to renew the Anchor role." },
  };
}

function typed(
  part: Reason["part"],
  error: { code: string; message: string; remedy: string | undefined },
): Reason {
  const message = error.message.split("\n")[0] as string;
  return { part, code: error.code, message, ...(error.remedy !== undefined && { remedy: error.remedy }) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
