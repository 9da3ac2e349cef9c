import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { validatorOptions } from "../options.js";

export const frameBundle = task(
  ["frame", "bundle"],
  "Makes of a frame proof a file that proves it without a node, with the validators' seals and proofs from state",
)
  .addPositionalArgument({
    name: "file",
    description: "The proof, JSON as /proof/frame answers it",
    type: ArgumentType.FILE,
  })
  .addOption(optional("out", "File to write (bundle.json unless given); one that exists is not overwritten"))
  .addOption(validatorOptions.validators)
  .addOption(validatorOptions.trustedValidators)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
