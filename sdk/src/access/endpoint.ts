import { keccak256 } from "ethers";
import { fromHex, type Hex, toHex } from "../bytes.js";
import type { OrganisationKey, OrganisationKeys } from "../consortium/organisation-keys.js";
import {
  type EnvelopeReader,
  type EnvelopeRecipient,
  openEnvelope,
  readdressEnvelope,
  sealEnvelope,
} from "../envelope.js";
import { TenonError } from "../errors.js";
import { P256 } from "../frame/key.js";
import { findEvents } from "../logs.js";
import type { EventSource } from "./events.js";

/** The device's address in the owner's network, sealed for a pass: what the pass signs, and what goes with it. */
export interface SealedEndpoint {
  /** Salted hash, in the pass and in the contract. */
  readonly commitment: Hex;
  /** Keccak-256 of the envelope, in the pass. */
  readonly envelopeHash: Hex;
  readonly envelope: Hex;
}

const NONE = toHex(new Uint8Array(32));
export const noEndpoint: SealedEndpoint = { commitment: NONE, envelopeHash: NONE, envelope: "0x" };

/**
 * The keys that an endpoint is sealed to: the grantee's and the owner's for encryption, and those of all regulators.
 * @throws TenonError `EncryptionKeyMissing` when the grantee has none, `DisclosureKeyMissing` when no regulator has.
 */
export async function endpointRecipients(
  keys: OrganisationKeys,
  parties: { readonly grantee: number; readonly owner: number },
): Promise<EnvelopeRecipient[]> {
  const organisations = [...new Set([parties.grantee, parties.owner])];
  const own = await Promise.all(organisations.map((org) => keys.get(org, "Encryption")));
  if (own[0] === undefined) {
    throw new TenonError("EncryptionKeyMissing", "The grantee's organisation has no key to seal to", {
      args: { organisation: parties.grantee },
      remedy: 'Let its device manager publish one: tenon.keys.publish("Encryption", key).',
    });
  }
  const regulators = await keys.disclosure();
  if (regulators.length === 0) {
    throw new TenonError("DisclosureKeyMissing", "No regulator has published a key to seal to", {
      args: {},
      remedy: "Let a regulator publish one: every endpoint is sealed to the regulators as well.",
    });
  }
  return [...own, ...regulators].flatMap((key) => (key === undefined ? [] : recipientOf(key)));
}

function recipientOf({ organisation, use, version, x, y }: OrganisationKey): EnvelopeRecipient[] {
  return use === "DeviceFacing" ? [] : [{ organisation, use, version, key: { curve: P256, x, y } }];
}

export async function sealEndpoint(
  device: Hex,
  endpoint: string,
  recipients: readonly EnvelopeRecipient[],
): Promise<SealedEndpoint> {
  const content = new Uint8Array(Buffer.from(endpoint, "utf8"));
  return sealedOf(await sealEnvelope({ subject: device, content, recipients }));
}

/** The same endpoint for further readers: the commitment stays. */
export async function passEndpointOn(
  envelope: Hex,
  device: Hex,
  reader: EnvelopeReader,
  recipients: readonly EnvelopeRecipient[],
): Promise<SealedEndpoint> {
  return sealedOf(await readdressEnvelope(fromHex(envelope), reader, device, { add: recipients }));
}

function sealedOf({ bytes, commitment }: { bytes: Uint8Array; commitment: Hex }): SealedEndpoint {
  return { commitment, envelopeHash: keccak256(bytes) as Hex, envelope: toHex(bytes) };
}

/**
 * The envelope that was published with a pass.
 * @throws TenonError `EndpointMissing`.
 */
export async function publishedEnvelope(
  source: EventSource,
  device: Hex,
  grantee: Hex,
  commitment: Hex,
): Promise<Hex> {
  const sealed = await sealedEndpoints(source, device, grantee);
  const found = sealed.findLast((one) => one.commitment === commitment);
  if (found !== undefined && commitment !== NONE) return found.envelope;
  throw missing({ device, grantee, commitment });
}

/**
 * What was published last for a grantee, whether its pass still stands or not.
 * @throws TenonError `EndpointMissing`.
 */
export async function lastEnvelope(
  source: EventSource,
  device: Hex,
  grantee: Hex,
): Promise<{ readonly commitment: Hex; readonly envelope: Hex }> {
  const found = (await sealedEndpoints(source, device, grantee)).at(-1);
  if (found !== undefined) return found;
  throw missing({ device, grantee });
}

async function sealedEndpoints(source: EventSource, device: Hex, grantee: Hex) {
  const query = { ...source, event: "EndpointSealed", args: [device, grantee] };
  const events = await findEvents(source.provider, query);
  return events
    .map(({ event: { args } }) => ({ commitment: args.commitment as Hex, envelope: args.envelope as Hex }))
    .filter(({ envelope }) => envelope !== "0x");
}

function missing(args: Record<string, unknown>): TenonError {
  return new TenonError("EndpointMissing", "No sealed endpoint was published with this pass", {
    args,
    remedy: "Ask the owner for it: it may have been handed over in another way, or the pass gives none.",
  });
}

/** @throws TenonError as `openEnvelope`. */
export async function openEndpoint(
  envelope: Hex,
  device: Hex,
  commitment: Hex,
  reader: EnvelopeReader,
): Promise<string> {
  const content = await openEnvelope(fromHex(envelope), reader, { subject: device, commitment });
  return Buffer.from(content).toString("utf8");
}
