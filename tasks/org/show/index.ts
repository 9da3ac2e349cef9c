import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";
import { jsonFlag, recordOption } from "../../options.js";

export const orgShow = task(["org", "show"], "Shows organisations, their signatories and roles")
  .addPositionalArgument({
    name: "organisation",
    description: "Number of the organisation; all of them unless given",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
