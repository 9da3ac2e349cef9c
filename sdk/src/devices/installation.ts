import { getAddress } from "ethers";
import type { Hex } from "../bytes.js";
import type { DeviceKey } from "../frame/key.js";
import { deviceMessage, type RegistrationMessage } from "./registration.js";

/** What a device signs to say which firmware it runs. Mirrors `IDeviceFirmware.install`. */
export interface InstallationStatement {
  /** Chain and contract the statement is good for, and no other. */
  readonly chainId: bigint;
  readonly firmware: string;
  readonly device: Hex;
  /** The device's present epoch. */
  readonly epoch: number;
  /** Number of the release, and SHA-256 of its manifest: the device compares it with what it installed. */
  readonly release: number;
  readonly manifestHash: Hex;
  /** Installations that the device attested before: each statement counts once. */
  readonly count: number;
  /** Last second (Unix time), inclusive, at which the signature counts. */
  readonly deadline: bigint;
}

const types = {
  Installation: [
    { name: "device", type: "bytes32" },
    { name: "epoch", type: "uint32" },
    { name: "release", type: "uint32" },
    { name: "manifestHash", type: "bytes32" },
    { name: "count", type: "uint32" },
    { name: "deadline", type: "uint256" },
  ],
};

/** The EIP-712 message of an installation, and its digest for a key of this curve. */
export function installationMessage(
  curve: DeviceKey["curve"],
  { chainId, firmware, ...value }: InstallationStatement,
): RegistrationMessage {
  const domain = {
    name: "Tenon DeviceFirmware",
    version: "1",
    chainId,
    verifyingContract: getAddress(firmware),
  };
  return deviceMessage(curve, domain, types, value);
}
