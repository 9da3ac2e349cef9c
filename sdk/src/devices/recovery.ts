import type { Interface } from "ethers";
import type { Hex } from "../bytes.js";
import { addressOf } from "../deployment.js";
import type { DeviceKey } from "../frame/key.js";
import { IDeviceRecovery__factory } from "../generated/typechain/index.js";
import { eventIn, type LogPosition } from "../logs.js";
import { type Operation, operation } from "../operation.js";
import { checkedId, keyProof, knownDevice, messagePlace, type Registry } from "./context.js";
import type { Recovery } from "./messages.js";
import type { RegistrationProof } from "./model.js";
import { holderOf } from "./registration.js";

/** A lost device on its way back. */
export interface PendingRecovery {
  readonly id: Hex;
  /** The epoch it was proposed in; in another one it is void. */
  readonly epoch: number;
  /** Number of the organisation that will own it. */
  readonly newOwner: number;
  /** Id of the new key; undefined when the key stays. */
  readonly newKeyId: Hex | undefined;
  /** When it may be carried out, seconds; undefined until the authority confirms. */
  readonly readyAt: number | undefined;
}

/** A step of a recovery, or a transfer by order, as its event tells it. */
export interface RecoveryStep {
  readonly id: Hex;
  readonly by: string;
  readonly at: LogPosition;
}

/** What happens to a device without its present owner. */
export interface DeviceRecovery {
  /** What the new key of a lost device signs; pass it to a device kit's `signRecovery`. */
  recovery(id: Hex, newOwner: number, newKey: DeviceKey, deadline: bigint | number): Promise<Recovery>;
  /**
   * Proposes a new owner, a new key or both. Sender: a manufacturer of the organisation that brought the device in.
   * @param fresh The new key and what it signed; left out when the key stays.
   */
  proposeRecovery(
    id: Hex,
    newOwner: number,
    fresh?: { readonly key: DeviceKey; readonly proof: RegistrationProof; readonly deadline: bigint },
  ): Operation<RecoveryStep>;
  /** Confirms what is proposed; the delay begins. Sender: the device authority. */
  confirmRecovery(pending: PendingRecovery): Operation<RecoveryStep>;
  /** Ends a proposal. Sender: any signatory of the owner, the device authority, or the manufacturer. */
  cancelRecovery(id: Hex): Operation<RecoveryStep>;
  /** Carries it out when its time has come. Sender: a device manager of the new owner. */
  executeRecovery(id: Hex, newKey?: DeviceKey): Operation<RecoveryStep>;
  /** What is proposed now; undefined when nothing is. */
  recoveryOf(id: Hex): Promise<PendingRecovery | undefined>;
  /** Moves a device by a confirmed Force order, which names it and the new owner. Sender: an enforcer. */
  forceTransfer(id: Hex, to: number, order: number): Operation<RecoveryStep>;
}

const abi: Interface = IDeviceRecovery__factory.createInterface();
const zero = `0x${"00".repeat(32)}` as const;
const noKey = { curve: 0, x: zero, y: zero } as const;
const noProof = { key: noKey, r: zero, s: zero };

export function recoveryOf(registry: Registry): DeviceRecovery {
  const { connection, deployment, address } = registry;
  const to = addressOf(deployment, "DeviceRecovery");
  const contract = IDeviceRecovery__factory.connect(to, connection.provider);
  const step = (method: string, id: Hex, args: unknown[], name: string) => {
    const data = abi.encodeFunctionData(method, [address, checkedId(id), ...args]);
    return operation(connection, { to, data }, (logs): RecoveryStep => {
      const { event, at } = eventIn(logs, abi, name);
      return { id: event.args.device, by: event.args.by, at };
    });
  };
  return {
    recovery: async (id, newOwner, newKey, deadline) => ({
      ...messagePlace(registry),
      recovery: to,
      device: checkedId(id),
      epoch: (await knownDevice(registry, id)).epoch,
      owner: holderOf(newOwner),
      newKey,
      deadline: BigInt(deadline),
    }),
    proposeRecovery: (id, newOwner, fresh) => {
      const proof = fresh === undefined ? noProof : keyProof(fresh.key, fresh.proof);
      return step("propose", id, [newOwner, proof, fresh?.deadline ?? 0n], "RecoveryProposed");
    },
    confirmRecovery: ({ id, newOwner, newKeyId = zero }) =>
      step("confirm", id, [newOwner, newKeyId], "RecoveryConfirmed"),
    cancelRecovery: (id) => step("cancel", id, [], "RecoveryCancelled"),
    executeRecovery: (id, newKey) => step("execute", id, [newKey ?? noKey], "RecoveryExecuted"),
    recoveryOf: async (id) => {
      const device = checkedId(id);
      const { epoch, newOwner, readyAt, newKeyId } = await contract.recoveryOf(address, device);
      if (epoch === 0n) return undefined;
      return {
        id: device,
        epoch: Number(epoch),
        newOwner: Number(newOwner),
        newKeyId: newKeyId === zero ? undefined : (newKeyId as Hex),
        readyAt: readyAt === 0n ? undefined : Number(readyAt),
      };
    },
    forceTransfer: (id, owner, order) => step("forceTransfer", id, [owner, order], "TransferForced"),
  };
}
