import { emptyTask } from "hardhat/config";

export const org = emptyTask("org", "Admits and shows organisations and their signatories").build();
