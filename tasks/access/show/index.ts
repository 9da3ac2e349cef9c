import { task } from "hardhat/config";
import { deviceArgument } from "../../device/options.js";
import { jsonFlag, recordOption } from "../../options.js";

export const accessShow = task(
  ["access", "show"],
  "Shows what a device offers, every pass to it, and whether it counts now",
)
  .addPositionalArgument(deviceArgument)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
