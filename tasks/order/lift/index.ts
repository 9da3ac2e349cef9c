import { task } from "hardhat/config";
import { fromOption, jsonFlag, recordOption, signOption } from "../../options.js";

export const orderLift = task(
  ["order", "lift"],
  "Ends an order (a regulator of the organisation that issued it)",
)
  .addPositionalArgument({ name: "order", description: "Number of the order" })
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
