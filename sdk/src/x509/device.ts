import type { Hex } from "../bytes.js";
import { deviceDid } from "../did/syntax.js";
import { deviceIdOf, exportDeviceKey } from "../frame/key.js";
import { type Certificate, readCertificates } from "./certificate.js";
import { CertificateError } from "./error.js";
import { Extension } from "./extensions.js";
import { profile, SM2_CURVE, verifyPath } from "./path.js";

/** The device a certificate should belong to. */
export interface CertifiedDevice {
  readonly chainId: bigint | number;
  /** The device's id. */
  readonly id: Hex;
  /** Id of the key in force: the device's own while the birth key was never replaced (the default). */
  readonly keyId?: Hex;
}

export interface CertificateCheck {
  /** The device's certificate and those above it, PEM (any number) or DER of one each; the device's own first. */
  readonly chain: string | Uint8Array | readonly (string | Uint8Array)[];
  readonly device: CertifiedDevice;
  /** Whether a certificate, by the SHA-256 of its DER, is an admitted authority's. */
  readonly admitted: (hash: Hex) => boolean;
  /** Seconds since 1970; now unless given. */
  readonly at?: number;
}

/** A device certificate that passed. */
export interface CheckedCertificate {
  readonly hash: Hex;
  /** SHA-256 of the admitted authority's certificate that the path ends at. */
  readonly authority: Hex;
  /** By what it belongs to the device: its DID stands in it, or its key is the device's. */
  readonly boundBy: "did" | "key";
  /** Id of the certificate's key, when it is of a curve that device keys may have. */
  readonly keyId: Hex | undefined;
  /** Seconds since 1970, both included. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Serial number of the device, from the subject (OID 2.5.4.5). */
  readonly serialNumber: string | undefined;
  /** Hashes of all certificates, from the device's to the authority's. */
  readonly path: readonly Hex[];
  /** Where it does not follow a recommendation of IEEE 802.1AR, in words. */
  readonly remarks: readonly string[];
}

/**
 * Checks a device certificate from end to end without asking any node: the signatures up to an admitted authority, every
 * term, the profile of IEEE 802.1AR, and that it belongs to this device. What the chain says of it (bound, revoked,
 * epoch) is `tenon.certificates.verify`.
 *
 * @example
 * const { authority, boundBy } = checkDeviceCertificate({ chain: pem, device: { chainId, id }, admitted: (hash) => hash === ca });
 *
 * @throws CertificateError
 */
export function checkDeviceCertificate(check: CertificateCheck): CheckedCertificate {
  const { chain, device, admitted, at = Math.floor(Date.now() / 1000) } = check;
  const [leaf, ...pool] = parts(chain).flatMap(readCertificates);
  if (leaf === undefined) {
    throw new CertificateError("CertificateMalformed", "There is no certificate in it");
  }
  const path = verifyPath(leaf, pool, admitted, at);
  checkProfile(leaf);
  const keyId = keyIdOf(leaf);
  return {
    hash: leaf.hash,
    authority: path.at(-1)!.hash,
    boundBy: bindingOf(leaf, device, keyId),
    keyId,
    notBefore: leaf.notBefore,
    notAfter: leaf.notAfter,
    serialNumber: serialNumberOf(leaf),
    path: path.map(({ hash }) => hash),
    remarks: remarksOn(leaf),
  };
}

function parts(chain: CertificateCheck["chain"]): readonly (string | Uint8Array)[] {
  return typeof chain === "string" || chain instanceof Uint8Array ? [chain] : chain;
}

/** What the certificate of a device must be, to be one (IEEE 802.1AR-2018 §8). */
function checkProfile(leaf: Certificate): void {
  const { keyUsage, subjectAttributes } = leaf;
  if (leaf.authority) throw profile(leaf, "a device is no certificate authority", "cA");
  if (subjectAttributes.length === 0) throw profile(leaf, "the subject names the device", "empty");
  if (leaf.serial === 0n || leaf.serial >> 160n !== 0n) {
    throw profile(leaf, "the serial number is from 1 to 20 bytes", leaf.serial);
  }
  if (leaf.authorityKeyId === undefined) throw profile(leaf, "the authority's key id is there", "none");
  if (keyUsage !== undefined && !keyUsage.has("digitalSignature")) {
    throw profile(leaf, "the key may sign (digitalSignature)", [...keyUsage].join(", "));
  }
  if (keyUsage?.has("keyCertSign") || keyUsage?.has("cRLSign")) {
    throw profile(leaf, "the key signs no certificates", [...keyUsage].join(", "));
  }
}

function remarksOn(leaf: Certificate): string[] {
  const remarks: string[] = [];
  if (serialNumberOf(leaf) === undefined) remarks.push("the subject has no serial number of the device");
  if (leaf.keyUsage === undefined) remarks.push("there is no key usage");
  else if (leaf.extensions.get(Extension.keyUsage)?.critical !== true) {
    remarks.push("the key usage is not critical");
  }
  return remarks;
}

function serialNumberOf({ subjectAttributes }: Certificate): string | undefined {
  return subjectAttributes.find(({ oid }) => oid === "2.5.4.5")?.value;
}

/** Keys of other kinds (RSA, Ed25519, SM2) belong to no device key; such a certificate needs the DID in it. */
function keyIdOf({ keyAlgorithm, curve, x509 }: Certificate): Hex | undefined {
  if (keyAlgorithm !== "1.2.840.10045.2.1" || curve === SM2_CURVE) return undefined;
  const name = x509.publicKey.asymmetricKeyDetails?.namedCurve;
  if (name !== "prime256v1" && name !== "secp256k1") return undefined;
  return deviceIdOf(exportDeviceKey(x509.publicKey));
}

function bindingOf(leaf: Certificate, device: CertifiedDevice, keyId: Hex | undefined): "did" | "key" {
  const own = deviceDid(device.chainId, device.id);
  const inForce = (device.keyId ?? device.id).toLowerCase();
  const named = leaf.uris.filter((uri) => uri.startsWith("did:tenon:"));
  // A certificate that names another device is that device's, whatever its key.
  const other = named.find((did) => did !== own);
  if (other !== undefined) throw mismatch(leaf, { names: other, device: own });
  if (keyId === device.id.toLowerCase() && inForce !== keyId) {
    throw new CertificateError(
      "CertificateKeyReplaced",
      "The certificate is for the key the device had before",
      {
        certificate: leaf.hash,
        keyId,
        inForce,
      },
    );
  }
  if (named.length > 0) return "did";
  if (keyId === inForce) return "key";
  throw mismatch(leaf, { keyId: keyId ?? "of another kind", inForce, device: own });
}

function mismatch(leaf: Certificate, args: Record<string, unknown>): CertificateError {
  return new CertificateError("CertificateDeviceMismatch", "The certificate does not belong to this device", {
    certificate: leaf.hash,
    ...args,
  });
}
