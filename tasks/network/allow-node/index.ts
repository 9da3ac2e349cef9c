import { task } from "hardhat/config";
import { dirOption } from "../bundle.js";

export const networkAllowNode = task(
  ["network", "allow-node"],
  "Lets another organisation's new node connect with yours, or no longer",
)
  .addPositionalArgument({
    name: "card",
    description: "The card file that its holder's add-validator wrote; with --remove the node's name",
  })
  .addFlag({ name: "remove", description: "Take the node off the list" })
  .addOption(dirOption)
  .setAction(() => import("./action.js"))
  .build();
