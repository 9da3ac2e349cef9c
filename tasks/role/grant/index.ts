import { task } from "hardhat/config";

import { fromOption, jsonFlag, optional, recordOption, signOption } from "../../options.js";

export const roleGrant = task(
  ["role", "grant"],
  "Grants a role to a signatory, or renews it with this end and limit (registrar)",
)
  .addPositionalArgument({ name: "account", description: "The account: 0x and 40 hex digits" })
  .addPositionalArgument({
    name: "role",
    description:
      "Manufacturer, DeviceAuthority, Anchor, Treasurer, DeviceManager, Regulator, Enforcer or Certifier",
  })
  .addOption(optional("until", "Its end, YYYY-MM-DD (UTC); at most 400 days ahead"))
  .addOption(optional("days", "Or the number of days from now"))
  .addOption(
    optional(
      "limit",
      "The most an act may be worth without a second person, fen; for Manufacturer the number of devices. No limit unless given",
    ),
  )
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
