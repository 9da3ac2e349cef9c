import { task } from "hardhat/config";

import { fromOption, jsonFlag, optional, recordOption } from "../../options.js";

export const roleRenew = task(
  ["role", "renew"],
  "Lists roles that end soon and renews them with their limits (registrar); --list only lists",
)
  .addOption(optional("within", "Days ahead that count as soon (14 unless given)"))
  .addOption(optional("days", "For how many days from now (365 unless given)"))
  .addOption(optional("account", "Renews the roles of this account only"))
  .addFlag({ name: "list", description: "Only list them" })
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
