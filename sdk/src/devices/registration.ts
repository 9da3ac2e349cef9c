import {
  dataSlice,
  getAddress,
  keccak256,
  sha256,
  solidityPackedKeccak256,
  type TypedDataDomain,
  TypedDataEncoder,
  type TypedDataField,
  ZeroHash,
} from "ethers";
import { fromHex, type Hex } from "../bytes.js";
import { type DeviceKey, P256 } from "../frame/key.js";

/** What a device signs once, so that the registry may enter it. Mirrors `IDeviceRegistry.register`. */
export interface Registration {
  /** Chain and contract the proof is good for, and no other. */
  chainId: bigint;
  registry: string;
  /** Holder address of the organisation that will own the device. */
  owner: string;
  /** Salted hash of make, model, serial number and what else the parties agreed to fix. */
  parametersHash: Hex;
  /** SHA-256 of the factory certificate in DER; 32 zero bytes when there is none. */
  certificateHash: Hex;
  /** Last second (Unix time), inclusive, at which the proof counts. */
  deadline: bigint;
}

/** A registration as the client prepares it: with the organisation whose holder address `owner` is. */
export interface OwnedRegistration extends Registration {
  organisation: number;
}

/** The two forms of what the device signs: a chip that hashes by itself takes the message, any other the digest. */
export interface RegistrationMessage {
  /** `0x1901 ‖ domain separator ‖ struct hash`, 66 bytes. */
  message: Uint8Array;
  /** SHA-256 of the message for P-256, because secure elements have no Keccak; Keccak-256 for secp256k1. */
  digest: Hex;
  hash: "sha256" | "keccak256";
}

const types = {
  Registration: [
    { name: "curve", type: "uint8" },
    { name: "x", type: "bytes32" },
    { name: "y", type: "bytes32" },
    { name: "owner", type: "address" },
    { name: "parametersHash", type: "bytes32" },
    { name: "certificateHash", type: "bytes32" },
    { name: "deadline", type: "uint256" },
  ],
};

/** The EIP-712 message of a registration, and its digest for the key's curve. */
export function registrationMessage(key: DeviceKey, registration: Registration): RegistrationMessage {
  const { owner, parametersHash, certificateHash, deadline } = registration;
  const { curve, x, y } = key;
  const value = { curve, x, y, owner: getAddress(owner), parametersHash, certificateHash, deadline };
  return deviceMessage(curve, registryDomain(registration), types, value);
}

/**
 * An EIP-712 message as a device signs it: the bytes, and the digest for a key of this curve.
 * @param types One struct, by its EIP-712 name.
 */
export function deviceMessage(
  curve: DeviceKey["curve"],
  domain: TypedDataDomain,
  types: Record<string, TypedDataField[]>,
  value: Record<string, unknown>,
): RegistrationMessage {
  const encoded = TypedDataEncoder.encode(domain, types, value) as Hex;
  const hash = curve === P256 ? "sha256" : "keccak256";
  const digest = (curve === P256 ? sha256(encoded) : keccak256(encoded)) as Hex;
  return { message: fromHex(encoded), digest, hash };
}

/** The EIP-712 domain in which devices, owners and makers sign for one registry. */
export function registryDomain({ chainId, registry }: Pick<Registration, "chainId" | "registry">) {
  return { name: "Tenon DeviceRegistry", version: "1", chainId, verifyingContract: getAddress(registry) };
}

/** The address that holds what an organisation owns: a pure function of its number, and no key controls it. */
export function holderOf(organisation: number): string {
  const hash = solidityPackedKeccak256(["string", "uint32"], ["tenon:organisation:", organisation]);
  return getAddress(dataSlice(hash, 12));
}

export const noHash = ZeroHash as Hex;
