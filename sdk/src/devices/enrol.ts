import type { Hex } from "../bytes.js";
import { TenonError } from "../errors.js";
import { deviceIdOf } from "../frame/key.js";
import type { Operation } from "../operation.js";
import { lowProof, messagePlace, type Registry, registryCall, requirePlace } from "./context.js";
import { registeredDevice } from "./events.js";
import { type FactoryList, type ListedDevice, verifyActivation } from "./list.js";
import type { Application, RegisteredDevice, RegistrationRequest } from "./model.js";
import { holderOf, noHash, type OwnedRegistration } from "./registration.js";
import type { DeviceVoucher } from "./voucher.js";

/** A list as the registry took it over. */
export interface OpenedList {
  readonly maker: number;
  readonly root: Hex;
  readonly count: number;
  /** No activation from this second on. */
  readonly until: number;
  /** Number of the only organisation that may activate; 0 is whoever holds the device. */
  readonly buyer: number;
}

export interface OpenListOptions {
  readonly until: number;
  readonly buyer?: number;
}

/** What a device has to sign, for this registry. */
export function prepareRegistration(
  registry: Registry,
  { owner, deadline, parametersHash = noHash, certificateHash = noHash }: RegistrationRequest,
): OwnedRegistration {
  return {
    ...messagePlace(registry),
    organisation: owner,
    owner: holderOf(owner),
    parametersHash,
    certificateHash,
    deadline: BigInt(deadline),
  };
}

/** One device, by whichever way its application shows. */
export function enrolOne(registry: Registry, application: Application): Operation<RegisteredDevice> {
  const tuple = registrationTuple(registry, application);
  const call = (method: string, ...args: unknown[]) =>
    registryCall(registry, method, args, "DeviceRegistered", registeredDevice);
  const { activation, voucher } = application;
  if (activation !== undefined) {
    verifyActivation(activation);
    requirePlace(registry, activation, "activation");
    requireSame(application, activation.device, "activation");
    const { maker, root, index, path } = activation;
    return call("activate", tuple, { maker, root, index, path: [...path] });
  }
  if (voucher !== undefined) {
    requirePlace(registry, voucher, "voucher");
    requireSame(application, voucher.device, "voucher");
    return call("registerByVoucher", tuple, voucherTuple(voucher));
  }
  return call("register", tuple);
}

/** Opens a factory list: one transaction for a whole production run. Refused before it is sent for another's list. */
export function openFactoryList(
  registry: Registry,
  list: FactoryList,
  { until, buyer = 0 }: OpenListOptions,
): Operation<OpenedList> {
  requirePlace(registry, list, "factory list");
  const { root, count, maker } = list;
  const opened: OpenedList = { maker, root, count, until, buyer };
  const args = [root, count, until, buyer];
  const opening = registryCall(registry, "openList", args, "FactoryListOpened", () => opened);
  return checkedFirst(opening, () => requireMaker(registry, maker));
}

/** A root belongs to the organisation that opens it, and activations look it up under the list's maker. */
async function requireMaker({ connection, contract }: Registry, maker: number): Promise<void> {
  const account = await (await connection.signer()).getAddress();
  const { org } = await contract.manufacturerOf(account);
  if (Number(org) === maker) return;
  throw new TenonError("ListMakerMismatch", "The list names another organisation than the sender's", {
    args: { maker, account, organisation: Number(org) },
    remedy:
      "Send it from a manufacturer's signatory of that organisation, or build the list again with --maker.",
  });
}

/** The same operation, with a check of our own before the contract is asked. */
function checkedFirst<T>(operation: Operation<T>, check: () => Promise<void>): Operation<T> {
  return {
    ...operation,
    simulate: () => check().then(() => operation.simulate()),
    estimateGas: () => check().then(() => operation.estimateGas()),
    send: () => check().then(() => operation.send()),
    wait: () => check().then(() => operation.wait()),
  };
}

/** The contract's `Registration`. Throws `RegistrationForeign` for one that was prepared elsewhere. */
export function registrationTuple(registry: Registry, { key, registration, proof }: Application) {
  const { owner, organisation, parametersHash, certificateHash, deadline } = registration;
  requirePlace(registry, registration, "registration");
  if (owner !== holderOf(organisation)) {
    throw new TenonError(
      "RegistrationForeign",
      "The registration was prepared for another registry or owner",
      {
        args: { owner, organisation, expected: holderOf(organisation) },
        remedy: "Prepare it with devices.registration of this client.",
      },
    );
  }
  return { owner: organisation, key, parametersHash, certificateHash, deadline, ...lowProof(key, proof) };
}

/** That the device signed for the very hashes its maker vouches for: the contract would refuse it later. */
function requireSame({ key, registration }: Application, device: ListedDevice, what: string): void {
  const signed = { id: deviceIdOf(key), ...hashesOf(registration) };
  const vouched = { id: deviceIdOf(device.key), ...hashesOf(device) };
  for (const [field, value] of Object.entries(vouched)) {
    const given = signed[field as keyof typeof signed];
    if (given.toLowerCase() === value.toLowerCase()) continue;
    throw new TenonError("ApplicationMismatch", `The device did not sign what its ${what} says`, {
      args: { field, signed: given, vouched: value },
      remedy: `Prepare the registration with the hashes of the device's ${what}.`,
    });
  }
}

function hashesOf({ parametersHash, certificateHash }: { parametersHash: Hex; certificateHash: Hex }) {
  return { parametersHash, certificateHash };
}

function voucherTuple({ maker, buyer, until, signature }: DeviceVoucher) {
  return { maker, buyer, until, signature };
}
