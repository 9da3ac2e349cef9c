import { task } from "hardhat/config";
import { deviceArgument, fromOption } from "../../device/options.js";
import { jsonFlag, recordOption } from "../../options.js";
import { granteeOption, keyOption, organisationOption, permissionsOption } from "../options.js";

export const accessRequest = task(
  ["access", "request"],
  "Asks for a one-time token, and opens the device's endpoint",
)
  .addPositionalArgument(deviceArgument)
  .addOption(permissionsOption)
  .addOption(granteeOption)
  .addOption(organisationOption)
  .addOption(keyOption)
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
