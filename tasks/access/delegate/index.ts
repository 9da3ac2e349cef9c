import { task } from "hardhat/config";
import { deviceArgument, fromOption } from "../../device/options.js";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { granteeOption, keyOption, organisationOption, permissionsOption, termOptions } from "../options.js";

export const accessDelegate = task(["access", "delegate"], "Passes a part of an own pass on")
  .addPositionalArgument(deviceArgument)
  .addOption(
    optional("own", "The pass it is made from: an account or ORGANISATION:ROLE (own account unless given)"),
  )
  .addOption(granteeOption)
  .addOption(permissionsOption)
  .addOption(termOptions.days)
  .addOption(termOptions.interval)
  .addOption(termOptions.delegations)
  .addOption(organisationOption)
  .addOption(keyOption)
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
