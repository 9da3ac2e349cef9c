import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import { getAddress, id, isAddress, ZeroAddress } from "ethers";
import { TenonError } from "../../sdk/src/errors.js";
import type { Members } from "./members.js";
import { controlGroupHash, type Holders } from "./plan.js";
import type { DeploymentRecord, OrganisationRecord } from "./record.js";

const MAX_DELAY = 30 * 86_400;

/** Seconds between announcing and doing when nothing else is asked for: a day. */
export const DEFAULT_DELAY = 86_400;

/** What was asked for; what is left out is what the deployment has, or the default of a first run. */
export interface SealRequest {
  admin?: string;
  registrar?: string;
  guardian?: string;
  /** Seconds between announcing and doing, for admin and registrar. */
  delay?: number;
}

/** The in-process chain and the one of `npx hardhat chain`. */
export function isTestNetwork(networkName: string): boolean {
  return networkName === "default" || networkName === "local";
}

/** Three different accounts, none of them the deployer, and a delay. */
export interface SealPlan {
  holders: Holders;
  delay: number;
}

/**
 * Completes a request. On the test networks the accounts after the first stand in for holders that were not named,
 * elsewhere each must be. Throws `HolderMissing`, `HolderInvalid`, `HoldersNotApart` or `DelayInvalid`.
 */
export async function planSeal(
  request: SealRequest,
  { ethers, networkName }: { ethers: HardhatEthers; networkName: string },
  deployer: string,
): Promise<SealPlan> {
  const accounts = isTestNetwork(networkName) ? await ethers.getSigners() : [];
  const holder = (role: keyof Holders, index: number): string => {
    const address = request[role] ?? accounts[index]?.address;
    if (address !== undefined) return address;
    throw new TenonError("HolderMissing", `Nobody is named to be the ${role}`, {
      args: { network: networkName },
      remedy: `Give --${role} with an account of the consortium; only the test networks have stand-ins.`,
    });
  };
  const holders = {
    admin: holder("admin", 1),
    registrar: holder("registrar", 2),
    guardian: holder("guardian", 3),
  };
  const delay = request.delay ?? DEFAULT_DELAY;
  checkSeal({ holders, delay }, deployer);
  return { holders, delay };
}

function checkSeal(seal: SealPlan, deployer: string): void {
  const named = Object.entries(seal.holders);
  for (const [role, address] of named) {
    if (!isAddress(address) || address === ZeroAddress) {
      throw new TenonError("HolderInvalid", `The ${role} is not an account`, {
        args: { [role]: address },
        remedy: `Give --${role} an account of the chain (0x and 40 hex digits).`,
      });
    }
  }
  const accounts = [deployer, ...named.map(([, address]) => address)].map((address) => getAddress(address));
  if (new Set(accounts).size < accounts.length) {
    throw new TenonError("HoldersNotApart", "Admin, registrar, guardian and deployer must be four accounts", {
      args: { deployer, ...seal.holders },
      remedy:
        "Nobody holds two halves of a dangerous pair: give three different accounts, none of them the deployer.",
    });
  }
  if (!Number.isSafeInteger(seal.delay) || seal.delay < 1 || seal.delay > MAX_DELAY) {
    throw new TenonError("DelayInvalid", "The delay of a sealed deployment is out of range", {
      args: { delay: seal.delay, least: 1, most: MAX_DELAY },
      remedy: "Give --delay in whole seconds; a day is 86400.",
    });
  }
}

/** A sealed deployment cannot be changed by deploying again: says who can do what was asked for. */
export function checkSealed(
  record: DeploymentRecord,
  members: Members | undefined,
  request: SealRequest | undefined,
): void {
  const sealed = record.sealed;
  if (sealed === null) return;
  for (const role of ["admin", "registrar", "guardian"] as const) {
    const asked = request?.[role];
    if (asked !== undefined && asked.toLowerCase() !== sealed[role].address.toLowerCase()) {
      throw refused({ role, holds: sealed[role].address, asked }, "the admin grants roles, after its delay");
    }
  }
  if (request?.delay !== undefined && request.delay !== sealed.admin.delay) {
    throw refused(
      { delay: sealed.admin.delay, asked: request.delay },
      "the admin changes delays, after its delay",
    );
  }
  const enrolled = new Set(record.organisations.map((organisation) => organisation.codeHash));
  const stranger = members?.organisations.find((organisation) => !enrolled.has(id(organisation.code)));
  if (stranger !== undefined) {
    throw refused(
      { organisation: stranger.name, code: stranger.code },
      "the registrar admits members, after its delay",
    );
  }
  const changed = enrolledOtherwise(record, members);
  if (changed !== undefined) {
    throw refused(changed, "the registrar adds signatories and grants roles, after its delay");
  }
  const open = new Set(record.streams.map((stream) => stream.key));
  const key = members?.streams.find((stream) => !open.has(stream.key))?.key;
  if (key !== undefined) throw refused({ stream: key }, "the registrar opens streams, after its delay");
}

/** What is enrolled stays as it is enrolled: throws `MembersDiffer` when the file now says something else of it. */
export function checkEnrolled(record: DeploymentRecord, members: Members | undefined): void {
  const changed = enrolledOtherwise(record, members);
  if (changed === undefined) return;
  throw new TenonError(
    "MembersDiffer",
    "The members file says something else of an organisation than was enrolled",
    {
      args: changed,
      remedy:
        "Restore the file as it was and run again; change signatories and roles through the registrar after the seal.",
    },
  );
}

/** The first organisation whose control group, signatories, roles, days or limits are not those that were enrolled. */
function enrolledOtherwise(
  record: DeploymentRecord,
  members: Members | undefined,
): { organisation: string; enrolled: string; asked: string } | undefined {
  for (const asked of members?.organisations ?? []) {
    const kept = record.organisations.find(({ codeHash }) => codeHash === id(asked.code));
    if (kept === undefined) continue;
    const before = `${signatoriesOf(kept)} (control ${kept.controlGroup})`;
    const now = `${signatoriesOf(asked)} (control ${controlGroupHash(asked)})`;
    if (before !== now) return { organisation: asked.name, enrolled: before, asked: now };
  }
  return undefined;
}

/** Signatories with their roles, days and limits in one text, the same for the same powers. */
function signatoriesOf(organisation: OrganisationRecord | Members["organisations"][number]): string {
  const lines = organisation.signatories.map(({ address, roles }) => {
    const terms = roles.map(({ role, days, limit }) => `${role} ${days}d${limit ? ` up to ${limit}` : ""}`);
    return `${getAddress(address)} [${terms.sort().join(", ")}]`;
  });
  return lines.sort().join("; ");
}

function refused(args: Record<string, unknown>, who: string): TenonError {
  return new TenonError("DeploymentSealed", "The deployment is sealed: deploying again cannot change it", {
    args,
    remedy: `Leave that out; since the seal ${who}.`,
  });
}
