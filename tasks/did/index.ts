import { emptyTask } from "hardhat/config";

export const did = emptyTask("did", "Resolves DIDs, and publishes what devices offer").build();
