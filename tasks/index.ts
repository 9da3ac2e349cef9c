import type { TaskDefinition } from "hardhat/types/tasks";
import { anchor } from "./anchor/index.js";
import { anchorShow } from "./anchor/show/index.js";
import { chain } from "./chain/index.js";
import { deploy } from "./deploy/index.js";
import { device } from "./device/index.js";
import { deviceRegister } from "./device/register/index.js";
import { deviceShow } from "./device/show/index.js";
import { frameBundle } from "./frame/bundle/index.js";
import { frame } from "./frame/index.js";
import { frameVerify } from "./frame/verify/index.js";
import { networkAddValidator } from "./network/add-validator/index.js";
import { networkAllowAccount } from "./network/allow-account/index.js";
import { networkAllowNode } from "./network/allow-node/index.js";
import { networkBackup } from "./network/backup/index.js";
import { networkCheck } from "./network/check/index.js";
import { networkCreate } from "./network/create/index.js";
import { networkDown } from "./network/down/index.js";
import { network } from "./network/index.js";
import { networkLogs } from "./network/logs/index.js";
import { networkMonitor } from "./network/monitor/index.js";
import { networkRecover } from "./network/recover/index.js";
import { networkRemoveValidator } from "./network/remove-validator/index.js";
import { networkReset } from "./network/reset/index.js";
import { networkRestore } from "./network/restore/index.js";
import { networkStatus } from "./network/status/index.js";

import { networkUp } from "./network/up/index.js";

/** Every task of the product; each lives in `tasks/<area>/<verb>`, its definition apart from its action. */
export const tasks: TaskDefinition[] = [
  chain,
  deploy,
  device,
  deviceRegister,
  deviceShow,
  anchor,
  anchorShow,
  frame,
  frameBundle,
  frameVerify,
  network,
  networkCheck,
  networkCreate,
  networkUp,
  networkStatus,
  networkRecover,
  networkDown,
  networkReset,
  networkLogs,
  networkMonitor,
  networkAddValidator,
  networkRemoveValidator,
  networkAllowAccount,
  networkAllowNode,
  networkBackup,
  networkRestore,
];
