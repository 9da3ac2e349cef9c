import { task } from "hardhat/config";
import { jsonFlag, recordOption } from "../../options.js";

export const deviceShow = task(
  ["device", "show"],
  "Shows a device as the registry holds it, with its history",
)
  .addPositionalArgument({ name: "id", description: "The device id: 0x and 64 hex digits" })
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
