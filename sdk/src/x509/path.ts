import { concatBytes, equalBytes, type Hex } from "../bytes.js";
import { verifySm2 } from "../did/sm2.js";
import { TenonError } from "../errors.js";
import { signatureFromDer } from "../frame/der.js";
import type { Certificate } from "./certificate.js";
import { DerReader, oidText, Tag } from "./der.js";
import { CertificateError } from "./error.js";
import { Extension } from "./extensions.js";

/** SM2 (GB/T 32918, GM/T 0006): its curve, and its signature with SM3. */
export const SM2_CURVE = "1.2.156.10197.1.301";
const SM2_SM3 = "1.2.156.10197.1.501";

/** Its parameters name the hash; without one it is SHA-1 (RFC 4055 §3.1). */
const RSA_PSS = "1.2.840.113549.1.1.10";
const sha2 = ["2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3"];

/** Signature algorithms by OID: SHA-2 or better, nothing that was ever broken. */
const algorithms: Readonly<Record<string, string>> = {
  "1.2.840.10045.4.3.2": "ECDSA with SHA-256",
  "1.2.840.10045.4.3.3": "ECDSA with SHA-384",
  "1.2.840.10045.4.3.4": "ECDSA with SHA-512",
  [RSA_PSS]: "RSASSA-PSS over SHA-2",
  "1.2.840.113549.1.1.11": "RSA with SHA-256",
  "1.2.840.113549.1.1.12": "RSA with SHA-384",
  "1.2.840.113549.1.1.13": "RSA with SHA-512",
  "1.3.101.112": "Ed25519",
  "1.3.101.113": "Ed448",
  [SM2_SM3]: "SM2 with SM3",
};

const understood = new Set<string>(Object.values(Extension));
const nameConstraints = "2.5.29.30";
/** More authorities than this above one device is not a chain anybody made in earnest. */
const maxAbove = 8;
const minRsaBits = 2048;

/**
 * The certificates from a device's own up to the first admitted authority, each checked: signed by the next, in its
 * time, and allowed to sign (RFC 5280 §6.1, without policies and name constraints, whose certificates are refused).
 * The admitted authority itself is trusted for its hash; who signed it is not asked.
 * @param pool Certificates that came with it, in any order.
 * @param admitted Whether a certificate, by its SHA-256, is an admitted authority's.
 * @param at Seconds since 1970.
 * @throws CertificateError
 */
export function verifyPath(
  leaf: Certificate,
  pool: readonly Certificate[],
  admitted: (hash: Hex) => boolean,
  at: number,
): Certificate[] {
  const path = [leaf];
  checkOne(leaf, at);
  for (let below = 0; below < maxAbove; below++) {
    const child = path[below]!;
    const issuer = issuerOf(child, pool, admitted);
    checkOne(issuer, at);
    checkAuthority(issuer, below);
    path.push(issuer);
    if (admitted(issuer.hash)) return path;
  }
  throw missing(path[maxAbove]!);
}

function issuerOf(
  child: Certificate,
  pool: readonly Certificate[],
  admitted: (hash: Hex) => boolean,
): Certificate {
  const named = pool.filter(
    (one) => one.hash !== child.hash && equalBytes(one.subject, child.issuer) && keyIdsAgree(child, one),
  );
  if (named.length === 0) throw missing(child);
  checkAlgorithm(child);
  const signers = named.filter((one) => isSignedBy(child, one));
  const signer = signers.find(({ hash }) => admitted(hash)) ?? signers[0];
  if (signer !== undefined) return signer;
  throw new CertificateError("CertificateSignatureInvalid", "The issuer did not sign this certificate", {
    certificate: child.hash,
    issuer: named[0]!.hash,
  });
}

function keyIdsAgree(child: Certificate, issuer: Certificate): boolean {
  if (!child.authorityKeyId || issuer.subjectKeyId === undefined) return true;
  return child.authorityKeyId === issuer.subjectKeyId;
}

function checkAlgorithm({ signatureAlgorithm, signatureParameters, hash }: Certificate): void {
  const pssHash = signatureAlgorithm === RSA_PSS ? pssHashOf(signatureParameters) : undefined;
  const taken = signatureAlgorithm !== RSA_PSS || (pssHash !== undefined && sha2.includes(pssHash));
  if (algorithms[signatureAlgorithm] !== undefined && taken) return;
  throw new CertificateError("CertificateAlgorithmRefused", "The signature's algorithm is not taken", {
    certificate: hash,
    algorithm: signatureAlgorithm,
    ...(signatureAlgorithm === RSA_PSS ? { hash: pssHash ?? "SHA-1" } : {}),
  });
}

function pssHashOf(parameters: Uint8Array | undefined): string | undefined {
  if (parameters === undefined) return undefined;
  const fields = new DerReader(parameters).read(Tag.sequence, "the parameters of RSASSA-PSS").content;
  const tagged = new DerReader(fields).optional(0xa0, "the hash");
  if (tagged === undefined) return undefined;
  const algorithm = new DerReader(tagged.content).read(Tag.sequence, "the hash").content;
  return oidText(new DerReader(algorithm).read(Tag.oid, "the hash").content);
}

function isSignedBy(child: Certificate, issuer: Certificate): boolean {
  if (child.signatureAlgorithm === SM2_SM3) {
    return issuer.curve === SM2_CURVE && isSignedBySm2(child, issuer.publicKey);
  }
  const { publicKey } = issuer.x509;
  const bits = publicKey.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < minRsaBits) {
    throw new CertificateError("CertificateAlgorithmRefused", "An authority's RSA key is too short", {
      certificate: issuer.hash,
      bits,
      least: minRsaBits,
    });
  }
  return child.x509.verify(publicKey);
}

/**
 * Under the name that certificates are signed by (GM/T 0009). OpenSSL could do it only for signers without a name.
 * @param point The issuer's key, uncompressed: 65 bytes.
 */
function isSignedBySm2({ tbs, signature }: Certificate, point: Uint8Array): boolean {
  if (point.length !== 65 || point[0] !== 4) return false;
  const compressed = concatBytes(Uint8Array.of(2 + (point[64]! & 1)), point.subarray(1, 33));
  try {
    return verifySm2(tbs, signatureFromDer(signature), compressed);
  } catch (error) {
    if (error instanceof TenonError && error.code === "SignatureDerInvalid") return false;
    throw error;
  }
}

/** What every certificate of a path must be. */
function checkOne(certificate: Certificate, at: number): void {
  const { hash, version, extensions, notBefore, notAfter } = certificate;
  if (version !== 3) throw profile(certificate, "version 3", version);
  for (const [oid, { critical }] of extensions) {
    if (oid === nameConstraints || (critical && !understood.has(oid))) {
      throw new CertificateError(
        "CertificateExtensionRefused",
        "An extension that binds is not understood here",
        { certificate: hash, extension: oid, critical },
      );
    }
  }
  if (at < notBefore || at > notAfter) {
    throw new CertificateError("CertificateNotCurrent", "The certificate does not hold at this time", {
      certificate: hash,
      notBefore: utc(notBefore),
      notAfter: utc(notAfter),
      at: utc(at),
    });
  }
}

/** @param below How many authorities stand between it and the device's certificate. */
function checkAuthority(certificate: Certificate, below: number): void {
  const { hash, authority, keyUsage, pathLength } = certificate;
  const mayNot = (why: string) =>
    new CertificateError("CertificateNotAuthority", "The certificate above may not sign certificates", {
      certificate: hash,
      why,
    });
  if (!authority) throw mayNot("its basic constraints do not make it an authority");
  if (keyUsage !== undefined && !keyUsage.has("keyCertSign"))
    throw mayNot("its key usage has no keyCertSign");
  if (pathLength !== undefined && below > pathLength) {
    throw mayNot(`its path length is ${pathLength}, and ${below} authorities stand below it`);
  }
}

export function profile(certificate: Certificate, rule: string, found: unknown): CertificateError {
  return new CertificateError(
    "CertificateProfileViolated",
    "The certificate does not follow the profile for devices",
    { certificate: certificate.hash, rule, found },
  );
}

function missing(child: Certificate): CertificateError {
  return new CertificateError(
    "CertificateAuthorityMissing",
    "No admitted authority stands above the certificate",
    { certificate: child.hash, issuer: child.x509.issuer.replaceAll("\n", ", ") },
  );
}

function utc(seconds: number): string {
  return new Date(1000 * seconds).toISOString();
}
