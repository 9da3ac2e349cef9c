/** Access without a network: `@tenon/sdk/access` for devices, requesters and owners' services. */
export { AccessChannel, ask, bring, meet, serveAccess } from "./channel.js";
export { type AccessDecision, type AllowedAccess, DeviceGuard, type GuardOptions } from "./guard.js";
export type { GuardState } from "./guard-state.js";
export {
  type DeviceOwner,
  type HandOver,
  handOverHash,
  type OwnerNotice,
  writeHandOver,
  writeNotice,
} from "./hand-over.js";
export {
  type AccessEntry,
  AccessJournal,
  batchOf,
  decodeEntry,
  encodeEntry,
  type JournalBatch,
  readJournal,
} from "./journal.js";
export { type AccessMessage, Kind, readMessage, writeMessage } from "./messages.js";
export { accountOf, issueOfflinePass, type OfflinePass, readOfflinePass } from "./offline-pass.js";
export {
  type AccessPass,
  type Grantee,
  granteeOf,
  keyGrantee,
  namesOf,
  type PermissionName,
  passDigest,
  permissionsOf,
  roleGrantee,
} from "./pass.js";
export { type AccessReason, accessReasons, reasonRemedies } from "./reasons.js";
export { AccessRefused, Requester, type RequesterOptions } from "./requester.js";
export { type DeviceService, type ServiceTable, serviceCall, serviceResult, servicesOf } from "./services.js";
export type { AccessDomain, AccessSigner } from "./signed.js";
