import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { isAddress } from "ethers";
import { granteeOf, keyGrantee, permissionsOf, roleGrantee } from "../../sdk/src/access/pass.js";
import type { Hex } from "../../sdk/src/bytes.js";
import type { EnvelopeReader } from "../../sdk/src/envelope.js";
import { TenonError } from "../../sdk/src/errors.js";
import { enums } from "../../sdk/src/revert.js";

/** A grantee as 32 bytes from what a person types. Throws `GranteeUnreadable`. */
export function granteeFrom(text: string | undefined, account: string): Hex {
  if (text === undefined || isAddress(text)) return keyGrantee(text ?? account);
  const [, organisation, role] = /^([0-9]{1,10}):([A-Za-z]+)$/.exec(text) ?? [];
  const number = enums.Role.indexOf(role as never);
  if (organisation !== undefined && number > 0) return roleGrantee(Number(organisation), number);
  const word = String(text).toLowerCase() as Hex;
  if (/^0x[0-9a-f]{64}$/.test(word)) {
    granteeOf(word);
    return word;
  }
  throw new TenonError("GranteeUnreadable", "This names neither an account nor an organisation's role", {
    args: { given: text, roles: enums.Role.slice(1).join(", ") },
    remedy: "Give an account, or ORGANISATION:ROLE such as 3:DeviceManager.",
  });
}

/** A grantee in words. */
export function granteeText(grantee: Hex): string {
  const named = granteeOf(grantee);
  return "account" in named ? named.account : `${named.organisation}:${enums.Role[named.role] ?? named.role}`;
}

/** Permissions from text; at least one unless `orNone`. Throws `PermissionUnknown`, `OptionMissing`. */
export function permissionsFrom(text: string | undefined): string[] {
  const names = (text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  permissionsOf(names);
  if (names.length > 0) return names;
  throw new TenonError("OptionMissing", "--permissions is missing", {
    remedy: "Give --permissions with names such as readState,startStop.",
  });
}

/** Who opens an envelope. Throws `KeyFileUnreadable`. */
export function readerFrom(organisation: string, path: string): EnvelopeReader {
  try {
    return { organisation: Number(organisation), privateKey: createPrivateKey(readFileSync(path)) };
  } catch (cause) {
    throw new TenonError("KeyFileUnreadable", "The file holds no private key", {
      args: { file: path, reason: (cause as Error).message },
      remedy: "Give a PEM file: openssl ecparam -name prime256v1 -genkey -noout -out key.pem",
      cause,
    });
  }
}

export function isoTime(seconds: number): string {
  return new Date(1000 * seconds).toISOString();
}
