import { getAddress, id, type Log, ZeroHash } from "ethers";
import type { Hex } from "../bytes.js";
import { addressOf, type Deployment } from "../deployment.js";
import { holderOf } from "../devices/registration.js";
import { TenonError } from "../errors.js";
import { IConsortium__factory } from "../generated/typechain/index.js";
import { eventIn, findEvents, type LogPosition } from "../logs.js";
import { type Connection, type Operation, operation } from "../operation.js";
import { ContractError, enums, withTypedErrors } from "../revert.js";
import { type OfficeOperation, officeOf } from "./offices.js";

export type OrgStatus = Exclude<(typeof enums.OrgStatus)[number], "None">;
export type Role = Exclude<(typeof enums.Role)[number], "None">;

/** A role as it was granted to a signatory. */
export interface HeldRole {
  readonly role: Role;
  /** It holds before this second (Unix time). */
  readonly until: number;
  /** The most an act may be worth without a second person, fen; for Manufacturer a number of devices. */
  readonly limit: bigint | undefined;
  /** Whether it counts now: not expired, and the organisation active. */
  readonly counts: boolean;
}

export interface Signatory {
  readonly account: string;
  readonly organisation: number;
  readonly roles: readonly HeldRole[];
}

export interface Organisation {
  readonly id: number;
  /** The address that holds what it owns; no key controls it. */
  readonly holder: string;
  readonly status: OrgStatus;
  /** Hash of its USCC or LEI. */
  readonly codeHash: Hex;
  /** Hash that all organisations under one control share. */
  readonly controlGroup: Hex | undefined;
  readonly signatories: readonly Signatory[];
}

/** Whether an account may act, and if not, why. */
export type Explanation =
  | { readonly may: true; readonly organisation: number }
  | { readonly may: false; readonly refusal: ContractError };

export interface EndingRole extends HeldRole {
  readonly account: string;
  readonly organisation: number;
}

export interface Admission {
  /** USCC of 18 or LEI of 20 digits and capitals: only its hash goes on chain. */
  readonly code: string;
  /** A word that all organisations under one control are admitted with: only its hash goes on chain. */
  readonly controlGroup?: string;
}

export interface RoleRequest {
  readonly account: string;
  readonly role: Role;
  /** The second (Unix time) at which it ends, at most 400 days ahead. */
  readonly until: bigint | number;
  /** Default: none. */
  readonly limit?: bigint;
}

/** Something the consortium wrote down. */
export interface OrgEvent {
  readonly organisation: number;
  readonly at: LogPosition;
}

/**
 * Organisations, who acts for them, and what each may do. Writes are lazy. Those of an office may have to be announced
 * first: `proceed` does what is due.
 */
export interface Orgs {
  /** An organisation with its signatories, or `undefined`. */
  get(organisation: number): Promise<Organisation | undefined>;
  /** Every organisation ever admitted, in order. */
  list(): Promise<Organisation[]>;
  /** The organisation under the code it was admitted with, or `undefined`. */
  find(code: string): Promise<Organisation | undefined>;
  /** A present signatory with its roles, or `undefined`. */
  signatory(account: string): Promise<Signatory | undefined>;
  /** Whether an account may act in a role now, and for `amount` when given; the refusal says why and what to do. */
  explain(
    account: string,
    role: Role,
    act?: { readonly amount: bigint; readonly actHash: Hex },
  ): Promise<Explanation>;
  /** Roles that end within so many seconds, and those that have ended and were not renewed. Default: two weeks. */
  ending(withinSeconds?: number): Promise<EndingRole[]>;

  /** Registrar. The result is the new organisation's number. */
  admit(admission: Admission): OfficeOperation<number>;
  /** Registrar. `undefined` for nobody's control. */
  setControlGroup(organisation: number, controlGroup: string | undefined): OfficeOperation<OrgEvent>;
  /** Guardian. Stops everything its signatories may do. */
  suspend(organisation: number): OfficeOperation<OrgEvent>;
  /** Registrar. */
  reinstate(organisation: number): OfficeOperation<OrgEvent>;
  /** Registrar. For good. */
  exit(organisation: number): OfficeOperation<OrgEvent>;
  /** Registrar. */
  addSignatory(organisation: number, account: string): OfficeOperation<OrgEvent>;
  /** Guardian. For good; its roles end. */
  removeSignatory(account: string): OfficeOperation<OrgEvent>;
  /** Registrar. The replacement gets the lost account's roles, terms and limits. */
  replaceSignatory(lost: string, replacement: string): OfficeOperation<OrgEvent>;
  /** Registrar. Grants a role, or renews it with another end and limit. */
  grantRole(request: RoleRequest): OfficeOperation<OrgEvent>;
  /** Guardian. */
  revokeRole(account: string, role: Role): OfficeOperation<OrgEvent>;
  /** The signatory itself gives one of its roles up. */
  forfeit(role: Role): Operation<OrgEvent>;
  /** The signatory itself ends its service, for good. */
  resign(): Operation<OrgEvent>;
  /** A colleague with the role consents to one act above somebody's limit; until 0 takes the consent back. */
  countersign(consent: { actHash: Hex; role: Role; until: bigint | number }): Operation<OrgEvent>;
}

const TWO_WEEKS = 14 * 86_400;
const NO_LIMIT = 2n ** 128n - 1n;
const abi = IConsortium__factory.createInterface();

export function orgsOf(connection: Connection, deployment: Deployment): Orgs {
  const { provider } = connection;
  const address = addressOf(deployment, "Consortium");
  const contract = IConsortium__factory.connect(address, provider);
  const office = officeOf(connection, deployment);
  const call = (data: string) => ({ to: address, data });
  const told = (event: string) => (logs: readonly Log[]) => orgEvent(logs, event);

  const now = async () => (await provider.getBlock("latest"))!.timestamp;

  const signatoryOf = async (account: string, organisation: number, active: boolean, time: number) => ({
    account: getAddress(account),
    organisation,
    roles: (await contract.grantsOf(account)).map(({ role, term }) => ({
      role: enums.Role[Number(role)] as Role,
      until: Number(term.until),
      limit: term.limit === NO_LIMIT ? undefined : term.limit,
      counts: active && time < Number(term.until),
    })),
  });

  const get = async (organisation: number): Promise<Organisation | undefined> => {
    const [statusNumber, group, accounts, time] = await Promise.all([
      contract.statusOf(organisation),
      contract.controlGroupOf(organisation),
      contract.signatoriesOf(organisation),
      now(),
    ]);
    const status = enums.OrgStatus[Number(statusNumber)];
    if (status === undefined || status === "None") return undefined;
    const [admission, ...signatories] = await Promise.all([
      admissionOf(organisation),
      ...accounts.map((account) => signatoryOf(account, organisation, status === "Active", time)),
    ]);
    return {
      id: organisation,
      holder: holderOf(organisation),
      status,
      codeHash: admission,
      controlGroup: group === ZeroHash ? undefined : (group as Hex),
      signatories,
    };
  };

  /** Only the event of the admission tells the hash of the code. */
  const admissionOf = async (organisation: number): Promise<Hex> => {
    const fromBlock = deployment.contracts.Consortium.block;
    const query = { address, abi, event: "OrganisationAdmitted", args: [organisation], fromBlock };
    const [found] = await findEvents(provider, query);
    return (found?.event.args.codeHash ?? ZeroHash) as Hex;
  };

  const list = async () => {
    const count = Number(await contract.organisationCount());
    const all = await Promise.all(Array.from({ length: count }, (_, i) => get(i + 1)));
    return all.filter((one) => one !== undefined);
  };

  return {
    get: (organisation) => get(checkedOrg(organisation)),
    list,
    find: async (code) => {
      const organisation = Number(await contract.orgOfCode(codeHash(code)));
      return organisation === 0 ? undefined : get(organisation);
    },
    signatory: async (account) => {
      const organisation = Number(await contract.orgOf(account));
      if (organisation === 0) return undefined;
      const [status, time] = await Promise.all([contract.statusOf(organisation), now()]);
      return signatoryOf(account, organisation, enums.OrgStatus[Number(status)] === "Active", time);
    },
    explain: async (account, role, act) => {
      try {
        const org = await withTypedErrors(() =>
          act === undefined
            ? contract.requireRole(account, numberOf(role))
            : contract.requireRoleFor(account, numberOf(role), act.amount, act.actHash),
        );
        return { may: true, organisation: Number(org) };
      } catch (error) {
        if (error instanceof ContractError) return { may: false, refusal: error };
        throw error;
      }
    },
    ending: async (withinSeconds = TWO_WEEKS) => {
      const [all, time] = await Promise.all([list(), now()]);
      return all
        .filter(({ status }) => status !== "Exited")
        .flatMap(({ signatories }) => signatories)
        .flatMap(({ account, organisation, roles }) =>
          roles.map((held) => ({ account, organisation, ...held })),
        )
        .filter(({ until }) => until <= time + withinSeconds)
        .sort((a, b) => a.until - b.until);
    },

    admit: ({ code, controlGroup }) =>
      office(call(abi.encodeFunctionData("admit", [codeHash(code), groupHash(controlGroup)])), (logs) =>
        Number(eventIn(logs, abi, "OrganisationAdmitted").event.args.org),
      ),
    setControlGroup: (organisation, controlGroup) =>
      office(
        call(abi.encodeFunctionData("setControlGroup", [checkedOrg(organisation), groupHash(controlGroup)])),
        told("ControlGroupSet"),
      ),
    suspend: (organisation) =>
      office(
        call(abi.encodeFunctionData("suspend", [checkedOrg(organisation)])),
        told("OrganisationStatusChanged"),
      ),
    reinstate: (organisation) =>
      office(
        call(abi.encodeFunctionData("reinstate", [checkedOrg(organisation)])),
        told("OrganisationStatusChanged"),
      ),
    exit: (organisation) =>
      office(
        call(abi.encodeFunctionData("exit", [checkedOrg(organisation)])),
        told("OrganisationStatusChanged"),
      ),
    addSignatory: (organisation, account) =>
      office(
        call(abi.encodeFunctionData("addSignatory", [checkedOrg(organisation), checkedAccount(account)])),
        told("SignatoryAdded"),
      ),
    removeSignatory: (account) =>
      office(
        call(abi.encodeFunctionData("removeSignatory", [checkedAccount(account)])),
        told("SignatoryRemoved"),
      ),
    replaceSignatory: (lost, replacement) =>
      office(
        call(abi.encodeFunctionData("replaceSignatory", [checkedAccount(lost), checkedAccount(replacement)])),
        told("SignatoryReplaced"),
      ),
    grantRole: ({ account, role, until, limit = NO_LIMIT }) =>
      office(
        call(abi.encodeFunctionData("grantRole", [checkedAccount(account), numberOf(role), until, limit])),
        told("RoleGranted"),
      ),
    revokeRole: (account, role) =>
      office(
        call(abi.encodeFunctionData("revokeRole", [checkedAccount(account), numberOf(role)])),
        told("RoleRevoked"),
      ),
    forfeit: (role) =>
      operation(connection, call(abi.encodeFunctionData("forfeit", [numberOf(role)])), told("RoleForfeited")),
    resign: () => operation(connection, call(abi.encodeFunctionData("resign")), told("SignatoryRemoved")),
    countersign: ({ actHash, role, until }) =>
      operation(
        connection,
        call(abi.encodeFunctionData("countersign", [actHash, numberOf(role), until])),
        told("ActCountersigned"),
      ),
  };
}

function orgEvent(logs: readonly Log[], name: string): OrgEvent {
  const { event, at } = eventIn(logs, abi, name);
  return { organisation: Number(event.args.org), at };
}

function numberOf(role: Role): number {
  const number = enums.Role.indexOf(role);
  if (number > 0) return number;
  throw new TenonError("RoleUnknown", "There is no such role", {
    args: { role },
    remedy: `Name one of ${enums.Role.slice(1).join(", ")}.`,
  });
}

/** What the chain keeps of a USCC or LEI. Throws `CodeInvalid`. */
export function codeHash(code: string): Hex {
  if (/^([0-9A-Z]{18}|[0-9A-Z]{20})$/.test(code)) return id(code) as Hex;
  throw new TenonError("CodeInvalid", "This is no code of an organisation", {
    args: { code },
    remedy: "Give a unified social credit code (18) or an LEI (20), digits and capitals.",
  });
}

function groupHash(controlGroup: string | undefined): Hex {
  return (controlGroup === undefined ? ZeroHash : id(controlGroup)) as Hex;
}

function checkedOrg(organisation: number): number {
  if (Number.isSafeInteger(organisation) && organisation > 0 && organisation < 2 ** 32) return organisation;
  throw new TenonError("OrganisationInvalid", "Organisations are numbered from 1", {
    args: { organisation },
    remedy: "Give the number that orgs.list or the deployment record shows.",
  });
}

function checkedAccount(account: string): string {
  try {
    return getAddress(account);
  } catch (cause) {
    throw new TenonError("AccountInvalid", "This is not an account", {
      args: { account },
      remedy: "Give 0x and 40 hex digits.",
      cause,
    });
  }
}
