import type { Hex } from "../bytes.js";
import { fromHex, toHex } from "../bytes.js";
import type { EnvelopeReader } from "../envelope.js";
import { TenonError } from "../errors.js";
import type { DeviceKey } from "../frame/key.js";
import type { AccessPass } from "./pass.js";
import type { AccessReason } from "./reasons.js";

/** What an owner wants to allow. Times are seconds since 1970. */
export interface PassOrder {
  readonly device: Hex;
  /** `keyGrantee(account)` or `roleGrantee(organisation, role)`. */
  readonly grantee: Hex;
  /** Names of permissions; none revokes. */
  readonly permissions: readonly string[];
  /** First second it no longer counts. */
  readonly expiry: number;
  /** First second it counts. Default: at once. */
  readonly notBefore?: number;
  /** Least seconds between two tokens of one requester. Default: no limit. */
  readonly minInterval?: number;
  /** How often it may be passed on. Default: not at all. */
  readonly delegations?: number;
  /** The device's address in the owner's network: sealed to the grantee, the owner and every regulator. */
  readonly endpoint?: string;
  /** Last second at which it may be registered. Default: one hour from now. */
  readonly deadline?: number;
}

/** Part of a pass that its grantee passes on. */
export interface DelegationOrder extends Omit<PassOrder, "endpoint"> {
  /** The grantee whose pass it is made from. */
  readonly from: Hex;
  /** Who can open the endpoint of that pass: then it is passed on as well. */
  readonly reader?: EnvelopeReader;
}

/** A pass with the epoch and revision that the chain asks for now, and its sealed endpoint (`0x` for none). */
export interface PreparedPass {
  readonly pass: AccessPass;
  readonly envelope: Hex;
  /** What the owner signs: the pass's name everywhere. */
  readonly digest: Hex;
}

/** A pass that the owner's device manager signed: anybody may register it. */
export interface SignedPass extends PreparedPass {
  readonly signer: string;
  readonly signature: Hex;
}

/** A grantee's pass as it stands. */
export interface Policy {
  readonly device: Hex;
  readonly grantee: Hex;
  /** Empty: none or revoked. */
  readonly permissions: readonly string[];
  /** 0 when it does not lie ahead. */
  readonly notBefore: number;
  readonly expiry: number;
  readonly epoch: number;
  /** 0: none was ever given. */
  readonly rev: number;
  readonly minInterval: number;
  readonly delegations: number;
  /** Revoked by the owner in this epoch: cannot be given by delegation. */
  readonly barred: boolean;
  /** The pass it was made from; `undefined` when the owner gave it. */
  readonly from: { readonly grantee: Hex; readonly rev: number } | undefined;
  readonly endpointCommitment: Hex;
}

/** What the contract would answer now, and what to do about it. */
export interface Explanation {
  readonly reason: AccessReason;
  readonly allowed: boolean;
  readonly remedy: string | undefined;
}

/** What a token is asked for. */
export interface TokenOrder {
  readonly device: Hex;
  readonly grantee: Hex;
  readonly permissions: readonly string[];
}

/** A token in somebody's hand. */
export interface TokenUse {
  readonly device: Hex;
  readonly grantee: Hex;
  readonly requester: string;
  readonly token: Hex;
}

/** A device's signature by which it uses a token up. */
export interface DeviceRedemption extends TokenUse {
  readonly key: DeviceKey;
  readonly deadline: bigint;
  readonly r: Hex;
  readonly s: Hex;
}

/** A signed pass as text, for files and messages. */
export function passToJson(signed: SignedPass): string {
  return JSON.stringify(signed, (_, value) => (typeof value === "bigint" ? value.toString() : value), 2);
}

/** All of it is still to be checked. */
interface PassFile extends Record<"envelope" | "digest" | "signer" | "signature", string> {
  pass: Record<keyof AccessPass, string>;
}

const hashes = ["device", "grantee", "endpointCommitment", "envelopeHash"] as const;
const numbers = ["notBefore", "expiry", "epoch", "rev", "minInterval", "delegations"] as const;

/** Reads a signed pass strictly; whether its digest and signature fit is `registerPass`'s to check. @throws TenonError `PassFileInvalid`. */
export function passFromJson(text: string): SignedPass {
  try {
    const { pass, envelope, digest, signer, signature } = JSON.parse(text) as PassFile;
    const fields = Object.fromEntries([
      ...hashes.map((name) => [name, toHex(fromHex(pass[name], 32))]),
      ...numbers.map((name) => [name, whole(pass[name])]),
      ["permissions", BigInt(pass.permissions)],
      ["deadline", BigInt(pass.deadline)],
    ]);
    const [sealed, named] = [toHex(fromHex(envelope)), toHex(fromHex(digest, 32))];
    const by = toHex(fromHex(signer, 20));
    const signed = toHex(fromHex(signature));
    return {
      pass: fields as unknown as AccessPass,
      envelope: sealed,
      digest: named,
      signer: by,
      signature: signed,
    };
  } catch (cause) {
    throw new TenonError("PassFileInvalid", "The text is not a signed pass", {
      args: { reason: (cause as Error).message.split("\n")[0] },
      remedy: "Take the file as access sign-pass wrote it.",
      cause,
    });
  }
}

function whole(value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new RangeError("a number is missing");
}
