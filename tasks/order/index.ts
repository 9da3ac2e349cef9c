import { emptyTask } from "hardhat/config";
import type { TaskDefinition } from "hardhat/types/tasks";
import { orderConfirm } from "./confirm/index.js";
import { orderIssue } from "./issue/index.js";
import { orderLift } from "./lift/index.js";
import { orderShow } from "./show/index.js";

export const orderTasks: TaskDefinition[] = [
  emptyTask("order", "Orders of courts and regulators").build(),
  orderIssue,
  orderConfirm,
  orderLift,
  orderShow,
];
