import { emptyTask } from "hardhat/config";

export const act = emptyTask("act", "Brings acts that others signed").build();
