import { ArgumentType } from "hardhat/types/arguments";
import { optional } from "../options.js";

export const granteeOption = optional(
  "grantee",
  "Whom the pass is for: an account, or everybody with a role as ORGANISATION:ROLE, for instance 3:DeviceManager (own account unless given)",
);

export const permissionsOption = optional(
  "permissions",
  "Names of permissions with commas between: readTelemetry, readState, startStop …",
);

/** What a pass says besides whom it is for. */
export const termOptions = {
  days: {
    name: "days" as const,
    description: "How long the pass counts",
    type: ArgumentType.FLOAT as const,
    defaultValue: 7,
  },
  interval: optional("interval", "Least seconds between two tokens of one requester"),
  delegations: optional("delegations", "How often it may be passed on"),
  endpoint: optional(
    "endpoint",
    "The device's address in the owner's network; sealed for grantee, owner and regulators",
  ),
};

export const keyOption = optional("key", "PEM file with the organisation's private P-256 key");
export const organisationOption = optional("organisation", "Number of the organisation whose key that is");
