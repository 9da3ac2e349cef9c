import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import {
  type BaseContract,
  concat,
  getBytes,
  keccak256,
  type TypedDataDomain,
  TypedDataEncoder,
} from "ethers";
import type { SignedActs } from "../../sdk/src/generated/typechain/index.js";
import { admit, DAY, grant, Role } from "./consortium.js";
import { deployRegistry, LATER, register } from "./devices.js";
import { makeKey, type Signature, type TestKey } from "./keys.js";

/** The numbers of the Solidity enums. */
export const AuthorityKind = { None: 0n, Factory: 1n, Owner: 2n } as const;
export const CertificateReason = {
  Good: 0n,
  Unknown: 1n,
  OtherDevice: 2n,
  Revoked: 3n,
  Expired: 4n,
  AuthorityRevoked: 5n,
  AuthorityExpired: 6n,
  DeviceRevoked: 7n,
  EpochEnded: 8n,
} as const;
export const FirmwareState = { None: 0n, Latest: 1n, Superseded: 2n, Withdrawn: 3n } as const;
export const FirmwareReason = {
  Installable: 0n,
  ReleaseUnknown: 1n,
  ReleaseWithdrawn: 2n,
  DeviceUnknown: 3n,
  DeviceRevoked: 4n,
  OtherModel: 5n,
  Rollback: 6n,
} as const;

/**
 * A registry with certificates, composition and firmware beside it. The maker's organisation also has a certifier; two
 * owners have a device manager each, and the first a certifier of its own.
 */
export async function deployFacts(ethers: HardhatEthers) {
  const base = await deployRegistry(ethers);
  const { registry, manager, registrar, guardian, others, makerOrg } = base;
  const address = await registry.getAddress();
  const certificates = await ethers.deployContract("DeviceCertificates", [
    address,
    await manager.getAddress(),
  ]);
  const composition = await ethers.deployContract("DeviceComposition", [address]);
  const firmware = await ethers.deployContract("DeviceFirmware", [address]);
  const [certifier, one, two, ownCertifier] = others.slice(-4) as [
    HardhatEthersSigner,
    HardhatEthersSigner,
    HardhatEthersSigner,
    HardhatEthersSigner,
  ];
  await base.consortium.connect(registrar).addSignatory(makerOrg, certifier.address);
  const oneOrg = await admit(base, "first owner", one, ownCertifier);
  const twoOrg = await admit(base, "second owner", two);
  await grant(base, certifier, Role.Certifier, 300n);
  await grant(base, ownCertifier, Role.Certifier, 300n);
  await grant(base, one, Role.DeviceManager, 300n);
  await grant(base, two, Role.DeviceManager, 300n);
  await openFor(manager, certificates, 1n, ["admitAuthority", "renewAuthority", "unpause"]);
  await openFor(manager, certificates, 2n, ["revokeAuthority", "pause"]);
  return {
    ...base,
    certificates,
    composition,
    firmware,
    certifier,
    one,
    two,
    ownCertifier,
    oneOrg,
    twoOrg,
    registrar,
    guardian,
  };
}

export type Facts = Awaited<ReturnType<typeof deployFacts>>;

async function openFor(
  manager: Facts["manager"],
  contract: BaseContract,
  office: bigint,
  functions: string[],
): Promise<void> {
  const selectors = functions.map((name) => contract.interface.getFunction(name)!.selector);
  await manager.setTargetFunctionRole(await contract.getAddress(), selectors, office);
}

/** Registers a fresh P-256 device, or this one, for an organisation. */
export async function newDevice(facts: Facts, org = facts.oneOrg, key = makeKey(1)): Promise<TestKey> {
  await register(facts, key, org);
  return key;
}

/** Hands devices from one owner to the other by offer and acceptance. */
export async function handOver(
  { registry }: Facts,
  devices: readonly TestKey[],
  from: HardhatEthersSigner,
  to: HardhatEthersSigner,
  toOrg: bigint,
): Promise<void> {
  const { timestamp } = (await from.provider!.getBlock("latest"))!;
  for (const { id } of devices) {
    await registry.connect(from).offer(id, toOrg, BigInt(timestamp) + DAY);
    await registry.connect(to).acceptOffer(id);
  }
}

const INSTALLATION = {
  Installation: [
    { name: "device", type: "bytes32" },
    { name: "epoch", type: "uint32" },
    { name: "release", type: "uint32" },
    { name: "manifestHash", type: "bytes32" },
    { name: "count", type: "uint32" },
    { name: "deadline", type: "uint256" },
  ],
};

export interface InstallationMessage {
  device: string;
  epoch: bigint;
  release: bigint;
  manifestHash: string;
  count: bigint;
  deadline: bigint;
}

/** What a device signs to attest an installation, by ethers and so apart from the contract's own code. */
export function proveInstallation(
  domain: TypedDataDomain,
  key: TestKey,
  message: InstallationMessage,
): Signature {
  const hash = TypedDataEncoder.hashStruct("Installation", INSTALLATION, message);
  const bytes = getBytes(concat(["0x1901", TypedDataEncoder.hashDomain(domain), hash]));
  return key.curve === 1 ? key.signBytes(bytes) : key.signDigest(keccak256(bytes));
}

/** The domain that a contract says it signs in. */
export async function domainOf(contract: Pick<SignedActs, "eip712Domain">): Promise<TypedDataDomain> {
  const [, name, version, chainId, verifyingContract] = await contract.eip712Domain();
  return { name, version, chainId, verifyingContract };
}

/** Does a call by the signature of `signer`, brought by `relayer`. */
export async function relay(
  contract: SignedActs,
  signer: HardhatEthersSigner,
  relayer: HardhatEthersSigner,
  call: string,
  overrides = {},
) {
  const nonce = await contract["nonces(address)"](signer.address);
  const types = {
    Act: [
      { name: "signer", type: "address" },
      { name: "call", type: "bytes" },
      { name: "nonce", type: "uint256" },
      { name: "deadline", type: "uint256" },
    ],
  };
  const value = { signer: signer.address, call, nonce, deadline: LATER };
  const signature = await signer.signTypedData(await domainOf(contract), types, value);
  return contract.connect(relayer).act(signer.address, call, nonce, LATER, signature, overrides);
}
