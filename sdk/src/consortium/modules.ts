import { getAddress, isAddress } from "ethers";
import { fromHex, type Hex, toHex } from "../bytes.js";
import { addressOf, type ContractName, type Deployment } from "../deployment.js";
import { TenonError } from "../errors.js";

/** A contract that keeps assets or acts on orders: by its name in the deployment record, or by its address. */
export type Module = ContractName | (string & {});

/** Throws `ModuleUnknown`. */
export function moduleAddress(deployment: Deployment, module: Module): string {
  if (module in deployment.contracts) return addressOf(deployment, module as ContractName);
  if (isAddress(module)) return getAddress(module);
  throw new TenonError("ModuleUnknown", "The deployment has no contract of this name", {
    args: { module, known: Object.keys(deployment.contracts).join(", ") },
    remedy: "Name one of these, or give an address.",
  });
}

/** 32 bytes: an id of another length would be read as another's. Throws `HexInvalid`. */
export function word(hex: Hex): Hex {
  return toHex(fromHex(hex, 32));
}
