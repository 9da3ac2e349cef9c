import { task } from "hardhat/config";
import { jsonFlag, recordOption } from "../../options.js";

export const didInterfaces = task(
  ["did", "interfaces"],
  "Lists what a device offers, and which permissions that takes",
)
  .addPositionalArgument({ name: "device", description: "The device's DID or its id" })
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
