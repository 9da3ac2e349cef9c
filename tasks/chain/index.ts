import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";

export const chain = task(
  "chain",
  "Runs the embedded chain on 127.0.0.1 until Ctrl-C (what network `local` connects to)",
)
  .addOption({
    name: "port",
    description: "TCP port of the JSON-RPC server; 0 takes a free one and prints it",
    type: ArgumentType.INT,
    defaultValue: 8545,
  })
  .addOption({
    name: "state",
    description:
      "Folder that keeps the chain, so that a restart (even after kill -9) continues it; without it the chain lives in memory",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "blockPeriod",
    description: "Seconds between blocks while there are transactions, at least 1",
    type: ArgumentType.INT,
    defaultValue: 1,
  })
  .addFlag({ name: "json", description: "Print the ready line as JSON" })
  .setAction(() => import("./action.js"))
  .build();
