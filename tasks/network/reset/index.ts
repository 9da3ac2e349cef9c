import { task } from "hardhat/config";
import { dirOption } from "../bundle.js";

export const networkReset = task(
  ["network", "reset"],
  "Stops the nodes of this folder and deletes their chain; keys, genesis and lists stay",
)
  .addOption(dirOption)
  .addFlag({ name: "yes", description: "Yes, delete the chain's data" })
  .setAction(() => import("./action.js"))
  .build();
