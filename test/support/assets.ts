import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import { AbiCoder, encodeBytes32String, id, keccak256, zeroPadValue } from "ethers";
import { network } from "hardhat";
import { admit, DAY, deployConsortium, grant, holderOf, Role } from "./consortium.js";

/** The numbers of the Solidity enums. */
export const Scope = { Hold: 0n, Freeze: 1n, Force: 2n, Disclose: 3n } as const;
export const Status = {
  None: 0n,
  Unconfirmed: 1n,
  Active: 2n,
  Lifted: 3n,
  Expired: 4n,
  Consumed: 5n,
} as const;
export const Kind = { Pledge: 0n, Lease: 1n, Sale: 2n, Other: 3n } as const;
export const Reason = {
  Eligible: 0n,
  HolderUnknown: 1n,
  OrganisationNotActive: 2n,
  Frozen: 3n,
  ClassMissing: 4n,
  Expired: 5n,
} as const;
export const Use = { DeviceFacing: 0n, Encryption: 1n, Disclosure: 2n } as const;

/** A chain whose clock starts in 2027, so that {@link UNTIL} lies ahead of it and gas does not depend on the day. */
export function newChain() {
  return network.create({ network: "default", override: { initialDate: new Date("2027-01-01T00:00:00Z") } });
}

/** Late in 2027, seconds: an end that all may have. */
export const UNTIL = 1_830_000_000n;

/** Hash of the order on paper. */
export const PAPER = id("order 2026-17");

/** The class that {@link deployAssets}' goods are of. */
export const MACHINES = 4n;

/**
 * A consortium with orders, encumbrances, eligibility and keys, and a register of goods: organisation 1 is a court's
 * (two regulators, two enforcers), 2 another regulator's, 3 holds the goods `crane` and `truck`, 4 is a bank.
 */
export async function deployAssets(ethers: HardhatEthers) {
  const base = await deployConsortium(ethers);
  const { consortium, manager, admin, others } = base;
  const [at, authority] = await Promise.all([consortium.getAddress(), manager.getAddress()]);
  const orders = await ethers.deployContract("Orders", [at]);
  const register = [at, authority, await orders.getAddress()] as const;
  const encumbrances = await ethers.deployContract("Encumbrances", [...register]);
  const eligibility = await ethers.deployContract("Eligibility", [...register]);
  const organisationKeys = await ethers.deployContract("OrganisationKeys", [at]);
  const goods = await ethers.deployContract("ExampleGoods", [
    await eligibility.getAddress(),
    await encumbrances.getAddress(),
  ]);
  await consortium.connect(admin).setOrgListener(eligibility);
  await encumbrances.connect(admin).admitModule(goods);
  const set = eligibility.interface.getFunction("set").selector;
  await manager.setTargetFunctionRole(await eligibility.getAddress(), [set], 1n);
  const pause = encumbrances.interface.getFunction("pause").selector;
  await manager.setTargetFunctionRole(await encumbrances.getAddress(), [pause], 2n);

  const [judge, clerk, bailiff, usher, watch, keeper, chest, banker, till, stranger] = others.map(
    (one) => one!,
  ) as [...Ten<(typeof others)[number]>, ...typeof others];
  const orgs = {
    court: await admit(base, "court", judge, clerk, bailiff, usher),
    agency: await admit(base, "agency", watch),
    holder: await admit(base, "holder", keeper, chest),
    bank: await admit(base, "bank", banker, till),
  };
  const roles = [
    ...([judge, clerk, watch] as const).map((one) => [one, Role.Regulator] as const),
    ...([bailiff, usher] as const).map((one) => [one, Role.Enforcer] as const),
    ...([keeper, banker] as const).map((one) => [one, Role.DeviceManager] as const),
    ...([chest, till] as const).map((one) => [one, Role.Treasurer] as const),
  ];
  for (const [account, role] of roles) await grant(base, account, role, 399n);
  const [crane, truck] = [encodeBytes32String("crane"), encodeBytes32String("truck")];
  for (const one of [crane, truck]) await goods.connect(keeper).store(one);

  const people = { judge, clerk, bailiff, usher, watch, keeper, chest, banker, till, stranger };
  const holders = { holder: holderOf(orgs.holder), bank: holderOf(orgs.bank) };
  const contracts = { orders, encumbrances, eligibility, organisationKeys, goods };
  return { ...base, ...contracts, ...people, orgs, holders, crane, truck };
}

type Ten<T> = [T, T, T, T, T, T, T, T, T, T];
export type Assets = Awaited<ReturnType<typeof deployAssets>>;

/** Seconds since 1970, so many days after the newest block. */
export async function inDays({ registrar }: Pick<Assets, "registrar">, days: bigint): Promise<bigint> {
  return BigInt((await registrar.provider!.getBlock("latest"))!.timestamp) + days * DAY;
}

/** Issues an order of the judge's that lasts `days`; answers its number. */
export async function issue(
  world: Assets,
  scope: bigint,
  module: { getAddress(): Promise<string> },
  subject: string,
  days = 30n,
): Promise<bigint> {
  const { orders, judge } = world;
  await orders
    .connect(judge)
    .issue(PAPER, scope, await module.getAddress(), subject, await inDays(world, days));
  return orders.orders();
}

/** Places a pledge for the bank; answers the number it got. */
export async function pledge(world: Assets, asset: string, rank = 1n, days = 30n): Promise<bigint> {
  const { encumbrances, keeper, goods, orgs } = world;
  const until = await inDays(world, days);
  await encumbrances.connect(keeper).place(goods, asset, Kind.Pledge, orgs.bank, rank, until);
  const line = await encumbrances.encumbrancesOf(goods, asset);
  return line[Number(rank) - 1]!.id;
}

/** Subject of a Freeze order. */
export function freezeSubject(holder: string): string {
  return zeroPadValue(holder, 32);
}

/** Subject of the Force order that `ExampleGoods.forceMove` asks for. */
export function moveSubject(asset: string, to: bigint): string {
  return keccak256(AbiCoder.defaultAbiCoder().encode(["bytes32", "uint32"], [asset, to]));
}

/** Subject of the Force order that `Encumbrances.strike` asks for. */
export async function strikeSubject({ goods }: Assets, asset: string, encumbrance: bigint): Promise<string> {
  const values = [await goods.getAddress(), asset, encumbrance];
  return keccak256(AbiCoder.defaultAbiCoder().encode(["address", "bytes32", "uint32"], values));
}
