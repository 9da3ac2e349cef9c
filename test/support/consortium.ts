import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { dataSlice, getAddress, id, solidityPackedKeccak256, ZeroHash } from "ethers";
import type { Consortium } from "../../sdk/src/generated/typechain/index.js";

/** The numbers of the Solidity enums. */
export const OrgStatus = { None: 0n, Active: 1n, Suspended: 2n, Exited: 3n } as const;
export const Role = {
  None: 0n,
  Manufacturer: 1n,
  DeviceAuthority: 2n,
  Anchor: 3n,
  Treasurer: 4n,
  DeviceManager: 5n,
  Regulator: 6n,
  Enforcer: 7n,
  Certifier: 8n,
} as const;

/** The limit that is none. */
export const NO_LIMIT = 2n ** 128n - 1n;

export const DAY = 86_400n;

/** The address that holds what an organisation owns, as `holder` of Ids.sol computes it. */
export function holderOf(org: bigint): string {
  const hash = solidityPackedKeccak256(["string", "uint32"], ["tenon:organisation:", org]);
  return getAddress(dataSlice(hash, 12));
}

/** A consortium as it stands before its seal: the offices are given, without delays. */
export async function deployConsortium(ethers: HardhatEthers) {
  const [admin, registrar, guardian, ...others] = await ethers.getSigners();
  const manager = await ethers.deployContract("AccessManager", [admin!.address]);
  const consortium = await ethers.deployContract("Consortium", [await manager.getAddress()]);
  const offices = [
    { office: 1n, holder: registrar!, functions: REGISTRAR },
    { office: 2n, holder: guardian!, functions: GUARDIAN },
  ];
  for (const { office, holder, functions } of offices) {
    const selectors = functions.map((name) => consortium.interface.getFunction(name).selector);
    await manager.setTargetFunctionRole(await consortium.getAddress(), selectors, office);
    await manager.grantRole(office, holder.address, 0n);
  }
  return { manager, consortium, admin: admin!, registrar: registrar!, guardian: guardian!, others };
}

const REGISTRAR = [
  "admit",
  "reinstate",
  "exit",
  "setControlGroup",
  "addSignatory",
  "replaceSignatory",
  "grantRole",
] as const satisfies (keyof Consortium)[];
const GUARDIAN = ["suspend", "removeSignatory", "revokeRole"] as const satisfies (keyof Consortium)[];

type Offices = Pick<Awaited<ReturnType<typeof deployConsortium>>, "consortium" | "registrar">;

/** Admits an organisation under a code made from `name`, with these signatories; answers its number. */
export async function admit(
  { consortium, registrar }: Offices,
  name: string,
  ...signatories: HardhatEthersSigner[]
): Promise<bigint> {
  const register = consortium.connect(registrar);
  await register.admit(id(name), ZeroHash);
  const org = await consortium.orgOfCode(id(name));
  for (const { address } of signatories) await register.addSignatory(org, address);
  return org;
}

/** Grants a role from now on, for `days`, without a limit unless given; answers its term. */
export async function grant(
  { consortium, registrar }: Offices,
  account: HardhatEthersSigner,
  role: bigint,
  days = 30n,
  limit = NO_LIMIT,
): Promise<{ until: bigint; limit: bigint }> {
  const block = await registrar.provider!.getBlock("latest");
  const until = BigInt(block!.timestamp) + days * DAY;
  await consortium.connect(registrar).grantRole(account.address, role, until, limit);
  return { until, limit };
}
