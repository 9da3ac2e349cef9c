import { task } from "hardhat/config";

import { fromOption, jsonFlag, recordOption, signOption } from "../../options.js";

export const roleForfeit = task(["role", "forfeit"], "Gives up one of the roles of --from, at once")
  .addPositionalArgument({
    name: "role",
    description:
      "Manufacturer, DeviceAuthority, Anchor, Treasurer, DeviceManager, Regulator, Enforcer or Certifier",
  })
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
