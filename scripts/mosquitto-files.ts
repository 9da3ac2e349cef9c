/*
 * Writes the files of a Mosquitto for production: `npx tsx scripts/mosquitto-files.ts FOLDER CA CERT KEY DEVICE…`.
 * CA, CERT and KEY are PEM files, each DEVICE a device id. Makes the passwords and leaves them in FOLDER/credentials.
 */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeMosquittoFiles } from "../oracle/src/mosquitto.js";
import { fromHex, toHex } from "../sdk/src/bytes.js";

const [dir, ca, cert, key, ...ids] = process.argv.slice(2);
if (dir === undefined || ca === undefined || cert === undefined || key === undefined || ids.length === 0) {
  console.error("Usage: npx tsx scripts/mosquitto-files.ts FOLDER CA CERT KEY DEVICE…");
  process.exit(2);
}

const password = () => randomBytes(24).toString("base64url");
const oracle = { username: "oracle", password: password() };
const devices = ids.map((id) => ({ device: toHex(fromHex(id, 32)), password: password() }));
const config = writeMosquittoFiles({
  dir,
  oracle,
  devices,
  deviceListener: { port: 8883 },
  oracleListener: { port: 8884, address: "127.0.0.1" },
  tls: { ca, cert, key },
});
const logins = [oracle, ...devices.map(({ device, password }) => ({ username: device.slice(2), password }))];
const credentials = join(dir, "credentials");
writeFileSync(credentials, `${logins.map((one) => `${one.username} ${one.password}`).join("\n")}\n`, {
  mode: 0o600,
});
console.log(
  `Wrote ${config}. The passwords are in ${credentials}: hand each to its owner and delete the file.`,
);
