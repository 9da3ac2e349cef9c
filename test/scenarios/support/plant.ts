import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadConfig } from "../../../oracle/src/config.js";
import { SegmentLog } from "../../../oracle/src/log/log.js";
import { logDir } from "../../../oracle/src/paths.js";
import { type DeviceSigner, loadOrCreateKey } from "../../../sdk/src/device/index.js";
import type { BrokerKind } from "./brokers.js";
import { type ChainKind, chain } from "./chain.js";
import { startConsortium } from "./consortium.js";
import { Machine, passwordOf } from "./machine.js";
import { OracleProcess } from "./oracle-process.js";

const ORACLE = { username: "oracle", password: "password of the oracle" };

/** Keys with a login at the broker. The loader works, the crane gets into trouble, the drill's login is stolen. */
const signerNames = ["loader", "crane", "drill", "unregistered"] as const;
type Signers = Record<(typeof signerNames)[number], DeviceSigner>;

/** A consortium on its chain, a broker, an oracle as a process, and the keys of machines that are not registered yet. */
export async function startPlant(kind: BrokerKind, on: ChainKind = chain) {
  const folder = mkdtempSync(join(tmpdir(), "tenon-thread-"));
  const consortium = await startConsortium(folder, on);
  const keys = signerNames.map((name) => [name, loadOrCreateKey(join(folder, `${name}.pem`))] as const);
  const signers = Object.fromEntries(keys) as Signers;
  const logins = keys.map(([, { id }]) => ({ device: id, password: passwordOf(id) }));
  const broker = await kind.start(ORACLE, logins);

  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const receiptKey = join(folder, "receipts.pem");
  const configFile = file(
    "oracle.json",
    JSON.stringify({
      state: join(folder, "oracle"),
      deployment: consortium.record,
      chain: { ...consortium.settings, stream: 1, pollMs: 50 },
      anchorKey: { file: file("anchor.key", consortium.people.oracle.privateKey) },
      receiptKey,
      broker: {
        url: broker.oracleUrl,
        username: ORACLE.username,
        passwordFile: file("oracle.password", ORACLE.password),
        ...(broker.tls && { caFile: broker.tls.caFile }),
      },
      http: { port: 0 },
      batch: { intervalMs: 200 },
      diskFloorBytes: 0,
      verifyWorkers: 1,
      logLevel: "warn",
    }),
  );

  const { deployment } = consortium;
  const domain = {
    chainId: BigInt(deployment.chainId),
    registry: deployment.contracts.DeviceRegistry.address,
  };
  const machines: Machine[] = [];
  const commission = (signer: DeviceSigner) => {
    const machine = new Machine({
      signer,
      domain,
      receiptKey: loadOrCreateKey(receiptKey).key,
      broker,
      folder,
    });
    machines.push(machine);
    return machine;
  };
  const config = loadConfig(configFile, {}, {});
  const startOracle = () => OracleProcess.start(configFile);
  const readLog = <T>(read: (log: SegmentLog) => T) => readStored(logDir(config.state), read);
  const close = async () => {
    for (const machine of machines) await machine.close();
    await broker.stop();
    await consortium.close();
    rmSync(folder, { recursive: true });
  };
  return { ...consortium, folder, signers, broker, config, domain, commission, startOracle, readLog, close };
}

export type Plant = Awaited<ReturnType<typeof startPlant>>;

/** Reads the oracle's log beside the oracle, as its own commands do. */
async function readStored<T>(dir: string, read: (log: SegmentLog) => T): Promise<T> {
  const log = await SegmentLog.open(dir, { readOnly: true });
  try {
    return read(log);
  } finally {
    await log.close();
  }
}

/** A JSON answer of the oracle, once it has one: a frame is provable a moment after its receipt. */
export async function answer(oracle: OracleProcess, path: string, ms = chain.patienceMs) {
  let last = "";
  for (const end = Date.now() + ms; Date.now() < end; await sleep(20)) {
    const response = await fetch(`${oracle.url}${path}`);
    // biome-ignore lint/suspicious/noExplicitAny: the scenario looks into answers of every kind
    if (response.ok) return (await response.json()) as any;
    last = await response.text();
  }
  throw new Error(`the oracle does not answer ${path}: ${last}`);
}

/** Waits until something holds. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  ms = chain.patienceMs,
): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`did not happen: ${what}`);
    await sleep(20);
  }
}
