import { task } from "hardhat/config";

import { fromOption, jsonFlag, optional, recordOption, signOption } from "../../options.js";

export const orgAdmit = task(["org", "admit"], "Admits an organisation (registrar)")
  .addPositionalArgument({
    name: "code",
    description: "USCC of 18 or LEI of 20 digits and capitals; only its hash goes on chain",
  })
  .addOption(
    optional(
      "group",
      "Word that all organisations under one control are admitted with; only its hash goes on chain",
    ),
  )
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
