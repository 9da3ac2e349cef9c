import type { Hex } from "./bytes.js";
import type { Deployment } from "./deployment.js";
import { type BulkEnrolment, enrolMany } from "./devices/bulk.js";
import { checkedId, readDevice, registryCall, registryOf } from "./devices/context.js";
import {
  enrolOne,
  type OpenedList,
  type OpenListOptions,
  openFactoryList,
  prepareRegistration,
} from "./devices/enrol.js";
import { registeredDevice, registryAbi } from "./devices/events.js";
import { history } from "./devices/history.js";
import { exportHistory } from "./devices/history-export.js";
import type { HistoryVoucher } from "./devices/history-voucher.js";
import { type DeviceKeys, keysOf } from "./devices/keys.js";
import { type FactoryList, type ListedDevice, ListTree } from "./devices/list.js";
import type {
  Application,
  Device,
  EpochEvent,
  MakerTerm,
  RegisteredDevice,
  RegistrationProof,
  RegistrationRequest,
} from "./devices/model.js";
import { type DeviceOwnership, ownershipOf } from "./devices/ownership.js";
import { type DeviceRecovery, recoveryOf } from "./devices/recovery.js";
import {
  holderOf,
  type OwnedRegistration,
  type RegistrationMessage,
  registrationMessage,
} from "./devices/registration.js";
import { type DeviceStates, statesOf } from "./devices/states.js";
import { type DeviceVoucher, signVoucher, type VoucherRequest } from "./devices/voucher.js";
import type { DeviceKey } from "./frame/key.js";
import { findEvents } from "./logs.js";
import type { Connection, Operation } from "./operation.js";
import { withTypedErrors } from "./revert.js";

export type * from "./devices/model.js";

/** The device registry. Writes are lazy: nothing is sent before `send` or `wait`. */
export interface Devices extends DeviceStates, DeviceOwnership, DeviceKeys, DeviceRecovery {
  /** What the device has to sign: pass it to `registrationMessage`, or to a device kit's `signRegistration`. */
  registration(request: RegistrationRequest): OwnedRegistration;
  /** The bytes and the digest a device's key signs. */
  registrationMessage(key: DeviceKey, registration: OwnedRegistration): RegistrationMessage;
  /**
   * Enters a device, by the way its application shows. With the proof alone: sender is a manufacturer's signatory. With
   * the activation of a factory list, or the maker's voucher: sender is a device manager of the owner.
   */
  enrol(application: Application): Operation<RegisteredDevice>;
  /** Opens a whole production run by its root: one transaction, and every device activates later. Sender: its maker. */
  enrol(list: FactoryList, options: OpenListOptions): Operation<OpenedList>;
  /** Enters many devices, in as few transactions as the gas allows; run again after a break, it goes on. */
  enrol(applications: Iterable<Application> | AsyncIterable<Application>): BulkEnrolment;
  /** `enrol` of one device with its proof. Sender: a manufacturer's signatory. */
  register(
    key: DeviceKey,
    registration: OwnedRegistration,
    proof: RegistrationProof,
  ): Operation<RegisteredDevice>;
  /** A factory list over devices of a production run, for this registry. `maker`: number of the manufacturer's organisation. */
  factoryList(maker: number, devices: readonly ListedDevice[]): ListTree;
  /** Ends activation from a list. Sender: a manufacturer of the organisation that opened it, or the device authority. */
  closeList(maker: number, root: Hex): Operation<OpenedListEnd>;
  /** The list under a root; undefined when that maker never opened it. */
  listOf(maker: number, root: Hex): Promise<(OpenedList & { readonly closed: boolean }) | undefined>;
  /** Signs a voucher with this client's key, a manufacturer's signatory. Sends nothing. */
  signVoucher(request: VoucherRequest): Promise<DeviceVoucher>;
  /** A manufacturer's account: its role's end, and its quota. */
  makerTerm(account: string): Promise<MakerTerm>;
  /** The device, or `undefined` when it is not registered. With `epoch`, as it was in that one. */
  get(id: Hex, epoch?: number): Promise<Device | undefined>;
  /** The holder of record. Throws `DeviceUnknown`. */
  ownerOf(id: Hex): Promise<string>;
  /** The holder of record at a second (Unix time), or after a block; undefined before the device was registered. */
  ownerAt(id: Hex, at: { readonly time: number } | { readonly block: number }): Promise<string | undefined>;
  /** The epoch then; 0 before the device was registered. */
  epochAt(id: Hex, at: { readonly time: number } | { readonly block: number }): Promise<number>;
  /** Every device ever registered, in order, with its key; with `owner`, those registered to that organisation. */
  list(filter?: { owner?: number }): Promise<RegisteredDevice[]>;
  /**
   * What began the device's epochs, in order; empty for an unknown one. Walks from event to event: one block each, never a
   * search.
   */
  history(id: Hex): Promise<EpochEvent[]>;
  /** The same as a file that proves itself against one trusted block (docs/devices.md). */
  exportHistory(id: Hex): Promise<HistoryVoucher>;
}

export interface OpenedListEnd {
  readonly maker: number;
  readonly root: Hex;
  readonly by: string;
}

export function devicesOf(connection: Connection, deployment: Deployment): Devices {
  const registry = registryOf(connection, deployment);
  const { contract, address } = registry;

  function enrol(application: Application): Operation<RegisteredDevice>;
  function enrol(list: FactoryList, options: OpenListOptions): Operation<OpenedList>;
  function enrol(applications: Iterable<Application> | AsyncIterable<Application>): BulkEnrolment;
  function enrol(
    what: Application | FactoryList | Iterable<Application> | AsyncIterable<Application>,
    options?: OpenListOptions,
  ) {
    if ("devices" in what) return openFactoryList(registry, what, options!);
    if ("registration" in what) return enrolOne(registry, what);
    return enrolMany(registry, what);
  }

  return {
    ...statesOf(registry),
    ...ownershipOf(registry),
    ...keysOf(registry),
    ...recoveryOf(registry),
    enrol,
    registration: (request) => prepareRegistration(registry, request),
    registrationMessage,
    register: (key, registration, proof) => enrolOne(registry, { key, registration, proof }),
    factoryList: (maker, devices) =>
      new ListTree({ chainId: String(deployment.chainId), registry: address, maker }, devices),
    closeList: (maker, root) =>
      registryCall(registry, "closeList", [maker, root], "FactoryListClosed", ({ event }) => ({
        maker,
        root,
        by: event.args.by,
      })),
    listOf: async (maker, root) => {
      const { count, until, buyer, closed } = await contract.factoryListOf(maker, root);
      if (count === 0n) return undefined;
      return { maker, root, count: Number(count), until: Number(until), buyer: Number(buyer), closed };
    },
    signVoucher: async (request) =>
      signVoucher(await connection.signer(), { chainId: deployment.chainId, registry: address }, request),
    makerTerm: async (account) => {
      const { org, until, quota, used } = await contract.manufacturerOf(account);
      return {
        organisation: Number(org),
        until: Number(until),
        quota: quota === 2n ** 64n - 1n ? undefined : quota,
        used,
      };
    },
    get: (id, epoch) => readDevice(registry, id, epoch),
    ownerOf: (id) => withTypedErrors(() => contract.ownerOf(checkedId(id))),
    ownerAt: async (id, at) => {
      const device = checkedId(id);
      const owner = await withTypedErrors(() =>
        "time" in at ? contract.ownerAt(device, at.time) : contract.ownerAtBlock(device, at.block),
      );
      return /^0x0{40}$/.test(owner) ? undefined : owner;
    },
    epochAt: async (id, at) => {
      const device = checkedId(id);
      const epoch = await withTypedErrors(() =>
        "time" in at ? contract.epochAt(device, at.time) : contract.epochAtBlock(device, at.block),
      );
      return Number(epoch);
    },
    list: async ({ owner } = {}) => {
      const args = [null, owner === undefined ? null : holderOf(owner)];
      const fromBlock = deployment.contracts.DeviceRegistry.block;
      const query = { address, abi: registryAbi, event: "DeviceRegistered", args, fromBlock };
      return (await findEvents(connection.provider, query)).map(registeredDevice);
    },
    history: async (id) => (await history(registry, id)).map(({ decoded }) => decoded),
    exportHistory: (id) => exportHistory(registry, id),
  };
}
