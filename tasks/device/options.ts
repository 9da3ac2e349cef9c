import { ArgumentType } from "hardhat/types/arguments";
import { TenonError } from "../../sdk/src/errors.js";
import { optional } from "../options.js";

export const deviceArgument = { name: "id", description: "The device id: 0x and 64 hex digits" } as const;

export const fromOption = optional(
  "from",
  "Account that sends, a signatory with the role for it (the network's first unless given)",
);

/** An option with the number of an organisation; 0 is left out. */
export function organisationOption<Name extends string>(name: Name, description: string) {
  return { name, description, type: ArgumentType.INT as const, defaultValue: 0 };
}

/** How long something counts, in days from now. */
export function daysOption<Name extends string>(name: Name, description: string, defaultValue: number) {
  return { name, description, type: ArgumentType.FLOAT as const, defaultValue };
}

/** The value of an option that must be given. Throws `OptionMissing`. */
export function required<T>(name: string, value: T | undefined, what: string): T {
  if (value !== undefined && value !== 0 && value !== "") return value;
  throw new TenonError("OptionMissing", `--${name} is missing`, { remedy: `Give --${name}: ${what}.` });
}

/** A second since 1970 from an ISO time or a number of seconds. Throws `OptionInvalid`. */
export function timeOf(name: string, text: string): number {
  const seconds = /^\d{1,12}$/.test(text) ? Number(text) : Date.parse(text) / 1000;
  if (Number.isFinite(seconds)) return Math.floor(seconds);
  throw new TenonError("OptionInvalid", `--${name} is no time`, {
    args: { given: text },
    remedy: "Give an ISO time such as 2027-01-31T12:00:00Z, or seconds since 1970.",
  });
}
