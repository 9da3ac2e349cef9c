import { task } from "hardhat/config";

import { fromOption, jsonFlag, optional, recordOption, signOption } from "../../options.js";

export const adminPause = task(
  ["admin", "pause"],
  "Stops single actions of a contract for at most seven days (guardian); without --actions lists them",
)
  .addPositionalArgument({
    name: "contract",
    description: "Name of the contract, as the deployment record has it",
  })
  .addOption(optional("actions", "Names of functions, commas between"))
  .addOption(optional("hours", "For how many hours from now, at most 168"))
  .addOption(optional("reason", "Why, in words: everybody who is stopped reads it"))
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
