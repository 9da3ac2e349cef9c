import type { Signer } from "ethers";
import type { Hex } from "../bytes.js";
import { deviceIdOf } from "../frame/key.js";
import type { ListedDevice, ListPlace } from "./list.js";
import { registryDomain } from "./registration.js";

export const VOUCHER_FORMAT = "tenon-voucher-v1";

/**
 * The maker's signed word that one device may enter: nothing stands on the chain before the device's first owner brings
 * it in. Goes with the device, like an activation.
 */
export interface DeviceVoucher extends Omit<ListPlace, "maker"> {
  readonly format: typeof VOUCHER_FORMAT;
  readonly id: Hex;
  readonly device: ListedDevice;
  /** The signatory whose Manufacturer role counts when the voucher is used. */
  readonly maker: string;
  /** Number of the only organisation that may use it; 0 is whoever holds the device. */
  readonly buyer: number;
  /** Not from this second on (Unix time). */
  readonly until: number;
  readonly signature: Hex;
}

export interface VoucherRequest {
  readonly device: ListedDevice;
  readonly until: number;
  readonly buyer?: number;
}

const types = {
  Voucher: [
    { name: "device", type: "bytes32" },
    { name: "parametersHash", type: "bytes32" },
    { name: "certificateHash", type: "bytes32" },
    { name: "buyer", type: "uint32" },
    { name: "until", type: "uint40" },
  ],
};

/** Lets a maker's signatory sign a voucher (EIP-712). Sends nothing. */
export async function signVoucher(
  signer: Signer,
  place: { readonly chainId: number; readonly registry: string },
  { device, until, buyer = 0 }: VoucherRequest,
): Promise<DeviceVoucher> {
  const id = deviceIdOf(device.key);
  const { parametersHash, certificateHash } = device;
  const domain = registryDomain({ chainId: BigInt(place.chainId), registry: place.registry });
  const value = { device: id, parametersHash, certificateHash, buyer, until };
  const signature = (await signer.signTypedData(domain, types, value)) as Hex;
  return {
    format: VOUCHER_FORMAT,
    chainId: String(place.chainId),
    registry: place.registry,
    id,
    device,
    maker: await signer.getAddress(),
    buyer,
    until,
    signature,
  };
}
