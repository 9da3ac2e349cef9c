import { ArgumentType } from "hardhat/types/arguments";
import { TenonError } from "../sdk/src/errors.js";

/** A text option that may be left out. */
export function optional<Name extends string>(name: Name, description: string) {
  return { name, description, type: ArgumentType.STRING_WITHOUT_DEFAULT as const, defaultValue: undefined };
}

export const recordOption = optional(
  "record",
  "Folder of the deployment records (deployments/ unless given)",
);

export const fromOption = optional("from", "Account that acts (the network's first unless given)");

export const signOption = optional(
  "sign",
  "File for the signed act: signs it for anybody to bring (act relay), instead of sending it",
);

export const jsonFlag = { name: "json" as const, description: "Print the answer as JSON, for scripts" };

/** The number a text option holds; undefined when it was left out. Throws `OptionInvalid`. */
export function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new TenonError("OptionInvalid", `--${name} is a whole number`, {
    args: { given: text },
    remedy: "Give another, or leave it out.",
  });
}

/** The number that must be given, from 1. Throws `OptionInvalid`. */
export function numberOf(name: string, text: string | undefined): number {
  if (text !== undefined && /^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new TenonError("OptionInvalid", `${name} is a number from 1`, {
    args: { given: text },
    remedy: `Give the number of the ${name}.`,
  });
}
