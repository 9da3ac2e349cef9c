import { task } from "hardhat/config";

import { fromOption, jsonFlag, recordOption, signOption } from "../../options.js";

export const orgRemoveSignatory = task(
  ["org", "remove-signatory"],
  "Ends what an account may do, and its roles, at once and for good (guardian)",
)
  .addPositionalArgument({ name: "account", description: "The account: 0x and 40 hex digits" })
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
