import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import {
  AbiCoder,
  type ContractTransactionResponse,
  concat,
  getBytes,
  keccak256,
  type TypedDataDomain,
  TypedDataEncoder,
  toBeHex,
  ZeroHash,
} from "ethers";
import type { DeviceAccess } from "../../sdk/src/generated/typechain/index.js";
import { admit, DAY, grant, holderOf, Role } from "./consortium.js";
import { deployRegistry, LATER, register } from "./devices.js";
import { makeKey, type Signature, type TestKey } from "./keys.js";
import { domainOf } from "./signed-acts.js";

/** The numbers of the Solidity enum. */
export const Reason = {
  Allowed: 0n,
  DeviceUnknown: 1n,
  DeviceNotActive: 2n,
  AccessStopped: 3n,
  DeviceNotEngaged: 4n,
  PassMissing: 5n,
  PassRevoked: 6n,
  PassEpochEnded: 7n,
  PassNotYetValid: 8n,
  PassExpired: 9n,
  DelegationEnded: 10n,
  NotGrantee: 11n,
  RequesterSuspended: 12n,
  Blocked: 13n,
  TooFrequent: 14n,
  PermissionMissing: 15n,
  NotHolder: 16n,
  TokenUnknown: 17n,
  TokenSpent: 18n,
  TokenExpired: 19n,
} as const;
export type ReasonName = keyof typeof Reason;

/** Some permissions, by bit. */
export const Permission = {
  readTelemetry: 1n,
  readState: 2n,
  startStop: 1n << 7n,
  updateFirmware: 1n << 11n,
};
export const TOKEN_LIFE = 900n;
export const BLOCK_TIME = 3600n;

export const keyGrantee = ({ address }: { address: string }): string => toBeHex(address, 32);
export const roleGrantee = (org: bigint, role: bigint): string =>
  toBeHex((1n << 255n) | (org << 8n) | role, 32);

export const passTypes = {
  Pass: [
    { name: "device", type: "bytes32" },
    { name: "grantee", type: "bytes32" },
    { name: "permissions", type: "uint40" },
    { name: "notBefore", type: "uint40" },
    { name: "expiry", type: "uint40" },
    { name: "epoch", type: "uint32" },
    { name: "rev", type: "uint32" },
    { name: "minInterval", type: "uint16" },
    { name: "delegations", type: "uint8" },
    { name: "endpointCommitment", type: "bytes32" },
    { name: "envelopeHash", type: "bytes32" },
    { name: "deadline", type: "uint256" },
  ],
};

export interface TestPass {
  device: string;
  grantee: string;
  permissions: bigint;
  notBefore: bigint;
  expiry: bigint;
  epoch: bigint;
  rev: bigint;
  minInterval: bigint;
  delegations: bigint;
  endpointCommitment: string;
  envelopeHash: string;
  deadline: bigint;
}

const redemptionTypes = {
  Redemption: [
    { name: "device", type: "bytes32" },
    { name: "token", type: "bytes32" },
    { name: "deadline", type: "uint256" },
  ],
};

/**
 * A device (P-256) of the organisation "site", with everybody who comes near it: the site's keeper (DeviceManager) and
 * gateway (no role), the next owner's keeper, a maintenance firm with two technicians (DeviceManager, as the role that
 * passes are given to) and a member without it, a key that serves nobody, and a thief.
 */
export async function deployAccess(ethers: HardhatEthers) {
  const world = await deployRegistry(ethers);
  const { consortium, registry, orders, manager, admin, registrar, guardian } = world;
  const signers = (await ethers.getSigners()).slice(8);
  const [keeper, gateway, nextKeeper, tech, colleague, member, key, thief, regulator] = signers;
  const people = { keeper, gateway, nextKeeper, tech, colleague, member, key, thief, regulator };
  const named = people as Record<keyof typeof people, HardhatEthersSigner>;
  const site = await admit(world, "site", named.keeper, named.gateway);
  const next = await admit(world, "next", named.nextKeeper);
  const firm = await admit(world, "firm", named.tech, named.colleague, named.member);
  await admit(world, "regulator", named.regulator);
  for (const who of [named.keeper, named.nextKeeper, named.tech, named.colleague]) {
    await grant(world, who, Role.DeviceManager, 300n);
  }
  await grant(world, named.regulator, Role.Regulator, 300n);

  const parts = [consortium, registry, manager, orders];
  const at = await Promise.all(parts.map((contract) => contract.getAddress()));
  const access = await ethers.deployContract("DeviceAccess", [at[0]!, at[1]!, at[2]!]);
  const audit = await ethers.deployContract("AccessAudit", [at[0]!, at[1]!, at[3]!]);
  const offices = [
    { office: 1n, functions: ["unpause"] as const },
    { office: 2n, functions: ["pause"] as const },
  ];
  for (const { office, functions } of offices) {
    const selectors = functions.map((name) => access.interface.getFunction(name).selector);
    await manager.setTargetFunctionRole(await access.getAddress(), selectors, office);
  }
  const device = makeKey(1);
  await register(world, device, site);
  return {
    ...world,
    ...named,
    admin,
    registrar,
    guardian,
    access,
    audit,
    accessDomain: await domainOf(access),
    site,
    next,
    firm,
    techs: roleGrantee(firm, Role.DeviceManager),
    device,
  };
}

export type AccessWorld = Awaited<ReturnType<typeof deployAccess>>;

export async function now({ admin }: Pick<AccessWorld, "admin">): Promise<bigint> {
  return BigInt((await admin.provider!.getBlock("latest"))!.timestamp);
}

/** The next pass for a grantee on the device: 30 days, telemetry and state, unless told otherwise. */
export async function passFor(
  world: AccessWorld,
  grantee: string,
  changes: Partial<TestPass> = {},
): Promise<TestPass> {
  const device = changes.device ?? world.device.id;
  const [{ rev }, { epoch }] = await Promise.all([
    world.access.passOf(device, grantee),
    world.registry.record(device),
  ]);
  return {
    device,
    grantee,
    permissions: Permission.readTelemetry | Permission.readState,
    notBefore: 0n,
    expiry: (await now(world)) + 30n * DAY,
    epoch,
    rev: rev + 1n,
    minInterval: 0n,
    delegations: 0n,
    endpointCommitment: ZeroHash,
    envelopeHash: ZeroHash,
    deadline: LATER,
    ...changes,
  };
}

/** The keeper gives a pass; answers it. */
export async function give(
  world: AccessWorld,
  grantee: string,
  changes: Partial<TestPass> = {},
): Promise<TestPass> {
  const pass = await passFor(world, grantee, changes);
  await world.access.connect(world.keeper).grant(pass, "0x");
  return pass;
}

export function signPass(
  signer: HardhatEthersSigner,
  domain: TypedDataDomain,
  pass: TestPass,
): Promise<string> {
  return signer.signTypedData(domain, passTypes, pass);
}

/** What the contract said to a request or a redemption: the one event that decides. */
export interface Answer {
  reason: bigint;
  token: string;
  permissions: bigint;
  requester: string;
  by?: string;
  counter?: bigint;
  until?: bigint;
  endpointCommitment?: string;
  blockedUntil?: bigint;
}

export async function answerOf(
  access: DeviceAccess,
  sending: Promise<ContractTransactionResponse>,
): Promise<Answer> {
  const receipt = (await (await sending).wait())!;
  const address = await access.getAddress();
  const logs = receipt.logs
    .filter((log) => log.address === address)
    .map((log) => access.interface.parseLog(log)!);
  const blocked = logs.find(({ name }) => name === "RequesterBlocked");
  const decided = logs.find(({ name }) => ["TokenIssued", "TokenRedeemed", "AccessDenied"].includes(name))!;
  const args = decided.args.toObject();
  return {
    reason: Reason.Allowed,
    ...(args as unknown as Omit<Answer, "reason">),
    ...(blocked === undefined ? {} : { blockedUntil: blocked.args.until }),
  };
}

type Asking = Pick<AccessWorld, "access" | "device">;

export function ask(
  { access, device }: Asking,
  by: HardhatEthersSigner,
  grantee = keyGrantee(by),
  permissions = Permission.readTelemetry,
): Promise<Answer> {
  return answerOf(access, access.connect(by).request(device.id, grantee, permissions));
}

/** Redeems an issued token, as its requester unless `by` names another. */
export function redeem(
  { access, device }: Asking,
  requester: HardhatEthersSigner,
  token: string,
  { by = requester, grantee = keyGrantee(requester) } = {},
): Promise<Answer> {
  return answerOf(access, access.connect(by).redeem(device.id, grantee, requester.address, token));
}

/** The device's own signature over a redemption; by ethers and node:crypto, apart from the contract's code. */
export function proveRedemption(
  domain: TypedDataDomain,
  key: TestKey,
  message: { device: string; token: string; deadline: bigint },
): Signature {
  const hash = TypedDataEncoder.hashStruct("Redemption", redemptionTypes, message);
  const bytes = getBytes(concat(["0x1901", TypedDataEncoder.hashDomain(domain), hash]));
  return key.curve === 1 ? key.signBytes(bytes) : key.signDigest(keccak256(bytes));
}

const engagementTypes = {
  Engagement: [
    { name: "device", type: "bytes32" },
    { name: "epoch", type: "uint32" },
    { name: "owner", type: "address" },
    { name: "deadline", type: "uint256" },
  ],
};
const rotationTypes = {
  Rotation: [
    { name: "device", type: "bytes32" },
    { name: "epoch", type: "uint32" },
    { name: "curve", type: "uint8" },
    { name: "x", type: "bytes32" },
    { name: "y", type: "bytes32" },
    { name: "deadline", type: "uint256" },
  ],
};

function signAsDevice(
  key: TestKey,
  domain: TypedDataDomain,
  types: Record<string, { name: string; type: string }[]>,
  message: Record<string, unknown>,
): { key: { curve: number; x: string; y: string }; r: string; s: string } {
  const hash = TypedDataEncoder.hashStruct(Object.keys(types)[0]!, types, message);
  const bytes = getBytes(concat(["0x1901", TypedDataEncoder.hashDomain(domain), hash]));
  const { r, s } = key.curve === 1 ? key.signBytes(bytes) : key.signDigest(keccak256(bytes));
  return { key: { curve: key.curve, x: key.x, y: key.y }, r, s };
}

/** The site sells the device to the next organisation; the device signs for it only when told so. */
export async function handOver(
  world: AccessWorld,
  device: TestKey,
  { engaged = false, from = world.keeper, to = world.nextKeeper } = {},
): Promise<void> {
  const { registry, domain, consortium } = world;
  const org = await consortium.orgOf(to.address);
  await registry.connect(from).offer(device.id, org, (await now(world)) + DAY);
  await registry.connect(to).acceptOffer(device.id);
  if (!engaged) return;
  const { epoch } = await registry.record(device.id);
  const message = { device: device.id, epoch, owner: holderOf(org), deadline: LATER };
  await registry.engage(device.id, signAsDevice(device, domain, engagementTypes, message), LATER);
}

/** The owner's manager puts a new key in the device. */
export async function rotate(world: AccessWorld, device: TestKey, fresh: TestKey): Promise<void> {
  const { registry, domain, keeper } = world;
  const { epoch } = await registry.record(device.id);
  const { curve, x, y } = fresh;
  const message = { device: device.id, epoch, curve, x, y, deadline: LATER };
  const [present, next] = [device, fresh].map((key) => signAsDevice(key, domain, rotationTypes, message));
  await registry.connect(keeper).rotateKey(device.id, present!, next!, LATER);
}

/** A token's name from its parts, by ethers. */
export function tokenName(
  domain: TypedDataDomain,
  parts: {
    device: string;
    grantee: string;
    requester: string;
    epoch: bigint;
    rev: bigint;
    counter: bigint;
    permissions: bigint;
    until: bigint;
  },
): string {
  const { device, grantee, requester, epoch, rev, counter, permissions, until } = parts;
  const terms = (epoch << 144n) | (rev << 112n) | (counter << 80n) | (permissions << 40n) | until;
  return keccak256(
    AbiCoder.defaultAbiCoder().encode(
      ["uint256", "address", "bytes32", "bytes32", "address", "uint256"],
      [domain.chainId, domain.verifyingContract, device, grantee, requester, terms],
    ),
  );
}
