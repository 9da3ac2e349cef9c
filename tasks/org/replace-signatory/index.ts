import { task } from "hardhat/config";

import { fromOption, jsonFlag, recordOption, signOption } from "../../options.js";

export const orgReplaceSignatory = task(
  ["org", "replace-signatory"],
  "Puts a fresh account in the place of one whose key is lost (registrar)",
)
  .addPositionalArgument({ name: "lost", description: "The account whose key is lost" })
  .addPositionalArgument({ name: "replacement", description: "The account that takes over its roles" })
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
