import { task } from "hardhat/config";
import { deviceArgument } from "../../device/options.js";
import { jsonFlag, recordOption } from "../../options.js";

export const accessShow = task(["access", "show"], "Shows every pass to a device, and whether it counts now")
  .addPositionalArgument(deviceArgument)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
