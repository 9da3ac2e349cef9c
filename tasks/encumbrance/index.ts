import { emptyTask } from "hardhat/config";
import type { TaskDefinition } from "hardhat/types/tasks";
import { encumbranceList } from "./list/index.js";
import { encumbrancePlace } from "./place/index.js";
import { encumbranceRelease } from "./release/index.js";

export const encumbranceTasks: TaskDefinition[] = [
  emptyTask("encumbrance", "What binds assets: pledges, leases, sales, holds").build(),
  encumbrancePlace,
  encumbranceRelease,
  encumbranceList,
];
