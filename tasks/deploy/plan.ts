import { AbiCoder, concat, dataLength, Interface, id, keccak256, ZeroHash } from "ethers";
import type { Artifact, ArtifactManager } from "hardhat/types/artifacts";
import { type ContractName, contractNames } from "../../sdk/src/deployment.js";
import { TenonError } from "../../sdk/src/errors.js";
import { access, accessRoles } from "./access.js";
import type { Members } from "./members.js";
import { memberRoles, type SealRecord } from "./record.js";

/** What each constructor is given, in the order of deployment: the deployer or contracts deployed before. */
const constructors: Record<ContractName, (ContractName | "deployer")[]> = {
  AccessManager: ["deployer"],
  Consortium: ["AccessManager"],
  Orders: ["Consortium"],
  Encumbrances: ["Consortium", "AccessManager", "Orders"],
  Eligibility: ["Consortium", "AccessManager", "Orders"],
  OrganisationKeys: ["Consortium"],
  DeviceRecovery: ["Consortium", "Orders"],
  DeviceRegistry: ["Consortium", "AccessManager", "Encumbrances", "DeviceRecovery"],
  DeviceAccess: ["Consortium", "DeviceRegistry", "AccessManager"],
  AccessAudit: ["Consortium", "DeviceRegistry", "Orders"],
  DeviceCertificates: ["DeviceRegistry", "AccessManager"],
  DeviceComposition: ["DeviceRegistry"],
  DeviceFirmware: ["DeviceRegistry"],
  DeviceDocuments: ["DeviceRegistry", "OrganisationKeys"],
  AnchorLog: ["Consortium", "AccessManager"],
  FrameReader: ["AnchorLog", "DeviceRegistry"],
};

/** Contracts that keep a role of the consortium folded into a word of their own and are told of its changes. */
const listeners: [role: (typeof memberRoles)[number], listener: ContractName][] = [
  ["Manufacturer", "DeviceRegistry"],
  ["Anchor", "AnchorLog"],
];

/** The contract that is told of every change of an organisation's status. */
const orgListener: ContractName = "Eligibility";

/** Contracts whose assets can be encumbered. */
const encumberable: ContractName[] = ["DeviceRegistry"];

/** Contracts whose functions the AccessManager opens. */
const managed = [
  "Consortium",
  "Encumbrances",
  "Eligibility",
  "DeviceRegistry",
  "DeviceAccess",
  "DeviceCertificates",
  "AnchorLog",
] as const satisfies ContractName[];

/** Contracts that an administrator has powers over. */
export const contractsWithPowers = ["AccessManager", ...managed] as const;

export interface BuiltContract {
  artifact: Artifact;
  interface: Interface;
  abiVersion: string;
}
export type Built = Record<ContractName, BuiltContract>;
export type Addresses = Partial<Record<ContractName | "deployer", string>>;

/** Reads the compiled contracts. */
export async function readBuilt(artifacts: ArtifactManager): Promise<Built> {
  const entries = contractNames.map(async (name) => {
    const artifact: Artifact = await artifacts.readArtifact(name);
    const face = new Interface(artifact.abi);
    const sorted = face.fragments.map((fragment) => fragment.format("full")).sort();
    return [name, { artifact, interface: face, abiVersion: id(sorted.join("\n")).slice(2, 10) }] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as Built;
}

/** Creation code with its arguments. */
export function initCode(built: Built, name: ContractName, addresses: Addresses): string {
  const args = constructors[name].map((given) => addressOf(addresses, given));
  const types = args.map(() => "address");
  return concat([built[name].artifact.bytecode, AbiCoder.defaultAbiCoder().encode(types, args)]);
}

/** Whether code on the chain is what this build makes, apart from the immutables that the constructor fills in. */
export function isBuildOf(artifact: Artifact, code: string): boolean {
  if (dataLength(code) !== dataLength(artifact.deployedBytecode)) return false;
  const [found, built] = [code, artifact.deployedBytecode].map((hex) => Buffer.from(hex.slice(2), "hex"));
  for (const { start, length } of Object.values(artifact.immutableReferences ?? {}).flat()) {
    found!.fill(0, start, start + length);
    built!.fill(0, start, start + length);
  }
  return found!.equals(built!);
}

/** The calls of one step, packed into one transaction of the AccessManager: all of them happen, or none. */
export class Calls {
  readonly #data: string[] = [];

  constructor(
    private readonly built: Built,
    private readonly addresses: Addresses,
  ) {}

  /** A call of the AccessManager itself. */
  manager(method: string, args: unknown[]): this {
    this.#data.push(this.built.AccessManager.interface.encodeFunctionData(method, args));
    return this;
  }

  /** A call of a managed contract through the AccessManager. */
  execute(contract: ContractName, method: string, args: unknown[]): this {
    const data = this.built[contract].interface.encodeFunctionData(method, args);
    return this.manager("execute", [addressOf(this.addresses, contract), data]);
  }

  encode(): string {
    return this.built.AccessManager.interface.encodeFunctionData("multicall", [this.#data]);
  }
}

/**
 * Tells the consortium who listens, before the first admission and grant, which a later listener would miss; and the
 * encumbrances whose assets there are.
 */
export function wiring(calls: Calls, addresses: Addresses): string {
  for (const [role, listener] of listeners) {
    calls.execute("Consortium", "setRoleListener", [
      memberRoles.indexOf(role),
      addressOf(addresses, listener),
    ]);
  }
  calls.execute("Consortium", "setOrgListener", [addressOf(addresses, orgListener)]);
  for (const module of encumberable) {
    calls.execute("Encumbrances", "admitModule", [addressOf(addresses, module)]);
  }
  return calls.encode();
}

/** The greatest limit, which is none. */
export const NO_LIMIT = 2n ** 128n - 1n;

/** What the consortium keeps of a control group's name. */
export function controlGroupHash({ controlGroup }: { controlGroup?: string }): string {
  return controlGroup === undefined ? ZeroHash : id(controlGroup);
}

/** Admits one organisation with its signatories and their roles; terms are counted from `now`, seconds. */
export function enrolment(
  calls: Calls,
  organisation: Members["organisations"][number],
  orgId: number,
  now: number,
): string {
  calls.execute("Consortium", "admit", [id(organisation.code), controlGroupHash(organisation)]);
  for (const { address, roles } of organisation.signatories) {
    calls.execute("Consortium", "addSignatory", [orgId, address]);
    for (const { role, days, limit } of roles) {
      const until = now + days * 86_400;
      const most = limit === undefined ? NO_LIMIT : BigInt(limit);
      calls.execute("Consortium", "grantRole", [address, memberRoles.indexOf(role), until, most]);
    }
  }
  return calls.encode();
}

/** Opens a stream for each key. */
export function opening(calls: Calls, keys: string[]): string {
  for (const key of keys) calls.execute("AnchorLog", "openStream", [key]);
  return calls.encode();
}

export interface Holders {
  admin: string;
  registrar: string;
  guardian: string;
}

/**
 * The seal, one transaction: opens the managed functions by the table in access.ts, hands the three roles over with
 * their delays, and takes ADMIN from the deployer last.
 */
export function sealing(built: Built, addresses: Addresses, holders: Holders, delay: number): string {
  const calls = new Calls(built, addresses);
  const { ADMIN, REGISTRAR, GUARDIAN } = accessRoles;
  calls.manager("labelRole", [REGISTRAR, "REGISTRAR"]).manager("labelRole", [GUARDIAN, "GUARDIAN"]);
  for (const contract of managed) openFunctions(calls, built, addresses, contract);
  calls.manager("setRoleGuardian", [REGISTRAR, GUARDIAN]);
  calls.manager("grantRole", [GUARDIAN, holders.guardian, 0]);
  calls.manager("grantRole", [REGISTRAR, holders.registrar, delay]);
  calls.manager("grantRole", [ADMIN, holders.admin, delay]);
  for (const role of Object.values(accessRoles)) calls.manager("setGrantDelay", [role, delay]);
  for (const contract of managed) {
    calls.manager("setTargetAdminDelay", [addressOf(addresses, contract), delay]);
  }
  return calls.manager("renounceRole", [ADMIN, addressOf(addresses, "deployer")]).encode();
}

function openFunctions(calls: Calls, built: Built, addresses: Addresses, contract: ContractName): void {
  for (const role of ["REGISTRAR", "GUARDIAN"] as const) {
    const selectors = Object.entries(access[contract])
      .filter(([, caller]) => caller === role)
      .map(([method]) => built[contract].interface.getFunction(method)!.selector);
    if (selectors.length === 0) continue;
    calls.manager("setTargetFunctionRole", [addressOf(addresses, contract), selectors, accessRoles[role]]);
  }
}

/** The part of the record that says who holds what. */
export function sealRecord(
  holders: Holders,
  delay: number,
  at: { block: number; transaction: string; timestamp: number },
): SealRecord {
  return {
    block: at.block,
    transaction: at.transaction,
    admin: { address: holders.admin, role: 0, delay },
    registrar: { address: holders.registrar, role: 1, delay },
    guardian: { address: holders.guardian, role: 2, delay: 0 },
    grantDelay: delay,
    targetAdminDelay: delay,
    delaysFrom: at.timestamp + 5 * 86_400,
  };
}

export function addressOf(addresses: Addresses, name: ContractName | "deployer"): string {
  const address = addresses[name];
  if (address === undefined) {
    throw new TenonError("StepOutOfOrder", "A step needs a contract that is not deployed yet", {
      args: { name },
    });
  }
  return address;
}

export function hashOf(hex: string): string {
  return hex === "0x" ? ZeroHash : keccak256(hex);
}
