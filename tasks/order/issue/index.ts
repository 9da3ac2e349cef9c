import { task } from "hardhat/config";
import { fromOption, jsonFlag, optional, recordOption, signOption } from "../../options.js";

export const orderIssue = task(
  ["order", "issue"],
  "Issues an order of a court or regulator (regulator); a Force order needs a confirmation",
)
  .addPositionalArgument({ name: "scope", description: "Hold, Freeze, Force or Disclose" })
  .addOption(optional("document", "Salted hash of the order on paper: 0x and 64 hex digits"))
  .addOption(optional("until", "Its end, YYYY-MM-DD (UTC)"))
  .addOption(optional("days", "Or the number of days from now"))
  .addOption(optional("asset", "Hold: id of the asset that stays where it is; of a device the device id"))
  .addOption(optional("organisation", "Freeze: number of the organisation that neither gives nor takes"))
  .addOption(optional("device", "Force: device that is to move, with --to"))
  .addOption(optional("to", "Force: number of the organisation that gets the device"))
  .addOption(optional("strike", "Force: number of the encumbrance of --asset that is to be struck"))
  .addOption(optional("subject", "Force, Disclose: what it is about, 32 bytes, in the words of --module"))
  .addOption(
    optional(
      "module",
      "Contract that acts on it, by name or address; that keeps the asset for a Hold (DeviceRegistry unless given)",
    ),
  )
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
