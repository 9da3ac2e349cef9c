import { task } from "hardhat/config";
import { deviceArgument, fromOption } from "../../device/options.js";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { granteeOption, keyOption, organisationOption } from "../options.js";

export const accessDisclose = task(
  ["access", "disclose"],
  "A regulator opens a sealed endpoint; that it did is logged on chain first",
)
  .addPositionalArgument(deviceArgument)
  .addOption(granteeOption)
  .addOption(organisationOption)
  .addOption(keyOption)
  .addOption(optional("order", "Number of the disclosure order (general supervision unless given)"))
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
