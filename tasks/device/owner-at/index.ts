import { task } from "hardhat/config";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { deviceArgument } from "../options.js";

export const deviceOwnerAt = task(["device", "owner-at"], "Says who owned a device at a time of the past")
  .addPositionalArgument(deviceArgument)
  .addOption(optional("time", "ISO time, or seconds since 1970"))
  .addOption(optional("block", "Instead: after this block"))
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
