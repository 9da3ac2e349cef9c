import { task } from "hardhat/config";
import { fromOption, jsonFlag, recordOption, signOption } from "../../options.js";

export const eligibilityUnfreeze = task(
  ["eligibility", "unfreeze"],
  "Ends the freeze of an order that was lifted (anyone)",
)
  .addPositionalArgument({ name: "order", description: "Number of the order" })
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
