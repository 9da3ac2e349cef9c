import { task } from "hardhat/config";
import { fromOption, jsonFlag, recordOption, signOption } from "../../options.js";

export const orderConfirm = task(
  ["order", "confirm"],
  "Confirms a Force order as its second person (enforcer)",
)
  .addPositionalArgument({ name: "order", description: "Number of the order" })
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
