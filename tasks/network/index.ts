import { emptyTask } from "hardhat/config";

export const network = emptyTask("network", "Makes, runs and changes a Besu network").build();
