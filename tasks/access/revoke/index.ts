import { task } from "hardhat/config";
import { deviceArgument, fromOption } from "../../device/options.js";
import { jsonFlag, recordOption } from "../../options.js";
import { granteeOption } from "../options.js";

export const accessRevoke = task(["access", "revoke"], "Revokes a pass, whatever state it is in")
  .addPositionalArgument(deviceArgument)
  .addOption(granteeOption)
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
