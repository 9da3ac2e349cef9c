import { fromHex, type Hex, toHex } from "../bytes.js";
import { addressOf, type Deployment } from "../deployment.js";
import { TenonError } from "../errors.js";
import { lowS } from "../frame/cose.js";
import { algorithmOf, type DeviceKey } from "../frame/key.js";
import { type IDeviceRegistry, IDeviceRegistry__factory } from "../generated/typechain/index.js";
import type { FoundEvent } from "../logs.js";
import { type Connection, type Operation, operation } from "../operation.js";
import { enums, withTypedErrors } from "../revert.js";
import { decoding, registryAbi } from "./events.js";
import type { Device, RegistrationProof } from "./model.js";

/** What every part of `tenon.devices` works with. */
export interface Registry {
  readonly connection: Connection;
  readonly deployment: Deployment;
  readonly address: string;
  readonly contract: IDeviceRegistry;
}

export function registryOf(connection: Connection, deployment: Deployment): Registry {
  const address = addressOf(deployment, "DeviceRegistry");
  const contract = IDeviceRegistry__factory.connect(address, connection.provider);
  return { connection, deployment, address, contract };
}

/** A write to the registry whose result is one event. */
export function registryCall<T>(
  { connection, address }: Registry,
  method: string,
  args: readonly unknown[],
  event: string,
  read: (found: FoundEvent) => T,
): Operation<T> {
  const data = registryAbi.encodeFunctionData(method, [...args]);
  return operation(connection, { to: address, data }, decoding(event, read));
}

/** The device, or `undefined` when it is not registered. */
export async function readDevice(
  { contract }: Registry,
  id: Hex,
  epoch?: number,
): Promise<Device | undefined> {
  const device = checkedId(id);
  const record = await withTypedErrors(() =>
    epoch === undefined ? contract.record(device) : contract.recordOfEpoch(device, epoch),
  );
  const status = enums.DeviceStatus[Number(record.status)];
  if (status === undefined || status === "None") return undefined;
  return {
    id: device,
    owner: record.owner,
    organisation: Number(record.org),
    maker: Number(record.maker),
    since: Number(record.since),
    status,
    curve: Number(record.curve) as DeviceKey["curve"],
    epoch: Number(record.epoch),
    block: Number(record.blockNumber),
    engaged: record.engaged,
    locked: record.locked,
    accessStopped: record.accessStopped,
    rotated: record.rotated,
  };
}

/** The device. Throws `DeviceUnknown`. */
export async function knownDevice(registry: Registry, id: Hex): Promise<Device> {
  const device = await readDevice(registry, id);
  if (device !== undefined) return device;
  throw new TenonError("DeviceUnknown", "The registry has no such device", {
    args: { device: id },
    remedy: "Check the id: 0x and 64 hex digits, the hash of the device's birth key.",
  });
}

/** An id that came with the wrong length would be read as another device's. */
export function checkedId(id: Hex): Hex {
  return toHex(fromHex(id, 32));
}

/** A signature as the contract takes it: `s` in the lower half. */
export function lowProof(key: DeviceKey, { r, s }: RegistrationProof): { r: Hex; s: Hex } {
  const signature = new Uint8Array([...fromHex(r, 32), ...fromHex(s, 32)]);
  return { r, s: toHex(lowS(signature, algorithmOf(key)).subarray(32)) };
}

/** The contract's `KeyProof`. */
export function keyProof(key: DeviceKey, proof: RegistrationProof) {
  return { key, ...lowProof(key, proof) };
}

/** The registry a message is good for. */
export function messagePlace({ deployment, address }: Registry) {
  return { chainId: BigInt(deployment.chainId), registry: address };
}

/** That something was prepared for this registry on this chain. Throws `RegistrationForeign`. */
export function requirePlace(
  { deployment, address }: Registry,
  { chainId, registry }: { readonly chainId: bigint | string; readonly registry: string },
  what: string,
): void {
  if (BigInt(chainId) === BigInt(deployment.chainId) && registry.toLowerCase() === address.toLowerCase())
    return;
  throw new TenonError("RegistrationForeign", `The ${what} was prepared for another registry or owner`, {
    args: { registry, expected: address, chainId, expectedChain: deployment.chainId },
    remedy: "Prepare it for the deployment this client talks to.",
  });
}
