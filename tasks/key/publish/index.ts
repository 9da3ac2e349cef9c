import { task } from "hardhat/config";
import { fromOption, jsonFlag, optional, recordOption, signOption } from "../../options.js";

export const keyPublish = task(
  ["key", "publish"],
  "Publishes an organisation's public key (device manager; of a Disclosure key a regulator)",
)
  .addPositionalArgument({ name: "use", description: "DeviceFacing, Encryption or Disclosure" })
  .addOption(optional("key", "P-256 key file in PEM, public or private; only the public half is published"))
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
