import { AbiCoder, FunctionFragment, type ParamType, type Result } from "ethers";
import { accessReasons } from "./access/reasons.js";
import type { Hex } from "./bytes.js";
import { TenonError } from "./errors.js";
import { abis } from "./generated/abis.js";
import { remedies } from "./remedies.js";

/**
 * A refusal by a contract. `code` is the name of the Solidity error, `args` its arguments by name: numbers as bigint,
 * bytes and addresses as hex, enums by the name of their member.
 */
export class ContractError extends TenonError {
  /** The revert data as the node gave it. */
  readonly data: Hex;

  constructor(code: string, args: Record<string, unknown>, data: Hex, cause?: unknown) {
    super(code, `The contract refused: ${code}`, { args, remedy: remedyOf(code), cause });
    this.name = "ContractError";
    this.data = data;
  }
}

/** Solidity's enums, in the order of their numbers, which are append only. */
export const enums = {
  OrgStatus: ["None", "Active", "Suspended", "Exited"],
  OrderScope: ["Hold", "Freeze", "Force", "Disclose"],
  OrderStatus: ["None", "Unconfirmed", "Active", "Lifted", "Expired", "Consumed"],
  EncumbranceKind: ["Pledge", "Lease", "Sale", "Other"],
  Role: [
    "None",
    "Manufacturer",
    "DeviceAuthority",
    "Anchor",
    "Treasurer",
    "DeviceManager",
    "Regulator",
    "Enforcer",
    "Certifier",
  ],
  EligibilityReason: [
    "Eligible",
    "HolderUnknown",
    "OrganisationNotActive",
    "Frozen",
    "ClassMissing",
    "Expired",
  ],
  KeyUse: ["DeviceFacing", "Encryption", "Disclosure"],
  DeviceStatus: ["None", "Active", "SuspendedByOwner", "SuspendedByAuthority", "Revoked"],
  DeviceActor: ["Owner", "Authority"],
  AccessReason: accessReasons,
  AuthorityKind: ["None", "Factory", "Owner"],
  CertificateReason: [
    "Good",
    "Unknown",
    "OtherDevice",
    "Revoked",
    "Expired",
    "AuthorityRevoked",
    "AuthorityExpired",
    "DeviceRevoked",
    "EpochEnded",
  ],
  FirmwareState: ["None", "Latest", "Superseded", "Withdrawn"],
  FirmwareReason: [
    "Installable",
    "ReleaseUnknown",
    "ReleaseWithdrawn",
    "DeviceUnknown",
    "DeviceRevoked",
    "OtherModel",
    "Rollback",
  ],
  TransferCause: ["Accepted", "Signed", "Recovered", "Forced"],
} as const;

interface AbiInput {
  readonly name: string;
  readonly type: string;
  readonly internalType?: string;
  readonly components?: readonly AbiInput[];
}

/** An error as its ABI entry describes it. */
export interface ErrorEntry {
  readonly name: string;
  readonly selector: Hex;
  readonly inputs: readonly AbiInput[];
}

/** What Solidity itself reverts with, and what any contract may. */
const builtIn: readonly { name: string; inputs: readonly AbiInput[] }[] = [
  { name: "Error", inputs: [{ name: "message", type: "string" }] },
  { name: "Panic", inputs: [{ name: "code", type: "uint256" }] },
];

/** Every error that a contract of ours, or of OpenZeppelin inside one of ours, can revert with, by selector. */
export const errorTable: ReadonlyMap<string, ErrorEntry> = buildTable();

function buildTable(): Map<string, ErrorEntry> {
  const table = new Map<string, ErrorEntry>();
  const entries = Object.values(abis).flatMap((abi) => abi.filter(({ type }) => type === "error"));
  for (const entry of [...builtIn, ...entries]) {
    const { name, inputs } = entry as { name: string; inputs: readonly AbiInput[] };
    // A selector is computed in the same way for errors and functions.
    const selector = FunctionFragment.from({ type: "function", name, inputs, outputs: [] }).selector as Hex;
    table.set(selector, { name, selector, inputs });
  }
  return table;
}

function remedyOf(code: string): string {
  return remedies[code] ?? "See the documentation of this error in the contract's interface.";
}

/** Decodes revert data; `undefined` when no contract of Tenon has such an error. */
export function decodeRevert(data: string, cause?: unknown): ContractError | undefined {
  const entry = errorTable.get(data.slice(0, 10));
  if (entry === undefined) return undefined;
  const types = FunctionFragment.from({ type: "function", name: entry.name, inputs: entry.inputs }).inputs;
  try {
    const values = AbiCoder.defaultAbiCoder().decode(types as ParamType[], `0x${data.slice(10)}`);
    return new ContractError(entry.name, named(entry.inputs, values), data as Hex, cause);
  } catch {
    return undefined; // a foreign error that happens to share the selector
  }
}

function named(inputs: readonly AbiInput[], values: Result): Record<string, unknown> {
  return Object.fromEntries(inputs.map((input, i) => [input.name || `arg${i}`, readable(input, values[i])]));
}

function readable(input: AbiInput, value: unknown): unknown {
  const names = enums[input.internalType?.replace("enum ", "") as keyof typeof enums];
  if (names !== undefined) return names[Number(value)] ?? value;
  if (input.components === undefined || !input.type.endsWith("tuple")) return value;
  return named(input.components, value as Result);
}

/**
 * Finds revert data in whatever ethers, Hardhat, Besu or a wallet threw: they nest it at different depths. The
 * request itself (`transaction`, `payload`) is not searched, because calldata looks the same.
 */
export function revertDataOf(error: unknown, depth = 0): Hex | undefined {
  if (typeof error !== "object" || error === null || depth > 6) return undefined;
  const fields = error as Record<string, unknown>;
  if (typeof fields.data === "string" && isRevertData(fields.data)) {
    return fields.data as Hex;
  }
  for (const key of ["data", "error", "info", "cause"]) {
    const found = revertDataOf(fields[key], depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isRevertData(data: string): boolean {
  return /^0x([0-9a-fA-F]{2}){4,}$/.test(data);
}

/** Runs `call` and turns a contract's refusal into a `ContractError`; every other failure passes through. */
export async function withTypedErrors<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw typedError(error);
  }
}

/** The typed form of whatever a call to a node threw. */
export function typedError(error: unknown): unknown {
  if (error instanceof TenonError) return error;
  const data = revertDataOf(error);
  if (data !== undefined) return decodeRevert(data, error) ?? unknownRevert(data, error);
  if (!isBareRevert(error)) return error;
  return new TenonError("RevertWithoutReason", "The call reverted without a reason", {
    remedy: "Check that the record's addresses hold the contracts of this version on this chain.",
    cause: error,
  });
}

function unknownRevert(data: Hex, cause: unknown): TenonError {
  return new TenonError("RevertUnknown", "The call reverted with an error this version does not know", {
    args: { data },
    remedy: "Use the SDK of the version that was deployed; a contract behind ours may also have refused.",
    cause,
  });
}

function isBareRevert(error: unknown): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === "CALL_EXCEPTION";
}
