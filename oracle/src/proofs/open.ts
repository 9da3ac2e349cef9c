import { existsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { Deployment } from "@tenon/sdk/deployment";
import { TenonError } from "@tenon/sdk/errors";
import { ChainConnection, type ConnectionOptions } from "../chain/connection.js";
import { RegistryDirectory } from "../chain/directory.js";
import { SegmentLog } from "../log/log.js";
import type { Logger } from "../options.js";
import { databasePath, logDir } from "../paths.js";
import { openState, readState } from "../state/db.js";
import { Places } from "./places.js";
import { ProofService } from "./service.js";

/** Opens a state database for reading, beside a running oracle if there is one. @throws `StateMissing`, and what `readState` does. */
export function openForReading(stateDir: string): DatabaseSync {
  const path = databasePath(stateDir);
  if (!existsSync(path)) {
    throw new TenonError("StateMissing", "There is no oracle's state in this folder", {
      args: { database: path },
      remedy: "Give the state folder of an oracle, or a copy of it (--state).",
    });
  }
  return readState(path);
}

/** Reads a state folder. */
export function withPlaces(stateDir: string, body: (places: Places) => void): void {
  const db = openForReading(stateDir);
  try {
    body(new Places(db));
  } finally {
    db.close();
  }
}

export interface OpenOptions {
  stateDir: string;
  deployment: Deployment;
  rpc: ConnectionOptions["rpc"];
  jwtKey?: string | undefined;
  stream: number;
  logger: Logger;
}

/** A proof service over a state folder that no oracle needs to run on. Devices are read from the registry anew. */
export async function openProofs({ stateDir, stream, ...nodes }: OpenOptions) {
  const db = openForReading(stateDir);
  const scratch = openState(":memory:");
  const chain = await ChainConnection.connect(nodes);
  const directory = new RegistryDirectory(scratch, chain);
  await directory.follow(chain.head);
  const log = await SegmentLog.open(logDir(stateDir), { readOnly: true });
  const proofs = new ProofService({ places: new Places(db), directory, log, chain, stream });
  const close = async () => {
    await log.close();
    await chain.stop();
    scratch.close();
    db.close();
  };
  return { proofs, directory, close };
}
