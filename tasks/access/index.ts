import { emptyTask } from "hardhat/config";
import type { TaskDefinition } from "hardhat/types/tasks";
import { accessAllow } from "./allow/index.js";
import { accessAnchor } from "./anchor/index.js";
import { accessAsk } from "./ask/index.js";
import { accessAudit } from "./audit/index.js";
import { accessChange } from "./change/index.js";
import { accessDelegate } from "./delegate/index.js";
import { accessDisclose } from "./disclose/index.js";
import { accessGrant } from "./grant/index.js";
import { accessOfflinePass } from "./offline-pass/index.js";
import { accessRedeem } from "./redeem/index.js";
import { accessRegisterPass } from "./register-pass/index.js";
import { accessRequest } from "./request/index.js";
import { accessRevoke } from "./revoke/index.js";
import { accessShow } from "./show/index.js";
import { accessSignPass } from "./sign-pass/index.js";
import { accessStop } from "./stop/index.js";
import { accessVerify } from "./verify/index.js";

const access = emptyTask("access", "Gives, uses and takes access to devices, and shows who had it").build();

export const accessTasks: TaskDefinition[] = [
  access,
  accessAsk,
  accessGrant,
  accessSignPass,
  accessRegisterPass,
  accessOfflinePass,
  accessChange,
  accessDelegate,
  accessRevoke,
  accessRequest,
  accessRedeem,
  accessStop,
  accessAllow,
  accessShow,
  accessAudit,
  accessDisclose,
  accessAnchor,
  accessVerify,
];
