import type { TaskDefinition } from "hardhat/types/tasks";
import { chain } from "./chain/index.js";
import { deploy } from "./deploy/index.js";

/** Every task of the product; each lives in `tasks/<area>/<verb>`, its definition apart from its action. */
export const tasks: TaskDefinition[] = [chain, deploy];
