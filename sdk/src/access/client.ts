import type { Log, Signer } from "ethers";
import { fromHex, type Hex, toHex } from "../bytes.js";
import { type OrganisationKeys, organisationKeysOf } from "../consortium/organisation-keys.js";
import { addressOf, type Deployment } from "../deployment.js";
import type { EnvelopeReader } from "../envelope.js";
import { TenonError } from "../errors.js";
import { lowS } from "../frame/cose.js";
import { algorithmOf, type DeviceKey, deviceIdOf } from "../frame/key.js";
import {
  IConsortium__factory,
  IDeviceAccess__factory,
  IDeviceRegistry__factory,
} from "../generated/typechain/index.js";
import { eventIn } from "../logs.js";
import { type Connection, type Operation, operation } from "../operation.js";
import { accessAbi, allowed, answering, changed, explained, found, policyOf } from "./answers.js";
import { type AccessAudit, accessAuditOf, type LoggedReading } from "./audit.js";
import {
  endpointRecipients,
  lastEnvelope,
  noEndpoint,
  openEndpoint,
  passEndpointOn,
  publishedEnvelope,
  type SealedEndpoint,
  sealEndpoint,
} from "./endpoint.js";
import {
  type AccessEvent,
  type AccessToken,
  type AskedAccess,
  accessEvents,
  type EventSource,
  type GrantedPass,
  type RedeemedToken,
  type RevokedPass,
} from "./events.js";
import { type AccessReport, auditAt } from "./history.js";
import type {
  DelegationOrder,
  DeviceRedemption,
  Explanation,
  PassOrder,
  Policy,
  PreparedPass,
  SignedPass,
  TokenOrder,
  TokenUse,
} from "./model.js";
import { issueOfflinePass } from "./offline-pass.js";
import {
  type AccessPass,
  accessTypedDomain,
  granteeOf,
  passDigest,
  passTypes,
  permissionsOf,
} from "./pass.js";
import type { AccessDomain, AccessSigner } from "./signed.js";

/** Who may do what with a device. Writes are lazy. */
export interface Access {
  /** What everything signed for access is bound to. */
  readonly domain: AccessDomain;
  /** What was done, and what regulators read. */
  readonly log: AccessAudit;

  /** Asks the owner for access. Sender: the grantee's key, or a holder of its role. */
  ask(order: TokenOrder, purposeHash?: Hex): Operation<AskedAccess>;

  /**
   * A pass as the chain would take it now: with the device's epoch, the grantee's next revision, and the endpoint sealed
   * to the grantee, the owner and every regulator.
   * @throws ContractError `DeviceUnknown`; TenonError `PermissionUnknown`, `GranteeOrganisationMissing`,
   * `EncryptionKeyMissing`, `DisclosureKeyMissing`.
   */
  prepare(order: PassOrder): Promise<PreparedPass>;
  /** Gives or changes a pass. Sender: a device manager of the owner. */
  grant(prepared: PreparedPass): Operation<GrantedPass | RevokedPass>;
  /** The signature of the owner's device manager; whoever gets it may register the pass. */
  signPass(prepared: PreparedPass, signer?: Signer): Promise<SignedPass>;
  /** Registers a signed pass. Sender: anybody. @throws TenonError `PassChanged` when its digest is another's. */
  registerPass(signed: SignedPass): Operation<GrantedPass | RevokedPass>;
  /**
   * The form of a registered or signed pass that a device checks without a network.
   * @param by.signer The owner's device-facing key, as OrganisationKeys has it (`DeviceFacingKeyForeign` otherwise).
   */
  offlinePass(
    pass: AccessPass,
    by: { readonly requester: DeviceKey; readonly signer: AccessSigner; readonly issuedAt?: number },
  ): Promise<Uint8Array>;
  /** Part of a pass, as its grantee passes it on; with a `reader` its endpoint as well. */
  prepareDelegation(order: DelegationOrder): Promise<PreparedPass>;
  /** Sender: the grantee `from`. */
  delegate(from: Hex, prepared: PreparedPass): Operation<GrantedPass>;
  /** Sender: a device manager of the owner, who passed it on, or the key it was given to. */
  revoke(device: Hex, grantee: Hex): Operation<RevokedPass>;

  /** Asks for a one-time token. A refusal is committed on chain, then thrown. @throws AccessRefused */
  request(order: TokenOrder): Operation<AccessToken>;
  /** Uses a token up. Sender: the requester, or the owner's gateway (any signatory). @throws AccessRefused */
  redeem(use: TokenUse): Operation<RedeemedToken>;
  /** The same by the device's signature over `redemptionMessage`. Sender: anybody. @throws AccessRefused */
  redeemByDevice(use: DeviceRedemption): Operation<RedeemedToken>;
  /** The device's address in the owner's network, from the envelope that was published with the pass. */
  endpoint(device: Hex, grantee: Hex, reader: EnvelopeReader): Promise<string>;

  /**
   * A regulator opens the endpoint that a grantee got last, also when its pass has ended. That it does is on chain before anything is opened. Sender: a regulator.
   * @param order Number of the disclosure order; without one it is general supervision.
   */
  disclose(
    device: Hex,
    grantee: Hex,
    reader: EnvelopeReader,
    order?: number,
  ): Promise<{ readonly endpoint: string; readonly reading: LoggedReading }>;

  /** What `request` would answer now. */
  explain(order: TokenOrder & { readonly requester: string }): Promise<Explanation>;
  /** What `redeem` by the requester would answer now. */
  explainToken(use: TokenUse): Promise<Explanation>;
  /** One grantee's pass as it stands. */
  policy(device: Hex, grantee: Hex): Promise<Policy>;
  /** The passes of everybody who ever had one. */
  policies(device: Hex): Promise<Policy[]>;
  /** Everything that was said about access to a device, in order. */
  history(device: Hex): Promise<AccessEvent[]>;
  /** Who could do what with a device at a time (seconds since 1970; default now), and who did until then. */
  audit(device: Hex, time?: number): Promise<AccessReport>;
}

const HOUR = 3_600;

export function accessOf(connection: Connection, deployment: Deployment): Access {
  const { provider } = connection;
  const address = addressOf(deployment, "DeviceAccess");
  const domain: AccessDomain = { chainId: BigInt(deployment.chainId), access: address };
  const contract = IDeviceAccess__factory.connect(address, provider);
  const registry = IDeviceRegistry__factory.connect(addressOf(deployment, "DeviceRegistry"), provider);
  const consortium = IConsortium__factory.connect(addressOf(deployment, "Consortium"), provider);
  const keys = organisationKeysOf(connection, deployment);
  const log = accessAuditOf(connection, deployment);
  const source: EventSource = {
    provider,
    address,
    abi: accessAbi,
    fromBlock: deployment.contracts.DeviceAccess.block,
  };
  const write = <T>(data: string, decode: (logs: Log[]) => T) =>
    operation(connection, { to: address, data }, decode);

  const ownerOf = async (device: Hex): Promise<number> => {
    const record = await registry.record(device);
    if (record.status !== 0n) return Number(record.org);
    throw new TenonError("DeviceUnknown", "No device of this id is registered", {
      args: { device },
      remedy: "Check the id, or register the device first.",
    });
  };
  const policy = async (device: Hex, grantee: Hex): Promise<Policy> =>
    policyOf(device, grantee, await contract.passOf(checkedHash(device), checkedHash(grantee)));
  const now = async () => (await provider.getBlock("latest"))!.timestamp;

  const numbered = async (
    order: Omit<PassOrder, "endpoint">,
    sealed: SealedEndpoint,
  ): Promise<PreparedPass> => {
    const { device, grantee, notBefore = 0, expiry, minInterval = 0, delegations = 0 } = order;
    const { epoch } = await registry.record(device);
    const { rev } = await contract.passOf(device, grantee);
    const pass: AccessPass = {
      device,
      grantee,
      permissions: permissionsOf(order.permissions),
      notBefore,
      expiry,
      epoch: Number(epoch),
      rev: Number(rev) + 1,
      minInterval,
      delegations,
      endpointCommitment: sealed.commitment,
      envelopeHash: sealed.envelopeHash,
      deadline: BigInt(order.deadline ?? (await now()) + HOUR),
    };
    return { pass, envelope: sealed.envelope, digest: passDigest(domain, pass) };
  };

  const endpoint = async (device: Hex, grantee: Hex, reader: EnvelopeReader) => {
    const { endpointCommitment } = await policy(device, grantee);
    const envelope = await publishedEnvelope(source, device, grantee, endpointCommitment);
    return openEndpoint(envelope, device, endpointCommitment, reader);
  };

  return {
    domain,
    log,
    ask: ({ device, grantee, permissions }, purposeHash = noEndpoint.commitment) =>
      write(
        accessAbi.encodeFunctionData("askAccess", [device, grantee, permissionsOf(permissions), purposeHash]),
        (logs) => found<AskedAccess>(logs, "AccessAsked"),
      ),

    prepare: async (order) => {
      const { device, endpoint } = order;
      const owner = await ownerOf(checkedHash(device));
      granteeOf(order.grantee);
      if (endpoint === undefined) return numbered(order, noEndpoint);
      const parties = { grantee: await organisationOf(order.grantee, consortium), owner };
      return numbered(order, await sealEndpoint(device, endpoint, await endpointRecipients(keys, parties)));
    },
    grant: ({ pass, envelope }) => write(accessAbi.encodeFunctionData("grant", [pass, envelope]), changed),
    signPass: async (prepared, signer) => {
      const by = signer ?? (await connection.signer());
      const signature = await by.signTypedData(accessTypedDomain(domain), passTypes, prepared.pass);
      return { ...prepared, signer: await by.getAddress(), signature: signature as Hex };
    },
    registerPass: ({ pass, envelope, digest, signer, signature }) => {
      requireDigest(domain, pass, digest);
      return write(
        accessAbi.encodeFunctionData("registerPass", [pass, envelope, signer, signature]),
        changed,
      );
    },
    offlinePass: async (pass, { requester, signer, issuedAt }) => {
      const owner = await ownerOf(pass.device);
      await requireDeviceFacing(keys, owner, signer);
      const time = issuedAt ?? (await now());
      return issueOfflinePass(domain, { pass, owner, requester, issuedAt: time }, signer);
    },
    prepareDelegation: async (order) => {
      const { device, grantee, from, reader } = order;
      if (reader === undefined) return numbered(order, noEndpoint);
      const { endpointCommitment } = await policy(device, from);
      const envelope = await publishedEnvelope(source, device, from, endpointCommitment);
      const parties = { grantee: await organisationOf(grantee, consortium), owner: await ownerOf(device) };
      const recipients = await endpointRecipients(keys, parties);
      return numbered(order, await passEndpointOn(envelope, device, reader, recipients));
    },
    delegate: (from, { pass, envelope }) =>
      write(accessAbi.encodeFunctionData("delegate", [from, pass, envelope]), (logs) => {
        const { args } = eventIn(logs, accessAbi, "PassDelegated").event;
        const parent = { grantee: args.parent as Hex, rev: Number(args.parentRev) };
        return { ...found<GrantedPass>(logs, "PassGranted"), from: parent };
      }),
    revoke: (device, grantee) =>
      write(accessAbi.encodeFunctionData("revoke", [checkedHash(device), checkedHash(grantee)]), (logs) =>
        found<RevokedPass>(logs, "PassRevoked"),
      ),

    request: ({ device, grantee, permissions }) => {
      const data = accessAbi.encodeFunctionData("request", [device, grantee, permissionsOf(permissions)]);
      const op = write(data, (logs) => allowed<AccessToken>(logs, "TokenIssued"));
      return answering(connection, "request", op, { device, grantee });
    },
    redeem: ({ device, grantee, requester, token }) => {
      const data = accessAbi.encodeFunctionData("redeem", [device, grantee, requester, token]);
      const op = write(data, (logs) => allowed<RedeemedToken>(logs, "TokenRedeemed"));
      return answering(connection, "redeem", op, { device, grantee, token });
    },
    redeemByDevice: ({ device, grantee, requester, token, key, deadline, r, s }) => {
      const signature = new Uint8Array([...fromHex(r, 32), ...fromHex(s, 32)]);
      const low = toHex(lowS(signature, algorithmOf(key)).subarray(32));
      const values = [device, grantee, requester, token, key, deadline, r, low] as const;
      const op = write(accessAbi.encodeFunctionData("redeemByDevice", [...values]), (logs) =>
        allowed<RedeemedToken>(logs, "TokenRedeemed"),
      );
      return answering(connection, "redeemByDevice", op, { device, grantee, token });
    },
    endpoint,
    disclose: async (device, grantee, reader, order = 0) => {
      const { commitment, envelope } = await lastEnvelope(source, device, grantee);
      const reading = await log.logReading({ subject: device, contentHash: commitment, order }).wait();
      return { endpoint: await openEndpoint(envelope, device, commitment, reader), reading };
    },

    explain: async ({ device, grantee, requester, permissions }) =>
      explained(await contract.explain(device, grantee, requester, permissionsOf(permissions))),
    explainToken: async ({ device, grantee, requester, token }) =>
      explained(await contract.explainToken(device, grantee, requester, token)),
    policy,
    policies: async (device) => {
      const events = await accessEvents(source, checkedHash(device));
      const grantees = new Set(events.flatMap((one) => (one.what === "granted" ? one.grantee : [])));
      return Promise.all([...grantees].map((grantee) => policy(device, grantee)));
    },
    history: (device) => accessEvents(source, checkedHash(device)),
    audit: (device, time) => auditAt(source, deployment, checkedHash(device), time),
  };
}

async function organisationOf(
  grantee: Hex,
  consortium: { orgOf(account: string): Promise<bigint> },
): Promise<number> {
  const named = granteeOf(grantee);
  if ("organisation" in named) return named.organisation;
  const organisation = Number(await consortium.orgOf(named.account));
  if (organisation !== 0) return organisation;
  throw new TenonError("GranteeOrganisationMissing", "The grantee belongs to no organisation to seal to", {
    args: { account: named.account },
    remedy: "Give the pass without an endpoint, and hand that over in another way.",
  });
}

async function requireDeviceFacing(
  keys: OrganisationKeys,
  owner: number,
  signer: AccessSigner,
): Promise<void> {
  const published = await keys.get(owner, "DeviceFacing");
  const expected = published && deviceIdOf({ curve: 1, x: published.x, y: published.y });
  if (expected === signer.id) return;
  throw new TenonError(
    "DeviceFacingKeyForeign",
    "This is not the key by which the owner speaks to its devices",
    {
      args: { organisation: owner, published: expected ?? "none", given: signer.id },
      remedy:
        'Use the owner\'s published device-facing key, or publish this one: tenon.keys.publish("DeviceFacing", key).',
    },
  );
}

function requireDigest(domain: AccessDomain, pass: AccessPass, digest: Hex): void {
  const expected = passDigest(domain, pass);
  if (expected === digest) return;
  throw new TenonError("PassChanged", "The pass is not the one that was signed, or is for another chain", {
    args: { signed: digest, found: expected },
    remedy: "Take the pass as its owner signed it, on the chain it was made for.",
  });
}

function checkedHash(hash: Hex): Hex {
  return toHex(fromHex(hash, 32));
}
