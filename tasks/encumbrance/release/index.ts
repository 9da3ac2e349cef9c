import { task } from "hardhat/config";
import { fromOption, jsonFlag, optional, recordOption, signOption } from "../../options.js";

export const encumbranceRelease = task(
  ["encumbrance", "release"],
  "Takes an encumbrance away (treasurer of the beneficiary; anyone when it has expired)",
)
  .addPositionalArgument({
    name: "asset",
    description: "Id of the asset: 0x and 64 hex digits; of a device the device id",
  })
  .addOption(optional("id", "Number of the encumbrance"))
  .addOption(
    optional("order", "With --id: strikes it by this Force order. Alone: ends the hold of this order"),
  )
  .addOption(
    optional("module", "Contract that keeps the asset, by name or address (DeviceRegistry unless given)"),
  )
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
