import type { Interface, Log } from "ethers";
import type { Hex } from "../bytes.js";
import { IDeviceAccess__factory } from "../generated/typechain/index.js";
import { eventIn, type FoundEvent } from "../logs.js";
import type { Connection, Operation } from "../operation.js";
import { withTypedErrors } from "../revert.js";
import { type AccessEvent, accessEvent, type GrantedPass, type RevokedPass } from "./events.js";
import type { Explanation, Policy } from "./model.js";
import { namesOf } from "./pass.js";
import { type AccessReason, accessReasons, reasonRemedies } from "./reasons.js";
import { AccessRefused } from "./requester.js";

/** Reads what DeviceAccess answers: events, refusals that do not revert, passes. */

export const accessAbi = IDeviceAccess__factory.createInterface();

export function found<T extends AccessEvent>(logs: readonly Log[], name: string): T {
  return accessEvent(eventIn(logs, accessAbi, name)) as T;
}

/** A pass without permissions revokes. */
export function changed(logs: readonly Log[]): GrantedPass | RevokedPass {
  const revoked = eventsIn(logs, "PassRevoked").at(0);
  return revoked === undefined
    ? found<GrantedPass>(logs, "PassGranted")
    : (accessEvent(revoked) as RevokedPass);
}

/** What was asked for, or the refusal that was committed in its place. */
export function allowed<T extends AccessEvent>(logs: readonly Log[], name: string): T {
  const [denied] = eventsIn(logs, "AccessDenied");
  if (denied === undefined) return found<T>(logs, name);
  const { device, grantee, requester, reason, permissions, at } = accessEvent(denied) as AccessEvent & {
    what: "denied";
  };
  const wanted = permissions.join(", ") || "none";
  throw new AccessRefused(reason, {
    device,
    grantee,
    requester,
    permissions: wanted,
    transaction: at.transaction,
  });
}

function eventsIn(logs: readonly Log[], name: string): FoundEvent[] {
  const here = logs.filter((log) => accessAbi.parseLog(log)?.name === name);
  return here.map((log) => eventIn([log], accessAbi, name));
}

/** A refusal does not revert: `simulate` reads the reason from what the call returns. */
export function answering<T>(
  connection: Connection,
  name: "request" | "redeem" | "redeemByDevice",
  op: Operation<T>,
  about: Record<string, unknown>,
): Operation<T> {
  const simulate = async () => {
    const signer = await connection.signer();
    const answer = await withTypedErrors(() => signer.call({ to: op.to, data: op.data }));
    const [reason] = (accessAbi as Interface).decodeFunctionResult(name, answer);
    if (Number(reason) !== 0) throw new AccessRefused(accessReasons[Number(reason)]!, about);
  };
  return { ...op, simulate };
}

export function explained(number: bigint): Explanation {
  const reason = accessReasons[Number(number)] as AccessReason;
  const allowedNow = reason === "Allowed";
  return { reason, allowed: allowedNow, remedy: allowedNow ? undefined : reasonRemedies[reason] };
}

interface StoredPass {
  permissions: bigint;
  notBefore: bigint;
  expiry: bigint;
  epoch: bigint;
  rev: bigint;
  minInterval: bigint;
  delegations: bigint;
  barred: boolean;
  parent: string;
  parentRev: bigint;
  endpointCommitment: string;
}

export function policyOf(device: Hex, grantee: Hex, stored: StoredPass): Policy {
  const { permissions, barred, parent, parentRev, endpointCommitment } = stored;
  return {
    device,
    grantee,
    permissions: namesOf(permissions),
    notBefore: Number(stored.notBefore),
    expiry: Number(stored.expiry),
    epoch: Number(stored.epoch),
    rev: Number(stored.rev),
    minInterval: Number(stored.minInterval),
    delegations: Number(stored.delegations),
    barred,
    from: BigInt(parent) === 0n ? undefined : { grantee: parent as Hex, rev: Number(parentRev) },
    endpointCommitment: endpointCommitment as Hex,
  };
}
