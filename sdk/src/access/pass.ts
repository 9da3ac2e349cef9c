import { getAddress, TypedDataEncoder } from "ethers";
import { fromHex, type Hex, toHex, uintBytes } from "../bytes.js";
import { TenonError } from "../errors.js";
import type { AccessDomain } from "./signed.js";

/** An access pass, as the owner signs it and the contract registers it. Times are seconds since 1970. */
export interface AccessPass {
  readonly device: Hex;
  /** Who gets access, 32 bytes: {@link keyGrantee} or {@link roleGrantee}. */
  readonly grantee: Hex;
  /** A set of permissions as bits ({@link permissionsOf}); the empty set revokes. */
  readonly permissions: bigint;
  /** First second it counts; 0: at once. */
  readonly notBefore: number;
  /** First second it no longer counts. */
  readonly expiry: number;
  /** Control of the device in which it counts: with the next owner it is nothing. */
  readonly epoch: number;
  /** One more than the last of this grantee on this device, the first is 1: the nonce. */
  readonly rev: number;
  /** Least seconds between two accesses of one requester; 0: no limit. */
  readonly minInterval: number;
  /** How often it may be passed on. */
  readonly delegations: number;
  /** What the contract keeps of the sealed endpoint (`sealEnvelope`); 32 zero bytes for none. */
  readonly endpointCommitment: Hex;
  /** Keccak-256 of the sealed endpoint; 32 zero bytes when none comes with the pass. */
  readonly envelopeHash: Hex;
  /** Last second, inclusive, at which it may be registered on chain. */
  readonly deadline: bigint;
}

export const passTypes = {
  Pass: [
    { name: "device", type: "bytes32" },
    { name: "grantee", type: "bytes32" },
    { name: "permissions", type: "uint40" },
    { name: "notBefore", type: "uint40" },
    { name: "expiry", type: "uint40" },
    { name: "epoch", type: "uint32" },
    { name: "rev", type: "uint32" },
    { name: "minInterval", type: "uint16" },
    { name: "delegations", type: "uint8" },
    { name: "endpointCommitment", type: "bytes32" },
    { name: "envelopeHash", type: "bytes32" },
    { name: "deadline", type: "uint256" },
  ],
};

/** The EIP-712 domain of the DeviceAccess contract. */
export function accessTypedDomain({ chainId, access }: AccessDomain) {
  return { name: "Tenon DeviceAccess", version: "1", chainId, verifyingContract: getAddress(access) };
}

/** What the owner's signatory signs, as the contract's `passDigest` gives it: the name of a pass everywhere. */
export function passDigest(domain: AccessDomain, pass: AccessPass): Hex {
  return TypedDataEncoder.hash(accessTypedDomain(domain), passTypes, pass) as Hex;
}

/** What a pass may allow, by name, in the order of the contract's bits; bits 32 to 39 are the maker's own. */
export const permissionNames = [
  "readTelemetry",
  "readState",
  "readLocation",
  "readConfiguration",
  "writeConfiguration",
  "readDiagnostics",
  "clearFaults",
  "startStop",
  "remoteControl",
  "lockUnlock",
  "calibrate",
  "updateFirmware",
] as const;
export type PermissionName = (typeof permissionNames)[number] | `maker${number}`;

/** The bits of permissions by name. @throws TenonError `PermissionUnknown`. */
export function permissionsOf(names: readonly string[]): bigint {
  return names.reduce((bits, name) => bits | (1n << BigInt(bitOf(name))), 0n);
}

function bitOf(name: string): number {
  const [, maker] = /^maker([0-7])$/.exec(name) ?? [];
  const bit = maker === undefined ? permissionNames.indexOf(name as never) : 32 + Number(maker);
  if (bit >= 0) return bit;
  throw new TenonError("PermissionUnknown", "There is no permission of this name", {
    args: { given: name, known: `${permissionNames.join(", ")}, maker0 … maker7` },
    remedy: "Use one of these names.",
  });
}

/** The names of permission bits; a bit without a name is `bit12` and the like. */
export function namesOf(permissions: bigint): string[] {
  const bits = Array.from({ length: 40 }, (_, bit) => bit).filter((bit) => (permissions >> BigInt(bit)) & 1n);
  return bits.map((bit) => permissionNames[bit] ?? (bit < 32 ? `bit${bit}` : `maker${bit - 32}`));
}

/** The grantee that is one key, by its account. */
export function keyGrantee(account: string): Hex {
  return toHex(uintBytes(BigInt(getAddress(account)), 32));
}

const ROLE_MARK = 1n << 255n;

/** The grantee that is everybody who holds a role in an organisation, by the role's number in the contract. */
export function roleGrantee(organisation: number, role: number): Hex {
  return toHex(uintBytes(ROLE_MARK | (BigInt(organisation) << 8n) | BigInt(role), 32));
}

export type Grantee = { readonly account: string } | { readonly organisation: number; readonly role: number };

/** Whom 32 bytes name. @throws TenonError `GranteeUnreadable`. */
export function granteeOf(grantee: Hex): Grantee {
  const value = BigInt(toHex(fromHex(grantee, 32)));
  if (value > 0n && value < 1n << 160n) return { account: getAddress(`0x${grantee.slice(26)}`) };
  const rest = value - ROLE_MARK;
  const held = { organisation: Number(rest >> 8n), role: Number(rest & 0xffn) };
  if (rest > 0n && rest < 1n << 40n && held.organisation > 0 && held.role > 0) return held;
  throw new TenonError("GranteeUnreadable", "The 32 bytes name neither a key nor an organisation's role", {
    args: { grantee },
    remedy: "Make them with keyGrantee or roleGrantee.",
  });
}
