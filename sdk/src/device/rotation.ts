import { existsSync, renameSync, unlinkSync } from "node:fs";
import { dirname } from "node:path";
import type { Rotation } from "../devices/messages.js";
import { TenonError } from "../errors.js";
import { type DeviceKey, deviceIdOf } from "../frame/index.js";
import { type CurveName, type DeviceSignature, DeviceSigner, loadKey, saveKey } from "./key.js";
import { syncFolder } from "./mark.js";

/** Both halves of what the registry wants to see before it takes a new key. */
export interface SignedRotation {
  /** By the present key. */
  consent: DeviceSignature;
  /** By the new key. */
  proof: DeviceSignature;
}

/** Where the new key waits until the registry has it. */
export function nextKeyPath(path: string): string {
  return `${path}.next`;
}

/**
 * The device's next key, made in the device and kept in `<path>.next` beside the present one. Asking again gives the
 * same key until {@link settleKey} has put it in place, so a rotation that broke off is gone on with.
 */
export function prepareNextKey(path: string, curve: CurveName = "P-256"): DeviceSigner {
  const next = nextKeyPath(path);
  const { id } = loadKey(path);
  if (existsSync(next)) {
    const waiting = loadKey(next);
    if (waiting.id === id) return waiting;
    throw new TenonError("DeviceKeyForeign", "The waiting key is another device's", {
      args: { path: next, device: id, keyOf: waiting.id },
      remedy: "Move the file to the device it belongs to.",
    });
  }
  const signer = DeviceSigner.generate(curve, id);
  saveKey(next, signer);
  return signer;
}

/** Signs a rotation with both keys. Throws `RotationForeign` when it names another device or another new key. */
export function signRotation(present: DeviceSigner, next: DeviceSigner, rotation: Rotation): SignedRotation {
  const named = deviceIdOf(rotation.newKey);
  if (rotation.device !== present.id || next.id !== present.id || named !== deviceIdOf(next.key)) {
    throw new TenonError("RotationForeign", "The rotation is not from this device's key to its next one", {
      args: { device: present.id, rotationOf: rotation.device, newKey: named, next: deviceIdOf(next.key) },
      remedy: "Prepare it with devices.rotation for this device and the key of prepareNextKey.",
    });
  }
  return { consent: present.signRotation(rotation), proof: next.signRotation(rotation) };
}

/**
 * Puts the key in place that the registry says is in force, and returns it. Until the registry has the new key the old
 * one stays; then the new file takes its place in one step, and the old key is gone. Call it at every start.
 * @param inForce The registry's answer (`devices.keyOf`).
 * @throws TenonError `DeviceKeyReplaced` when the registry holds a key this device does not have.
 */
export function settleKey(path: string, inForce: DeviceKey): DeviceSigner {
  const present = loadKey(path);
  const next = nextKeyPath(path);
  const id = deviceIdOf(inForce);
  if (deviceIdOf(present.key) === id) return present;
  const waiting = existsSync(next) ? loadKey(next) : undefined;
  if (waiting === undefined || deviceIdOf(waiting.key) !== id) {
    throw new TenonError("DeviceKeyReplaced", "The registry holds a key that this device does not have", {
      args: { device: present.id, present: deviceIdOf(present.key), inForce: id },
      remedy: "The device was recovered with another key: it needs a new identity.",
    });
  }
  renameSync(next, path);
  syncFolder(dirname(path));
  return waiting;
}

/** Gives up a rotation that the registry has not taken: the waiting key is destroyed. */
export function dropNextKey(path: string): void {
  const next = nextKeyPath(path);
  if (!existsSync(next)) return;
  unlinkSync(next);
  syncFolder(dirname(next));
}
