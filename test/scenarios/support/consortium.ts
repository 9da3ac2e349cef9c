import { join } from "node:path";
import type { Wallet } from "ethers";
import { artifacts } from "hardhat";
import type { Hex } from "../../../sdk/src/bytes.js";
import { createTenon } from "../../../sdk/src/client.js";
import { loadDeployment } from "../../../sdk/src/deployment.js";
import { deployTenon } from "../../../tasks/deploy/deploy.js";
import type { Members } from "../../../tasks/deploy/members.js";
import { fixtureMembers, SEAL_DELAY } from "../../support/fixture.js";
import { type ChainKind, newKey } from "./chain.js";

/** Numbers that the deploy task gives the members, in their order. */
export const organisation = { manufacturer: 1, owner: 2, oracle: 3, payer: 4 } as const;

const offices = ["deployer", "admin", "registrar", "guardian"] as const;
const members = ["manufacturer", "owner", "oracle", "authority", "payer", "issuer", "stranger"] as const;
const names = [...offices, ...members] as const;
type People = Record<(typeof names)[number], Wallet>;

/**
 * A sealed deployment on a chain, made by the deploy task's function. Everybody has a key and nobody has
 * coins.
 */
export async function startConsortium(folder: string, on: ChainKind) {
  return deployFor(folder, on, names, membersOf);
}

/** The same for other people and other members of theirs. The offices are always there. */
export async function deployFor<N extends string>(
  folder: string,
  on: ChainKind,
  who: readonly N[],
  membersOf: (people: Record<N, Wallet>) => Members,
) {
  type Name = N | (typeof offices)[number];
  const all = [...new Set<Name>([...offices, ...who])];
  const made = Object.fromEntries(all.map((name) => [name, newKey()])) as Record<Name, Wallet>;
  const { connection, access } = await on.open();
  const { path, record: deployed } = await deployTenon(connection, {
    artifacts,
    evmVersion: "osaka",
    signer: made.deployer.connect(connection.ethers.provider),
    recordFolder: join(folder, "deployments"),
    members: membersOf(made),
    seal: {
      admin: made.admin.address,
      registrar: made.registrar.address,
      guardian: made.guardian.address,
      delay: SEAL_DELAY,
    },
  });
  const record = path as string;
  const deployment = loadDeployment(record);

  const { provider, ...reached } = await access();
  const entries = all.map((name) => [name, made[name].connect(provider)]);
  const people = Object.fromEntries(entries) as Record<Name, Wallet>;
  const tenonOf = (person: Name) => createTenon({ signer: people[person], deployment });
  const blockHash = async (number: bigint | number | string) =>
    (await provider.getBlock(Number(number)))!.hash as Hex;
  return {
    ...reached,
    provider,
    people,
    sealed: deployed.sealed,
    /** Path of the deployment record. */
    record,
    deployment,
    tenon: await createTenon({ provider, deployment }),
    tenonOf,
    blockHash,
  };
}

export type Consortium = Awaited<ReturnType<typeof startConsortium>>;

/** The members of the fixture, and one that pays for using a machine. */
function membersOf(people: People): Members {
  const { organisations, streams } = fixtureMembers(people);
  const payer = {
    name: "Harbour Builders",
    code: "91310000MA1FL0CC3X",
    signatories: [{ address: people.payer.address, roles: [{ role: "Treasurer" as const, days: 365 }] }],
  };
  return { organisations: [...organisations, payer], streams };
}
