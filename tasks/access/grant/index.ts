import { task } from "hardhat/config";
import { deviceArgument, fromOption } from "../../device/options.js";
import { jsonFlag, recordOption } from "../../options.js";
import { granteeOption, permissionsOption, termOptions } from "../options.js";

export const accessGrant = task(
  ["access", "grant"],
  "Gives somebody a pass to a device, or changes the whole of it",
)
  .addPositionalArgument(deviceArgument)
  .addOption(granteeOption)
  .addOption(permissionsOption)
  .addOption(termOptions.days)
  .addOption(termOptions.interval)
  .addOption(termOptions.delegations)
  .addOption(termOptions.endpoint)
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
