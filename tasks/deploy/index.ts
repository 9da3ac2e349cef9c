import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";

const text = { type: ArgumentType.STRING_WITHOUT_DEFAULT, defaultValue: undefined } as const;

export const deploy = task(
  "deploy",
  "Deploys the contracts to --network, enrols members and seals; run again, it continues or changes nothing",
)
  .addOption({
    name: "record",
    description: "Folder of the deployment record (deployments/ unless the network is in-process)",
    ...text,
  })
  .addOption({
    name: "members",
    description: "JSON file of organisations to enrol (docs/deployment.md)",
    ...text,
  })
  .addOption({
    name: "admin",
    description: "Account that may change roles and delays after the seal",
    ...text,
  })
  .addOption({
    name: "registrar",
    description: "Account that may admit and enrol members after the seal",
    ...text,
  })
  .addOption({ name: "guardian", description: "Account that may suspend and revoke at once", ...text })
  .addOption({
    name: "delay",
    description: "Seconds that admin and registrar wait between announcing and doing (86400 unless given)",
    ...text,
  })
  .addFlag({ name: "json", description: "Print the result as JSON: path, sent, record" })
  .setAction(() => import("./action.js"))
  .build();
