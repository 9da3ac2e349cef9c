import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";
import { jsonFlag, optional, recordOption } from "../../options.js";

export const deviceHistory = task(
  ["device", "history"],
  "Shows a device's epochs from event to event; --voucher writes them to a file, --check reads one without a node",
)
  .addPositionalArgument({
    name: "id",
    description: "The device id; left out with --check",
    type: ArgumentType.STRING,
    defaultValue: "",
  })
  .addOption(
    optional("voucher", "File to write: the history, hash-chained, with the proof of one block's state"),
  )
  .addOption(
    optional("check", "File to check against one of the two below and the deployment record, offline"),
  )
  .addOption(optional("trustedBlockHash", "Hash of the voucher's block, from a node of your own"))
  .addOption(optional("trustedHead", "Hash of an entry, from an earlier copy of the history"))
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
