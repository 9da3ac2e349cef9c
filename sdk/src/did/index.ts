export { type DereferencingResult, dereference } from "./dereference.js";
export type { Dids, Publication } from "./did.js";
export { type KeyKind, multikey, type PublicKey, publicKeyOf, readMultikey } from "./multikey.js";
export type { Problem, ProblemMetadata, ProblemName } from "./problem.js";
export {
  type DeviceDocument,
  type DeviceInterface,
  decodeDocument,
  encodeDocument,
  type KeyPurpose,
  type PublishedKey,
} from "./publication.js";
export { type DidMediaType, getResolver, mediaTypes, type ResolverSettings } from "./resolver.js";
export { SM2_DEFAULT_ID } from "./sm2.js";
export { deviceDid, deviceOf, organisationDid, type Subject, subjectOf } from "./syntax.js";
export { type SignedMessage, verifyByDocument } from "./verify.js";
