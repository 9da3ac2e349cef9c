import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";
import { jsonFlag, recordOption } from "../../options.js";

export const orderShow = task(
  ["order", "show"],
  "Shows an order with what happened to it; without a number, all orders",
)
  .addPositionalArgument({
    name: "order",
    description: "Number of the order",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
