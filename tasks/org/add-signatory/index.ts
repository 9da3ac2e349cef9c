import { task } from "hardhat/config";

import { fromOption, jsonFlag, recordOption, signOption } from "../../options.js";

export const orgAddSignatory = task(
  ["org", "add-signatory"],
  "Lets an account act for an organisation (registrar)",
)
  .addPositionalArgument({ name: "organisation", description: "Number of the organisation" })
  .addPositionalArgument({ name: "account", description: "The account: 0x and 40 hex digits" })
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
