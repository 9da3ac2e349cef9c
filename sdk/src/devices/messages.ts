import { getAddress } from "ethers";
import type { Hex } from "../bytes.js";
import type { DeviceKey } from "../frame/key.js";
import { deviceMessage, type RegistrationMessage, registryDomain } from "./registration.js";

/** What a device signs for its registry: the bytes for a chip that hashes by itself, the digest for any other. */
export type DeviceMessage = RegistrationMessage;

/** The registry a message is good for, and no other. */
interface ForRegistry {
  chainId: bigint;
  registry: string;
}

/** By signing this a device agrees that a new epoch under its present owner has begun. */
export interface Engagement extends ForRegistry {
  device: Hex;
  /** The epoch in force in the registry. */
  epoch: number;
  /** Holder address of the organisation that owns the device now. */
  owner: string;
  /** Last second (Unix time), inclusive, at which the signature counts. */
  deadline: bigint;
}

/** Signed by the present key, which consents, and by the new one, which proves that it exists. */
export interface Rotation extends ForRegistry {
  device: Hex;
  /** The epoch in force now; the new key begins the next. */
  epoch: number;
  newKey: DeviceKey;
  deadline: bigint;
}

/** Signed by the new key of a lost device: it exists, and follows the owner it will have. */
export interface Recovery extends Rotation {
  /** Holder address of the organisation that will own the device. */
  owner: string;
  /** The contract of recoveries, for which it is signed. */
  recovery: string;
}

const engagementTypes = {
  Engagement: [
    { name: "device", type: "bytes32" },
    { name: "epoch", type: "uint32" },
    { name: "owner", type: "address" },
    { name: "deadline", type: "uint256" },
  ],
};

const rotationTypes = {
  Rotation: [
    { name: "device", type: "bytes32" },
    { name: "epoch", type: "uint32" },
    { name: "curve", type: "uint8" },
    { name: "x", type: "bytes32" },
    { name: "y", type: "bytes32" },
    { name: "deadline", type: "uint256" },
  ],
};

/** The EIP-712 message of an engagement, for a present key of this curve. */
export function engagementMessage(curve: DeviceKey["curve"], engagement: Engagement): DeviceMessage {
  const { device, epoch, owner, deadline } = engagement;
  const value = { device, epoch, owner: getAddress(owner), deadline };
  return deviceMessage(curve, registryDomain(engagement), engagementTypes, value);
}

/** The EIP-712 message of a rotation, for a signer of this curve: the present key's or the new key's. */
export function rotationMessage(curve: DeviceKey["curve"], rotation: Rotation): DeviceMessage {
  const { device, epoch, newKey, deadline } = rotation;
  const value = { device, epoch, ...newKey, deadline };
  return deviceMessage(curve, registryDomain(rotation), rotationTypes, value);
}

const recoveryTypes = {
  Recovery: [
    { name: "registry", type: "address" },
    { name: "device", type: "bytes32" },
    { name: "epoch", type: "uint32" },
    { name: "owner", type: "address" },
    { name: "curve", type: "uint8" },
    { name: "x", type: "bytes32" },
    { name: "y", type: "bytes32" },
    { name: "deadline", type: "uint256" },
  ],
};

/** The EIP-712 message of a recovery, for the new key. */
export function recoveryMessage(recovery: Recovery): DeviceMessage {
  const { chainId, device, epoch, newKey, deadline } = recovery;
  const domain = {
    name: "Tenon DeviceRecovery",
    version: "1",
    chainId,
    verifyingContract: getAddress(recovery.recovery),
  };
  const [registry, owner] = [getAddress(recovery.registry), getAddress(recovery.owner)];
  const value = { registry, device, epoch, owner, ...newKey, deadline };
  return deviceMessage(newKey.curve, domain, recoveryTypes, value);
}
