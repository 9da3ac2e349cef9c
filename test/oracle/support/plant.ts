import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EmbeddedBroker } from "../../../oracle/src/broker.js";
import { type Config, loadConfig } from "../../../oracle/src/config.js";
import { Oracle } from "../../../oracle/src/oracle.js";
import type { Hex } from "../../../sdk/src/bytes.js";
import { toHex } from "../../../sdk/src/bytes.js";
import { Device, DeviceClient, DeviceSigner, loadOrCreateKey } from "../../../sdk/src/device/index.js";
import { lowS } from "../../../sdk/src/frame/index.js";
import { register } from "../../support/devices.js";
import type { TestKey } from "../../support/keys.js";
import { startChain, TestLogger, until } from "./chain.js";

const ORACLE = { username: "oracle", password: "oracle-password" };

/** A chain, a broker, and the files of one oracle. */
export async function startPlant() {
  const chain = await startChain();
  const folder = mkdtempSync(join(tmpdir(), "tenon-oracle-"));
  const broker = await EmbeddedBroker.start({ oracle: ORACLE });
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const settings = {
    state: join(folder, "state"),
    deployment: file("record.json", JSON.stringify(chain.deployment)),
    chain: { rpc: chain.rpc.url, stream: chain.stream, pollMs: 50 },
    anchorKey: { file: file("anchor.key", chain.wallet.privateKey) },
    receiptKey: join(folder, "receipts.pem"),
    broker: { url: broker.url, username: ORACLE.username, passwordFile: file("password", ORACLE.password) },
    http: { port: 0 },
    batch: { intervalMs: 200 },
    diskFloorBytes: 0,
    verifyWorkers: 1,
    logLevel: "warn",
  };
  const configFile = file("oracle.json", JSON.stringify(settings));
  const config = loadConfig(configFile, {}, {});
  const receiptKey = loadOrCreateKey(settings.receiptKey).key;
  const domain = { chainId: 31337n, registry: chain.deployment.contracts.DeviceRegistry.address };
  const clients: DeviceClient[] = [];

  /** A registered device with its client, connected. */
  const newDevice = async (index: number) => {
    const signer = DeviceSigner.generate();
    await register(chain, registrationKey(signer), chain.buyerOrg);
    broker.addDevice(signer.id, "device-password");
    const journal = { dir: join(folder, `journal-${index}`) };
    const device = Device.open({ signer, domain, receiptKey, journal });
    const client = new DeviceClient({
      device,
      url: broker.url,
      password: "device-password",
      resendAfterMs: 1_000,
    });
    clients.push(client);
    client.start();
    return { device, client, signer, key: signer.key };
  };
  const startOracle = (given: Partial<Config> = {}) =>
    Oracle.start({ ...config, ...given }, new TestLogger());
  const close = async () => {
    for (const client of clients) await client.stop();
    await broker.stop();
    await chain.rpc.close();
    rmSync(folder, { recursive: true });
  };
  return { chain, folder, broker, config, configFile, domain, newDevice, startOracle, close, until };
}

export type Plant = Awaited<ReturnType<typeof startPlant>>;

/** A device kit's key in the form the registry's test helper takes. */
function registrationKey(signer: DeviceSigner): TestKey {
  const { x, y } = signer.key;
  return {
    curve: 1,
    x,
    y,
    id: signer.id,
    signBytes: (bytes) => {
      const rs = lowS(signer.sign(bytes), signer.algorithm);
      return { r: toHex(rs.subarray(0, 32)), s: toHex(rs.subarray(32)) };
    },
    signDigest: () => {
      throw new Error("P-256 signs bytes");
    },
  };
}

/** A JSON answer of an oracle and its status. */
export async function get(url: string, path: string, token?: string) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}${path}`, { headers });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind
  return { status: response.status, body: (await response.json()) as any };
}

/** Asks until the answer is there. */
export async function eventually(url: string, path: string) {
  let answer = await get(url, path);
  await until(async () => {
    answer = await get(url, path);
    return answer.status === 200;
  }, `${path} answers`);
  return answer.body;
}

export type { Hex };
