import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Wallet } from "ethers";

/** Who acts in the plant. The first three administer the consortium; the others are signatories of members. */
export const people = [
  "deployer",
  "admin",
  "registrar",
  "guardian",
  "manufacturer",
  "owner",
  "payer",
  "operator",
  "issuer",
  "technician",
  "regulator",
] as const;
export type Person = (typeof people)[number];

/** The members as the deploy task reads them: makers, owners, who runs the oracle, who mends, who supervises. */
export function membersFile(state: string, keys: Record<Person, Wallet>): string {
  const signatory = (
    person: Person,
    ...roles: ("Manufacturer" | "Treasurer" | "DeviceManager" | "Anchor" | "Regulator")[]
  ) => ({
    address: keys[person].address,
    roles: roles.map((role) => ({ role, days: 365 })),
  });
  const members = {
    organisations: [
      {
        name: "Harbour Machines (manufacturer)",
        code: "91310000MA1FL0AA1X",
        signatories: [signatory("manufacturer", "Manufacturer")],
      },
      {
        name: "Seaside Works (owner of the machines)",
        code: "91310000MA1FL0BB2X",
        signatories: [signatory("owner", "Treasurer", "DeviceManager")],
      },
      {
        name: "Lee & Sons (pays for using one, buys another)",
        code: "91310000MA1FL0CC3X",
        signatories: [signatory("payer", "Treasurer", "DeviceManager")],
      },
      {
        name: "Plant Oracle",
        code: "91310000MA1FL0DD4X",
        signatories: [signatory("operator", "Anchor")],
      },
      {
        name: "Quay Maintenance",
        code: "91310000MA1FL0EE5X",
        signatories: [signatory("technician", "DeviceManager")],
      },
      {
        name: "Port Authority (regulator)",
        code: "91310000MA1FL0FF6X",
        signatories: [signatory("regulator", "Regulator")],
      },
    ],
    streams: [{ key: keys.operator.address }],
  };
  const path = join(state, "members.json");
  writeFileSync(path, `${JSON.stringify(members, null, 2)}\n`);
  return path;
}

/** Numbers that the deploy task gives the members above, in their order. */
export const organisation = {
  manufacturer: 1,
  owner: 2,
  payer: 3,
  operator: 4,
  maintenance: 5,
  regulator: 6,
} as const;

/** Fresh keys, kept in the state folder with owner-only permissions. Nobody needs money: the chain takes no fee. */
export function loadKeys(state: string): Record<Person, Wallet> {
  const entries = people.map((person) => {
    const path = join(state, "keys", `${person}.key`);
    if (!existsSync(path)) writeFileSync(path, `${Wallet.createRandom().privateKey}\n`, { mode: 0o600 });
    return [person, new Wallet(readFileSync(path, "utf8").trim())] as const;
  });
  return Object.fromEntries(entries) as Record<Person, Wallet>;
}
