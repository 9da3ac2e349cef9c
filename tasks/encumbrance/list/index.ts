import { task } from "hardhat/config";
import { jsonFlag, optional, recordOption } from "../../options.js";

export const encumbranceList = task(
  ["encumbrance", "list"],
  "Shows what binds an asset, by rank, with its history",
)
  .addPositionalArgument({
    name: "asset",
    description: "Id of the asset: 0x and 64 hex digits; of a device the device id",
  })
  .addOption(
    optional("module", "Contract that keeps the asset, by name or address (DeviceRegistry unless given)"),
  )
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
