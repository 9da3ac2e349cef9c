import { emptyTask } from "hardhat/config";
import type { TaskDefinition } from "hardhat/types/tasks";
import { keyPublish } from "./publish/index.js";
import { keyShow } from "./show/index.js";

export const keyTasks: TaskDefinition[] = [
  emptyTask("key", "Public keys of organisations").build(),
  keyPublish,
  keyShow,
];
