import { task } from "hardhat/config";
import { jsonFlag, recordOption } from "../../options.js";
import { organisationOption } from "../options.js";

export const deviceList = task(["device", "list"], "Lists the devices that were registered")
  .addOption(organisationOption("owner", "Only those registered to this organisation"))
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
