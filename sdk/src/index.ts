/** What an application imports. The device kit has an entry of its own: `@tenon/sdk/device`. */

export type { Access } from "./access/client.js";
export * from "./access/index.js";
export { type AnchorData, commitmentOf, EPOCH } from "./anchor.js";
export { concatBytes, equalBytes, fromHex, type Hex, toHex } from "./bytes.js";
export { createTenon, type Tenon, type TenonOptions, type TenonSettings } from "./client.js";
export { type ConnectOptions, connectRpc, RpcConnection, urlsIn } from "./connection.js";
export type {
  Admin,
  AnnouncedAct,
  Office,
  OfficeHolder,
  OpenedFunction,
  PausedAction,
  Powers,
} from "./consortium/admin.js";
export {
  type AssetClass,
  assetClasses,
  type Eligibility,
  type EligibilityReason,
  type EligibilityRequest,
  type EligibilityRules,
  type EligibilitySet,
  type FreezeStep,
} from "./consortium/eligibility.js";
export type {
  Asset,
  AssetBinding,
  Encumbrance,
  EncumbranceKind,
  EncumbranceRequest,
  EncumbranceStep,
  Encumbrances,
} from "./consortium/encumbrances.js";
export type { Module } from "./consortium/modules.js";
export type { OfficeOperation, Proceeded, Standing } from "./consortium/offices.js";
export {
  type IssuedOrder,
  type Order,
  type OrderPurpose,
  type OrderRequest,
  type OrderScope,
  type OrderStatus,
  type OrderStep,
  type Orders,
  strikeSubject,
  transferSubject,
} from "./consortium/orders.js";
export {
  type KeyStep,
  type KeyUse,
  type OrganisationKey,
  type OrganisationKeys,
  type PublicPoint,
  rawPoint,
} from "./consortium/organisation-keys.js";
export type {
  Admission,
  EndingRole,
  Explanation,
  HeldRole,
  Organisation,
  OrgEvent,
  OrgStatus,
  Orgs,
  Role,
  RoleRequest,
  Signatory,
} from "./consortium/orgs.js";
export {
  type ContractName,
  checkDeployment,
  type DeployedContract,
  type Deployment,
  loadDeployment,
} from "./deployment.js";
export type {
  BulkEnrolment,
  BulkOptions,
  BulkProgress,
  BulkReport,
} from "./devices/bulk.js";
export {
  type AdmittedAuthority,
  type AuthorityKind,
  type AuthorityRequest,
  type BoundCertificate,
  type CertificateAuthority,
  type CertificateReason,
  type Certificates,
  type DeviceCertificate,
  type NewBinding,
  type PreparedBinding,
  type RevocationReason,
  revocationReasons,
  type VerifiedCertificate,
} from "./devices/certificates.js";
export {
  readActivation,
  readFactoryList,
  readVoucher,
  writeActivations,
  writeFactoryList,
} from "./devices/files.js";
export {
  type DeviceFirmware,
  type Firmware,
  type FirmwareInstallation,
  type FirmwareReason,
  type FirmwareState,
  modelHash,
  type NewRelease,
  type PublishedRelease,
} from "./devices/firmware.js";
export {
  type HistoryTrust,
  type HistoryVoucher,
  type VerifiedHistory,
  verifyHistory,
} from "./devices/history-voucher.js";
export { type InstallationStatement, installationMessage } from "./devices/installation.js";
export {
  type Activation,
  type FactoryList,
  type ListedDevice,
  ListTree,
  listedDevice,
  verifyActivation,
} from "./devices/list.js";
export type { Machines, MachineTree, PartChange, TakenMachine } from "./devices/machines.js";
export {
  type DeviceMessage,
  type Engagement,
  engagementMessage,
  type Recovery,
  type Rotation,
  recoveryMessage,
  rotationMessage,
} from "./devices/messages.js";
export type { PartySignature, TransferTerms } from "./devices/ownership.js";
export { newSalt, type Parameters, parametersHashOf, readPublicKey } from "./devices/parameters.js";
export type { PendingRecovery } from "./devices/recovery.js";
export {
  holderOf,
  type OwnedRegistration,
  type Registration,
  type RegistrationMessage,
  registrationMessage,
} from "./devices/registration.js";
export { readDevices } from "./devices/rows.js";
export type { DeviceVoucher } from "./devices/voucher.js";
export type {
  Application,
  Device,
  DeviceEngagement,
  DeviceKeyChange,
  DeviceOffer,
  DeviceStatus,
  DeviceStatusChange,
  Devices,
  DeviceTransfer,
  EpochEvent,
  MakerTerm,
  RegisteredDevice,
  RegistrationProof,
  RegistrationRequest,
} from "./devices.js";
export * from "./did/index.js";
export {
  decodeEnvelope,
  type EnvelopeParts,
  type EnvelopeReader,
  type EnvelopeRecipient,
  envelopeCommitment,
  openEnvelope,
  readdressEnvelope,
  type SealedEnvelope,
  sealEnvelope,
} from "./envelope.js";
export { TenonError, type TenonErrorDetails } from "./errors.js";
export { type Following, type FollowLogsOptions, followLogs } from "./follow.js";
export * from "./frame/index.js";
export * from "./generated/abis.js";
export type { LogPosition } from "./logs.js";
export { NodeError } from "./nodes/failure.js";
export type { NodeStatus } from "./nodes/node.js";
export type { NodeNotice } from "./nodes/pool.js";
export type { Operation, SentOperation } from "./operation.js";
export { type BlockProof, buildBlockProof, type ProvenLog, verifyBlockProof } from "./proof/block.js";
export {
  type DeviceRangeProof,
  type FrameProof,
  type HeadProof,
  type Trust,
  type VerifiedStep,
  verifyFrameProof,
} from "./proof/bundle.js";
export { ProofError, type ProofStep } from "./proof/error.js";
export { deviceRangeProofFrom, frameProofFrom, offlineBundleFrom, proofToJson } from "./proof/form.js";
export { type DeviceHead, decodeHead, encodeHead, headsTree } from "./proof/heads.js";
export { leafHash, MerkleTree, sizedRoot, verifyInclusion } from "./proof/merkle.js";
export { buildOfflineBundle, type OfflineBundle, type OfflineTrust, verifyOffline } from "./proof/offline.js";
export { type QbftHeader, quorumOf, type SealedHeader, sealedHeader, verifyQbftSeals } from "./proof/qbft.js";
export { verifyDeviceRange } from "./proof/range.js";
export { proveAnchor, proveDevice, type TrustedState, verifyAnchor, verifyDevice } from "./proof/records.js";
export { type Account, proveSlot, readAccount, readSlot, type StateProof } from "./proof/state.js";
export { followValidators, setAt, type ValidatorSet } from "./proof/validators.js";
export { type RelayedAct, signedActInWords } from "./relay.js";
export { ContractError, decodeRevert, typedError } from "./revert.js";
export { type ProviderLike, type RpcSource, rpcSource } from "./rpc.js";
export { checkSignedAct, type SignedAct, type SignOptions } from "./signed-act.js";
export type {
  AnchoredBatch,
  FramePlace,
  ReadableProof,
  ReadHeader,
  StreamHead,
  Telemetry,
} from "./telemetry.js";
export { callInWords, type ReadCall, readCall } from "./words.js";
export * from "./x509/index.js";
