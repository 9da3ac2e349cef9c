import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { fromHex, type Hex } from "@tenon/sdk/bytes";
import {
  algorithmOf,
  CONTENT_SENML,
  type DeviceKey,
  decodeFrame,
  deviceIdOf,
  encodeFrame,
  encodeSenml,
  exportDeviceKey,
  type Frame,
  type FrameHeader,
  frameAad,
  frameHash,
  type Receipt,
  receiptAad,
  signerOf,
  verifyReceipt,
} from "@tenon/sdk/frame/index";
import mqtt, { type MqttClient } from "mqtt";
import { EmbeddedBroker } from "../../oracle/src/broker.js";
import { Pipeline } from "../../oracle/src/ingest/pipeline.js";
import { SegmentLog } from "../../oracle/src/log/log.js";
import type { Logger, PipelineOptions } from "../../oracle/src/options.js";
import { openState } from "../../oracle/src/state/db.js";
import type { ClosedBatch, DeviceDirectory, DirectoryEntry, Lane } from "../../oracle/src/state/types.js";

export const DOMAIN = { chainId: 31337n, registry: `0x${"ab".repeat(20)}` as Hex };
export const AAD = frameAad(DOMAIN);
export const ORACLE = { username: "oracle", password: "oracle-password" };

/** A folder that is removed after the test. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "tenon-oracle-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A registry in memory that also fills the `devices` table, as the watcher of the chain does. */
export class TestDirectory implements DeviceDirectory {
  readonly entries = new Map<Hex, DirectoryEntry>();

  get(id: Hex): DirectoryEntry | undefined {
    return this.entries.get(id);
  }

  add(device: TestDevice, db: DatabaseSync): void {
    const num = this.entries.size + 1;
    this.entries.set(device.id, { num, key: device.key, keyEpoch: 1, status: "active", epoch: 1 });
    const { curve, x, y } = device.key;
    db.prepare("INSERT OR IGNORE INTO devices VALUES (?, ?, ?, ?, ?, ?, 'active', 1, 1)").run(
      num,
      fromHex(device.id),
      curve,
      fromHex(x),
      fromHex(y),
      new Uint8Array(20),
    );
  }
}

/** A device that signs real frames and chains them. */
export class TestDevice {
  readonly privateKey: KeyObject;
  readonly key: DeviceKey;
  readonly id: Hex;
  seq = 0n;
  prev: Uint8Array = new Uint8Array(32);
  epoch = 1;

  constructor(curve: "P-256" | "secp256k1" = "P-256") {
    this.privateKey = generateKeyPairSync("ec", { namedCurve: curve }).privateKey;
    this.key = exportDeviceKey(this.privateKey);
    this.id = deviceIdOf(this.key);
  }

  get user(): string {
    return this.id.slice(2);
  }

  /** The next frame of its chain, or another one where `header` says so. */
  frame(header: Partial<FrameHeader> = {}, value = 1): Uint8Array {
    const chained = header.seq === undefined;
    const bytes = encodeFrame(
      {
        algorithm: algorithmOf(this.key),
        contentType: CONTENT_SENML,
        device: this.id,
        epoch: this.epoch,
        seq: this.seq + 1n,
        prev: this.prev,
        time: 1_780_000_000_000n,
        clock: "synced",
        uptime: 1n,
        beacon: null,
        ...header,
      },
      encodeSenml([{ name: "t", unit: "Cel", value }]),
      AAD,
      signerOf(this.privateKey),
    );
    if (chained) {
      this.seq += 1n;
      this.prev = hashOf(bytes);
    }
    return bytes;
  }

  frames(count: number): Uint8Array[] {
    return Array.from({ length: count }, (_, i) => this.frame({}, i));
  }
}

export function hashOf(frame: Uint8Array | Frame): Uint8Array {
  return frameHash(frame instanceof Uint8Array ? decodeFrame(frame) : frame, AAD);
}

/** A device's own MQTT connection to the broker, and the receipts it gets. */
export class TestClient {
  readonly receipts: Uint8Array[] = [];
  readonly #client: MqttClient;
  readonly #user: string;

  private constructor(client: MqttClient, user: string) {
    this.#client = client;
    this.#user = user;
  }

  /** @param ca PEM of the broker's authority, for mqtts. */
  static async connect(url: string, device: TestDevice, ca?: string): Promise<TestClient> {
    const client = await mqtt.connectAsync(url, {
      ...(ca === undefined ? {} : { ca }),
      protocolVersion: 5,
      clientId: device.user,
      username: device.user,
      password: device.user,
      clean: false,
      properties: { sessionExpiryInterval: 600 },
    });
    const test = new TestClient(client, device.user);
    client.on("message", (_topic, payload) => test.receipts.push(new Uint8Array(payload)));
    await client.subscribeAsync(`tenon/v1/${device.user}/down/receipt`, { qos: 1 });
    return test;
  }

  async send(frames: readonly Uint8Array[], lane: Lane | string = "telemetry"): Promise<void> {
    const topic = `tenon/v1/${this.#user}/up/${lane}`;
    await Promise.all(
      frames.map((frame) => this.#client.publishAsync(topic, Buffer.from(frame), { qos: 1 })),
    );
  }

  /** As `send`, but a broker whose queue for the oracle is full may refuse; returns how many it took. */
  async offer(frames: readonly Uint8Array[], lane: Lane = "telemetry"): Promise<number> {
    const answers = await Promise.allSettled(frames.map((frame) => this.send([frame], lane)));
    return answers.filter(({ status }) => status === "fulfilled").length;
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }
}

/** A device known to registry, database and broker. */
export function enrol(
  at: { directory: TestDirectory; db: DatabaseSync; broker?: EmbeddedBroker },
  device = new TestDevice(),
): TestDevice {
  at.directory.add(device, at.db);
  at.broker?.addDevice(device.id, device.user);
  return device;
}

export const SILENT: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Options of a pipeline with small, quick limits. */
export function pipelineOptions(
  given: Pick<PipelineOptions, "logDir" | "db" | "directory" | "receiptKey" | "broker"> &
    Partial<PipelineOptions>,
): PipelineOptions {
  return { domain: DOMAIN, anchorWaiting: () => false, logger: SILENT, verifyWorkers: 1, ...given };
}

export function receiptKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

/** A data path on the embedded broker with a folder, a database and a registry of its own. */
export class DataPath {
  readonly folder = temporaryFolder();
  readonly db = openState(join(this.folder.path, "state.db"));
  readonly directory = new TestDirectory();
  readonly key = receiptKey();
  readonly batches: ClosedBatch[] = [];
  readonly clients: TestClient[] = [];
  pipeline: Pipeline | undefined;

  private constructor(readonly broker: EmbeddedBroker) {}

  static async create(): Promise<DataPath> {
    return new DataPath(await EmbeddedBroker.start({ oracle: ORACLE }));
  }

  get logDir(): string {
    return join(this.folder.path, "log");
  }

  /** A pipeline that is not started. */
  make(options: Partial<PipelineOptions> = {}): Pipeline {
    const { logDir, db, directory, key } = this;
    const broker = { url: this.broker.url, ...ORACLE };
    const pipeline = new Pipeline(
      pipelineOptions({ logDir, db, directory, receiptKey: key, broker, ...options }),
    );
    this.pipeline = pipeline;
    pipeline.on("batchClosed", (batch) => this.batches.push(batch));
    return pipeline;
  }

  async start(options: Partial<PipelineOptions> = {}): Promise<Pipeline> {
    const pipeline = this.make(options);
    await pipeline.start();
    await until("the pipeline is ready", () => pipeline.health().ready);
    return pipeline;
  }

  /** A device known to registry and broker, connected. */
  async device(device = new TestDevice()): Promise<{ device: TestDevice; client: TestClient }> {
    enrol({ directory: this.directory, db: this.db, broker: this.broker }, device);
    return { device, client: await this.connect(device) };
  }

  async connect(device: TestDevice): Promise<TestClient> {
    const client = await TestClient.connect(this.broker.url, device);
    this.clients.push(client);
    return client;
  }

  receipts(client: TestClient): Receipt[] {
    const publicKey = createPublicKey(this.key);
    return client.receipts.map((bytes) => verifyReceipt(bytes, receiptAad(DOMAIN), publicKey));
  }

  /** Waits for a receipt up to `seq`. */
  async confirmed(client: TestClient, seq: bigint): Promise<Receipt> {
    const found = () => this.receipts(client).find(({ seqUpTo }) => seqUpTo >= seq);
    await until(`receipt up to ${seq}`, () => found() !== undefined);
    return found()!;
  }

  /** Stops and opens the log for reading. */
  async stored(): Promise<SegmentLog> {
    await this.pipeline?.stop();
    return SegmentLog.open(this.logDir, { readOnly: true });
  }

  async close(): Promise<void> {
    await this.pipeline?.stop();
    for (const client of this.clients) await client.close();
    await this.broker.stop();
    this.db.close();
    this.folder.remove();
  }
}

/** Waits until the condition holds; fails with its text otherwise. */
export async function until(what: string, holds: () => boolean, timeoutMs = 15_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`still waiting after ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
