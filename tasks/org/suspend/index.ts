import { task } from "hardhat/config";

import { fromOption, jsonFlag, recordOption, signOption } from "../../options.js";

export const orgSuspend = task(
  ["org", "suspend"],
  "Stops everything an organisation's signatories may do, at once (guardian)",
)
  .addPositionalArgument({ name: "organisation", description: "Number of the organisation" })
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
