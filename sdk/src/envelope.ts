import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from "node:crypto";
import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from "@hpke/core";
import { keccak256 } from "ethers/crypto";
import { concatBytes, equalBytes, fromHex, type Hex, toHex, uintBytes } from "./bytes.js";
import { TenonError } from "./errors.js";
import { CborReader, CborWriter, Major } from "./frame/cbor.js";
import { FrameError } from "./frame/error.js";
import { type DeviceKey, P256 } from "./frame/key.js";

/*
 * An envelope: one content, sealed once with a fresh key, and that key sealed by HPKE (RFC 9180, base mode,
 * DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM) to each recipient.
 *
 *   envelope  = 84 01 <commitment 32> <sealed> <recipients>           deterministic CBOR
 *   recipient = 85 <organisation> <use> <key version> <enc 65> <wrapped 48>   ascending, none twice
 *   sealed    = AES-256-GCM(key, nonce 0, salt 32 ‖ length u32 ‖ content ‖ zeros, aad = label ‖ commitment)
 *   wrapped   = HPKE(content key, info = label, aad = commitment ‖ organisation u32 ‖ use u8 ‖ key version u32)
 *   commitment = keccak256(label ‖ subject 32 ‖ salt ‖ content)
 *
 * The nonce may be fixed because a key seals one content, once. The commitment makes sure that all recipients read the
 * same content (AES-GCM alone would let a sealer show two of them two), that no wrapped key fits another envelope,
 * and that the content is about this subject. It is what contracts keep; the salt hides a content that can be guessed.
 */

/** What a key to seal to is for: everybody's own secrets, or what a regulator may read. */
export type SealingUse = "Encryption" | "Disclosure";

/** A key that is sealed to, by its name in the contract OrganisationKeys. */
export interface SealingKeyName {
  readonly organisation: number;
  readonly use: SealingUse;
  readonly version: number;
}

/** The public key of a recipient: P-256 (`curve` 1). */
export interface EnvelopeRecipient extends SealingKeyName {
  readonly key: DeviceKey;
}

/** Who opens an envelope: an organisation with the P-256 private key behind one of its published ones. */
export interface EnvelopeReader {
  readonly organisation: number;
  readonly privateKey: KeyObject;
}

/** An envelope as it is on the wire, with what a contract keeps of it. */
export interface SealedEnvelope {
  readonly bytes: Uint8Array;
  readonly commitment: Hex;
}

/** What anybody can read of an envelope without a key. */
export interface EnvelopeParts {
  readonly commitment: Hex;
  readonly sealed: Uint8Array;
  readonly recipients: readonly WrappedKey[];
}

export interface WrappedKey extends SealingKeyName {
  /** HPKE's encapsulated key, an uncompressed point. */
  readonly enc: Uint8Array;
  /** The content key, sealed to this recipient. */
  readonly wrapped: Uint8Array;
}

export const MAX_CONTENT = 65_000;
export const MAX_RECIPIENTS = 32;

const VERSION = 1;
const LABEL = new Uint8Array(Buffer.from("tenon-envelope-v1", "ascii"));
const SALT = 32;
const TAG = 16;
const ENC = 65;
const WRAPPED = 32 + TAG;
const NONCE = new Uint8Array(12);
const MAX_UINT32 = 0xffff_ffff;
/** As the contract numbers them. */
const USES: Record<SealingUse, number> = { Encryption: 1, Disclosure: 2 };

/** The suite of every envelope: RFC 9180 ids 0x0010, 0x0001, 0x0002. */
export const envelopeSuite = new CipherSuite({
  kem: new DhkemP256HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

/** The salted hash by which a contract knows a content that it cannot read. */
export function envelopeCommitment(subject: Hex, salt: Uint8Array, content: Uint8Array): Hex {
  return keccak256(concatBytes(LABEL, fromHex(subject, 32), salt, content)) as Hex;
}

/** Bytes that a content of this length takes up before it is sealed: a power of two from 128, so that lengths say little. */
export function paddedLength(content: number): number {
  let length = 128;
  while (length < SALT + 4 + content) length *= 2;
  return length;
}

/**
 * Seals a content to all recipients.
 * @param subject What it is about, 32 bytes: for a device's endpoint the device id. It has to be given again to open it.
 * @throws TenonError `EnvelopeContentTooLong`, `EnvelopeRecipientsInvalid`, `EnvelopeKeyInvalid`.
 */
export async function sealEnvelope(envelope: {
  readonly subject: Hex;
  readonly content: Uint8Array;
  readonly recipients: readonly EnvelopeRecipient[];
}): Promise<SealedEnvelope> {
  const { subject, content, recipients } = envelope;
  if (content.length > MAX_CONTENT) {
    throw new TenonError("EnvelopeContentTooLong", "The content does not fit an envelope", {
      args: { bytes: content.length, limit: MAX_CONTENT },
      remedy: "Seal a reference to it, and its hash, instead.",
    });
  }
  const salt = randomBytes(SALT);
  const commitment = envelopeCommitment(subject, salt, content);
  const plain = new Uint8Array(paddedLength(content.length));
  plain.set(concatBytes(salt, uintBytes(content.length, 4), content));
  const key = randomBytes(32);
  const cipher = createCipheriv("aes-256-gcm", key, NONCE).setAAD(concatBytes(LABEL, fromHex(commitment)));
  const sealed = concatBytes(cipher.update(plain), cipher.final(), cipher.getAuthTag());
  const wrapped = await Promise.all(recipients.map((recipient) => wrap(key, commitment, recipient)));
  return { bytes: encode({ commitment, sealed, recipients: ordered(wrapped) }), commitment };
}

/**
 * Opens an envelope and checks that the content is the one committed to, about this subject.
 * @param expected The commitment in the pass or contract. Without it the envelope's own is used, which says only that
 * all recipients of these bytes read the same.
 * @throws TenonError `EnvelopeMalformed`, `EnvelopeNotAddressed`, `EnvelopeKeyWrong`, `EnvelopeDamaged`,
 * `EnvelopeCommitmentMismatch`.
 */
export async function openEnvelope(
  bytes: Uint8Array,
  reader: EnvelopeReader,
  about: { readonly subject: Hex; readonly commitment?: Hex },
): Promise<Uint8Array> {
  const parts = decodeEnvelope(bytes);
  return contentOf(parts, await contentKey(parts, reader), about);
}

/**
 * Addresses the same content to more recipients, or to new keys of those it has: their older entries are replaced. The
 * sealed content and the commitment stay as they are. Who could read it before can still read the older bytes.
 * @param without Organisations that are left out of the new bytes.
 */
export async function readdressEnvelope(
  bytes: Uint8Array,
  reader: EnvelopeReader,
  subject: Hex,
  change: { readonly add?: readonly EnvelopeRecipient[]; readonly without?: readonly number[] },
): Promise<SealedEnvelope> {
  const parts = decodeEnvelope(bytes);
  const key = await contentKey(parts, reader);
  contentOf(parts, key, { subject });
  const { add = [], without = [] } = change;
  const replaced = (old: WrappedKey) =>
    add.some(({ organisation, use }) => organisation === old.organisation && use === old.use);
  const kept = parts.recipients.filter((old) => !without.includes(old.organisation) && !replaced(old));
  const fresh = await Promise.all(add.map((recipient) => wrap(key, parts.commitment, recipient)));
  const recipients = ordered([...kept, ...fresh]);
  return { bytes: encode({ ...parts, recipients }), commitment: parts.commitment };
}

/** Reads the outside of an envelope strictly. @throws TenonError `EnvelopeMalformed`. */
export function decodeEnvelope(bytes: Uint8Array): EnvelopeParts {
  try {
    return read(new CborReader(bytes));
  } catch (cause) {
    if (!(cause instanceof FrameError)) throw cause;
    throw new TenonError("EnvelopeMalformed", "The bytes are not an envelope", {
      args: { reason: cause.message.split("\n")[0], ...cause.args },
      remedy: "Take the envelope's bytes exactly as they were published.",
      cause,
    });
  }
}

function read(reader: CborReader): EnvelopeParts {
  reader.exact(Major.array, 4, "an array of 4");
  reader.exact(Major.uint, VERSION, "envelope version 1");
  reader.byteString("commitment", 32, 32);
  const commitment = toHex(reader.slice());
  reader.byteString("sealed content", paddedLength(0) + TAG, paddedLength(MAX_CONTENT) + TAG);
  const sealed = new Uint8Array(reader.slice());
  const count = reader.count(Major.array, 1, MAX_RECIPIENTS, "recipients");
  const recipients: WrappedKey[] = [];
  for (let i = 0; i < count; i++) recipients.push(readRecipient(reader, recipients.at(-1)));
  reader.finish("the envelope");
  return { commitment, sealed, recipients };
}

function readRecipient(reader: CborReader, before: WrappedKey | undefined): WrappedKey {
  const offset = reader.position;
  reader.exact(Major.array, 5, "a recipient of five parts");
  const organisation = reader.uintWithin("organisation", 1, MAX_UINT32);
  const use = reader.uintWithin("use", USES.Encryption, USES.Disclosure) === 1 ? "Encryption" : "Disclosure";
  const version = reader.uintWithin("key version", 0, MAX_UINT32);
  reader.byteString("encapsulated key", ENC, ENC);
  const enc = new Uint8Array(reader.slice());
  reader.byteString("wrapped key", WRAPPED, WRAPPED);
  const recipient: WrappedKey = { organisation, use, version, enc, wrapped: new Uint8Array(reader.slice()) };
  if (before !== undefined && compare(before, recipient) >= 0) {
    throw new FrameError("FrameNotCanonical", "Recipients ascend, none twice", { offset });
  }
  return recipient;
}

function encode({ commitment, sealed, recipients }: EnvelopeParts): Uint8Array {
  const writer = new CborWriter()
    .head(Major.array, 4)
    .int(VERSION)
    .bytes(fromHex(commitment, 32))
    .bytes(sealed)
    .head(Major.array, recipients.length);
  for (const { organisation, use, version, enc, wrapped } of recipients) {
    writer.head(Major.array, 5).int(organisation).int(USES[use]).int(version).bytes(enc).bytes(wrapped);
  }
  return writer.finish();
}

function compare(a: WrappedKey, b: WrappedKey): number {
  return a.organisation - b.organisation || USES[a.use] - USES[b.use] || a.version - b.version;
}

function ordered(recipients: readonly WrappedKey[]): WrappedKey[] {
  const sorted = recipients.toSorted(compare);
  const twice = sorted.find((one, i) => i > 0 && compare(one, sorted[i - 1]!) === 0);
  if (sorted.length >= 1 && sorted.length <= MAX_RECIPIENTS && twice === undefined) return sorted;
  throw new TenonError("EnvelopeRecipientsInvalid", "An envelope has 1 to 32 recipients, none twice", {
    args: { recipients: sorted.length, twice: twice?.organisation },
    remedy: "Name each organisation once, by the newest of its encryption keys.",
  });
}

async function wrap(key: Uint8Array, commitment: Hex, recipient: EnvelopeRecipient): Promise<WrappedKey> {
  const { organisation, use, version } = recipient;
  const recipientPublicKey = await publicKey(recipient);
  const aad = wrapAad(commitment, recipient);
  const sealed = await envelopeSuite.seal({ recipientPublicKey, info: LABEL }, key, aad);
  const [enc, wrapped] = [new Uint8Array(sealed.enc), new Uint8Array(sealed.ct)];
  return { organisation, use, version, enc, wrapped };
}

async function publicKey({ organisation, use, version, key }: EnvelopeRecipient) {
  try {
    if (key.curve !== P256) throw new RangeError("not a P-256 key");
    const point = concatBytes(Uint8Array.of(4), fromHex(key.x, 32), fromHex(key.y, 32));
    return await envelopeSuite.kem.deserializePublicKey(point);
  } catch (cause) {
    throw new TenonError("EnvelopeKeyInvalid", "A recipient's key cannot be sealed to", {
      args: { organisation, use, version, ...key },
      remedy: "Let the organisation publish a P-256 encryption key.",
      cause,
    });
  }
}

function wrapAad(commitment: Hex, { organisation, use, version }: SealingKeyName): Uint8Array {
  const name = [uintBytes(organisation, 4), uintBytes(USES[use], 1), uintBytes(version, 4)];
  return concatBytes(fromHex(commitment, 32), ...name);
}

async function contentKey(parts: EnvelopeParts, reader: EnvelopeReader): Promise<Uint8Array> {
  const { organisation } = reader;
  const addressed = parts.recipients.filter((one) => one.organisation === organisation);
  const names = parts.recipients.map((one) => `${one.organisation} (${one.use} ${one.version})`).join(", ");
  if (addressed.length === 0) {
    throw new TenonError("EnvelopeNotAddressed", "The envelope is not addressed to this organisation", {
      args: { organisation, recipients: names },
      remedy: "Ask one of its recipients to address it to you as well.",
    });
  }
  const recipientKey = await privateKeyOf(reader);
  for (const one of addressed) {
    const aad = wrapAad(parts.commitment, one);
    const parameters = { recipientKey, enc: one.enc, info: LABEL };
    const opened = await envelopeSuite.open(parameters, one.wrapped, aad).catch(() => undefined);
    if (opened !== undefined) return new Uint8Array(opened);
  }
  throw new TenonError("EnvelopeKeyWrong", "The key does not open what was sealed to this organisation", {
    args: { organisation, recipients: names },
    remedy: "Use the private key of the version that the envelope names; or its bytes were changed.",
  });
}

async function privateKeyOf({ organisation, privateKey }: EnvelopeReader) {
  const { crv, d } = privateKey.type === "private" ? privateKey.export({ format: "jwk" }) : {};
  if (crv === "P-256" && d !== undefined) {
    return envelopeSuite.kem.deserializePrivateKey(new Uint8Array(Buffer.from(d, "base64url")));
  }
  throw new TenonError("EnvelopeKeyInvalid", "Envelopes are opened with a P-256 private key", {
    args: { organisation, type: privateKey.asymmetricKeyType ?? privateKey.type },
    remedy: "Give the private key whose public half the organisation published for encryption.",
  });
}

function contentOf(
  parts: EnvelopeParts,
  key: Uint8Array,
  about: { readonly subject: Hex; readonly commitment?: Hex },
): Uint8Array {
  const plain = unseal(parts, key);
  const salt = plain.subarray(0, SALT);
  const length = Buffer.from(plain).readUInt32BE(SALT);
  const end = SALT + 4 + length;
  const canonical = length <= MAX_CONTENT && plain.length === paddedLength(length);
  if (!canonical || !equalBytes(plain.subarray(end), new Uint8Array(plain.length - end))) {
    throw damaged("its padding is not the one of its length");
  }
  const content = plain.slice(SALT + 4, end);
  const found = envelopeCommitment(about.subject, salt, content);
  const expected = (about.commitment ?? parts.commitment).toLowerCase();
  if (found === expected && found === parts.commitment) return content;
  throw new TenonError("EnvelopeCommitmentMismatch", "The content is not the one that was committed to", {
    args: { subject: about.subject, expected, found, named: parts.commitment },
    remedy:
      "Do not use it: it is about something else, or its sealer shows different readers different contents.",
  });
}

function unseal({ commitment, sealed }: EnvelopeParts, key: Uint8Array): Uint8Array {
  const decipher = createDecipheriv("aes-256-gcm", key, NONCE)
    .setAAD(concatBytes(LABEL, fromHex(commitment)))
    .setAuthTag(sealed.subarray(-TAG));
  try {
    return concatBytes(decipher.update(sealed.subarray(0, -TAG)), decipher.final());
  } catch (cause) {
    throw damaged("its tag does not fit", cause);
  }
}

function damaged(reason: string, cause?: unknown): TenonError {
  return new TenonError("EnvelopeDamaged", "The sealed content was changed", {
    args: { reason },
    remedy: "Take the envelope's bytes exactly as they were published.",
    cause,
  });
}
