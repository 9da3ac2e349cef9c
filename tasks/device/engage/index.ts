import { task } from "hardhat/config";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { deviceArgument, fromOption } from "../options.js";

export const deviceEngage = task(
  ["device", "engage"],
  "Lets a device sign that it follows its new owner, and records that; anyone may send it",
)
  .addPositionalArgument(deviceArgument)
  .addOption(optional("key", "The device's private key, PEM"))
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
