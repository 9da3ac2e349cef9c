import { emptyTask } from "hardhat/config";

export const device = emptyTask("device", "Registers and shows devices").build();
