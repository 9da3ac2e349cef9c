import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import {
  AbiCoder,
  concat,
  getBytes,
  keccak256,
  type Signer,
  type TypedDataDomain,
  TypedDataEncoder,
  type TypedDataField,
  ZeroHash,
} from "ethers";
import { fromHex, type Hex, toHex } from "../../sdk/src/bytes.js";
import { leafHash, MerkleTree } from "../../sdk/src/proof/merkle.js";
import { admit, grant, holderOf, Role } from "./consortium.js";
import { deployRegistry, LATER, proveRegistration, register, type World } from "./devices.js";
import { makeKey, type Signature, type TestKey } from "./keys.js";
import { domainOf } from "./signed-acts.js";

/**
 * The registry with everybody who may act on a device: besides maker, buyer and authority a tenant (another
 * organisation with a device manager), a clerk of the buyer without any role, a regulator and an enforcer. One device,
 * `key`, belongs to the buyer.
 */
export async function deployOwners(ethers: HardhatEthers) {
  const base = await deployRegistry(ethers);
  const [tenant, clerk, regulator, enforcer] = base.others.slice(6);
  const tenantOrg = await admit(base, "tenant", tenant!);
  const stateOrg = await admit(base, "state", regulator!, enforcer!);
  await base.consortium.connect(base.registrar).addSignatory(base.buyerOrg, clerk!.address);
  await grant(base, tenant!, Role.DeviceManager);
  await grant(base, regulator!, Role.Regulator);
  await grant(base, enforcer!, Role.Enforcer);
  const key = makeKey(1, `0x${"17".repeat(32)}`);
  await register(base, key, base.buyerOrg);
  const recoveryDomain = await domainOf(base.recovery);
  return {
    ...base,
    tenantOrg,
    stateOrg,
    tenant: tenant!,
    clerk: clerk!,
    regulator: regulator!,
    enforcer: enforcer!,
    key,
    recoveryDomain,
  };
}

export type Owners = Awaited<ReturnType<typeof deployOwners>>;

type Types = Record<string, TypedDataField[]>;
const field = (type: string, name: string): TypedDataField => ({ type, name });
const newKey = [field("uint8", "curve"), field("bytes32", "x"), field("bytes32", "y")];

export const TRANSFER: Types = {
  Transfer: [
    field("bytes32", "device"),
    field("uint32", "from"),
    field("uint32", "to"),
    field("uint32", "epoch"),
    field("uint256", "deadline"),
  ],
};
export const VOUCHER: Types = {
  Voucher: [
    field("bytes32", "device"),
    field("bytes32", "parametersHash"),
    field("bytes32", "certificateHash"),
    field("uint32", "buyer"),
    field("uint40", "until"),
  ],
};
export const ENGAGEMENT: Types = {
  Engagement: [
    field("bytes32", "device"),
    field("uint32", "epoch"),
    field("address", "owner"),
    field("uint256", "deadline"),
  ],
};
export const ROTATION: Types = {
  Rotation: [field("bytes32", "device"), field("uint32", "epoch"), ...newKey, field("uint256", "deadline")],
};
export const RECOVERY: Types = {
  Recovery: [
    field("address", "registry"),
    field("bytes32", "device"),
    field("uint32", "epoch"),
    field("address", "owner"),
    ...newKey,
    field("uint256", "deadline"),
  ],
};

/** A device's signature over a typed message, under the hash of its curve; by ethers, apart from the contract's code. */
export function deviceSign(
  domain: TypedDataDomain,
  types: Types,
  key: TestKey,
  message: Record<string, unknown>,
): Signature {
  const [name] = Object.keys(types);
  const hash = TypedDataEncoder.hashStruct(name!, types, message);
  const bytes = getBytes(concat(["0x1901", TypedDataEncoder.hashDomain(domain), hash]));
  return key.curve === 1 ? key.signBytes(bytes) : key.signDigest(keccak256(bytes));
}

export const publicKey = ({ curve, x, y }: { curve: number; x: string; y: string }) => ({ curve, x, y });

/** What `KeyProof` is. */
export const keyProof = (key: { curve: number; x: string; y: string }, { r, s }: Signature) => ({
  key: publicKey(key),
  r,
  s,
});

export const NO_KEY = { key: { curve: 0, x: ZeroHash, y: ZeroHash }, r: ZeroHash, s: ZeroHash };

/** A registration with a good proof of the device. */
export function registrationOf(
  { domain }: Pick<World, "domain">,
  key: TestKey,
  owner: bigint,
  { parametersHash = ZeroHash, certificateHash = ZeroHash, deadline = LATER } = {},
) {
  const message = { owner: holderOf(owner), parametersHash, certificateHash, deadline };
  const { r, s } = proveRegistration({ ...domain }, key, message);
  return { owner, key: publicKey(key), parametersHash, certificateHash, deadline, r, s };
}

export type TestRegistration = ReturnType<typeof registrationOf>;

/** A party's signature over a transfer; `change` replaces fields of the good message. */
export async function signTransfer(
  { domain, registry }: Pick<World, "domain" | "registry">,
  signer: Signer & { address: string },
  device: string,
  to: bigint,
  change: Record<string, unknown> = {},
) {
  const { org, epoch } = await registry.record(device);
  const message = { device, from: org, to, epoch, deadline: LATER, ...change };
  return { signer: signer.address, signature: await signer.signTypedData(domain, TRANSFER, message) };
}

/** Moves a device with both signatures. */
export async function transfer(
  world: Owners,
  device: string,
  to: bigint,
  from: HardhatEthersSigner,
  recipient: HardhatEthersSigner,
) {
  const [given, taken] = [
    await signTransfer(world, from, device, to),
    await signTransfer(world, recipient, device, to),
  ];
  return world.registry.connect(world.stranger).transfer(device, to, LATER, given, taken);
}

/** A rotation's two proofs, by the key in force and the fresh one; `change` replaces fields of the good message. */
export async function rotation(
  { domain, registry }: Pick<World, "domain" | "registry">,
  device: string,
  present: TestKey,
  fresh: TestKey,
  change: Record<string, unknown> = {},
) {
  const { epoch } = await registry.record(device);
  const message = { device, epoch, ...publicKey(fresh), deadline: LATER, ...change };
  return [present, fresh].map((key) => keyProof(key, deviceSign(domain, ROTATION, key, message))) as [
    ReturnType<typeof keyProof>,
    ReturnType<typeof keyProof>,
  ];
}

/** An engagement's proof. */
export async function engagement(
  { domain, registry }: Pick<World, "domain" | "registry">,
  device: string,
  key: TestKey,
  change: Record<string, unknown> = {},
) {
  const { epoch, owner } = await registry.record(device);
  const message = { device, epoch, owner, deadline: LATER, ...change };
  return keyProof(key, deviceSign(domain, ENGAGEMENT, key, message));
}

/** A new key's proof in a recovery. */
export async function recoveryProof(
  { recoveryDomain, registry }: Pick<Owners, "recoveryDomain" | "registry">,
  device: string,
  newOwner: bigint,
  fresh: TestKey,
  change: Record<string, unknown> = {},
) {
  const { epoch } = await registry.record(device);
  const message = {
    registry: await registry.getAddress(),
    device,
    epoch,
    owner: holderOf(newOwner),
    ...publicKey(fresh),
    deadline: LATER,
    ...change,
  };
  return keyProof(fresh, deviceSign(recoveryDomain, RECOVERY, fresh, message));
}

/** A manufacturer's voucher. */
export async function voucherOf(
  { domain }: Pick<World, "domain">,
  maker: Signer & { address: string },
  device: string,
  {
    buyer = 0n,
    until = 3_000_000_000n,
    parametersHash = ZeroHash as string,
    certificateHash = ZeroHash as string,
  } = {},
) {
  const message = { device, parametersHash, certificateHash, buyer, until };
  const signature = await maker.signTypedData(domain, VOUCHER, message);
  return { maker: maker.address, buyer, until, signature };
}

/** What stands in a factory list of one device. */
export function listEntry(device: string, parametersHash = ZeroHash, certificateHash = ZeroHash): Uint8Array {
  const types = ["bytes32", "bytes32", "bytes32"];
  return fromHex(AbiCoder.defaultAbiCoder().encode(types, [device, parametersHash, certificateHash]));
}

/** A production run: its root, and where each device stands. */
export function factoryList(entries: readonly Uint8Array[]) {
  const tree = new MerkleTree(entries.map(leafHash));
  const root = toHex(tree.root);
  const proofOf = (maker: bigint, index: number) => ({
    maker,
    root,
    index,
    path: tree.path(index).map((node) => toHex(node) as Hex),
  });
  return { root, count: entries.length, proofOf };
}
