import { task } from "hardhat/config";
import { optional } from "../../options.js";
import { dirOption } from "../bundle.js";

export const networkLogs = task(["network", "logs"], "Shows what the nodes of this folder log")
  .addOption(dirOption)
  .addOption(optional("node", "One node's log (all of them, each line with its node, unless given)"))
  .addOption(optional("lines", "How many of the last lines (50)"))
  .addFlag({ name: "follow", description: "Go on with what comes, until Ctrl-C" })
  .setAction(() => import("./action.js"))
  .build();
