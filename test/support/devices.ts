import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import {
  concat,
  getBytes,
  keccak256,
  type Result,
  type TypedDataDomain,
  TypedDataEncoder,
  ZeroHash,
} from "ethers";
import { admit, deployConsortium, grant, holderOf, Role } from "./consortium.js";
import type { Signature, TestKey } from "./keys.js";

/** The numbers of the Solidity enums. */
export const DeviceStatus = {
  None: 0n,
  Active: 1n,
  SuspendedByOwner: 2n,
  SuspendedByAuthority: 3n,
  Revoked: 4n,
} as const;
/** The COSE numbers of the curves a device may use. */
export const CURVES = [
  [1, "P-256"],
  [8, "secp256k1"],
] as const;

export const DeviceActor = { Owner: 0n, Authority: 1n } as const;

/** A deadline far enough for every test. */
export const LATER = 4_000_000_000n;

const REGISTRATION = {
  Registration: [
    { name: "curve", type: "uint8" },
    { name: "x", type: "bytes32" },
    { name: "y", type: "bytes32" },
    { name: "owner", type: "address" },
    { name: "parametersHash", type: "bytes32" },
    { name: "certificateHash", type: "bytes32" },
    { name: "deadline", type: "uint256" },
  ],
};

/** What a device's registration says, besides its key. */
export interface Registration {
  owner: string;
  parametersHash?: string;
  certificateHash?: string;
  deadline?: bigint;
}

/** The 66 bytes `0x1901 ‖ domain ‖ struct`, by ethers and so apart from the contract's own code. */
export function registrationBytes(domain: TypedDataDomain, key: TestKey, message: Registration): Uint8Array {
  const { curve, x, y } = key;
  const value = {
    parametersHash: ZeroHash,
    certificateHash: ZeroHash,
    deadline: LATER,
    ...message,
    curve,
    x,
    y,
  };
  const hash = TypedDataEncoder.hashStruct("Registration", REGISTRATION, value);
  return getBytes(concat(["0x1901", TypedDataEncoder.hashDomain(domain), hash]));
}

/** The proof as a device makes it. */
export function proveRegistration(domain: TypedDataDomain, key: TestKey, message: Registration): Signature {
  const bytes = registrationBytes(domain, key, message);
  return key.curve === 1 ? key.signBytes(bytes) : key.signDigest(keccak256(bytes));
}

/** The registry with all it needs, before anybody is a manufacturer. */
export async function deployIdentity(
  ethers: HardhatEthers,
  {
    manager,
    consortium,
    admin,
  }: Pick<Awaited<ReturnType<typeof deployConsortium>>, "manager" | "consortium" | "admin">,
) {
  const [org, authority] = [await consortium.getAddress(), await manager.getAddress()];
  const orders = await ethers.deployContract("Orders", [org]);
  const ordersAt = await orders.getAddress();
  const encumbrances = await ethers.deployContract("Encumbrances", [org, authority, ordersAt]);
  const recovery = await ethers.deployContract("DeviceRecovery", [org, ordersAt]);
  const registry = await ethers.deployContract("DeviceRegistry", [
    org,
    authority,
    await encumbrances.getAddress(),
    await recovery.getAddress(),
  ]);
  await consortium.connect(admin).setRoleListener(Role.Manufacturer, await registry.getAddress());
  await encumbrances.connect(admin).admitModule(await registry.getAddress());
  return { orders, encumbrances, recovery, registry };
}

/**
 * A consortium with its device registry, a manufacturer (organisation and signatory), a buyer of machines with a
 * signatory that manages its devices, and a device authority in an organisation of its own.
 */
export async function deployRegistry(ethers: HardhatEthers) {
  const base = await deployConsortium(ethers);
  const { others } = base;
  const parts = await deployIdentity(ethers, base);
  const { registry } = parts;
  const [maker, buyer, authority, stranger] = others;
  const makerOrg = await admit(base, "maker", maker!);
  const buyerOrg = await admit(base, "buyer", buyer!);
  const authorityOrg = await admit(base, "authority", authority!);
  await grant(base, maker!, Role.Manufacturer);
  for (const manager of [maker!, buyer!]) await grant(base, manager, Role.DeviceManager);
  await grant(base, authority!, Role.DeviceAuthority);
  const [, name, version, chainId, verifyingContract] = await registry.eip712Domain();
  const domain = { name, version, chainId, verifyingContract };
  return {
    ...base,
    ...parts,
    domain,
    makerOrg,
    buyerOrg,
    authorityOrg,
    maker: maker!,
    buyer: buyer!,
    authority: authority!,
    stranger: stranger!,
  };
}

/** A record as an object with its names. */
export function recordOf(record: unknown): Record<string, unknown> {
  return (record as Result).toObject();
}

export type World = Awaited<ReturnType<typeof deployRegistry>>;

/** Registers a device for an organisation with its own good proof, as the manufacturer. */
export async function register(world: World, key: TestKey, org: bigint) {
  const proof = proveRegistration(world.domain, key, { owner: holderOf(org) });
  return send(world, key, org, proof);
}

/** Sends a registration with whatever proof is given; the manufacturer sends it unless `by` names another. */
export function send(
  { registry, maker }: Pick<World, "registry" | "maker">,
  { curve, x, y }: { curve: number; x: string; y: string },
  org: bigint,
  { r, s }: Signature,
  { parametersHash = ZeroHash, certificateHash = ZeroHash, deadline = LATER, by = maker } = {},
  overrides = {},
) {
  const registration = { owner: org, key: { curve, x, y }, parametersHash, certificateHash, deadline, r, s };
  return registry.connect(by).register(registration, overrides);
}
