import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/**
 * Writes X.509 certificates as an authority would, and as a forger would: every part can be set. Independent of the
 * reader under test; `test/sdk/data/x509/` has certificates that OpenSSL made.
 */
export interface CertificatePlan {
  subject?: Name;
  issuer?: Name;
  serial?: bigint;
  version?: number;
  notBefore?: Date;
  notAfter?: Date;
  /** The certified key; the issuer signs. */
  key: KeyObject;
  signer: KeyObject;
  extensions?: readonly Buffer[];
  /** What stands as algorithm, inside and outside; fitting the signer unless given. */
  algorithm?: Buffer;
  outerAlgorithm?: Buffer;
  /** Instead of signing. */
  signature?: Uint8Array;
}

export type Name = readonly (readonly [oid: string, value: string])[];

export const OID = {
  commonName: "2.5.4.3",
  serialNumber: "2.5.4.5",
  ecdsaSha256: "1.2.840.10045.4.3.2",
  ecdsaSha1: "1.2.840.10045.4.1",
  rsaSha256: "1.2.840.113549.1.1.11",
  ed25519: "1.3.101.112",
  sm2Sm3: "1.2.156.10197.1.501",
} as const;

// ---------------------------------------------------------------- DER

export function tlv(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const digits =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...digits]), content]);
}

export const sequence = (...parts: Uint8Array[]) => tlv(0x30, ...parts);

export function oid(text: string): Buffer {
  const [first, second, ...rest] = text.split(".").map(Number);
  const arcs = [40 * first! + second!, ...rest];
  const bytes = arcs.flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      groups.unshift((left & 0x7f) | 0x80);
    }
    return groups;
  });
  return tlv(6, Buffer.from(bytes));
}

export function integer(value: bigint): Buffer {
  const hex = value.toString(16);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  return tlv(2, Buffer.from(Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even, "hex"));
}

function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  return date.getUTCFullYear() < 2050
    ? tlv(0x17, Buffer.from(digits.slice(2)))
    : tlv(0x18, Buffer.from(digits));
}

function name(parts: Name): Buffer {
  return sequence(
    ...parts.map(([type, value]) => tlv(0x31, sequence(oid(type), tlv(0x0c, Buffer.from(value))))),
  );
}

// ---------------------------------------------------------------- extensions

export function extension(type: string, critical: boolean, value: Uint8Array): Buffer {
  return sequence(oid(type), ...(critical ? [tlv(1, Buffer.from([0xff]))] : []), tlv(4, value));
}

export const basicConstraints = (authority: boolean, pathLength?: number) =>
  extension(
    "2.5.29.19",
    true,
    sequence(
      ...(authority ? [tlv(1, Buffer.from([0xff]))] : []),
      ...(pathLength === undefined ? [] : [integer(BigInt(pathLength))]),
    ),
  );

/** Bits by their numbers: 0 digitalSignature, 2 keyEncipherment, 5 keyCertSign, 6 cRLSign. */
export function keyUsage(bits: number[], critical = true): Buffer {
  const byte = bits.reduce((sum, bit) => sum | (0x80 >> bit), 0);
  return extension("2.5.29.15", critical, tlv(3, Buffer.from([7 - Math.max(...bits), byte])));
}

export const uriName = (...uris: string[]) =>
  extension("2.5.29.17", false, sequence(...uris.map((uri) => tlv(0x86, Buffer.from(uri)))));

export function keyId(key: KeyObject): Buffer {
  const spki = publicInfo(key);
  return createHash("sha256").update(spki).digest().subarray(0, 20);
}

export const subjectKeyId = (key: KeyObject) => extension("2.5.29.14", false, tlv(4, keyId(key)));
export const authorityKeyId = (key: KeyObject) =>
  extension("2.5.29.35", false, sequence(tlv(0x80, keyId(key))));

// ---------------------------------------------------------------- certificates

export function publicInfo(key: KeyObject): Buffer {
  return key.export({ format: "der", type: "spki" }) as Buffer;
}

function algorithmFor(key: KeyObject): Buffer {
  const type = key.asymmetricKeyType;
  if (type === "ed25519") return sequence(oid(OID.ed25519));
  return type === "rsa" ? sequence(oid(OID.rsaSha256), tlv(5)) : sequence(oid(OID.ecdsaSha256));
}

export function makeCertificate(plan: CertificatePlan): Buffer {
  const {
    subject = [[OID.commonName, "device"]],
    issuer = [[OID.commonName, "authority"]],
    serial = 1n,
    version = 3,
    notBefore = new Date(Date.now() - 86_400_000),
    notAfter = new Date(Date.now() + 86_400_000),
    key,
    signer,
    extensions = [],
    algorithm = algorithmFor(signer),
    outerAlgorithm = algorithm,
  } = plan;
  const tbs = sequence(
    ...(version === 1 ? [] : [tlv(0xa0, integer(BigInt(version - 1)))]),
    integer(serial),
    algorithm,
    name(issuer),
    sequence(time(notBefore), time(notAfter)),
    name(subject),
    publicInfo(key),
    ...(extensions.length === 0 ? [] : [tlv(0xa3, sequence(...extensions))]),
  );
  const hash = signer.asymmetricKeyType === "ed25519" ? null : "sha256";
  const signature = plan.signature ?? sign(hash, tbs, signer);
  return sequence(tbs, outerAlgorithm, tlv(3, Buffer.from([0]), signature));
}

export interface KeyPair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

export const ecKeys = (namedCurve = "P-256"): KeyPair => generateKeyPairSync("ec", { namedCurve });

export interface TestAuthority {
  name: Name;
  keys: KeyPair;
  der: Buffer;
  /** `0x` and SHA-256 of the DER. */
  hash: `0x${string}`;
}

/** An authority that signed itself, or that another one certified. */
export function makeAuthority(
  title: string,
  {
    keys = ecKeys(),
    above,
    ...plan
  }: Partial<CertificatePlan> & { keys?: KeyPair; above?: TestAuthority } = {},
): TestAuthority {
  const own: Name = [[OID.commonName, title]];
  const signer = above?.keys ?? keys;
  const der = makeCertificate({
    subject: own,
    issuer: above?.name ?? own,
    serial: 7n,
    key: keys.publicKey,
    signer: signer.privateKey,
    notAfter: new Date("2060-01-01T00:00:00Z"),
    extensions: [
      basicConstraints(true),
      keyUsage([5, 6]),
      subjectKeyId(keys.publicKey),
      authorityKeyId(signer.publicKey),
    ],
    ...plan,
  });
  return { name: own, keys, der, hash: sha256Hex(der) };
}

/** A device's certificate as the profile wants it; `plan` changes what a test is about. */
export function makeDeviceCertificate(
  authority: TestAuthority,
  plan: Partial<CertificatePlan> & { key: KeyObject; uris?: string[] },
): Buffer {
  const { uris = [], ...rest } = plan;
  return makeCertificate({
    subject: [
      [OID.commonName, "excavator controller"],
      [OID.serialNumber, "EC-0001"],
    ],
    issuer: authority.name,
    serial: 0x1234n,
    signer: authority.keys.privateKey,
    notAfter: new Date("9999-12-31T23:59:59Z"),
    extensions: deviceExtensions(authority, uris),
    ...rest,
  });
}

export function deviceExtensions(authority: TestAuthority, uris: string[] = []): Buffer[] {
  return [
    basicConstraints(false),
    keyUsage([0]),
    authorityKeyId(authority.keys.publicKey),
    ...(uris.length === 0 ? [] : [uriName(...uris)]),
  ];
}

export function sha256Hex(bytes: Uint8Array): `0x${string}` {
  return `0x${createHash("sha256").update(bytes).digest("hex")}`;
}

export function pem(...certificates: Uint8Array[]): string {
  return certificates
    .map((der) => Buffer.from(der).toString("base64").replace(/.{64}/g, "$&\n"))
    .map((body) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`)
    .join("");
}
