import type {
  DIDDocument,
  DIDDocumentMetadata,
  DIDResolutionOptions,
  DIDResolutionResult,
  DIDResolver,
  ParsedDID,
} from "did-resolver";
import { addressOf, type Deployment, requireChain } from "../deployment.js";
import { TenonError } from "../errors.js";
import { ethersProvider, type ProviderLike, rpcSource } from "../rpc.js";
import { deactivatedDocument, deviceDocument, organisationDocument } from "./document.js";
import { DidProblem } from "./problem.js";
import { decodeDocument } from "./publication.js";
import { type DeviceVersion, DidState, type Moment, type VersionAt } from "./state.js";
import { organisationDid, type Subject, subjectOf } from "./syntax.js";

/** Media types of a DID document. The second is the first without `@context`. */
export const mediaTypes = ["application/did", "application/did+json", "application/did+ld+json"] as const;
export type DidMediaType = (typeof mediaTypes)[number];

export interface ResolverSettings {
  /** An ethers provider that talks to one node, or an EIP-1193 provider. */
  provider: ProviderLike;
  deployment: Deployment;
}

/**
 * The resolver of `did:tenon` for the `did-resolver` package. The chain is checked here, once; a resolution then takes two
 * RPC calls, or one for an organisation, for a revoked device or for nothing, however long the history.
 *
 * @example
 * const resolver = new Resolver(await getResolver({ provider, deployment }));
 * const { didDocument } = await resolver.resolve("did:tenon:31337:5f1c…?versionTime=2026-11-01T00:00:00Z");
 *
 * @throws TenonError `ChainIdMismatch`, `GenesisMismatch`, `RpcUnavailable`.
 */
export async function getResolver(settings: ResolverSettings): Promise<{ tenon: DIDResolver }> {
  const { provider, deployment } = settings;
  await requireChain(ethersProvider(provider), deployment);
  return { tenon: resolverOf(provider, deployment) };
}

/** The same over a chain that was checked before. */
export function resolverOf(provider: object, deployment: Deployment): DIDResolver {
  const state = new DidState(rpcSource(provider), deployment);
  return async (did, parsed, _, options) => {
    try {
      return await resolve(state, deployment, did, parsed, options);
    } catch (error) {
      const problem = error instanceof DidProblem ? error : internal(error);
      return { didResolutionMetadata: problem.metadata, didDocument: null, didDocumentMetadata: {} };
    }
  };
}

async function resolve(
  state: DidState,
  deployment: Deployment,
  did: string,
  parsed: ParsedDID,
  options: DIDResolutionOptions,
): Promise<DIDResolutionResult> {
  const subject = subjectOf(did);
  if (subject === undefined) {
    throw new DidProblem(
      "INVALID_DID",
      `${did} is neither did:tenon:<chain id>:<64 hex digits> nor did:tenon:<chain id>:org:<number>`,
    );
  }
  const mediaType = mediaTypeFor(options.accept);
  const at = versionAsked(parsed.query, options);
  if (subject.chainId !== deployment.chainId) {
    throw new DidProblem(
      "NOT_FOUND",
      `This resolver reads chain ${deployment.chainId}, not ${subject.chainId}`,
    );
  }
  const { document, metadata } = await resolved(state, deployment, did, subject, at);
  return {
    didResolutionMetadata: options.accept === undefined ? {} : { contentType: mediaType },
    didDocument: mediaType === "application/did+json" ? withoutContext(document) : document,
    didDocumentMetadata: metadata,
  };
}

interface Resolved {
  document: DIDDocument;
  metadata: DIDDocumentMetadata;
}

function resolved(
  state: DidState,
  deployment: Deployment,
  did: string,
  subject: Subject,
  at: VersionAt,
): Promise<Resolved> {
  return subject.kind === "device"
    ? resolvedDevice(state, deployment, did, subject, at)
    : resolvedOrganisation(state, did, subject, at);
}

async function resolvedDevice(
  state: DidState,
  deployment: Deployment,
  did: string,
  { device }: Subject & { kind: "device" },
  at: VersionAt,
): Promise<Resolved> {
  const version = await state.device(device, at);
  requireReached(version, at);
  const metadata = metadataOf(version);
  if (version.deactivated) {
    return { document: deactivatedDocument(did), metadata: { ...metadata, deactivated: true } };
  }
  const key = await state.key(device, version);
  if (key === undefined) {
    throw new DidProblem(
      "INTERNAL_ERROR",
      `The node's log of block ${version.keyBlock} does not hold the key ${version.keyId}`,
    );
  }
  const { published, warning } = publishedIn(version);
  const document = deviceDocument({
    did,
    controller: organisationDid(deployment.chainId, version.organisation),
    key,
    published,
    grants: `eip155:${deployment.chainId}:${addressOf(deployment, "DeviceAccess")}`,
  });
  return { document, metadata: { ...metadata, ...warning } };
}

async function resolvedOrganisation(
  state: DidState,
  did: string,
  { chainId, organisation }: Subject & { kind: "organisation" },
  at: VersionAt,
): Promise<Resolved> {
  if (at !== undefined) {
    throw new DidProblem(
      "FEATURE_NOT_SUPPORTED",
      "Only the newest version of an organisation can be resolved",
    );
  }
  const { status, ...keys } = await state.organisation(organisation);
  if (status === "None") throw new DidProblem("NOT_FOUND", `No organisation has the number ${organisation}`);
  if (status === "Exited") {
    return { document: deactivatedDocument(did), metadata: { deactivated: true, status } };
  }
  return { document: organisationDocument({ did, chainId, ...keys }), metadata: { status } };
}

/** A block or a second that has not come yet would answer differently later. */
function requireReached({ created, head }: DeviceVersion, at: VersionAt): void {
  if (at !== undefined && "block" in at && at.block > head.block) {
    throw new DidProblem("NOT_FOUND", `There is no block ${at.block} yet; the newest is ${head.block}`);
  }
  const now = Math.max(head.time, Math.floor(Date.now() / 1000));
  if (at !== undefined && "time" in at && at.time > now) {
    throw new DidProblem("NOT_FOUND", `${dateTime(at.time)} lies ahead`);
  }
  if (created.block === 0) {
    throw new DidProblem(
      "NOT_FOUND",
      `The device is not registered${at === undefined ? "" : " at that time"}`,
    );
  }
}

function metadataOf({ created, version, next, status }: DeviceVersion): DIDDocumentMetadata {
  return {
    created: dateTime(created.time),
    ...(version.block === created.block ? {} : { updated: dateTime(version.time) }),
    versionId: String(version.block),
    ...(next === undefined ? { status } : nextChange(next)),
  };
}

function nextChange(next: Moment): DIDDocumentMetadata {
  return { nextUpdate: dateTime(next.time), nextVersionId: String(next.block) };
}

/** The contract stores any bytes. Malformed ones must not hide the device's key, nor pass unseen. */
function publishedIn({ published }: DeviceVersion) {
  try {
    return { published: decodeDocument(published), warning: {} };
  } catch (error) {
    if (!(error instanceof TenonError)) throw error;
    const none = decodeDocument(new Uint8Array());
    return {
      published: none,
      warning: { warning: `What the owner published is left out. ${error.message}` },
    };
  }
}

function versionAsked(query: string | undefined, options: DIDResolutionOptions): VersionAt {
  const parameters = new URLSearchParams(query ?? "");
  const versionId = parameters.get("versionId") ?? options.versionId;
  const versionTime = parameters.get("versionTime") ?? options.versionTime;
  if (versionId !== undefined && versionTime !== undefined) {
    throw new DidProblem("INVALID_OPTIONS", "versionId and versionTime exclude each other");
  }
  if (versionId !== undefined) return { block: blockNumber(String(versionId)) };
  return versionTime === undefined ? undefined : { time: seconds(String(versionTime)) };
}

function blockNumber(text: string): number {
  if (/^(0|[1-9][0-9]{0,14})$/.test(text)) return Number(text);
  throw new DidProblem("INVALID_OPTIONS", `versionId is the number of a block, not ${text}`);
}

function seconds(text: string): number {
  const time = Date.parse(text) / 1000;
  const form = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/;
  if (form.test(text) && time >= 0 && dateTime(time) === text) return time;
  throw new DidProblem(
    "INVALID_OPTIONS",
    `versionTime is UTC without fractions (2026-11-01T00:00:00Z), not ${text}`,
  );
}

/** XML Schema's dateTime in UTC, without fractions. */
function dateTime(time: number): string {
  return new Date(1000 * time).toISOString().replace(".000Z", "Z");
}

/** The first media type of an Accept header that this method has. */
function mediaTypeFor(accept: string | undefined): DidMediaType {
  if (accept === undefined) return "application/did";
  const asked = accept.split(",").map((one) => one.split(";")[0]!.trim().toLowerCase());
  const known = asked.flatMap((one) => mediaTypes.filter((type) => one === type));
  if (known[0] !== undefined) return known[0];
  if (asked.includes("*/*") || asked.includes("application/*")) return "application/did";
  throw new DidProblem("REPRESENTATION_NOT_SUPPORTED", `${accept}; there are ${mediaTypes.join(", ")}`);
}

function withoutContext(document: DIDDocument): DIDDocument {
  const { "@context": _, ...rest } = document;
  return rest;
}

function internal(error: unknown): DidProblem {
  return new DidProblem("INTERNAL_ERROR", error instanceof Error ? error.message : String(error));
}
