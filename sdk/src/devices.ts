import type { Log } from "ethers";
import { fromHex, type Hex, toHex } from "./bytes.js";
import { addressOf, type Deployment } from "./deployment.js";
import { TenonError } from "./errors.js";
import { lowS } from "./frame/cose.js";
import { algorithmOf, type DeviceKey } from "./frame/key.js";
import { IDeviceRegistry__factory } from "./generated/typechain/index.js";
import { eventIn, type FoundEvent, findEvents, type LogPosition } from "./logs.js";
import { type Connection, type Operation, operation } from "./operation.js";
import {
  holderOf,
  noHash,
  type OwnedRegistration,
  type RegistrationMessage,
  registrationMessage,
} from "./registration.js";
import { enums, withTypedErrors } from "./revert.js";

export type DeviceStatus = Exclude<(typeof enums.DeviceStatus)[number], "None">;

/** A device as the registry holds it now. */
export interface Device {
  readonly id: Hex;
  /** Holder of record: an organisation's address. */
  readonly owner: string;
  /** Beginning of the present epoch, seconds since 1970. */
  readonly since: number;
  readonly status: DeviceStatus;
  readonly curve: DeviceKey["curve"];
  /** Frames of an older epoch no longer count. */
  readonly epoch: number;
}

/** What the registry said when a device entered: the full key stands only here. */
export interface RegisteredDevice {
  readonly id: Hex;
  readonly owner: string;
  /** Number of the organisation that registered it. */
  readonly manufacturer: number;
  readonly key: DeviceKey;
  readonly parametersHash: Hex;
  readonly certificateHash: Hex;
  readonly at: LogPosition;
}

export interface DeviceStatusChange {
  readonly id: Hex;
  readonly from: DeviceStatus;
  readonly to: DeviceStatus;
  /** The account that asked. */
  readonly by: string;
  readonly at: LogPosition;
}

/** What the client needs to know to prepare a registration; the rest comes from the deployment. */
export interface RegistrationRequest {
  /** Number of the organisation that will own the device. */
  readonly owner: number;
  /** Last second, inclusive, at which the device's proof counts. */
  readonly deadline: bigint | number;
  /** Default: 32 zero bytes. */
  readonly parametersHash?: Hex;
  /** SHA-256 of the factory certificate in DER. Default: 32 zero bytes, for none. */
  readonly certificateHash?: Hex;
}

/** A device's signature over its registration message. `s` may be high: it is put in the lower half. */
export interface RegistrationProof {
  readonly r: Hex;
  readonly s: Hex;
}

/** The device registry. Writes are lazy: nothing is sent before `send` or `wait`. */
export interface Devices {
  /** What the device has to sign: pass it to `registrationMessage`, or to a device kit's `signRegistration`. */
  registration(request: RegistrationRequest): OwnedRegistration;
  /** The bytes and the digest a device's key signs. */
  registrationMessage(key: DeviceKey, registration: OwnedRegistration): RegistrationMessage;
  /** Enters a device with the proof that its own key made. Sender: a manufacturer's signatory. */
  register(
    key: DeviceKey,
    registration: OwnedRegistration,
    proof: RegistrationProof,
  ): Operation<RegisteredDevice>;
  /** Sender: a signatory of the owner, or the device authority. */
  suspend(id: Hex): Operation<DeviceStatusChange>;
  /** Sender: a signatory of the owner for its own suspension, the device authority for either. */
  resume(id: Hex): Operation<DeviceStatusChange>;
  /** Ends a device for good. Sender: a device manager of the owner, or the device authority. */
  revoke(id: Hex): Operation<DeviceStatusChange>;
  /** The device, or `undefined` when it is not registered. */
  get(id: Hex): Promise<Device | undefined>;
  /** The holder of record. Throws `DeviceUnknown`. */
  ownerOf(id: Hex): Promise<string>;
  /** Every device ever registered, in order, with its key; with `owner`, those registered to that organisation. */
  list(filter?: { owner?: number }): Promise<RegisteredDevice[]>;
  /** What happened to one device, in order; empty for an unknown one. */
  history(id: Hex): Promise<(RegisteredDevice | DeviceStatusChange)[]>;
}

const abi = IDeviceRegistry__factory.createInterface();

export function devicesOf(connection: Connection, deployment: Deployment): Devices {
  const { provider } = connection;
  const address = addressOf(deployment, "DeviceRegistry");
  const contract = IDeviceRegistry__factory.connect(address, provider);
  const change = (data: string) =>
    operation(connection, { to: address, data }, (logs) =>
      statusChange(eventIn(logs, abi, "DeviceStatusChanged")),
    );
  const find = (event: "DeviceRegistered" | "DeviceStatusChanged", args: unknown[]) =>
    findEvents(provider, { address, abi, event, args, fromBlock: deployment.contracts.DeviceRegistry.block });

  return {
    registration: ({ owner, deadline, parametersHash = noHash, certificateHash = noHash }) => ({
      chainId: BigInt(deployment.chainId),
      registry: address,
      organisation: owner,
      owner: holderOf(owner),
      parametersHash,
      certificateHash,
      deadline: BigInt(deadline),
    }),
    registrationMessage,
    register: (key, registration, proof) =>
      operation(
        connection,
        { to: address, data: registerCall(address, key, registration, proof) },
        registered,
      ),
    suspend: (id) => change(abi.encodeFunctionData("suspend", [checkedId(id)])),
    resume: (id) => change(abi.encodeFunctionData("resume", [checkedId(id)])),
    revoke: (id) => change(abi.encodeFunctionData("revoke", [checkedId(id)])),
    get: async (id) => {
      const { owner, since, status, curve, epoch } = await contract.record(checkedId(id));
      const name = enums.DeviceStatus[Number(status)];
      if (name === undefined || name === "None") return undefined;
      return {
        id,
        owner,
        since: Number(since),
        status: name,
        curve: Number(curve) as DeviceKey["curve"],
        epoch: Number(epoch),
      };
    },
    ownerOf: (id) => withTypedErrors(() => contract.ownerOf(checkedId(id))),
    list: async ({ owner } = {}) => {
      const events = await find("DeviceRegistered", [null, owner === undefined ? null : holderOf(owner)]);
      return events.map(registeredDevice);
    },
    history: async (id) => {
      const entered = await find("DeviceRegistered", [checkedId(id)]);
      const changed = await find("DeviceStatusChanged", [id]);
      return [...entered.map(registeredDevice), ...changed.map(statusChange)];
    },
  };
}

function registered(logs: Log[]): RegisteredDevice {
  return registeredDevice(eventIn(logs, abi, "DeviceRegistered"));
}

function registerCall(
  address: string,
  key: DeviceKey,
  registration: OwnedRegistration,
  proof: RegistrationProof,
): Hex {
  const { registry, owner, organisation, parametersHash, certificateHash, deadline } = registration;
  if (registry !== address || owner !== holderOf(organisation)) {
    throw new TenonError(
      "RegistrationForeign",
      "The registration was prepared for another registry or owner",
      {
        args: { registry, expected: address, owner, organisation },
        remedy: "Prepare it with devices.registration of this client.",
      },
    );
  }
  const signature = new Uint8Array([...fromHex(proof.r, 32), ...fromHex(proof.s, 32)]);
  const s = toHex(lowS(signature, algorithmOf(key)).subarray(32));
  const request = { owner: organisation, key, parametersHash, certificateHash, deadline, r: proof.r, s };
  return abi.encodeFunctionData("register", [request]) as Hex;
}

function registeredDevice({ event, at }: FoundEvent): RegisteredDevice {
  const { device, owner, manufacturer, key, parametersHash, certificateHash } = event.args;
  return {
    id: device,
    owner,
    manufacturer: Number(manufacturer),
    key: { curve: Number(key.curve) as DeviceKey["curve"], x: key.x, y: key.y },
    parametersHash,
    certificateHash,
    at,
  };
}

function statusChange({ event, at }: FoundEvent): DeviceStatusChange {
  const { device, from, to, by } = event.args;
  return { id: device, from: statusName(from), to: statusName(to), by, at };
}

function statusName(status: bigint): DeviceStatus {
  return enums.DeviceStatus[Number(status)] as DeviceStatus;
}

/** An id that came with the wrong length would be read as another device's. */
function checkedId(id: Hex): Hex {
  return toHex(fromHex(id, 32));
}
