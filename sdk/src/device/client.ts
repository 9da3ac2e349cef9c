import { EventEmitter } from "node:events";
import mqtt, { type IClientOptions, type IConnackPacket, type MqttClient } from "mqtt";
import { TenonError } from "../errors.js";
import type { AcceptedReceipt, Device } from "./device.js";
import type { JournalFrame } from "./segment.js";
import { deviceUser, frameTopic, type Lane, receiptTopic } from "./topics.js";

export interface DeviceClientOptions {
  device: Device;
  /** `mqtt://host:port` or, in production, `mqtts://host:port`. The user name is always the device id. */
  url: string;
  /** Broker password; leave out when the TLS client certificate is the credential. */
  password?: string;
  /** PEM texts: `ca` for the broker's certificate, `cert` and `key` for the device's own. */
  tls?: { ca?: string; cert?: string; key?: string };
  /** Frames sent and not yet receipted, at most; memory is bounded by this. Default 64. */
  window?: number;
  /** Without progress for this long, what has no receipt is sent again; doubles up to tenfold. Default 10 s. */
  resendAfterMs?: number;
  /** Telemetry older than this when it is sent goes on the backfill lane. Default 60 s. */
  backfillAfterMs?: number;
  /** Shortest and longest pause between connection attempts. Default 0.5 s and 30 s. */
  reconnectMs?: { min: number; max: number };
}

/** A frame handed to the broker. */
export interface SentFrame {
  lane: Lane;
  epoch: number;
  seq: bigint;
  /** Place in the journal. */
  position: number;
  bytes: number;
}

export interface DeviceClientEvents {
  connected: [];
  /** The connection is gone; the client tries again by itself until {@link DeviceClient.stop}. */
  disconnected: [];
  sent: [SentFrame];
  resent: [SentFrame];
  receipted: [AcceptedReceipt];
  /** Nothing is lost by any of these: what was not receipted is sent again. */
  error: [Error];
}

/** How long the broker keeps receipts for a device that is away, seconds. */
const SESSION_SECONDS = 86_400;

/**
 * Carries a device's frames to a broker (MQTT 5, QoS 1, persistent session) until the oracle's receipts cover them.
 *
 * Frames go in the order they were made; only an alarm overtakes. The broker's acknowledgement frees nothing: after a
 * reconnect, and when no receipt comes for `resendAfterMs`, everything without a receipt is sent again, from the
 * journal. At most `window` frames are under way, so a month offline uses no more memory than a minute.
 */
export class DeviceClient extends EventEmitter<DeviceClientEvents> {
  readonly #device: Device;
  readonly #url: string;
  readonly #mqttOptions: IClientOptions;
  readonly #window: number;
  readonly #resendAfterMs: number;
  readonly #backfillAfterMs: number;
  readonly #reconnectMs: { min: number; max: number };

  #client: MqttClient | undefined;
  #online = false;
  #stopped = true;
  /** Next position to look at when sending in order. */
  #cursor = 0;
  /** Sent over this connection and not receipted: position → whether the broker has acknowledged it. */
  readonly #underWay = new Map<number, boolean>();
  /** Sent at least once by this client and not receipted. */
  readonly #sentBefore = new Set<number>();
  #unacknowledged = 0;
  #receiveMaximum = 65_535;
  #resendDelay: number;
  #resendTimer: NodeJS.Timeout | undefined;
  #reconnectDelay: number;
  #reconnectTimer: NodeJS.Timeout | undefined;

  constructor(options: DeviceClientOptions) {
    super();
    this.#device = options.device;
    this.#url = options.url;
    this.#window = options.window ?? 64;
    this.#resendAfterMs = options.resendAfterMs ?? 10_000;
    this.#backfillAfterMs = options.backfillAfterMs ?? 60_000;
    this.#reconnectMs = options.reconnectMs ?? { min: 500, max: 30_000 };
    this.#resendDelay = this.#resendAfterMs;
    this.#reconnectDelay = this.#reconnectMs.min;
    this.#mqttOptions = connectOptions(options);
  }

  /** True while the broker has accepted the connection and the receipt topic. */
  get online(): boolean {
    return this.#online;
  }

  /** Starts connecting; returns at once. */
  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#device.onDurable((lane, position) => this.#recorded(lane, position));
    this.#connect();
  }

  /** Disconnects and stops trying. The device can go on recording; nothing is lost. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#device.onDurable(undefined);
    clearTimeout(this.#reconnectTimer);
    clearTimeout(this.#resendTimer);
    const client = this.#client;
    this.#leave();
    await client?.endAsync(true);
  }

  #connect(): void {
    // A client of its own for each connection: the journal, not mqtt.js, remembers what must be sent again.
    const client = mqtt.connect(this.#url, this.#mqttOptions);
    this.#client = client;
    client.on("connect", (connack) => void this.#connected(client, connack));
    client.on("message", (_topic, payload) => this.#receipt(payload));
    client.on("error", (cause) => this.#report("BrokerRefused", "The broker cannot be used", cause));
    client.on("close", () => this.#closed(client));
  }

  async #connected(client: MqttClient, connack: IConnackPacket): Promise<void> {
    try {
      await client.subscribeAsync(receiptTopic(this.#device.id), { qos: 1 });
    } catch (cause) {
      this.#report("ReceiptTopicRefused", "The broker does not let the device read its receipts", cause);
      client.end(true);
      return;
    }
    if (client !== this.#client || this.#stopped) return;
    this.#receiveMaximum = connack.properties?.receiveMaximum ?? 65_535;
    this.#reconnectDelay = this.#reconnectMs.min;
    this.#resendDelay = this.#resendAfterMs;
    this.#online = true;
    this.emit("connected");
    this.#pump();
  }

  #closed(client: MqttClient): void {
    if (client !== this.#client) return;
    client.end(true);
    const wasOnline = this.#online;
    this.#leave();
    if (wasOnline) this.emit("disconnected");
    if (this.#stopped) return;
    const pause = this.#reconnectDelay * (0.5 + Math.random());
    this.#reconnectDelay = Math.min(2 * this.#reconnectDelay, this.#reconnectMs.max);
    this.#reconnectTimer = setTimeout(() => this.#connect(), pause);
  }

  #leave(): void {
    this.#client = undefined;
    this.#online = false;
    this.#underWay.clear();
    this.#unacknowledged = 0;
    this.#cursor = 0;
    clearTimeout(this.#resendTimer);
    this.#resendTimer = undefined;
  }

  /** An alarm overtakes what waits, and may go beyond the window by as much again. */
  #recorded(lane: Lane, position: number): void {
    if (!this.#online) return;
    const room = this.#underWay.size < 2 * this.#window && this.#mayPublish();
    if (lane === "alarm" && room && !this.#underWay.has(position)) this.#publish(position);
    this.#pump();
  }

  #mayPublish(): boolean {
    return this.#unacknowledged < this.#receiveMaximum;
  }

  /** Sends what comes next, as far as window, broker and disk allow. */
  #pump(): void {
    if (!this.#online) return;
    this.#sendInOrder();
    if (this.#resendTimer === undefined && this.#underWay.size > 0) this.#watchProgress();
  }

  #sendInOrder(): void {
    while (this.#underWay.size < this.#window && this.#mayPublish()) {
      const position = this.#device.journal.pendingFrom(this.#cursor);
      if (position === undefined || position >= this.#device.journal.durable) break;
      if (!this.#underWay.has(position) && !this.#publish(position)) break;
      this.#cursor = position + 1;
    }
  }

  #publish(position: number): boolean {
    const client = this.#client!;
    let frame: JournalFrame;
    try {
      frame = this.#device.journal.read(position);
    } catch (error) {
      this.emit("error", error as Error);
      return false;
    }
    const old = Date.now() - frame.recordedAt > this.#backfillAfterMs;
    const lane = frame.lane === "telemetry" && old ? "backfill" : frame.lane;
    this.#underWay.set(position, false);
    this.#unacknowledged++;
    client.publish(frameTopic(this.#device.id, lane), Buffer.from(frame.bytes), { qos: 1 }, (error) => {
      if (client === this.#client) this.#acknowledged(position, error ?? undefined);
    });
    const event = this.#sentBefore.has(position) ? "resent" : "sent";
    this.#sentBefore.add(position);
    this.emit(event, { lane, epoch: frame.epoch, seq: frame.seq, position, bytes: frame.bytes.length });
    return true;
  }

  #acknowledged(position: number, error: Error | undefined): void {
    this.#unacknowledged--;
    if (this.#underWay.has(position)) this.#underWay.set(position, true);
    if (error !== undefined) this.#report("PublishRefused", "The broker refused a frame; it stays", error);
    this.#pump();
  }

  #receipt(payload: Buffer): void {
    let accepted: AcceptedReceipt;
    try {
      accepted = this.#device.acceptReceipt(new Uint8Array(payload));
    } catch (error) {
      this.emit("error", error as Error);
      return;
    }
    if (accepted.covered === 0) return;
    for (const position of this.#sentBefore) {
      if (this.#device.journal.isPending(position)) continue;
      this.#sentBefore.delete(position);
      this.#underWay.delete(position);
    }
    clearTimeout(this.#resendTimer);
    this.#resendTimer = undefined;
    this.#resendDelay = this.#resendAfterMs;
    this.emit("receipted", accepted);
    this.#pump();
  }

  #watchProgress(): void {
    this.#resendTimer = setTimeout(() => {
      this.#resendTimer = undefined;
      this.#resendDelay = Math.min(2 * this.#resendDelay, 10 * this.#resendAfterMs);
      for (const [position, acknowledged] of this.#underWay)
        if (acknowledged) this.#underWay.delete(position);
      this.#cursor = 0;
      this.#pump();
    }, this.#resendDelay);
  }

  #report(code: string, message: string, cause: unknown): void {
    if (this.#stopped) return;
    const reason =
      cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : String(cause);
    this.emit("error", new TenonError(code, message, { args: { url: this.#url, reason }, cause }));
  }
}

function connectOptions({ device, password, tls }: DeviceClientOptions): IClientOptions {
  return {
    ...tls,
    protocolVersion: 5,
    clientId: deviceUser(device.id),
    username: deviceUser(device.id),
    ...(password === undefined ? {} : { password }),
    clean: false,
    properties: { sessionExpiryInterval: SESSION_SECONDS, receiveMaximum: 16 },
    reconnectPeriod: 0,
    connectTimeout: 10_000,
    keepalive: 30,
    resubscribe: false,
  };
}
