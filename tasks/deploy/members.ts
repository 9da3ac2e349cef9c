import { readFileSync } from "node:fs";
import { getAddress, isAddress } from "ethers";
import { TenonError } from "../../sdk/src/errors.js";
import { type MemberRole, memberRoles } from "./record.js";

/** The consortium's limit on a term (`Consortium.MAX_TERM`), in days. */
const MAX_DAYS = 400;

export interface MemberGrant {
  role: MemberRole;
  days: number;
  /** The most an act may be worth without a second person, in fen; for Manufacturer the number of devices. Default: none. */
  limit?: string;
}

/** Whom to enrol before the seal, as the members file says it. */
export interface Members {
  organisations: {
    name: string;
    /** Unified social credit code (18 characters) or LEI (20): only its hash goes on chain. */
    code: string;
    /** Who controls it, in a word the members agreed on: only its hash goes on chain. */
    controlGroup?: string;
    signatories: { address: string; roles: MemberGrant[] }[];
  }[];
  /** Keys that get a telemetry stream; each needs the Anchor role above. */
  streams: { key: string }[];
}

export function readMembers(path: string): Members {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new TenonError("MembersUnreadable", "The members file cannot be read as JSON", {
      args: { file: path, reason: cause instanceof Error ? cause.message : cause },
      remedy: "docs/deployment.md shows one.",
      cause,
    });
  }
  return checkMembers(value);
}

/** Checks the whole file before anything is sent; throws `MembersInvalid` naming the place. */
export function checkMembers(value: unknown): Members {
  const file = object(value, "the file");
  const members: Members = {
    organisations: list(file.organisations, "organisations").map(organisation),
    streams: list(file.streams ?? [], "streams").map((entry, i) => ({
      key: address(object(entry, `streams[${i}]`).key, `streams[${i}].key`),
    })),
  };
  unique(
    members.organisations.map((org) => org.code),
    "code",
  );
  unique(
    members.organisations.flatMap((org) => org.signatories.map((one) => one.address)),
    "signatory",
  );
  unique(
    members.streams.map((stream) => stream.key),
    "stream key",
  );
  for (const { key } of members.streams) requireAnchorRole(members, key);
  return members;
}

function organisation(value: unknown, index: number): Members["organisations"][number] {
  const at = `organisations[${index}]`;
  const org = object(value, at);
  const code = text(org.code, `${at}.code`);
  if (!/^([0-9A-Z]{18}|[0-9A-Z]{20})$/.test(code)) {
    throw invalid(`${at}.code`, code, "a USCC of 18 or an LEI of 20 digits and capitals");
  }
  const signatories = list(org.signatories, `${at}.signatories`).map((entry, i) =>
    signatory(entry, `${at}.signatories[${i}]`),
  );
  const group = org.controlGroup === undefined ? undefined : text(org.controlGroup, `${at}.controlGroup`);
  return {
    name: text(org.name, `${at}.name`),
    code,
    ...(group === undefined ? {} : { controlGroup: group }),
    signatories,
  };
}

function signatory(value: unknown, at: string): Members["organisations"][number]["signatories"][number] {
  const entry = object(value, at);
  const roles = list(entry.roles ?? [], `${at}.roles`).map((one, i) => {
    const { role, days, limit } = object(one, `${at}.roles[${i}]`);
    if (!memberRoles.slice(1).includes(role as MemberRole)) {
      throw invalid(`${at}.roles[${i}].role`, role, memberRoles.slice(1).join(", "));
    }
    if (!Number.isSafeInteger(days) || Number(days) < 1 || Number(days) > MAX_DAYS) {
      throw invalid(`${at}.roles[${i}].days`, days, `whole days from 1 to ${MAX_DAYS}`);
    }
    const most = limit === undefined ? {} : { limit: limitOf(limit, `${at}.roles[${i}].limit`) };
    return { role: role as MemberRole, days: Number(days), ...most };
  });
  unique(
    roles.map((one) => one.role),
    `role of ${at}`,
  );
  return { address: address(entry.address, `${at}.address`), roles };
}

function limitOf(value: unknown, at: string): string {
  const given = text(value, at);
  if (/^(0|[1-9][0-9]{0,38})$/.test(given) && BigInt(given) < 2n ** 128n - 1n) return given;
  throw invalid(at, value, "a whole number below 2^128 - 1, in quotes; leave it out for none");
}

function requireAnchorRole(members: Members, key: string): void {
  const holders = members.organisations.flatMap((org) => org.signatories);
  const holder = holders.find((one) => one.address === key);
  if (holder?.roles.some((one) => one.role === "Anchor")) return;
  throw invalid("streams", key, "the address of a signatory with the Anchor role in the same file");
}

function object(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(at, value, "an object");
  return value as Record<string, unknown>;
}

function list(value: unknown, at: string): unknown[] {
  if (!Array.isArray(value)) throw invalid(at, value, "a list");
  return value;
}

function text(value: unknown, at: string): string {
  if (typeof value !== "string" || value === "") throw invalid(at, value, "a text");
  return value;
}

function address(value: unknown, at: string): string {
  if (typeof value !== "string" || !isAddress(value)) throw invalid(at, value, "an address");
  return getAddress(value);
}

function unique(values: string[], what: string): void {
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  if (twice !== undefined) throw invalid(what, twice, "a value that occurs once");
}

function invalid(field: string, given: unknown, expected: string): TenonError {
  return new TenonError("MembersInvalid", "The members file is not valid", {
    args: { field, given: typeof given === "object" ? JSON.stringify(given) : given, expected },
    remedy: "Correct it and run again: nothing was sent. docs/deployment.md shows one.",
  });
}
