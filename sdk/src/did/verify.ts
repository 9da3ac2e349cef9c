import { createPublicKey, type KeyObject, verify } from "node:crypto";
import type { DIDDocument, VerificationMethod } from "did-resolver";
import { TenonError } from "../errors.js";
import { verifySignature } from "../frame/cose.js";
import { algorithmOf, importDeviceKey } from "../frame/key.js";
import { devicePoint, type PublicKey, readMultikey } from "./multikey.js";
import type { KeyPurpose } from "./publication.js";
import { SM2_DEFAULT_ID, verifySm2 } from "./sm2.js";

export interface SignedMessage {
  readonly message: Uint8Array;
  /** 64 bytes: r‖s, or R‖S for Ed25519. `signatureFromDer` makes them of DER. */
  readonly signature: Uint8Array;
  /** Id of the verification method, when the signer named one; otherwise every listed key is tried. */
  readonly method?: string;
  /** What the key must be listed for. Default: `assertionMethod`. */
  readonly purpose?: KeyPurpose;
  /** Who an SM2 signer said it is; GM/T 0009's default unless the parties agreed on another. */
  readonly sm2Identity?: string;
}

/**
 * Verifies a signature against a resolved document, without a chain: ECDSA over SHA-256 (P-256, secp256k1), Ed25519, SM2 over
 * SM3. Resolve the version of the time the message was signed at, and look at `deactivated` and `status` yourself.
 * @returns The id of the verification method that made it; `undefined` when none did.
 * @throws TenonError `VerificationMethodUnknown` when the named method is not in the document for that purpose.
 */
export function verifyByDocument(document: DIDDocument, signed: SignedMessage): string | undefined {
  const { method, purpose = "assertionMethod" } = signed;
  const listed = (document[purpose] ?? []).filter((entry) => typeof entry === "string");
  if (method !== undefined && !listed.includes(method)) {
    throw new TenonError(
      "VerificationMethodUnknown",
      "The document does not list this key for that purpose",
      {
        args: { method, purpose, did: document.id },
        remedy: "Resolve the version of the time of signing, or name a key that the document lists.",
      },
    );
  }
  const candidates = method === undefined ? listed : [method];
  return candidates.find((id) => {
    const found = document.verificationMethod?.find((one) => one.id === id);
    return found !== undefined && verifiesWith(found, signed);
  });
}

function verifiesWith(method: VerificationMethod, signed: SignedMessage): boolean {
  const { message, signature, sm2Identity = SM2_DEFAULT_ID } = signed;
  const key = keyOf(method);
  if (key === undefined || signature.length !== 64) return false;
  switch (key.kind) {
    case "Ed25519":
      return verify(null, message, ed25519(key), signature);
    case "SM2":
      return verifySm2(message, signature, key.bytes, sm2Identity);
    default: {
      const point = devicePoint(key);
      return verifySignature(message, signature, algorithmOf(point), importDeviceKey(point));
    }
  }
}

/** Every key of our documents stands there as a Multikey; its JsonWebKey twin verifies the same. */
function keyOf({ publicKeyMultibase, publicKeyJwk }: VerificationMethod): PublicKey | undefined {
  if (publicKeyMultibase !== undefined) return knownMultikey(publicKeyMultibase);
  if (publicKeyJwk === undefined) return undefined;
  const { crv, x = "", y = "" } = publicKeyJwk;
  const bytes = Buffer.from(x, "base64url");
  if (crv === "Ed25519") return { kind: "Ed25519", bytes: new Uint8Array(bytes) };
  if (crv !== "P-256" && crv !== "secp256k1") return undefined;
  const parity = 2 + (Buffer.from(y, "base64url").at(-1)! & 1);
  return { kind: crv, bytes: new Uint8Array([parity, ...bytes]) };
}

/** Documents of other methods may list kinds of keys that are not ours. */
function knownMultikey(text: string): PublicKey | undefined {
  try {
    return readMultikey(text);
  } catch (error) {
    if (error instanceof TenonError) return undefined;
    throw error;
  }
}

function ed25519({ bytes }: PublicKey): KeyObject {
  const x = Buffer.from(bytes).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}
