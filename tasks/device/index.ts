import { emptyTask } from "hardhat/config";
import type { TaskDefinition } from "hardhat/types/tasks";
import { deviceActs } from "./act/index.js";
import { deviceActivate } from "./activate/index.js";
import { deviceEngage } from "./engage/index.js";
import { deviceEnrol } from "./enrol/index.js";
import { deviceHistory } from "./history/index.js";
import { deviceList } from "./list/index.js";
import { deviceOffer } from "./offer/index.js";
import { deviceOwnerAt } from "./owner-at/index.js";
import { deviceProve } from "./prove/index.js";
import { deviceRecovery } from "./recover/index.js";
import { deviceRegister } from "./register/index.js";
import { deviceRotate } from "./rotate/index.js";
import { deviceShow } from "./show/index.js";
import { deviceTransfer } from "./transfer/index.js";
import { deviceVoucher } from "./voucher/index.js";

const device = emptyTask("device", "Enrols devices, hands them over, and shows what became of them").build();

export const deviceTasks: TaskDefinition[] = [
  device,
  deviceRegister,
  deviceEnrol,
  deviceProve,
  deviceVoucher,
  deviceActivate,
  deviceShow,
  deviceList,
  deviceHistory,
  deviceOwnerAt,
  deviceOffer,
  deviceTransfer,
  deviceEngage,
  deviceRotate,
  ...deviceActs,
  ...deviceRecovery,
];
