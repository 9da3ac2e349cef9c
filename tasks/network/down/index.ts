import { task } from "hardhat/config";
import { dirOption } from "../bundle.js";

export const networkDown = task(["network", "down"], "Stops the nodes of this folder; their data stays")
  .addOption(dirOption)
  .setAction(() => import("./action.js"))
  .build();
