import { emptyTask } from "hardhat/config";

export const frame = emptyTask("frame", "Checks device frames").build();
