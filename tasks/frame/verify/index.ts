import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";
import { jsonFlag, optional, recordOption } from "../../options.js";

export const frameVerify = task(
  ["frame", "verify"],
  "Checks a frame proof from an oracle link by link: frame, device signature, batch root, contract, block",
)
  .addPositionalArgument({
    name: "file",
    description: "The proof, JSON as /proof/frame answers it",
    type: ArgumentType.FILE,
  })
  .addOption(
    optional("trustedBlockHash", "Hash of the anchor's block from a source you trust; then no node is asked"),
  )
  .addFlag({
    name: "rpc",
    description: "Take block hash and device key from the node of --network, and trust it",
  })
  .addOption(
    optional("deviceKey", "PEM file with the device's public key, to check its signature without a node"),
  )
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
