import type { Hex } from "../bytes.js";
import type { DeviceKey } from "../frame/key.js";
import type { Operation } from "../operation.js";
import {
  checkedId,
  keyProof,
  knownDevice,
  messagePlace,
  type Registry,
  registryCall,
  requirePlace,
} from "./context.js";
import { deviceKeyChange } from "./events.js";
import { keyInForce } from "./history.js";
import type { Rotation } from "./messages.js";
import type { DeviceKeyChange, RegistrationProof } from "./model.js";

export interface DeviceKeys {
  /** What both keys sign to replace the present one; pass it to a device kit's `signRotation`. */
  rotation(id: Hex, newKey: DeviceKey, deadline: bigint | number): Promise<Rotation>;
  /** Replaces the key in force. Sender: a device manager of the owner. */
  rotateKey(
    rotation: Rotation,
    present: DeviceKey,
    signed: { readonly consent: RegistrationProof; readonly proof: RegistrationProof },
  ): Operation<DeviceKeyChange>;
  /** The key in force, or the one of an earlier epoch, from the event in the block where it came in. */
  keyOf(id: Hex, epoch?: number): Promise<DeviceKey>;
  /** The id of the key in force, or of an earlier epoch's: the device's own while it was never replaced. */
  keyIdAt(id: Hex, epoch?: number): Promise<Hex>;
}

export function keysOf(registry: Registry): DeviceKeys {
  const epochOf = async (id: Hex) => (await knownDevice(registry, id)).epoch;
  return {
    keyOf: (id, epoch) => keyInForce(registry, id, epoch),
    rotation: async (id, newKey, deadline) => ({
      ...messagePlace(registry),
      device: checkedId(id),
      epoch: await epochOf(id),
      newKey,
      deadline: BigInt(deadline),
    }),
    rotateKey: (rotation, present, { consent, proof }) => {
      requirePlace(registry, rotation, "rotation");
      const { device, newKey, deadline } = rotation;
      const args = [device, keyProof(present, consent), keyProof(newKey, proof), deadline];
      return registryCall(registry, "rotateKey", args, "DeviceKeyRotated", deviceKeyChange);
    },
    keyIdAt: async (id, epoch) =>
      (await registry.contract.keyIdAt(checkedId(id), epoch ?? (await epochOf(id)))) as Hex,
  };
}
