import { task } from "hardhat/config";
import { deviceArgument, fromOption } from "../../device/options.js";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { granteeOption, permissionsOption, termOptions } from "../options.js";

export const accessSignPass = task(
  ["access", "sign-pass"],
  "Signs a pass into a file, for whoever registers it",
)
  .addPositionalArgument(deviceArgument)
  .addOption(granteeOption)
  .addOption(permissionsOption)
  .addOption(termOptions.days)
  .addOption(termOptions.interval)
  .addOption(termOptions.delegations)
  .addOption(termOptions.endpoint)
  .addOption(optional("out", "File to write the signed pass to (pass.json unless given)"))
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
