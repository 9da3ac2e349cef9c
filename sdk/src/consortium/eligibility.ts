import type { Log } from "ethers";
import { addressOf, type Deployment } from "../deployment.js";
import { holderOf } from "../devices/registration.js";
import { TenonError } from "../errors.js";
import { IEligibility__factory } from "../generated/typechain/index.js";
import { eventIn, type FoundEvent, type LogPosition } from "../logs.js";
import { type Connection, type Operation, operation } from "../operation.js";
import { enums } from "../revert.js";
import { type OfficeOperation, officeOf } from "./offices.js";

/** Classes of assets; the place is the bit. 5 to 31 are free: give their number. */
export const assetClasses = ["cash", "notes", "income", "recycling", "machines"] as const;
export type AssetClass = (typeof assetClasses)[number] | number;

/** Why a holder may not take part; `Eligible` when it may. */
export type EligibilityReason = (typeof enums.EligibilityReason)[number];

export interface EligibilityRequest {
  /** Number of the organisation. */
  readonly organisation: number;
  /** What it may take on; replaces what was said before. None takes everything away. */
  readonly classes: readonly AssetClass[];
  /** Seconds since 1970: from then on they no longer count. At most 400 days ahead. */
  readonly until: number;
}

/** What is known of a holder. */
export interface Eligibility {
  readonly organisation: number;
  readonly holder: string;
  readonly active: boolean;
  readonly classes: AssetClass[];
  /** Seconds since 1970; 0 when nothing was set. */
  readonly until: number;
  /** Seconds since 1970; 0 when no order froze it. */
  readonly frozenUntil: number;
  /** Numbers of the orders that froze it and were not ended by `unfreeze`. */
  readonly freezes: number[];
}

export interface EligibilitySet extends EligibilityRequest {
  readonly holder: string;
  readonly by: string;
  readonly at: LogPosition;
}

/** A holder frozen or unfrozen by an order. */
export interface FreezeStep {
  readonly step: "frozen" | "unfrozen";
  readonly holder: string;
  readonly order: number;
  /** Seconds since 1970. Frozen: the end of the order. Unfrozen: until when other orders still freeze it, or 0. */
  readonly until: number;
  readonly by: string;
  readonly at: LogPosition;
}

/** Who may hold which class of asset. A holder is named by the number of its organisation. Writes are lazy. */
export interface EligibilityRules {
  /** Registrar. Says anew what an organisation may take on. */
  set(request: EligibilityRequest): OfficeOperation<EligibilitySet>;
  /** Freezes the organisation that an active Freeze order names. Sender: anyone. */
  freeze(order: number): Operation<FreezeStep>;
  /** Ends the freeze of an order that was lifted. Sender: anyone. */
  unfreeze(order: number): Operation<FreezeStep>;
  get(organisation: number): Promise<Eligibility>;
  /** Why an organisation may not take on an asset of a class now; `Eligible` when it may. */
  explain(organisation: number, assetClass: AssetClass): Promise<EligibilityReason>;
  /** Which of two organisations may not take part in a transfer of a class, and why; `undefined` when both may. */
  explainPair(
    from: number,
    to: number,
    assetClass: AssetClass,
  ): Promise<{ organisation: number; reason: EligibilityReason } | undefined>;
}

const abi = IEligibility__factory.createInterface();

export function eligibilityOf(connection: Connection, deployment: Deployment): EligibilityRules {
  const address = addressOf(deployment, "Eligibility");
  const contract = IEligibility__factory.connect(address, connection.provider);
  const office = officeOf(connection, deployment);
  const write = <T>(data: string, decode: (logs: Log[]) => T) =>
    operation(connection, { to: address, data }, decode);

  return {
    set: ({ organisation, classes, until }) =>
      office(
        { to: address, data: abi.encodeFunctionData("set", [organisation, bitsOf(classes), until]) },
        (logs) => eligibilitySet(eventIn(logs, abi, "EligibilitySet")),
      ),
    freeze: (order) =>
      write(abi.encodeFunctionData("freeze", [order]), (logs) =>
        freezeStep(eventIn(logs, abi, "HolderFrozen")),
      ),
    unfreeze: (order) =>
      write(abi.encodeFunctionData("unfreeze", [order]), (logs) => unfrozenBy(order, logs)),
    get: async (organisation) => {
      const holder = holderOf(organisation);
      const [word, freezes] = await Promise.all([contract.recordOf(holder), contract.freezesOf(holder)]);
      return {
        organisation,
        holder,
        active: word.active,
        classes: classesOf(Number(word.classes)),
        until: Number(word.until),
        frozenUntil: Number(word.frozenUntil),
        freezes: [...freezes].map(Number),
      };
    },
    explain: async (organisation, assetClass) =>
      reasonName(await contract.explain(holderOf(organisation), classNumber(assetClass))),
    explainPair: async (from, to, assetClass) => {
      const parties = [holderOf(from), holderOf(to)] as const;
      const { party, reason } = await contract.explainPair(...parties, classNumber(assetClass));
      if (reasonName(reason) === "Eligible") return undefined;
      return { organisation: party === parties[0] ? from : to, reason: reasonName(reason) };
    },
  };
}

/** The number of a class. Throws `AssetClassUnknown`. */
export function classNumber(assetClass: AssetClass): number {
  const number = typeof assetClass === "number" ? assetClass : assetClasses.indexOf(assetClass);
  if (Number.isInteger(number) && number >= 0 && number < 32) return number;
  throw new TenonError("AssetClassUnknown", "There is no such class of assets", {
    args: { class: assetClass, known: assetClasses.join(", ") },
    remedy: "Name one of these, or give a number from 0 to 31.",
  });
}

function bitsOf(classes: readonly AssetClass[]): number {
  return classes.reduce<number>((bits, one) => (bits | (1 << classNumber(one))) >>> 0, 0);
}

function classesOf(bits: number): AssetClass[] {
  const numbers = Array.from({ length: 32 }, (_, n) => n).filter((n) => (bits >>> n) & 1);
  return numbers.map((n) => assetClasses[n] ?? n);
}

function eligibilitySet({ event, at }: FoundEvent): EligibilitySet {
  const { org, holder, classes, until, by } = event.args;
  const set = { organisation: Number(org), classes: classesOf(Number(classes)), until: Number(until) };
  return { ...set, holder, by, at };
}

function freezeStep({ event, at }: FoundEvent): FreezeStep {
  const { holder, order, until, frozenUntil, by } = event.args.toObject();
  const step = event.name === "HolderFrozen" ? "frozen" : "unfrozen";
  return { step, holder, order: Number(order), until: Number(until ?? frozenUntil), by, at };
}

/** Orders that had ended besides may have been cleared away in the same transaction. */
function unfrozenBy(order: number, logs: Log[]): FreezeStep {
  const own = logs.filter((log) => {
    const event = abi.parseLog(log);
    return event?.name === "HolderUnfrozen" && Number(event.args.order) === order;
  });
  return freezeStep(eventIn(own, abi, "HolderUnfrozen"));
}

function reasonName(reason: bigint): EligibilityReason {
  return enums.EligibilityReason[Number(reason)] as EligibilityReason;
}
