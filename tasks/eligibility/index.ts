import { emptyTask } from "hardhat/config";
import type { TaskDefinition } from "hardhat/types/tasks";
import { eligibilityExplain } from "./explain/index.js";
import { eligibilityFreeze } from "./freeze/index.js";
import { eligibilitySet } from "./set/index.js";
import { eligibilityUnfreeze } from "./unfreeze/index.js";

export const eligibilityTasks: TaskDefinition[] = [
  emptyTask("eligibility", "Who may hold which class of asset").build(),
  eligibilitySet,
  eligibilityFreeze,
  eligibilityUnfreeze,
  eligibilityExplain,
];
