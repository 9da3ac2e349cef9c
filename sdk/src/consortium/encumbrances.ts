import { type Log, ZeroAddress } from "ethers";
import type { Hex } from "../bytes.js";
import { addressOf, type Deployment } from "../deployment.js";
import { IEncumbrances__factory } from "../generated/typechain/index.js";
import { eventIn, type FoundEvent, findEvents, type LogPosition } from "../logs.js";
import { type Connection, type Operation, operation } from "../operation.js";
import { enums } from "../revert.js";
import { type Module, moduleAddress, word } from "./modules.js";
import { type OfficeOperation, officeOf } from "./offices.js";

export type EncumbranceKind = (typeof enums.EncumbranceKind)[number];

/** A thing in a contract that keeps such things. */
export interface Asset {
  /** Default: the device registry. */
  readonly module?: Module;
  /** Its id there, 32 bytes; of a device the device id. */
  readonly asset: Hex;
}

export interface EncumbranceRequest extends Asset {
  readonly kind: EncumbranceKind;
  /** Number of the organisation that the asset is bound to. */
  readonly beneficiary: number;
  /** The rank it counts on, from 1; refused when it is not the next free one. Default 1. */
  readonly rank?: number;
  /** Seconds since 1970: from then on anyone may release it. At most twenty years ahead. */
  readonly until: number;
}

/** One encumbrance, named by its asset and its number there. */
export interface Encumbrance {
  readonly id: number;
  /** Now; it improves when one before it is released. */
  readonly rank: number;
  readonly kind: EncumbranceKind;
  readonly beneficiary: number;
  readonly until: number;
  /** The contract that placed it; `undefined` when the holder's keeper did. */
  readonly binder: string | undefined;
}

/** What binds an asset now. */
export interface AssetBinding {
  /** Whether its module must not move it. */
  readonly locked: boolean;
  /** By rank. */
  readonly encumbrances: Encumbrance[];
  /** How many orders hold it. */
  readonly holds: number;
}

/** Something that happened to an asset's encumbrances. */
export interface EncumbranceStep {
  readonly step: "placed" | "released" | "struck" | "held" | "hold ended";
  readonly module: string;
  readonly asset: Hex;
  /** Number of the encumbrance; of a hold `undefined`. */
  readonly id: number | undefined;
  readonly kind: EncumbranceKind | undefined;
  readonly rank: number | undefined;
  readonly beneficiary: number | undefined;
  /** Number of the order that stood behind it. */
  readonly order: number | undefined;
  readonly by: string;
  readonly at: LogPosition;
}

/** What binds assets: pledges, leases and sales by rank, and holds by order. Writes are lazy. */
export interface Encumbrances {
  /** Places an encumbrance. Sender: a keeper of the asset's holder; for a device its device manager. */
  place(request: EncumbranceRequest): Operation<EncumbranceStep>;
  /** Takes an encumbrance away. Sender: the beneficiary's treasurer; anyone when it has expired. */
  release(of: Asset & { readonly id: number }): Operation<EncumbranceStep>;
  /** Takes it away by an active Force order (`strikeSubject`), which it uses up. Sender: anyone. */
  strike(of: Asset & { readonly id: number; readonly order: number }): Operation<EncumbranceStep>;
  /** Puts the hold of an active Hold order on its asset. Sender: anyone. */
  hold(of: Asset & { readonly order: number }): Operation<EncumbranceStep>;
  /** Ends the hold of an order that was lifted or has expired. Sender: anyone. */
  releaseHold(of: Asset & { readonly order: number }): Operation<EncumbranceStep>;
  /** What binds an asset now. */
  of(asset: Asset): Promise<AssetBinding>;
  /** What happened to an asset, in order. */
  history(asset: Asset): Promise<EncumbranceStep[]>;
  /** Whether assets of a contract can be encumbered. */
  isModule(module: Module): Promise<boolean>;
  /** Administrator. Lets assets of a contract be encumbered. */
  admitModule(module: Module): OfficeOperation<LogPosition>;
  /** Administrator. Takes nothing new for a contract's assets; what stands can be released. */
  dismissModule(module: Module): OfficeOperation<LogPosition>;
  /** Administrator. Lets a contract place encumbrances for holders, who agreed to that in it. */
  admitBinder(binder: Module): OfficeOperation<LogPosition>;
  /** Administrator. Lets a binder place nothing more. */
  dismissBinder(binder: Module): OfficeOperation<LogPosition>;
}

type Admission = "admitModule" | "dismissModule" | "admitBinder" | "dismissBinder";

const abi = IEncumbrances__factory.createInterface();
const events = ["EncumbrancePlaced", "EncumbranceReleased", "HoldPlaced", "HoldReleased"] as const;

export function encumbrancesOf(connection: Connection, deployment: Deployment): Encumbrances {
  const address = addressOf(deployment, "Encumbrances");
  const contract = IEncumbrances__factory.connect(address, connection.provider);
  const place = ({ module = "DeviceRegistry", asset }: Asset) =>
    [moduleAddress(deployment, module), word(asset)] as const;
  const write = (data: string, event: (typeof events)[number]) =>
    operation(connection, { to: address, data }, (logs: Log[]) => step(eventIn(logs, abi, event)));

  const office = officeOf(connection, deployment);
  const admission = (method: Admission, contract: Module, event: string) =>
    office(
      {
        to: address,
        data: abi.encodeFunctionData(method as "admitModule", [moduleAddress(deployment, contract)]),
      },
      (logs) => eventIn(logs, abi, event).at,
    );

  return {
    place: ({ kind, beneficiary, rank = 1, until, ...asset }) => {
      const values = [
        ...place(asset),
        enums.EncumbranceKind.indexOf(kind),
        beneficiary,
        rank,
        until,
      ] as const;
      return write(abi.encodeFunctionData("place", [...values]), "EncumbrancePlaced");
    },
    release: ({ id, ...asset }) =>
      write(abi.encodeFunctionData("release", [...place(asset), id]), "EncumbranceReleased"),
    strike: ({ id, order, ...asset }) =>
      write(abi.encodeFunctionData("strike", [...place(asset), id, order]), "EncumbranceReleased"),
    hold: ({ order, ...asset }) =>
      write(abi.encodeFunctionData("hold", [...place(asset), order]), "HoldPlaced"),
    releaseHold: ({ order, ...asset }) =>
      write(abi.encodeFunctionData("releaseHold", [...place(asset), order]), "HoldReleased"),
    of: async (asset) => {
      const [locked, encumbrances, holds] = await Promise.all([
        contract.isEncumbered(...place(asset)),
        contract.encumbrancesOf(...place(asset)),
        contract.holdsOf(...place(asset)),
      ]);
      return { locked, encumbrances: [...encumbrances].map(encumbrance), holds: Number(holds) };
    },
    history: async (asset) => {
      const fromBlock = deployment.contracts.Encumbrances.block;
      const args = [...place(asset)];
      const found = await Promise.all(
        events.map((event) => findEvents(connection.provider, { address, abi, event, args, fromBlock })),
      );
      return found
        .flat()
        .map(step)
        .sort((a, b) => a.at.block - b.at.block || a.at.logIndex - b.at.logIndex);
    },
    admitModule: (module) => admission("admitModule", module, "ModuleAdmitted"),
    dismissModule: (module) => admission("dismissModule", module, "ModuleDismissed"),
    admitBinder: (binder) => admission("admitBinder", binder, "BinderAdmitted"),
    dismissBinder: (binder) => admission("dismissBinder", binder, "BinderDismissed"),
    isModule: async (module) => (await contract.moduleOf(moduleAddress(deployment, module))).admitted,
  };
}

interface StoredEncumbrance {
  id: bigint;
  rank: bigint;
  kind: bigint;
  beneficiary: bigint;
  until: bigint;
  binder: string;
}

function encumbrance(stored: StoredEncumbrance): Encumbrance {
  return {
    id: Number(stored.id),
    rank: Number(stored.rank),
    kind: kindName(stored.kind),
    beneficiary: Number(stored.beneficiary),
    until: Number(stored.until),
    binder: stored.binder === ZeroAddress ? undefined : stored.binder,
  };
}

function step({ event, at }: FoundEvent): EncumbranceStep {
  const { module, asset, id, kind, rank, beneficiary, order, by } = event.args.toObject();
  return {
    step: stepName(event.name, order),
    module,
    asset,
    id: id === undefined ? undefined : Number(id),
    kind: kind === undefined ? undefined : kindName(kind),
    rank: rank === undefined ? undefined : Number(rank),
    beneficiary: beneficiary === undefined ? undefined : Number(beneficiary),
    order: order === undefined || order === 0n ? undefined : Number(order),
    by,
    at,
  };
}

function stepName(event: string, order: bigint | undefined): EncumbranceStep["step"] {
  if (event === "EncumbrancePlaced") return "placed";
  if (event === "EncumbranceReleased") return order === 0n ? "released" : "struck";
  return event === "HoldPlaced" ? "held" : "hold ended";
}

function kindName(kind: bigint): EncumbranceKind {
  return enums.EncumbranceKind[Number(kind)] as EncumbranceKind;
}
