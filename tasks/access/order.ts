import type { PassOrder } from "../../sdk/src/access/model.js";
import type { Hex } from "../../sdk/src/bytes.js";
import type { ActingArguments } from "../device/acting.js";
import { required } from "../device/options.js";
import { wholeNumber } from "../options.js";
import { granteeFrom, granteeText, isoTime, permissionsFrom } from "./given.js";

/** What the tasks that give a pass take. */
export interface PassArguments extends ActingArguments {
  id: string;
  grantee: string | undefined;
  permissions: string | undefined;
  days: number;
  interval: string | undefined;
  delegations: string | undefined;
  endpoint?: string | undefined;
}

/** The pass that the options describe. @param now Seconds since 1970. */
export function orderOf(args: PassArguments, account: string, now: number): PassOrder {
  const grantee = required("grantee", args.grantee, "an account, or ORGANISATION:ROLE");
  const [minInterval, delegations] = [
    wholeNumber("interval", args.interval),
    wholeNumber("delegations", args.delegations),
  ];
  return {
    device: args.id as Hex,
    grantee: granteeFrom(grantee, account),
    permissions: permissionsFrom(args.permissions),
    expiry: now + Math.round(args.days * 86_400),
    ...(minInterval === undefined ? {} : { minInterval }),
    ...(delegations === undefined ? {} : { delegations }),
    ...(args.endpoint === undefined ? {} : { endpoint: args.endpoint }),
  };
}

/** A pass in words. */
export function passText(pass: {
  readonly device: Hex;
  readonly grantee: Hex;
  readonly permissions: readonly string[];
  readonly epoch: number;
  readonly rev: number;
  readonly expiry: number;
}) {
  const { device, grantee, permissions, epoch, rev, expiry } = pass;
  const words = { permissions: permissions.join(", ") || "none", until: isoTime(expiry) };
  return { device, grantee: granteeText(grantee), ...words, epoch, rev };
}
