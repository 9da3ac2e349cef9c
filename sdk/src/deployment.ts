import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { getAddress, isAddress, type Provider } from "ethers";
import type { Hex } from "./bytes.js";
import { TenonError } from "./errors.js";

/** The contracts that the SDK talks to. */
export const contractNames = [
  "AccessManager",
  "Consortium",
  "Orders",
  "Encumbrances",
  "Eligibility",
  "OrganisationKeys",
  "DeviceRecovery",
  "DeviceRegistry",
  "DeviceAccess",
  "AccessAudit",
  "DeviceCertificates",
  "DeviceComposition",
  "DeviceFirmware",
  "DeviceDocuments",
  "AnchorLog",
  "FrameReader",
] as const;
export type ContractName = (typeof contractNames)[number];

/** Where one contract stands. A record holds more (transaction, creation code); the SDK needs no more than this. */
export interface DeployedContract {
  readonly address: string;
  /** The block it was made in: logs are searched from here. */
  readonly block: number;
  /** Keccak hash of its code on the chain; proofs from state need it. */
  readonly runtimeCodeHash?: string;
}

/**
 * The record of a deployment, as the `deploy` task writes it: which chain, and which contracts on it. One file for a
 * chain id and a genesis hash, `<chainId>-<first 8 hex digits of the genesis hash>.json`.
 */
export interface Deployment {
  readonly version: 1;
  readonly chainId: number;
  readonly genesisHash: Hex;
  readonly deployedAtBlock: number;
  readonly contracts: Readonly<Record<ContractName, DeployedContract>>;
}

/**
 * Reads a record from a file, or the only record of a folder.
 * @throws TenonError `DeploymentUnreadable`, `DeploymentAmbiguous` when the folder holds several, `DeploymentInvalid`.
 */
export function loadDeployment(path: string): Deployment {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(recordIn(path), "utf8"));
  } catch (cause) {
    if (cause instanceof TenonError) throw cause;
    throw new TenonError("DeploymentUnreadable", "The deployment record cannot be read", {
      args: { path },
      remedy: "Deploy first (npx hardhat deploy), or name the record of the chain you are on.",
      cause,
    });
  }
  return checkDeployment(value);
}

function recordIn(path: string): string {
  if (!statSync(path).isDirectory()) return path;
  const records = readdirSync(path).filter((name) => /^[0-9]+-[0-9a-f]{8}[.]json$/.test(name));
  if (records.length <= 1) return join(path, records[0] ?? "no record");
  throw new TenonError("DeploymentAmbiguous", "The folder holds the records of several chains", {
    args: { path, records: records.join(", ") },
    remedy: "Name the file: <chain id>-<first 8 hex digits of the genesis hash>.json.",
  });
}

/** Checks the parts of a record that the SDK uses; gives the same object back. Throws `DeploymentInvalid`. */
export function checkDeployment(value: unknown): Deployment {
  const record = (value ?? {}) as Partial<Deployment>;
  if (record.version !== 1) throw invalid("version", record.version, "1");
  if (!isCount(record.chainId)) throw invalid("chainId", record.chainId, "a number");
  if (!isCount(record.deployedAtBlock)) throw invalid("deployedAtBlock", record.deployedAtBlock, "a number");
  if (!/^0x[0-9a-f]{64}$/.test(String(record.genesisHash))) {
    throw invalid("genesisHash", record.genesisHash, "32 bytes in lower-case hex");
  }
  for (const name of contractNames) {
    const contract = record.contracts?.[name];
    if (!isAddress(contract?.address))
      throw invalid(`contracts.${name}.address`, contract?.address, "an address");
    if (!isCount(contract?.block)) throw invalid(`contracts.${name}.block`, contract?.block, "a number");
  }
  return record as Deployment;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function invalid(field: string, given: unknown, expected: string): TenonError {
  return new TenonError("DeploymentInvalid", "The deployment record is not valid", {
    args: { field, given, expected },
    remedy: "Use the record as the deploy task wrote it.",
  });
}

export function addressOf(deployment: Deployment, name: ContractName): string {
  return getAddress(deployment.contracts[name].address);
}

/**
 * Refuses a chain that is not the record's: a test chain, a restarted one or a fork would take the same transactions
 * and mean something else by them. Throws `ChainIdMismatch` or `GenesisMismatch`.
 */
export async function requireChain(provider: Provider, deployment: Deployment): Promise<void> {
  const { chainId } = await provider.getNetwork();
  if (chainId !== BigInt(deployment.chainId)) {
    throw new TenonError("ChainIdMismatch", "The node is on another chain than the deployment record", {
      args: { expected: deployment.chainId, found: chainId },
      remedy: "Connect to the chain of the record, or use the record of this chain.",
    });
  }
  const genesis = await provider.getBlock(0);
  if (genesis?.hash !== deployment.genesisHash) {
    throw new TenonError("GenesisMismatch", "The node's chain began with another block than the record's", {
      args: { expected: deployment.genesisHash, found: genesis?.hash ?? "no block 0" },
      remedy:
        "The chain was made anew or is another one of the same id: use its own record, or deploy on it.",
    });
  }
}
