import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { urlsIn } from "@tenon/sdk/connection";
import { TenonError } from "@tenon/sdk/errors";
import { publicUrl } from "@tenon/sdk/nodes/failure";
import { z } from "zod";
import { withoutPassword } from "./chain/connection.js";

const port = z.int().min(0).max(65_535);
const path = z.string().min(1);
const seconds = (least: number, most: number) => z.number().min(least).max(most);
const url = (...schemes: string[]) =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol), {
    error: `must be an address that begins with ${schemes.map((scheme) => `${scheme}//`).join(" or ")}`,
  });

const nodeSchemes = ["http:", "https:", "ws:", "wss:"];
const nodeError = {
  error: `must be addresses that begin with ${nodeSchemes.map((scheme) => `${scheme}//`).join(", ")}`,
};
const areNodes = (urls: string[]) =>
  urls.length > 0 && urls.every((one) => URL.canParse(one) && nodeSchemes.includes(new URL(one).protocol));
const nodes = z.union(
  [
    z.string().refine((text) => areNodes(urlsIn(text)), nodeError),
    z.array(z.string()).refine(areNodes, nodeError),
  ],
  nodeError,
);

/** Every setting of the oracle. Unknown names are refused: a typing mistake must not become a default. */
const schema = z.strictObject({
  /** Folder of everything the oracle keeps. */
  state: path,
  /** Deployment record, as the deploy task wrote it. */
  deployment: path,
  chain: z.strictObject({
    /** Addresses of nodes, in order of preference: a list, or a text with commas between them. */
    rpc: nodes,
    /** PEM of the P-256 key that signs tokens for nodes that ask for them. */
    jwtKey: path.optional(),
    /** Stream of the AnchorLog that this oracle writes. */
    stream: z.int().min(1),
    pollMs: z.int().min(10).max(60_000).default(500),
    /** Seconds without an answer after which the oracle is not ready. */
    freshSeconds: seconds(1, 3_600).default(15),
  }),
  /** Signs anchors. */
  anchorKey: z.union(
    [z.strictObject({ file: path }), z.strictObject({ keystore: path, passwordFile: path })],
    {
      error: 'must be {"file": …} or {"keystore": …, "passwordFile": …}',
    },
  ),
  /** Signs receipts: a P-256 private key in PEM. Made on first start when the file is not there. */
  receiptKey: path.optional(),
  broker: z.strictObject({
    /** mqtt://, mqtts://, or "embedded" for a broker inside the process (development only). */
    url: z.union([z.literal("embedded"), url("mqtt:", "mqtts:")], {
      error: 'must be "embedded" or an address that begins with mqtt:// or mqtts://',
    }),
    username: z.string().min(1).optional(),
    /** File with the password; the embedded broker makes one. */
    passwordFile: path.optional(),
    /** PEM of the authority behind the broker's certificate; the system's store when absent. */
    caFile: path.optional(),
    /** Embedded broker only: its port (0 takes a free one), and a JSON file of device ids and their passwords. */
    port: port.default(0),
    devicesFile: path.optional(),
  }),
  http: z
    .strictObject({
      host: z.string().min(1).default("127.0.0.1"),
      port: port.default(8546),
      /** File with the bearer token; must be given for any host but loopback. */
      tokenFile: path.optional(),
    })
    .prefault({}),
  batch: z
    .strictObject({
      intervalMs: z.int().min(50).max(3_600_000).default(1_000),
      frames: z.int().min(1).max(65_536).default(16_384),
      bytes: z
        .int()
        .min(65_536)
        .max(256 << 20)
        .default(16 << 20),
    })
    .prefault({}),
  /** Free bytes on the state folder's disk below which the oracle is not ready. */
  diskFloorBytes: z
    .int()
    .min(0)
    .default(1 << 30),
  /** Verification threads; processors - 1 when absent. */
  verifyWorkers: z.int().min(1).max(64).optional(),
  logLevel: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
});

export type Config = z.infer<typeof schema>;

/** What a command needs that reads a state folder and the chain; the rest of a configuration is not looked at. */
const readSchema = z.object(schema.pick({ state: true, deployment: true, chain: true }).shape);
export type ReadConfig = z.infer<typeof readSchema>;

const stateSchema = z.object(schema.pick({ state: true }).shape);

/** Settings of the command line: a name of the configuration with dots, and its value. */
export type Overrides = Record<string, unknown>;

/**
 * Settings from a file, then the environment (`TENON_CHAIN_RPC` is `chain.rpc`), then the command line; the last one
 * counts. Checked once and in full. Relative paths in a file are meant from the file's folder.
 * @throws TenonError `ConfigUnreadable`, `ConfigInvalid` with every fault and where it is.
 */
export function loadConfig(file: string | undefined, env: NodeJS.ProcessEnv, overrides: Overrides): Config {
  const config = check(schema, gather(file, env, overrides), file);
  const fault = crossCheck(config);
  if (fault !== undefined) throw invalid([fault], file);
  return config;
}

/** The same settings, for commands that only read. @throws as `loadConfig`. */
export function loadReadConfig(
  file: string | undefined,
  env: NodeJS.ProcessEnv,
  overrides: Overrides,
): ReadConfig {
  return check(readSchema, gather(file, env, overrides), file);
}

/** The state folder alone. @throws as `loadConfig`. */
export function loadStateDir(file: string | undefined, env: NodeJS.ProcessEnv, overrides: Overrides): string {
  return check(stateSchema, gather(file, env, overrides), file).state;
}

function gather(file: string | undefined, env: NodeJS.ProcessEnv, overrides: Overrides): Settings {
  const settings = file === undefined ? {} : readSettings(file);
  if (file !== undefined) resolvePaths(settings, dirname(resolve(file)));
  for (const [name, variable] of environmentNames()) set(settings, name, fromText(env[variable]));
  for (const [name, value] of Object.entries(overrides)) set(settings, name, value);
  return settings;
}

function check<T>(form: z.ZodType<T>, settings: Settings, file: string | undefined): T {
  const parsed = form.safeParse(settings);
  if (parsed.success) return parsed.data;
  throw invalid(
    parsed.error.issues.map((issue) => faultOf(issue, settings)),
    file,
  );
}

/** The configuration as it may be printed: no passwords. Keys and tokens are files, whose paths are no secret. */
export function printable(config: Config): object {
  const { chain, broker } = config;
  return {
    ...config,
    chain: { ...chain, rpc: [chain.rpc].flat().flatMap(urlsIn).map(publicUrl) },
    broker: { ...broker, url: withoutPassword(broker.url) },
  };
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function crossCheck({ http, broker }: Config): string | undefined {
  if (!isLoopback(http.host) && http.tokenFile === undefined) {
    return `http.tokenFile: must be given when http.host (${http.host}) is not loopback`;
  }
  if (broker.url !== "embedded" && broker.username !== undefined && broker.passwordFile === undefined) {
    return "broker.passwordFile: must be given with broker.username";
  }
  if (broker.url === "embedded" && broker.devicesFile === undefined) {
    return 'broker.devicesFile: must be given with the embedded broker: {"<device id>": "<password>", …}';
  }
  return brokerFault(broker);
}

/** Settings that would be silently without effect: the operator meant something else. */
function brokerFault({
  url,
  username,
  passwordFile,
  caFile,
  port,
  devicesFile,
}: Config["broker"]): string | undefined {
  if (url === "embedded") {
    return caFile === undefined ? undefined : "broker.caFile: the embedded broker has no TLS";
  }
  const { protocol, username: user, password } = new URL(url);
  if (user !== "" || password !== "") {
    return "broker.url: must not hold a login: give broker.username and broker.passwordFile";
  }
  if (passwordFile !== undefined && username === undefined) {
    return "broker.username: must be given with broker.passwordFile";
  }
  if (caFile !== undefined && protocol === "mqtt:") {
    return "broker.caFile: is for TLS, and broker.url is mqtt:// without it: give mqtts://";
  }
  if (devicesFile !== undefined || port !== 0) {
    return "broker.devicesFile, broker.port: are for the embedded broker, and broker.url names another";
  }
  return undefined;
}

const PATHS = [
  "state",
  "deployment",
  "receiptKey",
  "chain.jwtKey",
  "anchorKey.file",
  "anchorKey.keystore",
  "anchorKey.passwordFile",
  "broker.passwordFile",
  "broker.caFile",
  "broker.devicesFile",
  "http.tokenFile",
];

const NAMES = [
  ...PATHS,
  "chain.rpc",
  "chain.stream",
  "broker.url",
  "broker.username",
  "http.host",
  "http.port",
  "logLevel",
];

function environmentNames(): [string, string][] {
  return NAMES.map((name) => [
    name,
    `TENON_${name.replace(/[A-Z]/g, "_$&").replaceAll(".", "_").toUpperCase()}`,
  ]);
}

type Settings = Record<string, unknown>;

function readSettings(file: string): Settings {
  let settings: unknown;
  try {
    settings = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new TenonError("ConfigUnreadable", "The configuration file cannot be read", {
      args: { file, reason: cause instanceof Error ? cause.message : String(cause) },
      remedy: "Give the path of a JSON file (--config).",
    });
  }
  if (isObject(settings)) return settings;
  throw invalid(["configuration: must be one JSON object"], file);
}

function isObject(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function resolvePaths(settings: Settings, folder: string): void {
  for (const name of PATHS) {
    const value = get(settings, name);
    if (typeof value === "string") set(settings, name, resolve(folder, value));
  }
}

function get(settings: Settings, name: string): unknown {
  return name.split(".").reduce<unknown>((at, key) => (at as Settings | undefined)?.[key], settings);
}

function set(settings: Settings, name: string, value: unknown): void {
  if (value === undefined) return;
  const keys = name.split(".");
  const last = keys.pop() as string;
  let at = settings;
  for (const key of keys) {
    at[key] ??= {};
    const next = at[key];
    if (!isObject(next)) return; // the check of the whole names it
    at = next;
  }
  at[last] = value;
}

/** Numbers of the environment arrive as text. */
function fromText(text: string | undefined): unknown {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
}

function faultOf(issue: z.core.$ZodIssue, settings: Settings): string {
  const where = issue.path.join(".");
  const missing = get(settings, where) === undefined && issue.code !== "unrecognized_keys";
  return `${where || "configuration"}: ${missing ? "is missing" : issue.message}`;
}

function invalid(faults: string[], file: string | undefined): TenonError {
  return new TenonError("ConfigInvalid", "The configuration is not valid", {
    args: { file: file ?? "none", ...Object.fromEntries(faults.map((fault, i) => [`${i + 1}`, fault])) },
    remedy: "Mend these settings; oracle/README.md lists them all.",
  });
}
