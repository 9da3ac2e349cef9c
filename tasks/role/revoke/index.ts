import { task } from "hardhat/config";

import { fromOption, jsonFlag, recordOption, signOption } from "../../options.js";

export const roleRevoke = task(["role", "revoke"], "Takes a role away at once (guardian)")
  .addPositionalArgument({ name: "account", description: "The account: 0x and 40 hex digits" })
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
