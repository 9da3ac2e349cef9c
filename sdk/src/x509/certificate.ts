import { createHash, X509Certificate } from "node:crypto";
import { type Hex, toHex } from "../bytes.js";
import { DerReader, type DerValue, malformed, oidText, Tag, unsigned, wholeBytes } from "./der.js";
import { CertificateError } from "./error.js";
import { type Extensions, readExtensions } from "./extensions.js";

/** An attribute of a distinguished name: OID and text. */
export interface NameAttribute {
  readonly oid: string;
  readonly value: string;
}

/** What is in an X.509 certificate, read strictly from its DER (RFC 5280 §4.1). */
export interface Certificate extends Extensions {
  readonly der: Uint8Array;
  /** SHA-256 of the DER: its name on the chain. */
  readonly hash: Hex;
  /** The part that is signed. */
  readonly tbs: Uint8Array;
  readonly version: number;
  readonly serial: bigint;
  readonly signatureAlgorithm: string;
  /** DER of the algorithm's parameters, where it has some. */
  readonly signatureParameters: Uint8Array | undefined;
  readonly signature: Uint8Array;
  /** Names as DER, for comparing. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly subjectAttributes: readonly NameAttribute[];
  /** Seconds since 1970, both included. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo in DER, and its algorithm and curve. */
  readonly publicKeyInfo: Uint8Array;
  readonly keyAlgorithm: string;
  readonly curve: string | undefined;
  readonly publicKey: Uint8Array;
  /** The same for node:crypto. */
  readonly x509: X509Certificate;
}

/** The most bytes a certificate may have. */
const maxSize = 65_536;

/**
 * Reads one certificate, PEM or DER.
 * @throws CertificateError `CertificateMalformed`.
 */
export function readCertificate(input: Uint8Array | string): Certificate {
  const all = readCertificates(input);
  if (all.length !== 1) throw malformed("Expected one certificate", { found: all.length });
  return all[0]!;
}

/** Reads certificates: DER of one, or a PEM text of any number, in their order. */
export function readCertificates(input: Uint8Array | string): Certificate[] {
  if (typeof input !== "string" && input[0] === Tag.sequence) return [fromDer(input)];
  const text = typeof input === "string" ? input : Buffer.from(input).toString("latin1");
  const blocks = text.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g);
  const found = [...blocks].map(([, body]) => fromDer(new Uint8Array(Buffer.from(body!, "base64"))));
  if (found.length === 0) throw malformed("There is no certificate in it", { size: input.length });
  return found;
}

function fromDer(der: Uint8Array): Certificate {
  if (der.length > maxSize) throw malformed("A certificate is too long", { size: der.length, max: maxSize });
  const outer = new DerReader(der);
  const whole = new DerReader(outer.read(Tag.sequence, "the certificate").content);
  outer.end("the certificate");
  const tbs = whole.read(Tag.sequence, "what is signed");
  const algorithm = whole.read(Tag.sequence, "the signature's algorithm");
  const signature = wholeBytes(whole.read(Tag.bits, "the signature").content, "the signature");
  whole.end("the certificate");
  const body = readBody(tbs, algorithm);
  return {
    der,
    hash: toHex(createHash("sha256").update(der).digest()),
    tbs: tbs.bytes,
    signature,
    ...body,
    x509: opened(der),
  };
}

/** OpenSSL checks signatures; it must see the same certificate. */
function opened(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new CertificateError("CertificateMalformed", "OpenSSL cannot read the certificate", {}, cause);
  }
}

function readBody(tbs: DerValue, algorithm: DerValue) {
  const reader = new DerReader(tbs.content);
  const version = readVersion(reader);
  const serial = unsigned(reader.read(Tag.integer, "the serial number").content, "the serial number");
  const inner = reader.read(Tag.sequence, "the inner algorithm");
  // The outer one is not signed: a difference would let somebody change how the signature is read.
  if (Buffer.compare(inner.bytes, algorithm.bytes) !== 0) throw malformed("The algorithms differ", {});
  const { oid: signatureAlgorithm, parameters } = algorithmOf(algorithm);
  const issuer = reader.read(Tag.sequence, "the issuer");
  const { notBefore, notAfter } = readValidity(reader.read(Tag.sequence, "the validity"));
  const subject = reader.read(Tag.sequence, "the subject");
  const key = readKey(reader.read(Tag.sequence, "the public key"));
  reader.optional(0x81, "the issuer's unique id");
  reader.optional(0x82, "the subject's unique id");
  const extensions = reader.optional(0xa3, "the extensions");
  reader.end("what is signed");
  return {
    version,
    serial,
    signatureAlgorithm,
    signatureParameters: parameters?.bytes,
    issuer: issuer.bytes,
    subject: subject.bytes,
    subjectAttributes: readName(subject),
    notBefore,
    notAfter,
    ...key,
    ...readExtensions(extensions?.content),
  };
}

function readVersion(reader: DerReader): number {
  const tagged = reader.optional(0xa0, "the version");
  if (tagged === undefined) return 1;
  const inner = new DerReader(tagged.content);
  const version = unsigned(inner.read(Tag.integer, "the version").content, "the version");
  inner.end("the version");
  return Number(version) + 1;
}

function readValidity(value: DerValue) {
  const reader = new DerReader(value.content);
  const notBefore = seconds(reader.any("notBefore"));
  const notAfter = seconds(reader.any("notAfter"));
  reader.end("the validity");
  return { notBefore, notAfter };
}

function seconds({ tag, content }: DerValue): number {
  const text = Buffer.from(content).toString("latin1");
  const utc = tag === Tag.utcTime && /^\d{12}Z$/.test(text);
  const generalized = tag === Tag.generalizedTime && /^\d{14}Z$/.test(text);
  if (!utc && !generalized) throw malformed("A time is not in the form of RFC 5280", { given: text });
  // Two digits of the year: 50 to 99 are 1950 to 1999 (RFC 5280 §4.1.2.5.1).
  const full = generalized ? text : (Number(text.slice(0, 2)) < 50 ? "20" : "19") + text;
  const [year, month, day, hour, minute, second] = full
    .match(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/)!
    .slice(1);
  const milliseconds = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(milliseconds)) throw malformed("A time does not exist", { given: text });
  return milliseconds / 1000;
}

function readKey(value: DerValue) {
  const reader = new DerReader(value.content);
  const { oid, parameters } = algorithmOf(reader.read(Tag.sequence, "the key's algorithm"));
  const publicKey = wholeBytes(reader.read(Tag.bits, "the key").content, "the key");
  reader.end("the public key");
  const curve = parameters?.tag === Tag.oid ? oidText(parameters.content) : undefined;
  return { publicKeyInfo: value.bytes, keyAlgorithm: oid, curve, publicKey };
}

function algorithmOf(value: DerValue): { oid: string; parameters: DerValue | undefined } {
  const reader = new DerReader(value.content);
  const oid = oidText(reader.read(Tag.oid, "an algorithm").content);
  const parameters = reader.tag === undefined ? undefined : reader.any("an algorithm's parameters");
  reader.end("an algorithm");
  return { oid, parameters };
}

function readName(name: DerValue): NameAttribute[] {
  const attributes: NameAttribute[] = [];
  const reader = new DerReader(name.content);
  while (reader.tag !== undefined) {
    const set = new DerReader(reader.read(Tag.set, "a name's part").content);
    while (set.tag !== undefined) {
      const pair = new DerReader(set.read(Tag.sequence, "a name's attribute").content);
      const oid = oidText(pair.read(Tag.oid, "an attribute's type").content);
      const value = Buffer.from(pair.any("an attribute's value").content).toString("utf8");
      pair.end("a name's attribute");
      attributes.push({ oid, value });
    }
  }
  return attributes;
}
