import { journalName } from "../../sdk/src/access/audit.js";
import { fromHex, type Hex, toHex } from "../../sdk/src/bytes.js";
import { required } from "../device/options.js";

export interface JournalArguments {
  file: string;
  device: string | undefined;
  gateway: string | undefined;
  organisation: string | undefined;
}

/** The name of a journal on chain: a device's id, or the hash of a gateway's name. Throws `OptionMissing`. */
export function chainName({ device, gateway }: JournalArguments): Hex {
  if (gateway !== undefined) return journalName(gateway);
  return toHex(fromHex(required("device", device, "the device's id, or --gateway its name"), 32));
}
