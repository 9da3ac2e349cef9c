import { task } from "hardhat/config";
import { deviceArgument } from "../../device/options.js";
import { jsonFlag, optional, recordOption } from "../../options.js";

export const accessAudit = task(
  ["access", "audit"],
  "Says who could do what with a device at a time, and who did until then",
)
  .addPositionalArgument(deviceArgument)
  .addOption(optional("at", "ISO time, or seconds since 1970 (now unless given)"))
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
