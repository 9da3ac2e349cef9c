import { task } from "hardhat/config";

import { jsonFlag, recordOption } from "../../options.js";

export const adminSeal = task(
  ["admin", "seal"],
  "Holds what the seal set against the chain: offices, delays, functions; exit code 1 if anything differs",
)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
