import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";
import { jsonFlag, recordOption } from "../../options.js";

export const keyShow = task(
  ["key", "show"],
  "Shows the public keys of an organisation; without a number, all Disclosure keys",
)
  .addPositionalArgument({
    name: "organisation",
    description: "Number of the organisation",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
