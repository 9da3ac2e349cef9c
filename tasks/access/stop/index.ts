import { task } from "hardhat/config";
import { deviceArgument, fromOption } from "../../device/options.js";
import { jsonFlag, recordOption } from "../../options.js";

export const accessStop = task(
  ["access", "stop"],
  "Emergency stop: nobody gets access to the device, whatever pass he has",
)
  .addPositionalArgument(deviceArgument)
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
