import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";
import { jsonFlag, optional, recordOption } from "../../options.js";

export const eligibilityExplain = task(
  ["eligibility", "explain"],
  "Says what an organisation may hold, and why not; exit code 1 when it may not",
)
  .addPositionalArgument({ name: "organisation", description: "Number of the organisation" })
  .addPositionalArgument({
    name: "class",
    description: "cash, notes, income, recycling, machines or a number; all that is known unless given",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption(optional("giver", "Number of the organisation that would give: both are asked about"))
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
