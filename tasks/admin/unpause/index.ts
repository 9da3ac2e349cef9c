import { task } from "hardhat/config";

import { fromOption, jsonFlag, optional, recordOption, signOption } from "../../options.js";

export const adminUnpause = task(["admin", "unpause"], "Ends pauses early (registrar)")
  .addPositionalArgument({
    name: "contract",
    description: "Name of the contract, as the deployment record has it",
  })
  .addOption(optional("actions", "Names of functions, commas between"))
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
