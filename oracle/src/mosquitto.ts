import { pbkdf2Sync, randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Hex } from "@tenon/sdk/bytes";
import { deviceUser } from "@tenon/sdk/device";
import { TenonError } from "@tenon/sdk/errors";
import type { Credential } from "./broker.js";

export interface MosquittoOptions {
  /** Folder that gets `mosquitto.conf`, `passwords`, `acl` and, from Mosquitto, the stored sessions. */
  dir: string;
  oracle: Credential;
  devices: { device: Hex; password: string }[];
  /** Where devices connect, with TLS. */
  deviceListener: { port: number; address?: string };
  /** Where the oracle connects, with TLS. One of its own, because a device's client id is its user name. */
  oracleListener: { port: number; address?: string };
  /** PEM files: the authority's certificate, the broker's certificate and the broker's key. */
  tls: { ca: string; cert: string; key: string };
  /** The account Mosquitto runs as; Mosquitto's own default (`mosquitto`) when left out. */
  runAs?: string;
}

/**
 * Writes the files of a Mosquitto 2.x with TLS, one credential a device and the topic rules of docs/broker.md.
 * Returns the path of `mosquitto.conf`. Running it again replaces the files; send Mosquitto SIGHUP to load
 * passwords and rules.
 */
export function writeMosquittoFiles(options: MosquittoOptions): string {
  const dir = resolve(options.dir);
  mkdirSync(join(dir, "sessions"), { recursive: true });
  const file = (name: string, text: string, mode: number) => {
    writeFileSync(join(dir, name), text, { mode });
    chmodSync(join(dir, name), mode);
  };
  const accounts = [
    options.oracle,
    ...options.devices.map(({ device, password }) => ({ username: deviceUser(device), password })),
  ];
  file("passwords", `${accounts.map(passwordLine).join("\n")}\n`, 0o600);
  file("acl", topicRules(options.oracle.username), 0o600);
  file("mosquitto.conf", configuration(dir, options), 0o644);
  return join(dir, "mosquitto.conf");
}

/** Mosquitto's password format `$7$`: PBKDF2 with SHA-512. Passwords here are long and random, so 101 rounds do. */
function passwordLine({ username, password }: Credential): string {
  if (!/^[\x21-\x39\x3b-\x7e]{1,100}$/.test(username)) {
    throw new TenonError("BrokerUserInvalid", "Not a user name Mosquitto's password file can hold", {
      args: { username },
      remedy: "Use printable ASCII without spaces and colons.",
    });
  }
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, 101, 64, "sha512");
  return `${username}:$7$101$${salt.toString("base64")}$${hash.toString("base64")}`;
}

function topicRules(oracle: string): string {
  return [
    "# The oracle reads every device's frames and writes receipts.",
    `user ${oracle}`,
    "topic read tenon/v1/+/up/#",
    "topic write tenon/v1/+/down/receipt",
    "",
    "# A device (its user name is its id) writes its own frames and reads its own receipts. All else is refused.",
    "pattern write tenon/v1/%u/up/#",
    "pattern read tenon/v1/%u/down/receipt",
    "",
  ].join("\n");
}

function configuration(dir: string, options: MosquittoOptions): string {
  const { tls, deviceListener, oracleListener, runAs } = options;
  const withTls = [
    `cafile ${resolve(tls.ca)}`,
    `certfile ${resolve(tls.cert)}`,
    `keyfile ${resolve(tls.key)}`,
    "tls_version tlsv1.2",
  ];
  const listen = ({ port, address }: { port: number; address?: string }) =>
    address === undefined ? `listener ${port}` : `listener ${port} ${address}`;
  return [
    ...(runAs === undefined ? [] : [`user ${runAs}`]),
    "allow_anonymous false",
    `password_file ${join(dir, "passwords")}`,
    `acl_file ${join(dir, "acl")}`,
    "",
    "# Sessions and queues on disk: a snapshot, so receipts, not this, protect frames.",
    "persistence true",
    `persistence_location ${join(dir, "sessions")}/`,
    "autosave_interval 30",
    "persistent_client_expiration 7d",
    "",
    "# Frames are 65,535 bytes at most; slightly larger ones reach the oracle, which keeps them as refused.",
    "message_size_limit 131072",
    "retain_available false",
    "# The oracle takes a commit of up to 1,000 at once; what does not fit a queue, devices send again.",
    "max_inflight_messages 1000",
    "max_queued_messages 20000",
    "max_queued_bytes 67108864",
    "",
    "# Devices. The user name becomes the client id, so no device can take another's session.",
    listen(deviceListener),
    ...withTls,
    "use_username_as_clientid true",
    "",
    "# The oracle.",
    listen(oracleListener),
    ...withTls,
    "",
  ].join("\n");
}
