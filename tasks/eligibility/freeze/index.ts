import { task } from "hardhat/config";
import { fromOption, jsonFlag, recordOption, signOption } from "../../options.js";

export const eligibilityFreeze = task(
  ["eligibility", "freeze"],
  "Freezes the organisation that an active Freeze order names (anyone)",
)
  .addPositionalArgument({ name: "order", description: "Number of the order" })
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
