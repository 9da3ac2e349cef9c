import { task } from "hardhat/config";
import { deviceArgument, fromOption } from "../../device/options.js";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { granteeOption, permissionsOption, termOptions } from "../options.js";

export const accessChange = task(["access", "change"], "Changes a pass: what is not given stays as it is")
  .addPositionalArgument(deviceArgument)
  .addOption(granteeOption)
  .addOption(permissionsOption)
  .addOption(optional("days", "How long it counts from now"))
  .addOption(termOptions.interval)
  .addOption(termOptions.delegations)
  .addOption(termOptions.endpoint)
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
