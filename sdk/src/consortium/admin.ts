import { Contract, Interface, type JsonFragment } from "ethers";
import type { Hex } from "../bytes.js";
import { addressOf, type ContractName, contractNames, type Deployment } from "../deployment.js";
import { TenonError } from "../errors.js";
import { abis } from "../generated/abis.js";
import { findEvents } from "../logs.js";
import type { Connection } from "../operation.js";
import { callInWords } from "../words.js";
import { type OfficeOperation, officeOf } from "./offices.js";

/** Offices by number: roles of the AccessManager. */
export const offices = { 0: "ADMIN", 1: "REGISTRAR", 2: "GUARDIAN" } as const;

/** An account in an office. */
export interface OfficeHolder {
  readonly account: string;
  /** Seconds its acts must be announced before; 0 is at once. */
  readonly delay: number;
  /** The delay that replaces it, and the second from which on. */
  readonly comingDelay: { readonly delay: number; readonly from: number } | undefined;
  /** The second from which on it holds the office. */
  readonly since: number;
}

export interface Office {
  readonly name: string;
  readonly number: bigint;
  readonly holders: readonly OfficeHolder[];
  /** Seconds a new holder waits besides. */
  readonly grantDelay: number;
  /** Who names the holders, and who may cancel what they announced. */
  readonly admin: string;
  readonly guardian: string;
}

/** One function that is opened to an office; every other restricted one is the administrator's. */
export interface OpenedFunction {
  readonly contract: ContractName;
  readonly method: string;
  readonly office: string;
}

/** An act that was announced and neither done nor withdrawn. */
export interface AnnouncedAct {
  readonly id: Hex;
  readonly by: string;
  readonly contract: ContractName | undefined;
  readonly to: string;
  readonly data: Hex;
  readonly words: string;
  readonly readyAt: number;
  /** It can be done now. */
  readonly ready: boolean;
}

/** An action that is stopped; for ever when `until` is `undefined`. */
export interface PausedAction {
  readonly contract: ContractName;
  readonly action: string;
  readonly until: number | undefined;
}

export interface Powers {
  /** The block all this is read at. */
  readonly block: number;
  readonly offices: readonly Office[];
  readonly functions: readonly OpenedFunction[];
  /** Managed contracts: whether the AccessManager closed them, and how long changes of the table wait. */
  readonly contracts: readonly { contract: ContractName; closed: boolean; changeDelay: number }[];
  readonly announced: readonly AnnouncedAct[];
  readonly paused: readonly PausedAction[];
}

/** Administration: who can do what, what is announced, and stopping single actions. */
export interface Admin {
  /** Everything the AccessManager and the contracts say of it, read from the chain. */
  powers(): Promise<Powers>;
  /** Acts that were announced and not done yet; with `by`, those of one account. */
  announced(by?: string): Promise<AnnouncedAct[]>;
  /** Does an announced act whose time has come. Sender: who announced it. */
  carryOut(act: AnnouncedAct): OfficeOperation<{ transaction: Hex }>;
  /** Which actions of a contract can be paused: those that `closeEntries` ends for ever, and the others. */
  pausable(contract: ContractName): Promise<{ entries: string[]; others: string[] }>;
  /** Guardian. Stops actions, by the names of their functions, until a second at most seven days ahead. */
  pause(
    contract: ContractName,
    stop: { actions: string[]; until: bigint | number; reason: string },
  ): OfficeOperation<{ transaction: Hex }>;
  /** Registrar. Ends pauses early. */
  unpause(contract: ContractName, actions: string[]): OfficeOperation<{ transaction: Hex }>;
  /** Administrator. Ends new entries for ever, in favour of a successor. */
  closeEntries(contract: ContractName, successor: string): OfficeOperation<{ transaction: Hex }>;
}

const managerAbi = new Interface(abis.AccessManager);
const interfaces = Object.fromEntries(
  contractNames.map((name) => [name, new Interface(abis[name] as readonly JsonFragment[])]),
) as Record<ContractName, Interface>;

/** Contracts whose functions the AccessManager opens. */
const managed = contractNames.filter(
  (name) => name !== "AccessManager" && interfaces[name].getFunction("setAuthority") !== null,
);
const stoppable = contractNames.filter((name) => interfaces[name].getFunction("pausableActions") !== null);

const CLOSED = 2n ** 40n - 1n;

export function adminOf(connection: Connection, deployment: Deployment): Admin {
  const { provider } = connection;
  const manager = new Contract(addressOf(deployment, "AccessManager"), managerAbi, provider);
  const ask = (method: string, ...args: unknown[]) => manager.getFunction(method)(...args);
  const office = officeOf(connection, deployment);
  const fromBlock = deployment.contracts.AccessManager.block;
  const find = async (event: string) =>
    findEvents(provider, {
      address: addressOf(deployment, "AccessManager"),
      abi: managerAbi,
      event,
      fromBlock,
    });
  const act = (contract: ContractName, method: string, args: unknown[]) =>
    office(
      {
        to: addressOf(deployment, contract),
        data: interfaceWith(contract, method).encodeFunctionData(method, args),
      },
      (_, { hash }) => ({ transaction: hash as Hex }),
    );

  const officesNow = async (): Promise<Office[]> => {
    const granted = await find("RoleGranted");
    const numbers = [...new Set([0n, 1n, 2n, ...granted.map(({ event }) => event.args.roleId as bigint)])];
    return Promise.all(
      numbers
        .sort((a, b) => Number(a - b))
        .map(async (number) => {
          const accounts = new Set(
            granted
              .filter(({ event }) => event.args.roleId === number)
              .map(({ event }) => event.args.account as string),
          );
          const [grantDelay, admin, guardian, ...holders] = await Promise.all([
            ask("getRoleGrantDelay", number),
            ask("getRoleAdmin", number),
            ask("getRoleGuardian", number),
            ...[...accounts].map((account) => holderNow(number, account)),
          ]);
          return {
            name: officeName(number),
            number,
            holders: holders.filter((one) => one !== undefined),
            grantDelay: Number(grantDelay),
            admin: officeName(admin),
            guardian: officeName(guardian),
          };
        }),
    );
  };

  const holderNow = async (number: bigint, account: string): Promise<OfficeHolder | undefined> => {
    const [since, delay, pending, effect] = await ask("getAccess", number, account);
    if (since === 0n) return undefined;
    return {
      account,
      delay: Number(delay),
      comingDelay: effect === 0n ? undefined : { delay: Number(pending), from: Number(effect) },
      since: Number(since),
    };
  };

  const functionsNow = async (): Promise<OpenedFunction[]> => {
    const changing = managed.flatMap((contract) =>
      changingOf(contract).map((method) => ({ contract, method })),
    );
    const all = await Promise.all(
      changing.map(async ({ contract, method }) => {
        const { selector } = interfaces[contract].getFunction(method)!;
        const number = await ask("getTargetFunctionRole", addressOf(deployment, contract), selector);
        return { contract, method, number: number as bigint };
      }),
    );
    return all
      .filter(({ number }) => number !== 0n)
      .map(({ number, ...one }) => ({ ...one, office: officeName(number) }));
  };

  const contractsNow = () =>
    Promise.all(
      managed.map(async (contract) => {
        const [closed, delay] = await Promise.all([
          ask("isTargetClosed", addressOf(deployment, contract)),
          ask("getTargetAdminDelay", addressOf(deployment, contract)),
        ]);
        return { contract, closed: closed as boolean, changeDelay: Number(delay) };
      }),
    );

  const announced = async (by?: string): Promise<AnnouncedAct[]> => {
    const { timestamp } = (await provider.getBlock("latest"))!;
    const told = await find("OperationScheduled");
    const last = new Map(told.map(({ event }) => [event.args.operationId as Hex, event.args]));
    const acts = await Promise.all(
      [...last].map(async ([id, { caller, target, data }]) => {
        const readyAt = Number(await ask("getSchedule", id));
        if (readyAt === 0 || (by !== undefined && caller.toLowerCase() !== by.toLowerCase()))
          return undefined;
        return {
          id,
          by: caller as string,
          contract: contractNames.find((name) => addressOf(deployment, name) === target),
          to: target as string,
          data: data as Hex,
          words: wordsOf(data),
          readyAt,
          ready: readyAt <= timestamp,
        };
      }),
    );
    return acts.filter((one) => one !== undefined).sort((a, b) => a.readyAt - b.readyAt);
  };

  const pausable = async (name: ContractName) => {
    const contract = new Contract(
      addressOf(deployment, name),
      interfaceWith(name, "pausableActions"),
      provider,
    );
    const [entries, others] = await contract.getFunction("pausableActions")();
    const names = (selectors: readonly string[]) => selectors.map((one) => methodIn(name, one));
    return { entries: names(entries), others: names(others) };
  };

  const pausedNow = async (): Promise<PausedAction[]> => {
    const { timestamp } = (await provider.getBlock("latest"))!;
    const all = await Promise.all(
      stoppable.map(async (name) => {
        const contract = new Contract(addressOf(deployment, name), interfaces[name], provider);
        const { entries, others } = await pausable(name);
        return Promise.all(
          [...entries, ...others].map(async (action) => {
            const until = await contract.getFunction("pausedUntil")(selectorIn(name, action));
            return { contract: name, action, end: until as bigint };
          }),
        );
      }),
    );
    return all
      .flat()
      .filter(({ end }) => end > BigInt(timestamp))
      .map(({ end, ...rest }) => ({ ...rest, until: end === CLOSED ? undefined : Number(end) }));
  };

  return {
    powers: async () => {
      const [block, ...parts] = await Promise.all([
        provider.getBlockNumber(),
        officesNow(),
        functionsNow(),
        contractsNow(),
        announced(),
        pausedNow(),
      ]);
      const [holders, functions, contracts, acts, paused] = parts;
      return { block, offices: holders, functions, contracts, announced: acts, paused };
    },
    announced,
    carryOut: ({ to, data }) => office({ to, data }, (_, { hash }) => ({ transaction: hash as Hex })),
    pausable,
    pause: (contract, { actions, until, reason }) =>
      act(contract, "pause", [actions.map((one) => selectorIn(contract, one)), until, reason]),
    unpause: (contract, actions) =>
      act(contract, "unpause", [actions.map((one) => selectorIn(contract, one))]),
    closeEntries: (contract, successor) => act(contract, "closeEntries", [successor]),
  };
}

/** Functions that change state. */
function changingOf(contract: ContractName): string[] {
  return (abis[contract] as readonly JsonFragment[])
    .filter(({ type, stateMutability }) => type === "function" && stateMutability === "nonpayable")
    .map(({ name }) => name as string);
}

function interfaceWith(contract: ContractName, method: string): Interface {
  const abi = interfaces[contract];
  if (abi.getFunction(method) !== null) return abi;
  throw new TenonError("NotPausable", "Nothing of this contract can be paused", {
    args: { contract },
    remedy: `Name one of ${stoppable.join(", ")}.`,
  });
}

function selectorIn(contract: ContractName, action: string): string {
  const found = interfaces[contract].getFunction(action)?.selector;
  if (found !== undefined) return found;
  throw new TenonError("ActionUnknown", "The contract has no such function", {
    args: { contract, action },
    remedy: "Name actions that admin.pausable lists.",
  });
}

function methodIn(contract: ContractName, selector: string): string {
  return interfaces[contract].getFunction(selector)?.name ?? selector;
}

function officeName(number: bigint): string {
  return (
    offices[Number(number) as keyof typeof offices] ?? (number === 2n ** 64n - 1n ? "PUBLIC" : String(number))
  );
}

function wordsOf(data: string): string {
  try {
    return callInWords(data);
  } catch {
    return data;
  }
}
