import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Hex } from "@tenon/sdk";
import { type DeviceKey, decodeFrame, type FrameDomain, readMeter } from "@tenon/sdk";
import {
  Device,
  DeviceClient,
  type DeviceSigner,
  deviceUser,
  frameTopic,
  loadOrCreateKey,
  type MachineFrame,
  play,
  replayCsv,
  simulate,
} from "@tenon/sdk/device";
import mqtt from "mqtt";

/** A meter frame that a machine has sent. */
export interface SentMeter {
  epoch: number;
  seq: bigint;
  value: bigint;
}

export interface MachineOptions {
  state: string;
  index: number;
  signer: DeviceSigner;
  /** The machine's epoch in the registry. */
  epoch: number;
  domain: FrameDomain;
  receiptKey: DeviceKey;
  broker: { url: string; password: string };
  data: string | undefined;
  speed: number;
  onError: (machine: string, error: Error) => void;
}

/** Readings a simulated machine makes: one a second of the plant's time, ten in a frame. */
const SIMULATED = { step: 60, speed: 600, readingsPerFrame: 10, meterEvery: 30 };
const REPLAYED = { readingsPerFrame: 10, meterEvery: 60 };

export function machineKey(state: string, index: number): DeviceSigner {
  return loadOrCreateKey(join(state, "machines", `${index}.pem`), "P-256");
}

/** One machine of the plant: its device, the line to the broker, and where its data comes from. */
export class Machine {
  readonly name: string;
  readonly id: Hex;
  readonly device: Device;
  /** Meter frames sent in this run, oldest first. */
  readonly meters: SentMeter[] = [];
  /** Frames made in this run. */
  made = 0;
  /** True once its data has come to an end. */
  finished = false;
  readonly #client: DeviceClient;
  readonly #options: MachineOptions;
  readonly #stop = new AbortController();
  #newest: Uint8Array = new Uint8Array();
  #done: Promise<unknown> = Promise.resolve();

  constructor(options: MachineOptions) {
    const { state, index, signer, domain, receiptKey, broker } = options;
    this.#options = options;
    this.name = `machine-${String(index).padStart(2, "0")}`;
    this.id = signer.id;
    this.device = Device.open({
      signer,
      domain,
      receiptKey,
      journal: { dir: join(state, "machines", `${index}.journal`), epochAtLeast: options.epoch },
      clock: "synced",
    });
    this.#client = new DeviceClient({
      device: this.device,
      url: broker.url,
      password: broker.password,
      resendAfterMs: 4_000,
      reconnectMs: { min: 200, max: 2_000 },
    });
    this.#client.on("error", (error) => options.onError(this.name, error));
    const seen = (sent: { position: number; epoch: number; seq: bigint }) => this.#noteMeter(sent);
    this.#client.on("sent", seen);
  }

  start(): void {
    this.#client.start();
    this.#done = play(this.device, this.#counted(this.#source()), { signal: this.#stop.signal }).then(() => {
      this.finished = true;
    });
    this.#done.catch((error: Error) => this.#options.onError(this.name, error));
  }

  /** Frames on disk that no receipt covers yet. */
  get pending(): number {
    return this.device.journal.pendingFrames;
  }

  /**
   * Sends the newest frame with one bit of its payload turned over, as somebody would who stole the machine's login.
   * The broker lets one connection a login, so the machine itself is pushed off and comes back.
   */
  async publishForged(): Promise<void> {
    const { broker } = this.#options;
    const client = await mqtt.connectAsync(broker.url, {
      protocolVersion: 5,
      clientId: deviceUser(this.id),
      username: deviceUser(this.id),
      password: broker.password,
      reconnectPeriod: 0,
    });
    await client.publishAsync(frameTopic(this.id, "telemetry"), Buffer.from(forged(this.#newest)), {
      qos: 1,
    });
    await client.endAsync();
  }

  /** Ends the data; what was made is still sent until `close`. */
  async halt(): Promise<void> {
    this.#stop.abort();
    await this.#done.catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.halt();
    await this.#client.stop();
    this.device.close();
  }

  #source(): AsyncIterable<MachineFrame> | Iterable<MachineFrame> {
    const { data, speed, index } = this.#options;
    const meterStart = this.#lastMeter();
    if (data !== undefined) return replayCsv(data, { ...REPLAYED, speed, meterStart });
    return simulate({ ...SIMULATED, seed: index, meterStart });
  }

  async *#counted(frames: AsyncIterable<MachineFrame> | Iterable<MachineFrame>) {
    for await (const frame of frames) {
      // Before the frame itself, so that the counter never falls, whenever the plant is killed.
      if (frame.kind === "meter") writeFileSync(this.#meterFile, `${frame.meter.value}\n`);
      yield frame;
      this.made += 1;
    }
  }

  get #meterFile(): string {
    return join(this.#options.state, "machines", `${this.#options.index}.meter`);
  }

  #lastMeter(): bigint {
    return existsSync(this.#meterFile) ? BigInt(readFileSync(this.#meterFile, "utf8").trim()) : 0n;
  }

  #noteMeter({ position, epoch, seq }: { position: number; epoch: number; seq: bigint }): void {
    this.#newest = this.device.journal.read(position).bytes;
    const frame = decodeFrame(this.#newest);
    try {
      this.meters.push({ epoch, seq, value: readMeter(frame).value });
    } catch {
      // Not a meter frame: nothing to settle on.
    }
  }
}

/** A frame with the last bit of its payload turned over, everything else as it was. */
export function forged(frame: Uint8Array): Uint8Array {
  const copy = new Uint8Array(frame);
  const { payload, bytes } = decodeFrame(copy);
  const last = payload.byteOffset - bytes.byteOffset + payload.length - 1;
  copy[last] = copy[last]! ^ 1;
  return copy;
}
