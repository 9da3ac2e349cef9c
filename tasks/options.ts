import { ArgumentType } from "hardhat/types/arguments";

/** A text option that may be left out. */
export function optional<Name extends string>(name: Name, description: string) {
  return { name, description, type: ArgumentType.STRING_WITHOUT_DEFAULT as const, defaultValue: undefined };
}

export const recordOption = optional(
  "record",
  "Folder of the deployment records (deployments/ unless given)",
);

export const jsonFlag = { name: "json" as const, description: "Print the answer as JSON, for scripts" };
