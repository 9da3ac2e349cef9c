import { emptyTask } from "hardhat/config";

export const role = emptyTask("role", "Grants, renews and ends roles of signatories").build();
