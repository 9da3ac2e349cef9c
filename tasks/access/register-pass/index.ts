import { task } from "hardhat/config";
import { fromOption } from "../../device/options.js";
import { jsonFlag, recordOption } from "../../options.js";

export const accessRegisterPass = task(["access", "register-pass"], "Registers a signed pass; anybody may")
  .addPositionalArgument({ name: "file", description: "The signed pass, as access sign-pass wrote it" })
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
