import { task } from "hardhat/config";
import { jsonFlag, optional } from "../options.js";

export const deploy = task(
  "deploy",
  "Deploys the contracts to --network, enrols members and seals; run again, it continues or changes nothing",
)
  .addOption(
    optional("record", "Folder of the deployment record (deployments/ unless the network is in-process)"),
  )
  .addOption(optional("members", "JSON file of organisations to enrol (docs/deployment.md)"))
  .addOption(optional("admin", "Account that may change roles and delays after the seal"))
  .addOption(optional("registrar", "Account that may admit and enrol members after the seal"))
  .addOption(optional("guardian", "Account that may suspend and revoke at once"))
  .addOption(
    optional(
      "delay",
      "Seconds that admin and registrar wait between announcing and doing (a day unless given)",
    ),
  )
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
