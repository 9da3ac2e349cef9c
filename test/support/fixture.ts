import { artifacts, network } from "hardhat";
import type { Connection } from "../../tasks/deploy/deploy.js";
import { deployTenon } from "../../tasks/deploy/deploy.js";
import type { Members } from "../../tasks/deploy/members.js";

/** Seconds between announcing and doing, for the admin and the registrar of a sealed fixture. */
export const SEAL_DELAY = 86_400;

/** The organisations of the fixture, in order: their ids are 1, 2 and 3. */
export const orgs = { manufacturer: 1n, owner: 2n, oracle: 3n } as const;

/**
 * A whole deployment on a fresh in-process chain, made by the deploy task's own function: a manufacturer, an owner
 * (with a treasurer, who also manages its devices), an oracle with stream 1, and a device authority. Sealed unless told otherwise; unsealed, the
 * deployer holds every power without delay.
 */
export async function newTenon(options: { sealed?: boolean } = {}) {
  return tenonOn(await network.create(), options);
}

/** The same on a connection that a test already has. */
export async function tenonOn<C extends Connection>(
  connection: C,
  { sealed = true }: { sealed?: boolean } = {},
) {
  const { ethers } = connection;
  const all = await ethers.getSigners();
  const [deployer, admin, registrar, guardian, manufacturer, owner, oracle, authority, stranger] = all;
  const signers = { deployer, admin, registrar, guardian, manufacturer, owner, oracle, authority, stranger };
  const named = signers as { [name in keyof typeof signers]-?: NonNullable<(typeof signers)[name]> };
  const { record } = await deployTenon(connection, {
    artifacts,
    evmVersion: "osaka",
    members: fixtureMembers(named),
    ...(sealed ? { seal: { delay: SEAL_DELAY } } : {}),
  });
  const at = (name: keyof typeof record.contracts): string => record.contracts[name]!.address;
  const contracts = {
    manager: await ethers.getContractAt("AccessManager", at("AccessManager")),
    consortium: await ethers.getContractAt("Consortium", at("Consortium")),
    orders: await ethers.getContractAt("Orders", at("Orders")),
    encumbrances: await ethers.getContractAt("Encumbrances", at("Encumbrances")),
    eligibility: await ethers.getContractAt("Eligibility", at("Eligibility")),
    organisationKeys: await ethers.getContractAt("OrganisationKeys", at("OrganisationKeys")),
    recovery: await ethers.getContractAt("DeviceRecovery", at("DeviceRecovery")),
    registry: await ethers.getContractAt("DeviceRegistry", at("DeviceRegistry")),
    certificates: await ethers.getContractAt("DeviceCertificates", at("DeviceCertificates")),
    composition: await ethers.getContractAt("DeviceComposition", at("DeviceComposition")),
    firmware: await ethers.getContractAt("DeviceFirmware", at("DeviceFirmware")),
    anchorLog: await ethers.getContractAt("AnchorLog", at("AnchorLog")),
    frameReader: await ethers.getContractAt("FrameReader", at("FrameReader")),
  };
  return { ...connection, record, ...contracts, signers: named, orgs };
}

type Named = Record<"manufacturer" | "owner" | "oracle" | "authority", { address: string }>;

/** The members file of the fixture, for these accounts. */
export function fixtureMembers({ manufacturer, owner, oracle, authority }: Named): Members {
  return {
    organisations: [
      {
        name: "Heavy Works",
        code: "91310000MA1K35T21X",
        signatories: [{ address: manufacturer.address, roles: [{ role: "Manufacturer", days: 365 }] }],
      },
      {
        name: "Site Rental",
        code: "91440300MA5G0Q8P7B",
        signatories: [
          {
            address: owner.address,
            roles: [
              { role: "Treasurer", days: 365 },
              { role: "DeviceManager", days: 365 },
            ],
          },
        ],
      },
      {
        name: "Plant Telemetry",
        code: "5493001KJTIIGC8Y1R12",
        signatories: [
          { address: oracle.address, roles: [{ role: "Anchor", days: 365 }] },
          { address: authority.address, roles: [{ role: "DeviceAuthority", days: 365 }] },
        ],
      },
    ],
    streams: [{ key: oracle.address }],
  };
}
