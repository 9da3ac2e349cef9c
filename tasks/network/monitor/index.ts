import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";
import { EXPORTER_PORT } from "../../../besu-network/monitor/ports.js";
import { jsonFlag, optional } from "../../options.js";
import { dirOption } from "../bundle.js";

export const networkMonitor = task(
  ["network", "monitor"],
  "Watches a network's own nodes: prints what goes wrong, serves /metrics and /health until Ctrl-C",
)
  .addOption(dirOption)
  .addOption({
    name: "port",
    description: "TCP port; 0 takes a free one and prints it",
    type: ArgumentType.INT,
    defaultValue: EXPORTER_PORT,
  })
  .addOption({
    name: "host",
    description: "Address to listen on; whoever reaches it can read it",
    defaultValue: "127.0.0.1",
  })
  .addOption(optional("rpc", "Ask nodes at these addresses instead (comma separated), for who runs none"))
  .addFlag(jsonFlag)
  .setAction(() => import("./action.js"))
  .build();
