import { readFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { TenonError } from "../../sdk/src/errors.js";
import type { RunMode } from "./manifest.js";

/** An organisation and the nodes it runs, on one machine. */
export interface Member {
  /** Name of its bundle's folder: lower-case letters, digits and hyphens. */
  name: string;
  /** IPv4 address of the machine under which the others reach it. */
  host: string;
  validators: number;
  rpcNodes: number;
  observers: number;
}

/** Reads `--members FILE`; throws `NetworkMembersUnreadable`, or `NetworkMembersInvalid` naming the place. */
export function readNetworkMembers(path: string, mode: RunMode): Member[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new TenonError("NetworkMembersUnreadable", "The members file cannot be read as JSON", {
      args: { file: path, reason: cause instanceof Error ? cause.message : cause },
      remedy: "besu-network/README.md shows one.",
      cause,
    });
  }
  return checkNetworkMembers(value, mode);
}

/** Checks the whole file before anything is written; throws `NetworkMembersInvalid`. */
export function checkNetworkMembers(value: unknown, mode: RunMode): Member[] {
  const { organisations } = object(value, "the file", ["organisations"]);
  if (!Array.isArray(organisations) || organisations.length === 0) {
    throw invalid("organisations", organisations, "a list of at least one organisation");
  }
  const members = organisations.map((one, index) => member(one, `organisations[${index}]`));
  unique(members, "name", "a name that no other organisation has");
  // Containers that reach each other over their machine's own address show Docker's address instead of theirs.
  if (mode === "docker") unique(members, "host", "a machine of its own for each organisation");
  return members;
}

function member(value: unknown, at: string): Member {
  const fields = ["name", "host", "validators", "rpcNodes", "observers"];
  const { name, host, ...counts } = object(value, at, fields);
  if (typeof name !== "string" || !/^[a-z][a-z0-9-]{0,30}$/.test(name)) {
    throw invalid(`${at}.name`, name, "lower-case letters, digits and hyphens, at most 31, a letter first");
  }
  if (typeof host !== "string" || !isIPv4(host) || host === "0.0.0.0") {
    throw invalid(`${at}.host`, host, "an IPv4 address: Besu compares addresses of peers, not names");
  }
  const [validators, rpcNodes, observers] = fields.slice(2).map((field) => {
    const count = counts[field] ?? 0;
    if (Number.isSafeInteger(count) && Number(count) >= 0 && Number(count) <= 100) return Number(count);
    throw invalid(`${at}.${field}`, count, "a whole number from 0 to 100");
  }) as [number, number, number];
  if (validators + rpcNodes + observers === 0) throw invalid(at, name, "at least one node");
  return { name, host, validators, rpcNodes, observers };
}

function object(value: unknown, at: string, fields: string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(at, value, "an object");
  const strange = Object.keys(value).find((key) => !fields.includes(key));
  if (strange !== undefined) throw invalid(`${at}.${strange}`, strange, `only ${fields.join(", ")}`);
  return value as Record<string, unknown>;
}

function unique(members: Member[], field: "name" | "host", expected: string): void {
  const values = members.map((one) => one[field]);
  const twice = values.findIndex((value, index) => values.indexOf(value) !== index);
  if (twice >= 0) throw invalid(`organisations[${twice}].${field}`, values[twice], expected);
}

function invalid(field: string, given: unknown, expected: string): TenonError {
  return new TenonError("NetworkMembersInvalid", "The members file is not valid", {
    args: { field, given: typeof given === "object" ? JSON.stringify(given) : given, expected },
    remedy: "Correct it and run again: nothing was written. besu-network/README.md shows one.",
  });
}
