import { join } from "node:path";
import mqtt from "mqtt";
import type { Hex } from "../../../sdk/src/bytes.js";
import {
  Device,
  DeviceClient,
  type DeviceSigner,
  deviceUser,
  frameTopic,
} from "../../../sdk/src/device/index.js";
import type { DeviceKey, FrameDomain } from "../../../sdk/src/frame/index.js";
import type { Broker } from "./brokers.js";

/** The counter that machines keep: seconds that the engine has run. */
export const METER = { name: "engine", unit: "s" };
const FIRST_SECOND = 1_780_000_000n;

export const passwordOf = (device: Hex) => `password of ${device}`;

/** What a machine is given when it is commissioned. */
export interface Commissioning {
  signer: DeviceSigner;
  domain: FrameDomain;
  /** The oracle's receipt key. */
  receiptKey: DeviceKey;
  broker: Broker;
  /** Where its journal lies. */
  folder: string;
}

/** A machine: a device with its key and journal, and its line to the broker, which it opens at once. */
export class Machine {
  readonly signer: DeviceSigner;
  readonly device: Device;
  /** Every frame it made, oldest first. */
  readonly frames: Uint8Array[] = [];
  readonly #client: DeviceClient;
  #engine: NodeJS.Timeout | undefined;
  #counted = 0n;

  constructor({ signer, domain, receiptKey, broker, folder }: Commissioning) {
    this.signer = signer;
    const journal = { dir: join(folder, `journal-${deviceUser(signer.id)}`) };
    this.device = Device.open({ signer, domain, receiptKey, journal, clock: "synced" });
    this.#client = new DeviceClient({
      device: this.device,
      url: broker.deviceUrl,
      password: passwordOf(signer.id),
      resendAfterMs: 500,
      reconnectMs: { min: 50, max: 200 },
      ...(broker.tls && { tls: { ca: broker.tls.ca } }),
    });
    this.#client.start();
  }

  get id(): Hex {
    return this.signer.id;
  }

  /** Frames on disk that no receipt of the oracle covers yet. */
  get pending(): number {
    return this.device.journal.pendingFrames;
  }

  /** Makes a frame with one temperature. Returns its sequence number. */
  measure(value: number): bigint {
    return this.#made(this.device.record([{ name: "oil", unit: "Cel", value }]));
  }

  /** Makes a meter frame after so many more seconds of running. Returns its sequence number. */
  run(seconds: bigint): bigint {
    this.#counted += seconds;
    const time = FIRST_SECOND + this.#counted;
    return this.#made(this.device.recordMeter({ ...METER, value: this.#counted, time }));
  }

  /** Makes a frame every ten milliseconds until `rest`. */
  work(): void {
    this.#engine = setInterval(() => this.measure(this.frames.length), 10);
  }

  rest(): void {
    clearInterval(this.#engine);
  }

  async close(): Promise<void> {
    this.rest();
    await this.#client.stop();
    this.device.close();
  }

  #made(bytes: Uint8Array): bigint {
    this.frames.push(bytes);
    return this.device.journal.next().seq - 1n;
  }
}

/** Publishes bytes as they are with a device's own login, as somebody would who has taken it. */
export async function publish(broker: Broker, device: Hex, messages: Uint8Array[]): Promise<void> {
  const client = await mqtt.connectAsync(broker.deviceUrl, {
    ...(broker.tls && { ca: broker.tls.ca }),
    protocolVersion: 5,
    clientId: deviceUser(device),
    username: deviceUser(device),
    password: passwordOf(device),
    reconnectPeriod: 0,
  });
  for (const bytes of messages) {
    await client.publishAsync(frameTopic(device, "telemetry"), Buffer.from(bytes), { qos: 1 });
  }
  await client.endAsync();
}
