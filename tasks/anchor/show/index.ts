import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";
import { jsonFlag, optional, recordOption } from "../../options.js";

export const anchorShow = task(
  ["anchor", "show"],
  "Shows how far a telemetry stream is anchored, or one of its batches",
)
  .addOption({ name: "stream", description: "Number of the stream", type: ArgumentType.INT, defaultValue: 1 })
  .addOption(optional("batch", "Number of a batch, from 0"))
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
