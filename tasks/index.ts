import type { TaskDefinition } from "hardhat/types/tasks";

/** Every task of the product; each lives in `tasks/<area>/<verb>`, its definition apart from its action. */
export const tasks: TaskDefinition[] = [];
