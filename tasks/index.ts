import type { TaskDefinition } from "hardhat/types/tasks";
import { accessTasks } from "./access/index.js";
import { act } from "./act/index.js";
import { actRelay } from "./act/relay/index.js";
import { adminExecute } from "./admin/execute/index.js";
import { admin } from "./admin/index.js";
import { adminPause } from "./admin/pause/index.js";
import { adminSeal } from "./admin/seal/index.js";
import { adminShow } from "./admin/show/index.js";
import { adminUnpause } from "./admin/unpause/index.js";
import { anchor } from "./anchor/index.js";
import { anchorShow } from "./anchor/show/index.js";
import { certificateTasks } from "./certificate/index.js";
import { chain } from "./chain/index.js";
import { deploy } from "./deploy/index.js";
import { deviceTasks } from "./device/index.js";
import { did } from "./did/index.js";
import { didInterfaces } from "./did/interfaces/index.js";
import { didPublish } from "./did/publish/index.js";
import { didResolve } from "./did/resolve/index.js";
import { eligibilityTasks } from "./eligibility/index.js";
import { encumbranceTasks } from "./encumbrance/index.js";
import { firmwareTasks } from "./firmware/index.js";
import { frameBundle } from "./frame/bundle/index.js";
import { frame } from "./frame/index.js";
import { frameVerify } from "./frame/verify/index.js";
import { keyTasks } from "./key/index.js";
import { machineTasks } from "./machine/index.js";
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
import { orderTasks } from "./order/index.js";
import { orgAddSignatory } from "./org/add-signatory/index.js";
import { orgAdmit } from "./org/admit/index.js";
import { orgExit } from "./org/exit/index.js";
import { org } from "./org/index.js";
import { orgReinstate } from "./org/reinstate/index.js";
import { orgRemoveSignatory } from "./org/remove-signatory/index.js";
import { orgReplaceSignatory } from "./org/replace-signatory/index.js";
import { orgShow } from "./org/show/index.js";
import { orgSuspend } from "./org/suspend/index.js";
import { roleForfeit } from "./role/forfeit/index.js";
import { roleGrant } from "./role/grant/index.js";
import { role } from "./role/index.js";
import { roleRenew } from "./role/renew/index.js";
import { roleRevoke } from "./role/revoke/index.js";

/** Every task of the product; each lives in `tasks/<area>/<verb>`, its definition apart from its action. */
export const tasks: TaskDefinition[] = [
  chain,
  deploy,
  ...deviceTasks,
  ...accessTasks,
  org,
  orgAddSignatory,
  orgAdmit,
  orgExit,
  orgReinstate,
  orgRemoveSignatory,
  orgReplaceSignatory,
  orgShow,
  orgSuspend,
  role,
  roleForfeit,
  roleGrant,
  roleRenew,
  roleRevoke,
  admin,
  adminExecute,
  adminPause,
  adminSeal,
  adminShow,
  adminUnpause,
  ...eligibilityTasks,
  ...encumbranceTasks,
  ...keyTasks,
  ...orderTasks,
  act,
  actRelay,
  did,
  didResolve,
  didPublish,
  didInterfaces,
  ...certificateTasks,
  ...machineTasks,
  ...firmwareTasks,
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
