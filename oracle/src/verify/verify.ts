import { existsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { Deployment } from "@tenon/sdk/deployment";
import { TenonError } from "@tenon/sdk/errors";
import { type AnchoredEvent, AnchorLogReader } from "../chain/anchor-log.js";
import { ChainConnection, type ConnectionOptions } from "../chain/connection.js";
import { RegistryDirectory } from "../chain/directory.js";
import type { Logger } from "../options.js";
import { databasePath, logDir } from "../paths.js";
import { Places } from "../proofs/places.js";
import { openState, readState } from "../state/db.js";
import { Rebuild } from "./rebuild.js";
import { Findings, type VerifyReport } from "./report.js";
import { LogWalk } from "./walk.js";

export interface VerifyOptions {
  /** State folder of an oracle, or a copy of one. It is only read. */
  stateDir: string;
  deployment: Deployment;
  /** Addresses of nodes. */
  rpc: ConnectionOptions["rpc"];
  /** PEM file of the key that signs tokens for the nodes. */
  jwtKey?: string | undefined;
  stream: number;
  logger: Logger;
  /** Told now and then how much is done. */
  onProgress?: (done: { frames: number; batches: number }) => void;
}

/** Records between two breaths of the event loop. */
const STRIDE = 500;

/**
 * Rebuilds every root from the segment log and compares it with the state database, with every `Anchored` event of the
 * stream and with the stream's head. Device keys come from the registry's events, so a changed frame is named by its
 * signature; a removed frame, segment or batch leaves a hole that is named too.
 *
 * May run beside the oracle: what it adds meanwhile is left out.
 * @throws TenonError when it cannot begin: no state folder, no node, another chain.
 */
export async function verifyState(options: VerifyOptions): Promise<VerifyReport> {
  requireFolder(options.stateDir);
  const { rpc, jwtKey, deployment, logger } = options;
  const chain = await ChainConnection.connect({ rpc, jwtKey, deployment, logger });
  const scratch = openState(":memory:");
  try {
    const directory = new RegistryDirectory(scratch, chain);
    await directory.follow(chain.head);
    return await compare(options, chain, directory);
  } finally {
    scratch.close();
    await chain.stop();
  }
}

async function compare(
  options: VerifyOptions,
  chain: ChainConnection,
  directory: RegistryDirectory,
): Promise<VerifyReport> {
  const findings = new Findings();
  // In this order, so that each holds at least what the one before does while an oracle goes on: chain, database, log.
  const anchored = await anchoredBatches(chain, options.stream, findings);
  const db = openDatabase(options.stateDir, findings);
  const places = db && new Places(db);
  const known = places?.closed() ?? 0;
  const log = new LogWalk(logDir(options.stateDir), ({ message, logIndex }) => {
    findings.add({ part: "log", message: `the log is damaged at frame ${logIndex}: ${message}`, logIndex });
  });
  try {
    const domain = { chainId: BigInt(chain.deployment.chainId), registry: chain.addressOf("DeviceRegistry") };
    const readFrame = (index: number) => log.frame(index);
    const expected = { stream: options.stream, directory, domain, places, anchored, readFrame };
    const rebuild = new Rebuild(expected, findings);
    await walk(log, rebuild, options.onProgress);
    requireAll(rebuild, known, anchored, findings);
    rebuild.close();
    const { frames, rejects, batches } = rebuild;
    const { differences, unlisted, consequences, notes } = findings;
    const block = { number: chain.head.number, hash: chain.head.hash };
    const counts = { frames, rejects, batches, anchored: anchored.size };
    return { ok: !findings.any, ...counts, block, differences, unlisted, consequences, notes };
  } finally {
    db?.close();
  }
}

/** Every anchored batch, and that the events make up the head: a node may leave logs out. */
async function anchoredBatches(
  chain: ChainConnection,
  stream: number,
  findings: Findings,
): Promise<Map<number, AnchoredEvent>> {
  const reader = new AnchorLogReader(chain.provider, chain.addressOf("AnchorLog"), stream);
  const head = await reader.head(chain.head.number);
  const events = await reader.anchored(chain.deployment.contracts.AnchorLog.block, chain.head.number);
  let size = 0n;
  events.forEach(({ content }, i) => {
    if (content.batch !== i || content.first !== size) {
      const message = `the node's event ${i} of the stream tells of batch ${content.batch} from frame ${content.first}`;
      findings.add({ part: "chain", message, batch: content.batch });
    }
    size = content.first + BigInt(content.count);
  });
  if (events.length !== head.next || size !== BigInt(head.size)) {
    const message = `the contract has ${head.next} batches with ${head.size} frames, the node's events ${events.length} with ${size}`;
    findings.add({ part: "chain", message });
  }
  return new Map(events.map((event) => [event.content.batch, event]));
}

async function walk(log: LogWalk, rebuild: Rebuild, onProgress: VerifyOptions["onProgress"]): Promise<void> {
  let records = 0;
  for (const record of log.records()) {
    rebuild.take(record);
    if (++records % STRIDE !== 0) continue;
    onProgress?.(rebuild);
    await new Promise((resolve) => setImmediate(resolve));
  }
  onProgress?.(rebuild);
}

/** What chain and database have and the log does not reach. */
function requireAll(
  { batches, frames }: Rebuild,
  known: number,
  anchored: ReadonlyMap<number, AnchoredEvent>,
  findings: Findings,
): void {
  for (const { content } of anchored.values()) {
    if (content.batch < batches) continue;
    const last = content.first + BigInt(content.count) - 1n;
    const message = `batch ${content.batch} (frames ${content.first} to ${last}) is anchored and not in the log`;
    findings.add({ part: "batch", message, batch: content.batch, logIndex: Number(content.first) });
  }
  if (known > batches) {
    const message = `the database has ${known} batches, the log ${batches} with ${frames} frames`;
    findings.add({ part: "database", message, batch: batches });
  }
}

function openDatabase(stateDir: string, findings: Findings): DatabaseSync | undefined {
  const path = databasePath(stateDir);
  if (!existsSync(path)) {
    findings.notes.push("no state database in the folder: the log was compared with the chain alone");
    return undefined;
  }
  try {
    return readState(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    findings.add({ part: "database", message: `the state database ${path} cannot be read: ${reason}` });
    return undefined;
  }
}

function requireFolder(stateDir: string): void {
  if (existsSync(logDir(stateDir))) return;
  throw new TenonError("StateMissing", "There is no oracle's state in this folder", {
    args: { state: stateDir },
    remedy: "Give the state folder of an oracle, or a copy of it (--state).",
  });
}
