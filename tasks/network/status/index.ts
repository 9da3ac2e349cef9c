import { task } from "hardhat/config";
import { jsonFlag } from "../../options.js";
import { dirOption } from "../bundle.js";

export const networkStatus = task(
  ["network", "status"],
  "Shows how the network is; exit code 0 running, 1 degraded, 2 stalled, down or unknown",
)
  .addOption(dirOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
