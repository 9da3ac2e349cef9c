import { task } from "hardhat/config";
import { deviceArgument, fromOption } from "../../device/options.js";
import { jsonFlag, recordOption } from "../../options.js";

export const accessAllow = task(["access", "allow"], "Ends the emergency stop")
  .addPositionalArgument(deviceArgument)
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
