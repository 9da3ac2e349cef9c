import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Hex } from "../../sdk/src/bytes.js";
import type { ContractName } from "../../sdk/src/deployment.js";
import { TenonError } from "../../sdk/src/errors.js";
import { enums } from "../../sdk/src/revert.js";

/** Where the records of networks that outlive the process are kept. */
export const DEFAULT_RECORDS = "deployments";

/** Roles of the consortium by name; the number is the place in the enum. */
export const memberRoles = enums.Role;
export type MemberRole = Exclude<(typeof memberRoles)[number], "None">;

export interface ContractRecord {
  address: string;
  block: number;
  transaction: string;
  /** keccak256 of the creation code with its arguments: what was meant to be deployed. */
  initCodeHash: string;
  /** keccak256 of the code on the chain. */
  runtimeCodeHash: string;
  /** First 8 hex digits of the hash of the sorted ABI. */
  abiVersion: string;
}

/** A role as it was granted: for how many days, until which second since 1970, and up to what (null: no limit). */
export interface GrantRecord {
  role: MemberRole;
  days: number;
  until: number;
  limit: string | null;
}

export interface OrganisationRecord {
  id: number;
  name: string;
  holder: string;
  codeHash: string;
  /** Hash that names who controls it; 32 zero bytes for nobody known. */
  controlGroup: string;
  signatories: { address: string; roles: GrantRecord[] }[];
}

/** Who holds what since the deployer gave up its powers. */
export interface SealRecord {
  block: number;
  transaction: string;
  /** May change roles, delays and listeners, `delay` seconds after announcing it. */
  admin: { address: string; role: 0; delay: number };
  /** May admit, exit, enrol, grant and open streams, `delay` seconds after announcing it. */
  registrar: { address: string; role: 1; delay: number };
  /** May suspend, revoke and cancel what the registrar announced, at once. */
  guardian: { address: string; role: 2; delay: 0 };
  /** A new member of any of the three roles waits this long besides; counts from `delaysFrom` on. */
  grantDelay: number;
  /** Changes of who may call what wait at least this long; counts from `delaysFrom` on. */
  targetAdminDelay: number;
  /** Seconds since 1970: the AccessManager lets a new delay begin five days after it was set. */
  delaysFrom: number;
}

/** A transaction that may or may not have been sent: written before it is, so that nothing is done twice. */
export interface PendingStep {
  step: string;
  nonce: number;
  dataHash: string;
  /** Block at which it was written; the transaction is in a later one. */
  block: number;
}

/** One deployment on one chain; `<folder>/<chainId>-<first 8 hex digits of the genesis hash>.json`. */
export interface DeploymentRecord {
  version: 1;
  chainId: number;
  genesisHash: Hex;
  evmVersion: string;
  deployer: string;
  deployedAtBlock: number;
  contracts: Partial<Record<ContractName, ContractRecord>>;
  organisations: OrganisationRecord[];
  streams: { id: number; key: string }[];
  /** Steps done besides the contracts, with the transaction that did it. */
  steps: Record<string, { block: number; transaction: string }>;
  pending: PendingStep | null;
  sealed: SealRecord | null;
}

export function recordPath(folder: string, chainId: number, genesisHash: string): string {
  return join(folder, `${chainId}-${genesisHash.slice(2, 10)}.json`);
}

/** Reads the record of this chain; undefined when there is none. */
export function readRecord(path: string, chainId: number, genesisHash: string): DeploymentRecord | undefined {
  if (!existsSync(path)) return undefined;
  let record: DeploymentRecord;
  try {
    record = JSON.parse(readFileSync(path, "utf8")) as DeploymentRecord;
  } catch (cause) {
    throw new TenonError("RecordUnreadable", "The deployment record cannot be read", {
      args: { file: path },
      remedy: "Restore it from a copy: it is the only place that says which contracts are yours.",
      cause,
    });
  }
  if (record.version === 1 && record.chainId === chainId && record.genesisHash === genesisHash) return record;
  throw new TenonError("RecordForeign", "The record in this file belongs to another chain", {
    args: {
      file: path,
      version: record.version,
      recordChain: record.chainId,
      chain: chainId,
      recordGenesis: record.genesisHash,
      genesis: genesisHash,
    },
    remedy: "Connect to the record's chain, or name another folder with --record.",
  });
}

/** Writes the record so that a crash leaves the old one or the new one, never half of one. */
export function writeRecord(path: string, record: DeploymentRecord): void {
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(`${path}.tmp`, "w");
  writeSync(fd, `${JSON.stringify(record, null, 2)}\n`);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(`${path}.tmp`, path);
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
}

/** Other records in the folder with the same chain id: a chain that was made anew keeps its number. */
export function otherRecords(path: string, chainId: number): string[] {
  if (!existsSync(dirname(path))) return [];
  return readdirSync(dirname(path)).filter(
    (name) => name.startsWith(`${chainId}-`) && name.endsWith(".json") && name !== basename(path),
  );
}
