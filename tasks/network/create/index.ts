import { task } from "hardhat/config";
import { jsonFlag, optional } from "../../options.js";

export const networkCreate = task(
  ["network", "create"],
  "Makes a QBFT network: fresh keys, genesis, a configuration for each node",
)
  .addOption({ name: "out", description: "Folder for the network", defaultValue: "network" })
  .addOption(optional("validators", "Nodes that make blocks (4; three of four must be up)"))
  .addOption(optional("rpcNodes", "Nodes that answer clients (1)"))
  .addOption(optional("observers", "Nodes that follow and answer, a regulator's for example (0)"))
  .addOption(optional("members", "JSON file of organisations and their nodes: one bundle for each"))
  .addOption(optional("chainId", "Chain id (a fresh one is drawn unless given)"))
  .addOption(optional("blockPeriod", "Seconds from block to block (1)"))
  .addOption(optional("emptyBlockPeriod", "Seconds between blocks while nothing happens (off)"))
  .addOption(optional("gasLimit", "Gas a block may hold (60000000)"))
  .addOption(optional("storage", "forest keeps every state; bonsai is smaller and keeps 512 blocks (forest)"))
  .addOption(optional("mode", "docker or local (docker where it works)"))
  .addOption(optional("portBase", "First port; every node takes the next ten (30300)"))
  .addOption(optional("subnet", "A.B.C.0/24 for the containers (from the chain id)"))
  .addOption(optional("accounts", "Accounts whose transactions are taken, comma separated (everybody's)"))
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
