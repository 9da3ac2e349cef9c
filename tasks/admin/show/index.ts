import { task } from "hardhat/config";

import { jsonFlag, recordOption } from "../../options.js";

export const adminShow = task(
  ["admin", "show"],
  "Shows who can do what today, with every delay, read from the chain",
)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
