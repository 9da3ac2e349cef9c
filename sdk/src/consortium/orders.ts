import { AbiCoder, keccak256, type Log, zeroPadValue } from "ethers";
import type { Hex } from "../bytes.js";
import { addressOf, type Deployment } from "../deployment.js";
import { holderOf } from "../devices/registration.js";
import { IOrders__factory } from "../generated/typechain/index.js";
import { eventIn, type FoundEvent, findEvents, type LogPosition } from "../logs.js";
import { type Connection, type Operation, operation } from "../operation.js";
import { enums } from "../revert.js";
import { type Module, moduleAddress, word } from "./modules.js";

export type OrderScope = (typeof enums.OrderScope)[number];
export type OrderStatus = Exclude<(typeof enums.OrderStatus)[number], "None">;

/**
 * What an order is about.
 * - Hold: one asset stays where it is, for instance a device (`module: "DeviceRegistry"`, `asset` its id).
 * - Freeze: an organisation neither gives nor takes assets.
 * - Force: one act against the owner's will; `transferSubject` and `strikeSubject` make the subject.
 * - Disclose: a regulator may read what `subject` names; `module` keeps the record of the reading.
 */
export type OrderPurpose =
  | { readonly scope: "Hold"; readonly module: Module; readonly asset: Hex }
  | { readonly scope: "Freeze"; readonly organisation: number }
  | { readonly scope: "Force" | "Disclose"; readonly module: Module; readonly subject: Hex };

export interface OrderRequest {
  /** Salted hash of the order on paper, 32 bytes. */
  readonly documentHash: Hex;
  readonly purpose: OrderPurpose;
  /** Seconds since 1970: from then on it authorises nothing. At most three years ahead. */
  readonly until: number;
}

/** An order as it stands now. */
export interface Order {
  readonly id: number;
  readonly scope: OrderScope;
  /** Only an `Active` order authorises anything. */
  readonly status: OrderStatus;
  /** Number of the organisation whose regulator issued it. */
  readonly organisation: number;
  /** The contract that acts on it. */
  readonly module: string;
  readonly subject: Hex;
  readonly documentHash: Hex;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly until: number;
  readonly issuer: string;
  /** The second person of a Force order. */
  readonly confirmer: string | undefined;
}

/** What the chain said when an order was issued. */
export interface IssuedOrder extends Omit<Order, "status" | "issuedAt" | "confirmer"> {
  readonly at: LogPosition;
}

/** A later step in the life of an order. */
export interface OrderStep {
  readonly id: number;
  readonly step: "confirmed" | "lifted" | "consumed";
  /** The account that did it; of `consumed` the module. */
  readonly by: string;
  readonly at: LogPosition;
}

/** Orders of courts and regulators. Writes are lazy: nothing is sent before `send` or `wait`. */
export interface Orders {
  /** Issues an order. Sender: a regulator. A Force order counts only when an enforcer has confirmed it. */
  issue(request: OrderRequest): Operation<IssuedOrder>;
  /** Confirms a Force order as its second person. Sender: an enforcer, another person than the issuer. */
  confirm(id: number): Operation<OrderStep>;
  /** Ends an order; holds and freezes under it anyone may end then. Sender: a regulator of the issuing organisation. */
  lift(id: number): Operation<OrderStep>;
  /** The order, or `undefined` when there is none of this number. */
  get(id: number): Promise<Order | undefined>;
  /** Every order ever issued, in order; with a filter those of a scope or module. */
  list(filter?: { scope?: OrderScope; module?: Module }): Promise<IssuedOrder[]>;
  /** What happened to one order, in order; empty for an unknown one. */
  history(id: number): Promise<(IssuedOrder | OrderStep)[]>;
}

/** Subject of a Force order that moves a device of the registry at `registry` to an organisation (module `DeviceRecovery`). */
export function transferSubject(registry: string, device: Hex, to: number): Hex {
  return hashOf(["address", "bytes32", "uint32"], [registry, word(device), to]);
}

/** Subject of a Force order that strikes an encumbrance (module `Encumbrances`); `asset` of the module at `module`. */
export function strikeSubject(module: string, asset: Hex, id: number): Hex {
  return hashOf(["address", "bytes32", "uint32"], [module, word(asset), id]);
}

const abi = IOrders__factory.createInterface();
const steps = { OrderConfirmed: "confirmed", OrderLifted: "lifted", OrderConsumed: "consumed" } as const;

export function ordersOf(connection: Connection, deployment: Deployment): Orders {
  const address = addressOf(deployment, "Orders");
  const contract = IOrders__factory.connect(address, connection.provider);
  const write = <T>(data: string, decode: (logs: Log[]) => T) =>
    operation(connection, { to: address, data }, decode);
  const find = (event: string, args: unknown[]) =>
    findEvents(connection.provider, {
      address,
      abi,
      event,
      args,
      fromBlock: deployment.contracts.Orders.block,
    });
  const step = (call: "confirm" | "lift", id: number, event: keyof typeof steps) =>
    write(abi.encodeFunctionData(call as "lift", [id]), (logs) => orderStep(eventIn(logs, abi, event)));

  return {
    issue: ({ documentHash, purpose, until }) => {
      const { module, subject } = aboutOf(deployment, purpose);
      const scope = enums.OrderScope.indexOf(purpose.scope);
      const values = [word(documentHash), scope, module, subject, until] as const;
      return write(abi.encodeFunctionData("issue", [...values]), (logs) =>
        issuedOrder(eventIn(logs, abi, "OrderIssued")),
      );
    },
    confirm: (id) => step("confirm", id, "OrderConfirmed"),
    lift: (id) => step("lift", id, "OrderLifted"),
    get: async (id) => {
      const order = await contract.orderOf(id);
      const status = enums.OrderStatus[Number(order.status)];
      if (status === undefined || status === "None") return undefined;
      return {
        id,
        scope: scopeName(order.scope),
        status,
        organisation: Number(order.org),
        module: order.module,
        subject: order.subject as Hex,
        documentHash: order.documentHash as Hex,
        issuedAt: Number(order.issuedAt),
        until: Number(order.until),
        issuer: order.issuer,
        confirmer: BigInt(order.confirmer) === 0n ? undefined : order.confirmer,
      };
    },
    list: async ({ scope, module } = {}) => {
      const number = scope === undefined ? null : enums.OrderScope.indexOf(scope);
      const at = module === undefined ? null : moduleAddress(deployment, module);
      return (await find("OrderIssued", [null, number, at])).map(issuedOrder);
    },
    history: async (id) => {
      const issued = (await find("OrderIssued", [id])).map(issuedOrder);
      const later = await Promise.all(Object.keys(steps).map((event) => find(event, [id])));
      const ordered = later.flat().sort((a, b) => a.at.block - b.at.block || a.at.logIndex - b.at.logIndex);
      return [...issued, ...ordered.map(orderStep)];
    },
  };
}

/** The contract an order names, and the thing in it. */
function aboutOf(deployment: Deployment, purpose: OrderPurpose): { module: string; subject: Hex } {
  if (purpose.scope === "Freeze") {
    const subject = zeroPadValue(holderOf(purpose.organisation), 32) as Hex;
    return { module: addressOf(deployment, "Eligibility"), subject };
  }
  const module = moduleAddress(deployment, purpose.module);
  return { module, subject: word(purpose.scope === "Hold" ? purpose.asset : purpose.subject) };
}

function issuedOrder({ event, at }: FoundEvent): IssuedOrder {
  const { id, scope, module, subject, documentHash, until, org, issuer } = event.args;
  return {
    id: Number(id),
    scope: scopeName(scope),
    organisation: Number(org),
    module,
    subject,
    documentHash,
    until: Number(until),
    issuer,
    at,
  };
}

function orderStep({ event, at }: FoundEvent): OrderStep {
  const { id, confirmer, by, module } = event.args.toObject();
  return { id: Number(id), step: steps[event.name as keyof typeof steps], by: confirmer ?? by ?? module, at };
}

function scopeName(scope: bigint): OrderScope {
  return enums.OrderScope[Number(scope)] as OrderScope;
}

function hashOf(types: string[], values: unknown[]): Hex {
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, values)) as Hex;
}
