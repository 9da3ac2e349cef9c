import { task } from "hardhat/config";
import { optional } from "../../options.js";
import { dirOption } from "../bundle.js";

export const networkUp = task(
  ["network", "up"],
  "Starts the nodes of this folder and waits until the chain makes blocks",
)
  .addOption(dirOption)
  .addOption(optional("wait", "Seconds to wait for the first new block (120)"))
  .setAction(() => import("./action.js"))
  .build();
