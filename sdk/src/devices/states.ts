import type { Hex } from "../bytes.js";
import type { Operation } from "../operation.js";
import { checkedId, type Registry, registryCall } from "./context.js";
import { accessChange, deviceRevocation, statusChange } from "./events.js";
import type { DeviceAccessChange, DeviceRevocation, DeviceStatusChange } from "./model.js";

export interface DeviceStates {
  /** Sender: a signatory of the owner, or the device authority. */
  suspend(id: Hex): Operation<DeviceStatusChange>;
  /** Sender: a signatory of the owner for its own suspension, the device authority for either. */
  resume(id: Hex): Operation<DeviceStatusChange>;
  /** Ends a device for good. Sender: a device manager of the owner, or the device authority. */
  revoke(id: Hex): Operation<DeviceRevocation>;
  /** Emergency stop of every access to the device. Sender: a signatory of the owner. */
  stopAccess(id: Hex): Operation<DeviceAccessChange>;
  /** Ends the emergency stop; the grants of the epoch count again. Sender: a device manager of the owner. */
  allowAccess(id: Hex): Operation<DeviceAccessChange>;
}

export function statesOf(registry: Registry): DeviceStates {
  const status = (method: string) => (id: Hex) =>
    registryCall(registry, method, [checkedId(id)], "DeviceStatusChanged", statusChange);
  const access = (method: string, event: string) => (id: Hex) =>
    registryCall(registry, method, [checkedId(id)], event, accessChange);
  return {
    suspend: status("suspend"),
    resume: status("resume"),
    revoke: (id) => registryCall(registry, "revoke", [checkedId(id)], "DeviceRevoked", deviceRevocation),
    stopAccess: access("stopAccess", "DeviceAccessStopped"),
    allowAccess: access("allowAccess", "DeviceAccessAllowed"),
  };
}
