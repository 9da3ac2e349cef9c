import { TenonError } from "@tenon/sdk/errors";
import type { Overrides } from "../config.js";

export type Values = Record<string, string | boolean | undefined>;

/** A command of the oracle. */
export interface Command {
  /** One line for the list of commands. */
  summary: string;
  help: string;
  /** As `parseArgs` takes them; `--config` and `--help` are there for every command. */
  options: Record<string, { type: "string" | "boolean"; short?: string }>;
  /** @param file The configuration file, if there is one. @returns The exit code. */
  run(values: Values, file: string | undefined): Promise<number>;
}

/** Options that stand for settings, and which. */
const settings = {
  state: "state",
  deployment: "deployment",
  rpc: "chain.rpc",
  "jwt-key": "chain.jwtKey",
  stream: "chain.stream",
  key: "anchorKey.file",
  broker: "broker.url",
  "http-host": "http.host",
  "http-port": "http.port",
  "log-level": "logLevel",
} as const;

export type SettingOption = keyof typeof settings;

export const settingHelp: Record<SettingOption, string> = {
  state: "--state DIR          folder of everything the oracle keeps",
  deployment: "--deployment FILE    record of the deployment, as the deploy task wrote it",
  rpc: "--rpc URL            address of a node of the chain, or several with commas between them",
  "jwt-key": "--jwt-key FILE       key that signs tokens for nodes that ask for them (PEM, P-256)",
  stream: "--stream N           stream of the AnchorLog",
  key: "--key FILE           private key that anchors (one line of hex, readable by its owner only)",
  broker: '--broker URL         mqtt://…, mqtts://… or "embedded"',
  "http-host": "--http-host HOST     where to answer HTTP; loopback unless a token is configured",
  "http-port": "--http-port PORT     0 takes a free one",
  "log-level": "--log-level LEVEL    debug, info, warn, error or silent",
};

export function settingOptions(...names: SettingOption[]): Command["options"] {
  return Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
}

export function settingsHelp(...names: SettingOption[]): string {
  const config = "--config FILE        settings in a file; options count over it";
  return [config, ...names.map((name) => settingHelp[name])].map((line) => `  ${line}`).join("\n");
}

/** The given options as settings. */
export function overridesOf(values: Values): Overrides {
  const overrides: Overrides = {};
  for (const [option, setting] of Object.entries(settings)) {
    const value = values[option];
    if (value === undefined) continue;
    const number = option === "stream" || option === "http-port";
    overrides[setting] = number ? wholeOption(values, option) : value;
  }
  return overrides;
}

/** A whole number given as an option. @throws TenonError `OptionInvalid`. */
export function wholeOption(values: Values, name: string): number | undefined {
  const value = values[name];
  if (value === undefined) return undefined;
  if (typeof value === "string" && /^\d{1,15}$/.test(value)) return Number(value);
  throw new TenonError("OptionInvalid", "An option is not a whole number", {
    args: { option: `--${name}`, given: value },
    remedy: "Give digits only.",
  });
}

/** A time as people and programs read it. */
export function shownTime(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");
}
