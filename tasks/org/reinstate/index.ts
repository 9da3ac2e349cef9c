import { task } from "hardhat/config";

import { fromOption, jsonFlag, recordOption, signOption } from "../../options.js";

export const orgReinstate = task(["org", "reinstate"], "Ends a suspension (registrar)")
  .addPositionalArgument({ name: "organisation", description: "Number of the organisation" })
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
