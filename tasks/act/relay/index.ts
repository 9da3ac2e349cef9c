import { task } from "hardhat/config";

import { fromOption, jsonFlag, recordOption } from "../../options.js";

export const actRelay = task(
  ["act", "relay"],
  "Brings an act that somebody signed: shows it in words, then sends it from --from",
)
  .addPositionalArgument({ name: "file", description: "The signed act, JSON as --sign wrote it" })
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
