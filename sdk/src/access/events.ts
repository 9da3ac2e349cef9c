import type { Interface, LogDescription, Provider } from "ethers";
import type { Hex } from "../bytes.js";
import { type FoundEvent, findEvents, type LogPosition } from "../logs.js";
import { namesOf } from "./pass.js";
import { type AccessReason, accessReasons } from "./reasons.js";

interface Said {
  readonly device: Hex;
  /** 32 bytes; `granteeOf` reads them. */
  readonly grantee: Hex;
  readonly at: LogPosition;
}

/** Somebody asked the owner for access. */
export interface AskedAccess extends Said {
  readonly what: "asked";
  readonly requester: string;
  readonly permissions: readonly string[];
  readonly purposeHash: Hex;
}

/** A pass was given or changed. Times are seconds since 1970. */
export interface GrantedPass extends Said {
  readonly what: "granted";
  /** The account that gave it. */
  readonly by: string;
  readonly epoch: number;
  readonly rev: number;
  readonly permissions: readonly string[];
  readonly notBefore: number;
  readonly expiry: number;
  readonly minInterval: number;
  readonly delegations: number;
  /** The pass it was made from, when its grantee passed it on. */
  readonly from?: { readonly grantee: Hex; readonly rev: number };
}

export interface RevokedPass extends Said {
  readonly what: "revoked";
  readonly by: string;
  readonly rev: number;
}

/** A one-time token. It is no secret: only its requester can use it. */
export interface AccessToken extends Said {
  readonly what: "token";
  readonly requester: string;
  readonly token: Hex;
  readonly counter: number;
  readonly permissions: readonly string[];
  /** First second at which it can no longer be redeemed. */
  readonly until: number;
  readonly endpointCommitment: Hex;
}

export interface RedeemedToken extends Said {
  readonly what: "redeemed";
  readonly requester: string;
  readonly token: Hex;
  readonly permissions: readonly string[];
  /** Who redeemed it; `device` when the device signed. */
  readonly by: string;
}

export interface DeniedAccess extends Said {
  readonly what: "denied";
  readonly requester: string;
  readonly reason: AccessReason;
  readonly permissions: readonly string[];
  readonly token: Hex;
  readonly by: string;
}

export interface BlockedRequester extends Said {
  readonly what: "blocked";
  readonly requester: string;
  readonly until: number;
}

export type AccessEvent =
  | AskedAccess
  | GrantedPass
  | RevokedPass
  | AccessToken
  | RedeemedToken
  | DeniedAccess
  | BlockedRequester;

const ZERO_ADDRESS = `0x${"00".repeat(20)}`;

/** The domain form of one event of DeviceAccess; `undefined` for those that only add to another. */
export function accessEvent({ event, at }: FoundEvent): AccessEvent | undefined {
  const { args } = event;
  const said = { device: args.device as Hex, grantee: args.grantee as Hex, at };
  const permissions = () => namesOf(args.permissions as bigint);
  switch (event.name) {
    case "AccessAsked":
      return {
        what: "asked",
        ...said,
        requester: args.requester,
        permissions: permissions(),
        purposeHash: args.purposeHash,
      };
    case "PassGranted":
      return { what: "granted", ...said, by: args.by, permissions: permissions(), ...termsOf(event) };
    case "PassRevoked":
      return { what: "revoked", ...said, by: args.by, rev: Number(args.rev) };
    case "TokenIssued":
      return {
        what: "token",
        ...said,
        requester: args.requester,
        token: args.token,
        counter: Number(args.counter),
        permissions: permissions(),
        until: Number(args.until),
        endpointCommitment: args.endpointCommitment,
      };
    case "TokenRedeemed": {
      const { requester, token } = args;
      return { what: "redeemed", ...said, requester, token, permissions: permissions(), by: byName(args.by) };
    }
    case "AccessDenied": {
      const reason = accessReasons[Number(args.reason)] as AccessReason;
      const { requester, token } = args;
      const by = byName(args.by);
      return { what: "denied", ...said, requester, reason, permissions: permissions(), token, by };
    }
    case "RequesterBlocked":
      return { what: "blocked", ...said, requester: args.requester, until: Number(args.until) };
    default:
      return undefined;
  }
}

function termsOf({ args }: LogDescription) {
  const { epoch, rev, notBefore, expiry, minInterval, delegations } = args;
  return {
    epoch: Number(epoch),
    rev: Number(rev),
    notBefore: Number(notBefore),
    expiry: Number(expiry),
    minInterval: Number(minInterval),
    delegations: Number(delegations),
  };
}

function byName(account: string): string {
  return account === ZERO_ADDRESS ? "device" : account;
}

const names = [
  "AccessAsked",
  "PassGranted",
  "PassRevoked",
  "TokenIssued",
  "TokenRedeemed",
  "AccessDenied",
  "RequesterBlocked",
] as const;

/** Where DeviceAccess stands, and what to search it with. */
export interface EventSource {
  readonly provider: Provider;
  readonly address: string;
  readonly abi: Interface;
  readonly fromBlock: number;
}

/** Everything that DeviceAccess said of a device up to a block, in the order of the chain. */
export async function accessEvents(
  source: EventSource,
  device: Hex,
  toBlock?: number,
): Promise<AccessEvent[]> {
  const query = { ...source, args: [device], ...(toBlock === undefined ? {} : { toBlock }) };
  const found = await Promise.all(names.map((event) => findEvents(source.provider, { ...query, event })));
  const delegated = await findEvents(source.provider, { ...query, event: "PassDelegated" });
  const parents = new Map(
    delegated.map(({ event: { args } }) => [
      `${args.grantee}/${args.rev}`,
      { grantee: args.parent as Hex, rev: Number(args.parentRev) },
    ]),
  );
  const events = found.flat().flatMap((one) => accessEvent(one) ?? []);
  return events.sort(byPosition).map((event) => {
    const from = event.what === "granted" ? parents.get(`${event.grantee}/${event.rev}`) : undefined;
    return from === undefined ? event : { ...event, from };
  });
}

/** In the order of the chain. */
export function byPosition(a: { at: LogPosition }, b: { at: LogPosition }): number {
  return a.at.block - b.at.block || a.at.logIndex - b.at.logIndex;
}
