import { emptyTask } from "hardhat/config";

export const admin = emptyTask("admin", "Shows who can do what, and stops single actions").build();
