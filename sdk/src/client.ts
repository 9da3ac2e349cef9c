import { JsonRpcApiProvider, type Provider, type Signer } from "ethers";
import { type Access, accessOf } from "./access/client.js";
import { type Admin, adminOf } from "./consortium/admin.js";
import { type EligibilityRules, eligibilityOf } from "./consortium/eligibility.js";
import { type Encumbrances, encumbrancesOf } from "./consortium/encumbrances.js";
import { type Orders, ordersOf } from "./consortium/orders.js";
import { type OrganisationKeys, organisationKeysOf } from "./consortium/organisation-keys.js";
import { type Orgs, orgsOf } from "./consortium/orgs.js";
import { checkDeployment, type Deployment, requireChain } from "./deployment.js";
import { type Certificates, certificatesOf } from "./devices/certificates.js";
import { type Firmware, firmwareOf } from "./devices/firmware.js";
import { type Machines, machinesOf } from "./devices/machines.js";
import { type Devices, devicesOf } from "./devices.js";
import { type Dids, didsOf } from "./did/did.js";
import { TenonError } from "./errors.js";
import type { Connection, Operation } from "./operation.js";
import { type RelayedAct, relayOf } from "./relay.js";
import { ethersProvider, isEip1193, type ProviderLike } from "./rpc.js";
import type { SignedAct } from "./signed-act.js";
import { type Telemetry, telemetryOf } from "./telemetry.js";

export interface TenonSettings {
  /** The record that the deploy task wrote (`loadDeployment` reads one from a file). */
  deployment: Deployment;
  /** How long `wait` waits for a transaction to be in a block, in milliseconds. Default: one minute. */
  timeout?: number;
}

/**
 * Who talks to the chain. An ethers `signer` (connected to a provider) reads and writes. An EIP-1193 `provider`, such
 * as a wallet in a browser, writes with its own first account. An ethers `provider` only reads.
 */
export type TenonOptions = TenonSettings & ({ signer: Signer } | { provider: ProviderLike });

/** Tenon on one chain. */
export interface Tenon {
  readonly deployment: Deployment;
  readonly devices: Devices;
  readonly did: Dids;
  /** X.509 certificates of devices, and the authorities behind them. */
  readonly certificates: Certificates;
  /** Machines built of devices. */
  readonly machines: Machines;
  /** Firmware releases, and what devices run. */
  readonly firmware: Firmware;
  readonly telemetry: Telemetry;
  readonly orders: Orders;
  readonly encumbrances: Encumbrances;
  readonly eligibility: EligibilityRules;
  readonly keys: OrganisationKeys;
  /** Organisations, signatories and roles. */
  readonly orgs: Orgs;
  /** Offices, announced acts, pauses. */
  readonly admin: Admin;
  /** Brings an act that somebody signed (`Operation.sign`); anyone may, the act stays the signer's. */
  relay(act: SignedAct): Operation<RelayedAct>;
  readonly access: Access;
}

/**
 * Connects to a deployment. The chain is checked before anything else.
 *
 * @example
 * const tenon = await createTenon({ signer, deployment: loadDeployment("deployments/31337-1a2b3c4d.json") });
 * const device = await tenon.devices.get(id);
 *
 * @throws TenonError `DeploymentInvalid`, `ProviderMissing`; `ChainIdMismatch` or `GenesisMismatch` when the node is
 * not on the record's chain.
 */
export async function createTenon(options: TenonOptions): Promise<Tenon> {
  const deployment = checkDeployment(options.deployment);
  const provider = providerOf(options);
  await requireChain(provider, deployment);
  const connection: Connection = {
    provider,
    signer: () => signerOf(options, provider),
    timeout: options.timeout ?? 60_000,
  };
  return {
    deployment,
    devices: devicesOf(connection, deployment),
    did: didsOf(connection, deployment),
    certificates: certificatesOf(connection, deployment),
    machines: machinesOf(connection, deployment),
    firmware: firmwareOf(connection, deployment),
    telemetry: telemetryOf(connection, deployment),
    orders: ordersOf(connection, deployment),
    encumbrances: encumbrancesOf(connection, deployment),
    eligibility: eligibilityOf(connection, deployment),
    keys: organisationKeysOf(connection, deployment),
    orgs: orgsOf(connection, deployment),
    admin: adminOf(connection, deployment),
    relay: relayOf(connection, deployment),
    access: accessOf(connection, deployment),
  };
}

function providerOf(options: TenonOptions): Provider {
  const provider = "signer" in options ? options.signer.provider : options.provider;
  if (provider) return ethersProvider(provider);
  throw new TenonError("ProviderMissing", "There is no provider to reach the chain by", {
    remedy: "Give { provider }, or a signer that is connected to one: new Wallet(key, provider).",
  });
}

async function signerOf(options: TenonOptions, provider: Provider): Promise<Signer> {
  if ("signer" in options) return options.signer;
  if (isEip1193(options.provider) && provider instanceof JsonRpcApiProvider) return provider.getSigner();
  throw new TenonError("SignerRequired", "This client can only read", {
    remedy: "Create it with { signer } to write.",
  });
}
