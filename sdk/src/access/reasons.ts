/**
 * Why access was allowed or refused: the members of the contract's enum `AccessReason`, in its order. The contract, this
 * SDK and devices that decide without a network answer with the same names.
 */
export const accessReasons = [
  "Allowed",
  "DeviceUnknown",
  "DeviceNotActive",
  "AccessStopped",
  "DeviceNotEngaged",
  "PassMissing",
  "PassRevoked",
  "PassEpochEnded",
  "PassNotYetValid",
  "PassExpired",
  "DelegationEnded",
  "NotGrantee",
  "RequesterSuspended",
  "Blocked",
  "TooFrequent",
  "PermissionMissing",
  "NotHolder",
  "TokenUnknown",
  "TokenSpent",
  "TokenExpired",
  "DeviceMismatch",
  "SignatureInvalid",
  "ChallengeFailed",
  "CounterSeen",
] as const;
export type AccessReason = (typeof accessReasons)[number];

/** What whoever was refused can do about it. */
export const reasonRemedies: Record<Exclude<AccessReason, "Allowed">, string> = {
  DeviceUnknown: "Check the device id: it is not registered.",
  DeviceNotActive: "Ask the owner: the device is suspended or revoked.",
  AccessStopped: "Ask the owner: access to the device is stopped for everybody.",
  DeviceNotEngaged: "Let the device sign for its new owner first (device engage).",
  PassMissing: "Ask the owner for access.",
  PassRevoked: "Ask the owner for a new pass: this one was revoked or replaced.",
  PassEpochEnded:
    "Ask the present owner: the device or its key changed hands, and older passes ended with that.",
  PassNotYetValid: "Wait until the pass begins.",
  PassExpired: "Ask the owner for a new pass.",
  DelegationEnded: "Ask whoever passed it on, or the owner: the pass it was made from ended or changed.",
  NotGrantee: "Ask with the key that the pass names, or from an account that holds the role.",
  RequesterSuspended: "Ask the registrar: the account was removed or its organisation is not active.",
  Blocked: "Wait until the block ends; it followed too many refused requests.",
  TooFrequent: "Wait for the pass's least interval. Asking again at once ends in a block.",
  PermissionMissing: "Ask for no more than the pass gives, and for something.",
  NotHolder: "Let the requester, the owner's gateway or the device itself redeem the token.",
  TokenUnknown: "Request a token: this one was never issued, or another took its place.",
  TokenSpent: "Request a new token: this one was used.",
  TokenExpired: "Request a new token and use it at once.",
  DeviceMismatch: "Take the pass of this device on this chain.",
  SignatureInvalid: "Ask the owner for the pass again: the owner this device knows did not sign these bytes.",
  ChallengeFailed: "Sign the device's newest challenge with the key that the pass names.",
  CounterSeen: "Use a higher counter: this request, or a later one, was shown before.",
};

export function reasonNumber(reason: AccessReason): number {
  return accessReasons.indexOf(reason);
}
