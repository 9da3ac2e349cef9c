import { task } from "hardhat/config";
import { dirOption } from "../bundle.js";

export const networkAllowAccount = task(
  ["network", "allow-account"],
  "Lets an account send transactions through your nodes, or no longer",
)
  .addPositionalArgument({ name: "account", description: "The account's address" })
  .addFlag({ name: "remove", description: "Take it off the list" })
  .addFlag({ name: "begin", description: "Begin a list where everybody's transactions are taken so far" })
  .addOption(dirOption)
  .setAction(() => import("./action.js"))
  .build();
