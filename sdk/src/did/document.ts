import { createHash } from "node:crypto";
import type { DIDDocument, Service, VerificationMethod } from "did-resolver";
import type { DeviceKey } from "../frame/key.js";
import { type Jwk, jwkOf, multikey, type PublicKey, publicKeyOf, readMultikey } from "./multikey.js";
import type { DeviceDocument, DeviceInterface, KeyPurpose } from "./publication.js";

/** Terms of our own that services use, so that JSON-LD processors keep them. */
const terms = {
  permissions: "urn:x-tenon:permissions",
  access: "urn:x-tenon:access",
};
const RECOVERY_SUITE = "https://w3id.org/security/suites/secp256k1recovery-2020/v2";

/** The JSON-LD context of the documents: DID 1.1 defines Multikey and JsonWebKey by itself. */
const context = ["https://www.w3.org/ns/did/v1.1"];

export interface DeviceState {
  readonly did: string;
  /** DID of the organisation that holds the device. */
  readonly controller: string;
  /** The key in force. */
  readonly key: DeviceKey;
  readonly published: Required<DeviceDocument>;
  /** Where grants are asked for: the access contract, `eip155:<chain>:<address>`. */
  readonly grants: string;
}

/** The DID document of a device that is not revoked. */
export function deviceDocument({ did, controller, key, published, grants }: DeviceState): DIDDocument {
  const keys = new KeyList(did);
  keys.add(publicKeyOf(key), ["authentication", "assertionMethod"]);
  for (const { multikey: text, uses } of published.keys) keys.add(readMultikey(text), uses);
  const services = published.interfaces.map((offered) => serviceOf(did, offered, grants));
  return {
    "@context": services.length === 0 ? context : [...context, terms],
    id: did,
    controller,
    ...(published.alsoKnownAs.length === 0 ? {} : { alsoKnownAs: [...published.alsoKnownAs] }),
    ...keys.members(),
    ...(services.length === 0 ? {} : { service: services }),
  };
}

/** What is left of a document when its subject is no more: nobody can prove anything by it. */
export function deactivatedDocument(did: string): DIDDocument {
  return { "@context": context, id: did };
}

export interface OrganisationState {
  readonly did: string;
  readonly chainId: number;
  /** Accounts that act for it. */
  readonly signatories: readonly string[];
  /** What its devices know it by: signs passes and hand-overs. */
  readonly deviceFacing: DeviceKey | undefined;
  /** What secrets for it are sealed to: its own, and those it has to see as a regulator. */
  readonly sealing: readonly DeviceKey[];
}

/** The DID document of a member organisation. Its signatories are accounts: their keys show in their signatures. */
export function organisationDocument(state: OrganisationState): DIDDocument {
  const { did, chainId, signatories, deviceFacing, sealing } = state;
  const keys = new KeyList(did);
  for (const account of signatories) keys.addAccount(chainId, account);
  if (deviceFacing !== undefined) keys.add(publicKeyOf(deviceFacing), ["assertionMethod"]);
  for (const key of sealing) keys.add(publicKeyOf(key), ["keyAgreement"]);
  return {
    "@context": signatories.length === 0 ? context : [...context, RECOVERY_SUITE],
    id: did,
    ...keys.members(),
  };
}

function serviceOf(did: string, offered: DeviceInterface, grants: string): Service {
  const { id, type, permissions, endpoint } = offered;
  const byGrant = { access: "by grant", uri: grants };
  return { id: `${did}#${id}`, type, serviceEndpoint: endpoint ?? byGrant, permissions: [...permissions] };
}

type Relationships = Partial<Record<KeyPurpose | "capabilityInvocation", string[]>>;

/** The verification methods of a document. Each key has two: Multikey and, where its curve is registered, JsonWebKey. */
class KeyList {
  readonly #methods: VerificationMethod[] = [];
  readonly #relationships: Relationships = {};

  constructor(private readonly did: string) {}

  add(key: PublicKey, uses: readonly KeyPurpose[]): void {
    const text = multikey(key);
    this.#put(text, uses, { type: "Multikey", publicKeyMultibase: text });
    const jwk = jwkOf(key);
    if (jwk !== undefined) {
      this.#put(thumbprint(jwk), uses, { type: "JsonWebKey", publicKeyJwk: { ...jwk } });
    }
  }

  addAccount(chainId: number, account: string): void {
    this.#put(account.toLowerCase(), ["authentication", "assertionMethod", "capabilityInvocation"], {
      type: "EcdsaSecp256k1RecoveryMethod2020",
      blockchainAccountId: `eip155:${chainId}:${account}`,
    });
  }

  members() {
    return this.#methods.length === 0 ? {} : { verificationMethod: this.#methods, ...this.#relationships };
  }

  /** A key that is listed twice (the device's own, published again) appears once, with the uses of both. */
  #put(
    fragment: string,
    uses: readonly (keyof Relationships)[],
    material: Omit<VerificationMethod, "id" | "controller">,
  ): void {
    const id = `${this.did}#${fragment}`;
    if (!this.#methods.some((method) => method.id === id)) {
      this.#methods.push({ id, controller: this.did, ...material });
    }
    for (const use of uses) {
      const listed = this.#relationships[use] ?? [];
      if (!listed.includes(id)) this.#relationships[use] = [...listed, id];
    }
  }
}

/** RFC 7638: the hash of the members that make the key, in order of their names. */
function thumbprint({ kty, crv, x, y }: Jwk): string {
  const required = y === undefined ? { crv, kty, x } : { crv, kty, x, y };
  return createHash("sha256").update(JSON.stringify(required)).digest("base64url");
}
