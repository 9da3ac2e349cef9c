import type { Log } from "ethers";
import type { Hex } from "../bytes.js";
import { type OfficeOperation, officeOf } from "../consortium/offices.js";
import { addressOf, type Deployment } from "../deployment.js";
import { TenonError } from "../errors.js";
import { IDeviceCertificates__factory, type IDeviceRegistry } from "../generated/typechain/index.js";
import { eventIn, eventsIn, type FoundEvent, findEvents, type LogPosition } from "../logs.js";
import { type Connection, type Operation, operation } from "../operation.js";
import { enums, withTypedErrors } from "../revert.js";
import { readCertificates } from "../x509/certificate.js";
import { type CertificateCheck, type CheckedCertificate, checkDeviceCertificate } from "../x509/device.js";
import { CertificateError } from "../x509/error.js";
import { checkedId, knownDevice, registryOf } from "./context.js";

/** Factory: IDevID, for life. Owner: LDevID, ends with the device's epoch. */
export type AuthorityKind = Exclude<(typeof enums.AuthorityKind)[number], "None">;
export type CertificateReason = (typeof enums.CertificateReason)[number];

/** RFC 5280 §5.3.1, by their names; those that could be undone are not there. */
export const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;
export type RevocationReason = keyof typeof revocationReasons;

/** A certificate authority as the registrar admitted it. */
export interface CertificateAuthority {
  readonly id: number;
  /** SHA-256 of its certificate in DER. */
  readonly hash: Hex;
  /** Number of the organisation whose certifiers bind. */
  readonly organisation: number;
  readonly kind: AuthorityKind;
  /** Seconds since 1970; from `until` on nothing of it counts. */
  readonly since: number;
  readonly until: number;
  readonly revoked: boolean;
}

export interface AuthorityRequest {
  /** Its certificate, PEM or DER. */
  readonly certificate: string | Uint8Array;
  readonly organisation: number;
  readonly kind: AuthorityKind;
  /** First second at which it no longer counts; with its certificate unless given. */
  readonly until?: number;
}

/** An authority as it was just admitted. */
export type AdmittedAuthority = Omit<CertificateAuthority, "since" | "revoked"> & {
  readonly at: LogPosition;
};

export interface NewBinding {
  readonly device: Hex;
  /** SHA-256 of the certificate in DER. */
  readonly hash: Hex;
  /** First second at which it no longer counts: notAfter and one. */
  readonly until: number;
}

/** A certificate that was checked and may be bound. */
export interface PreparedBinding extends NewBinding {
  /** The admitted authority above it. */
  readonly authority: number;
  readonly checked: CheckedCertificate;
}

export interface BoundCertificate extends NewBinding {
  readonly authority: number;
  /** Of the device when it was bound. */
  readonly epoch: number;
  readonly at: LogPosition;
}

/** A certificate of a device, and whether it counts now. */
export interface DeviceCertificate extends BoundCertificate {
  readonly reason: CertificateReason;
}

/** A certificate that holds by itself, and that the chain holds for good. */
export interface VerifiedCertificate extends CheckedCertificate {
  readonly authorityId: number;
  readonly kind: AuthorityKind;
  readonly organisation: number;
}

type Chain = CertificateCheck["chain"];

/** X.509 certificates of devices. Writes are lazy: nothing is sent before `send` or `wait`. */
export interface Certificates {
  /** Admits an authority. Sender: the registrar. */
  admit(request: AuthorityRequest): OfficeOperation<AdmittedAuthority>;
  /** Gives an authority a new end. Sender: the registrar. */
  renew(
    authority: number,
    until: number,
  ): OfficeOperation<{ authority: number; until: number; at: LogPosition }>;
  /** Ends an authority, and all it vouched for, for good. Sender: the guardian. */
  revokeAuthority(
    authority: number,
    reason?: RevocationReason,
  ): OfficeOperation<{ authority: number; at: LogPosition }>;
  /** Every authority ever admitted. */
  authorities(): Promise<CertificateAuthority[]>;
  /**
   * Checks a certificate as `checkDeviceCertificate` does, with the chain's authorities and the device's key in force.
   * @throws CertificateError; TenonError `DeviceUnknown`.
   */
  prepare(device: Hex, chain: Chain): Promise<PreparedBinding>;
  /** Binds certificates, all or none. Sender: a certifier of the authority's organisation. */
  bind(authority: number, bindings: readonly NewBinding[]): Operation<BoundCertificate[]>;
  /** Revokes a certificate for good. Sender: a certifier of the organisation whose authority bound it. */
  revoke(hash: Hex, reason?: RevocationReason): Operation<{ hash: Hex; at: LogPosition }>;
  /** What the chain says of a certificate, by its hash. */
  explain(device: Hex, hash: Hex): Promise<CertificateReason>;
  /**
   * The whole answer: the certificate holds by itself, names this device, ends at the authority that bound it, and counts now.
   * @throws CertificateError for what is wrong with the certificate; TenonError `CertificateNotGood` with the chain's reason.
   */
  verify(device: Hex, chain: Chain): Promise<VerifiedCertificate>;
  /** The certificates that were bound to a device, in order, each with whether it counts now. */
  list(device: Hex): Promise<DeviceCertificate[]>;
}

const abi = IDeviceCertificates__factory.createInterface();

export function certificatesOf(connection: Connection, deployment: Deployment): Certificates {
  return new DeviceCertificates(connection, deployment);
}

class DeviceCertificates implements Certificates {
  readonly #connection: Connection;
  readonly #deployment: Deployment;
  readonly #address: string;

  constructor(connection: Connection, deployment: Deployment) {
    this.#connection = connection;
    this.#deployment = deployment;
    this.#address = addressOf(deployment, "DeviceCertificates");
  }

  admit({ certificate, organisation, kind, until }: AuthorityRequest): OfficeOperation<AdmittedAuthority> {
    const read = authorityIn(certificate);
    const end = until ?? read.notAfter + 1;
    const args = [read.hash, organisation, enums.AuthorityKind.indexOf(kind), end];
    return this.#office("admitAuthority", args, (logs) => {
      const { event, at } = eventIn(logs, abi, "AuthorityAdmitted");
      return { id: Number(event.args.authority), hash: read.hash, organisation, kind, until: end, at };
    });
  }

  renew(authority: number, until: number) {
    return this.#office("renewAuthority", [authority, until], (logs) => ({
      authority,
      until,
      at: eventIn(logs, abi, "AuthorityRenewed").at,
    }));
  }

  revokeAuthority(authority: number, reason: RevocationReason = "unspecified") {
    return this.#office("revokeAuthority", [authority, revocationReasons[reason]], (logs) => ({
      authority,
      at: eventIn(logs, abi, "AuthorityRevoked").at,
    }));
  }

  async authorities(): Promise<CertificateAuthority[]> {
    const found = await this.#find("AuthorityAdmitted", []);
    return Promise.all(
      found.map(async ({ event }) => {
        const id = Number(event.args.authority);
        return this.#authority(id, event.args.certificateHash as Hex);
      }),
    );
  }

  async prepare(device: Hex, chain: Chain): Promise<PreparedBinding> {
    const { checked, authority } = await this.#check(device, chain);
    return {
      device: checkedId(device),
      hash: checked.hash,
      until: checked.notAfter + 1,
      authority: authority.id,
      checked,
    };
  }

  bind(authority: number, bindings: readonly NewBinding[]): Operation<BoundCertificate[]> {
    const tuples = bindings.map(({ device, hash, until }) => [checkedId(device), checkedId(hash), until]);
    return this.#call("bind", [authority, tuples], (logs) =>
      eventsIn(logs, abi, "CertificateBound").map(bound),
    );
  }

  revoke(hash: Hex, reason: RevocationReason = "unspecified") {
    return this.#call("revoke", [checkedId(hash), revocationReasons[reason]], (logs) => ({
      hash,
      at: eventIn(logs, abi, "CertificateRevoked").at,
    }));
  }

  async explain(device: Hex, hash: Hex): Promise<CertificateReason> {
    const reason = await withTypedErrors(() => this.#contract.explain(checkedId(device), checkedId(hash)));
    return enums.CertificateReason[Number(reason)]!;
  }

  async verify(device: Hex, chain: Chain): Promise<VerifiedCertificate> {
    const { checked, authority } = await this.#check(device, chain);
    const { hash } = checked;
    const reason = await this.explain(device, hash);
    if (reason !== "Good") throw notGood(device, hash, reason);
    const { authority: binder } = await this.#contract.certificate(hash);
    if (Number(binder) !== authority.id) throw otherAuthority(hash, Number(binder), authority.id);
    return {
      ...checked,
      authorityId: authority.id,
      kind: authority.kind,
      organisation: authority.organisation,
    };
  }

  async list(device: Hex): Promise<DeviceCertificate[]> {
    const found = (await this.#find("CertificateBound", [checkedId(device)])).map(bound);
    return Promise.all(found.map(async (one) => ({ ...one, reason: await this.explain(device, one.hash) })));
  }

  /** The certificate by itself, with the chain's authorities and the device's key in force. */
  async #check(device: Hex, chain: Chain) {
    const parts = typeof chain === "string" || chain instanceof Uint8Array ? [chain] : chain;
    const given = parts.flatMap((part) => readCertificates(part));
    const ids = await Promise.all(given.map(({ hash }) => this.#contract.authorityIdOf(hash)));
    const admitted = new Map(given.map(({ hash }, i) => [hash, Number(ids[i])]));
    const registry = registryOf(this.#connection, this.#deployment);
    const { id, epoch, rotated } = await knownDevice(registry, device);
    const keyId = rotated ? ((await registry.contract.keyIdAt(id, epoch)) as Hex) : id;
    const checked = checkDeviceCertificate({
      chain: given.map(({ der }) => der),
      device: { chainId: this.#deployment.chainId, id, keyId },
      admitted: (hash) => (admitted.get(hash) ?? 0) !== 0,
    });
    await this.#requireOwnTime(checked, registry.contract, { id, keyId, epoch });
    const authority = await this.#authority(admitted.get(checked.authority)!, checked.authority);
    return { checked, authority };
  }

  /** A key that this device had before, or that is another device's, proves nothing for this one now. */
  async #requireOwnTime(
    { hash, keyId: certified }: CheckedCertificate,
    registry: IDeviceRegistry,
    { id, keyId, epoch }: { id: Hex; keyId: Hex; epoch: number },
  ): Promise<void> {
    if (certified === undefined || certified === keyId) return;
    const earlier = Array.from({ length: epoch - 1 }, (_, i) => registry.keyIdAt(id, i + 1));
    const { status } = await registry.record(certified);
    if (status === 0n && !(await Promise.all(earlier)).includes(certified)) return;
    throw new CertificateError(
      "CertificateKeyReplaced",
      "The certificate is for a key of another time or another device",
      { certificate: hash, keyId: certified, inForce: keyId },
    );
  }

  async #authority(id: number, hash: Hex): Promise<CertificateAuthority> {
    const held = await withTypedErrors(() => this.#contract.authorityOf(id));
    return {
      id,
      hash,
      organisation: Number(held.org),
      kind: enums.AuthorityKind[Number(held.kind)] as AuthorityKind,
      since: Number(held.since),
      until: Number(held.until),
      revoked: held.revoked,
    };
  }

  get #contract() {
    return IDeviceCertificates__factory.connect(this.#address, this.#connection.provider);
  }

  #find(event: string, args: readonly unknown[]): Promise<FoundEvent[]> {
    const { block: fromBlock } = this.#deployment.contracts.DeviceCertificates;
    return findEvents(this.#connection.provider, { address: this.#address, abi, event, args, fromBlock });
  }

  /** A call that the registrar or the guardian makes. */
  #office<T>(method: string, args: readonly unknown[], decode: (logs: Log[]) => T): OfficeOperation<T> {
    const data = abi.encodeFunctionData(method as "bind", args as never);
    return officeOf(this.#connection, this.#deployment)({ to: this.#address, data }, decode);
  }

  #call<T>(method: string, args: readonly unknown[], decode: (logs: Log[]) => T): Operation<T> {
    const data = abi.encodeFunctionData(method as "bind", args as never);
    return operation(this.#connection, { to: this.#address, data }, decode);
  }
}

function authorityIn(certificate: string | Uint8Array) {
  const [read] = readCertificates(certificate);
  if (read?.authority) return read;
  throw new CertificateError("CertificateNotAuthority", "This is no authority's certificate", {
    certificate: read?.hash,
    why: "its basic constraints do not make it an authority",
  });
}

function bound({ event, at }: FoundEvent): BoundCertificate {
  const { device, certificateHash, authority, until, epoch } = event.args;
  return {
    device,
    hash: certificateHash,
    authority: Number(authority),
    until: Number(until),
    epoch: Number(epoch),
    at,
  };
}

const remedies: Record<Exclude<CertificateReason, "Good">, string> = {
  Unknown: "Let a certifier of the authority's organisation bind it to the device.",
  OtherDevice: "Use the certificate of this device.",
  Revoked: "Do not trust it; let the authority issue another.",
  Expired: "Let the authority issue another, and a certifier bind it.",
  AuthorityRevoked: "Do not trust it; use a certificate of an authority that stands.",
  AuthorityExpired: "Let the registrar renew the authority's term.",
  DeviceRevoked: "The device has ended for good.",
  EpochEnded: "Let the present owner's authority issue one: the device changed hands or keys since.",
};

function notGood(device: Hex, certificate: Hex, reason: Exclude<CertificateReason, "Good">): TenonError {
  return new TenonError("CertificateNotGood", "The chain does not hold the certificate for good", {
    args: { device, certificate, reason },
    remedy: remedies[reason],
  });
}

function otherAuthority(certificate: Hex, boundBy: number, pathEndsAt: number): TenonError {
  return new TenonError(
    "CertificateNotGood",
    "Another authority bound the certificate than stands above it",
    {
      args: { certificate, boundBy, pathEndsAt },
      remedy: "Give the certificates up to the authority that bound it.",
    },
  );
}
