import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { validatorOptions } from "../options.js";

export const frameVerify = task(
  ["frame", "verify"],
  "Checks a frame proof from an oracle link by link: frame, device signature, batch root, contract, block",
)
  .addPositionalArgument({
    name: "file",
    description: "The proof, JSON as /proof/frame answers it; with --offline a bundle that frame:bundle made",
    type: ArgumentType.FILE,
  })
  .addOption(
    optional("trustedBlockHash", "Hash of the anchor's block from a source you trust; then no node is asked"),
  )
  .addFlag({
    name: "rpc",
    description: "Take block hash and device key from the node of --network, and trust it",
  })
  .addFlag({
    name: "offline",
    description: "The file is a bundle: ask no node, and check the seals of the network's validators",
  })
  .addOption(validatorOptions.validators)
  .addOption(validatorOptions.trustedValidators)
  .addOption(
    optional("deviceKey", "PEM file with the device's public key, to check its signature without a node"),
  )
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
