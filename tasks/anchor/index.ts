import { emptyTask } from "hardhat/config";

export const anchor = emptyTask("anchor", "Shows anchored batches").build();
