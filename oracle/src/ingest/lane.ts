import type { IPublishPacket } from "mqtt-packet";
import { failpoint } from "../failpoint.js";
import type { BrokerOptions, Logger } from "../options.js";
import type { Lane } from "../state/types.js";
import { MqttConnection } from "./mqtt.js";

/** A message as it came from the broker, not yet judged. */
export interface Incoming {
  lane: Lane;
  topic: string;
  raw: Uint8Array;
  /** Milliseconds since 1970. */
  receivedAt: number;
  /** Packet id to acknowledge on `connection`; undefined for QoS 0. */
  messageId: number | undefined;
  connection: MqttConnection;
}

/** The broker keeps a lane's session a week. */
const SESSION_SECONDS = 7 * 24 * 3600;
/** Messages of a lane waiting in memory; beyond, reading stops. */
const QUEUE_BYTES = 16 << 20;
/** A connection that lasted so long was well. */
const WELL_MS = 5_000;
const BACKOFF_MS = [100, 200, 500, 1_000, 2_000, 5_000];

/** One lane's connection to the broker, kept up, and the messages that wait for the next commit. */
export class LaneConsumer {
  readonly lane: Lane;
  readonly #broker: BrokerOptions;
  readonly #receiveMaximum: number;
  readonly #logger: Logger;
  readonly #onMessage: () => void;
  #queue: Incoming[] = [];
  #bytes = 0;
  #connection: MqttConnection | undefined;
  #wanted = false;
  /** Never two at once: they would have one client id, and each would end the other. */
  #connecting = false;
  #failures = 0;
  #upSince = Number.POSITIVE_INFINITY;
  #retry: NodeJS.Timeout | undefined;
  /** Why the lane has no connection; undefined when it has one. */
  down: string | undefined = "not connected yet";

  constructor(
    lane: Lane,
    broker: BrokerOptions,
    receiveMaximum: number,
    logger: Logger,
    onMessage: () => void,
  ) {
    this.lane = lane;
    this.#broker = broker;
    this.#receiveMaximum = receiveMaximum;
    this.#logger = logger;
    this.#onMessage = onMessage;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Connects and stays connected until `drop` or `close`. */
  start(): void {
    this.#wanted = true;
    if (!this.#connecting && this.#connection === undefined) void this.#connect();
  }

  /** Up to `count` messages in arrival order. */
  take(count: number): Incoming[] {
    const taken = this.#queue.splice(0, count);
    for (const { raw } of taken) this.#bytes -= raw.length;
    if (this.#wanted && this.#bytes < QUEUE_BYTES) this.#connection?.resume();
    return taken;
  }

  /** Takes no more messages; those that wait can still be committed and acknowledged. */
  pause(): void {
    this.#wanted = false;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#connection?.pause();
  }

  /** Ends the connection and forgets what waits: the broker sends it again. */
  drop(): void {
    this.pause();
    this.#connection?.destroy();
    this.#connection = undefined;
    this.#forget();
  }

  async close(): Promise<void> {
    this.pause();
    await this.#connection?.close();
    this.#forget();
  }

  #forget(): void {
    this.#queue = [];
    this.#bytes = 0;
  }

  async #connect(): Promise<void> {
    this.#connecting = true;
    try {
      const connection = await MqttConnection.connect(this.#broker, {
        clientId: `${this.#broker.clientId ?? "tenon-oracle"}-${this.lane}`,
        sessionExpiry: SESSION_SECONDS,
        receiveMaximum: this.#receiveMaximum,
        onPublish: (packet, from) => this.#onPublish(packet, from),
        onClose: (error) => this.#onClose(error),
      });
      // Dropped or closed meanwhile.
      if (!this.#wanted) return connection.destroy();
      this.#connection = connection;
      await connection.subscribe(`tenon/v1/+/up/${this.lane}`);
      this.#upSince = performance.now();
      this.down = undefined;
      this.#logger.info({ lane: this.lane, broker: this.#broker.url }, "lane connected");
      if (!this.#wanted) connection.pause();
    } catch (error) {
      this.#connection?.destroy();
      this.down = firstLine(error);
      this.#schedule();
    } finally {
      this.#connecting = false;
    }
  }

  #onPublish(packet: IPublishPacket, connection: MqttConnection): void {
    failpoint("receive");
    const raw = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
    this.#queue.push({
      lane: this.lane,
      topic: packet.topic,
      raw,
      receivedAt: Date.now(),
      messageId: packet.qos === 0 ? undefined : packet.messageId,
      connection,
    });
    this.#bytes += raw.length;
    if (this.#bytes >= QUEUE_BYTES) connection.pause();
    this.#onMessage();
  }

  #onClose(error: Error | undefined): void {
    this.#connection = undefined;
    // Two oracles on one broker throw each other out: that must not become a race.
    if (performance.now() - this.#upSince > WELL_MS) this.#failures = 0;
    this.#upSince = Number.POSITIVE_INFINITY;
    this.down = error === undefined ? "the broker closed the connection" : firstLine(error);
    // Messages that were not taken yet cannot be acknowledged any more: they come again.
    this.#forget();
    this.#schedule();
  }

  #schedule(): void {
    if (!this.#wanted || this.#retry !== undefined) return;
    const delay = BACKOFF_MS[Math.min(this.#failures++, BACKOFF_MS.length - 1)]! * (0.5 + Math.random());
    this.#logger.warn({ lane: this.lane, why: this.down, retryMs: Math.round(delay) }, "lane disconnected");
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.start();
    }, delay);
  }
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n")[0]!;
}
