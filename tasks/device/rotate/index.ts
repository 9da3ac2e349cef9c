import { task } from "hardhat/config";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { fromOption } from "../options.js";

export const deviceRotate = task(
  ["device", "rotate"],
  "Gives a device a new key: made beside the old one, signed by both, in place once the registry has it",
)
  .addOption(
    optional("key", "The device's key file; the new key waits in <file>.next and then takes its place"),
  )
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
