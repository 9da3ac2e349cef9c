import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { TenonError } from "@tenon/sdk/errors";
import mqtt, { type IConnackPacket, type IPublishPacket, type Packet } from "mqtt-packet";
import type { BrokerOptions } from "../options.js";

/** What a connection asks of the broker besides its address and credentials. */
export interface SessionOptions {
  clientId: string;
  /** Seconds the broker keeps the session and its messages after a disconnect; 0 starts afresh each time. */
  sessionExpiry: number;
  /** Unacknowledged messages the broker may have on the way to us. */
  receiveMaximum: number;
  onPublish(packet: IPublishPacket, connection: MqttConnection): void;
  onClose(error: Error | undefined): void;
}

/** Longest packet we take: a frame a few times too large is still recorded as a reject. */
export const MAX_PACKET = 256 * 1024;
const KEEPALIVE_SECONDS = 30;
const CONNECT_TIMEOUT_MS = 10_000;
const SESSION_TAKEN_OVER = 0x8e;
const V5 = { protocolVersion: 5 };

interface Pending {
  resolve(reasonCode: number): void;
  reject(error: Error): void;
}

/**
 * One MQTT 5 connection, as thin as the oracle needs it: publishes come out as they arrive, acknowledgements go in
 * when the caller says so, and reading stops when it says so.
 */
export class MqttConnection {
  readonly #socket: Socket;
  readonly #options: SessionOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #name: string;
  #connack: ((packet: IConnackPacket) => void) | undefined;
  #nextId = 1;
  #ping: NodeJS.Timeout | undefined;
  /** By a clock that nobody sets. */
  #heard = 0;
  #unparsed = 0;
  #closed = false;
  /** Messages of ours that the broker takes before it has acknowledged any. */
  sendMaximum = 65_535;

  private constructor(broker: BrokerOptions, options: SessionOptions) {
    this.#options = options;
    this.#name = `${broker.url} as ${options.clientId}`;
    this.#socket = openSocket(broker);
    this.#socket.setNoDelay(true);
    const parser = mqtt.parser(V5);
    parser.on("packet", (packet) => this.#onPacket(packet));
    parser.on("error", (error) => this.destroy(error));
    this.#socket.on("data", (chunk) => this.#onData(parser, chunk));
    this.#socket.on("error", (error) => this.destroy(error));
    this.#socket.on("close", () => this.destroy());
  }

  /** Connects and waits for the broker's consent. @throws TenonError BrokerUnreachable, BrokerRefused */
  static async connect(broker: BrokerOptions, options: SessionOptions): Promise<MqttConnection> {
    const connection = new MqttConnection(broker, options);
    await connection.#hello(broker);
    return connection;
  }

  /** @throws TenonError BrokerRefused when the broker does not grant QoS 1. */
  async subscribe(topic: string): Promise<void> {
    const granted = await this.#request((messageId) => ({
      cmd: "subscribe",
      messageId,
      subscriptions: [{ topic, qos: 1, rh: 2 }],
    }));
    if (granted !== 1) throw refused(this.#name, `subscription to ${topic}`, granted);
  }

  /** Publishes with QoS 1 and resolves to the reason code of the acknowledgement. Rejects when the connection ends. */
  publish(topic: string, payload: Uint8Array): Promise<number> {
    const body = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    return this.#request((messageId) => ({
      cmd: "publish",
      topic,
      payload: body,
      qos: 1,
      messageId,
      dup: false,
      retain: false,
    }));
  }

  /** Acknowledges messages in the order given, in one write. */
  acknowledge(messageIds: readonly number[]): void {
    if (this.#closed || messageIds.length === 0) return;
    const packets = Buffer.allocUnsafe(4 * messageIds.length);
    messageIds.forEach((id, i) => {
      packets.writeUInt16BE(0x4002, 4 * i);
      packets.writeUInt16BE(id, 4 * i + 2);
    });
    this.#socket.write(packets);
  }

  /** Stops reading: the broker is held back by TCP and by Receive Maximum. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#heard = performance.now();
    this.#socket.resume();
  }

  /** Leaves in order; the session stays with the broker for its expiry. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const ended = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
    this.#socket.resume();
    this.#socket.end(mqtt.generate({ cmd: "disconnect", reasonCode: 0 }, V5));
    const timer = setTimeout(() => this.destroy(), 1_000);
    await ended;
    clearTimeout(timer);
  }

  /** Ends the connection at once: what was not acknowledged comes again. */
  destroy(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#ping);
    this.#socket.destroy();
    const reason = error ?? new Error("the connection was closed");
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
    this.#options.onClose(error);
  }

  #hello(broker: BrokerOptions): Promise<void> {
    const { clientId, sessionExpiry, receiveMaximum } = this.#options;
    const properties = {
      sessionExpiryInterval: sessionExpiry,
      receiveMaximum,
      maximumPacketSize: MAX_PACKET,
    };
    const packet: Packet = {
      cmd: "connect",
      protocolId: "MQTT",
      protocolVersion: 5,
      clientId,
      clean: sessionExpiry === 0,
      keepalive: KEEPALIVE_SECONDS,
      properties,
      ...(broker.username === undefined ? {} : { username: broker.username }),
      ...(broker.password === undefined ? {} : { password: Buffer.from(broker.password) }),
    };
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.destroy(new Error("no answer")), CONNECT_TIMEOUT_MS);
      this.#pending.set(0, {
        resolve: () => undefined,
        reject: (error) => {
          clearTimeout(timer);
          reject(unreachable(this.#name, error));
        },
      });
      this.#connack = (connack) => {
        clearTimeout(timer);
        this.#pending.delete(0);
        if (connack.reasonCode === 0) {
          this.#welcome(connack);
          resolve();
        } else {
          reject(refused(this.#name, "connection", connack.reasonCode ?? -1));
          this.destroy();
        }
      };
      this.#socket.write(mqtt.generate(packet, V5));
    });
  }

  #welcome({ properties }: IConnackPacket): void {
    this.sendMaximum = properties?.receiveMaximum ?? this.sendMaximum;
    const keepalive = 1_000 * (properties?.serverKeepAlive ?? KEEPALIVE_SECONDS);
    if (keepalive === 0) return;
    this.#ping = setInterval(() => {
      const reading = !this.#socket.isPaused();
      if (reading && performance.now() - this.#heard > 1.5 * keepalive)
        this.destroy(new Error("keepalive timeout"));
      else this.#socket.write(mqtt.generate({ cmd: "pingreq" }, V5));
    }, keepalive / 2);
  }

  #request(make: (messageId: number) => Packet): Promise<number> {
    if (this.#closed) return Promise.reject(new Error("the connection was closed"));
    const messageId = this.#freeId();
    return new Promise((resolve, reject) => {
      this.#pending.set(messageId, { resolve, reject });
      this.#socket.write(mqtt.generate(make(messageId), V5));
    });
  }

  #freeId(): number {
    while (this.#pending.has(this.#nextId)) this.#nextId = (this.#nextId % 65_535) + 1;
    const id = this.#nextId;
    this.#nextId = (id % 65_535) + 1;
    return id;
  }

  #onData(parser: ReturnType<typeof mqtt.parser>, chunk: Buffer): void {
    this.#heard = performance.now();
    this.#unparsed = parser.parse(chunk);
    if (this.#unparsed > MAX_PACKET) this.destroy(new Error("the broker sent more than Maximum Packet Size"));
  }

  #onPacket(packet: Packet): void {
    if (this.#closed) return;
    if (packet.cmd === "publish") this.#options.onPublish(packet, this);
    else if (packet.cmd === "connack") this.#connack?.(packet);
    else if (packet.cmd === "puback") this.#answer(packet.messageId, packet.reasonCode ?? 0);
    else if (packet.cmd === "suback") this.#answer(packet.messageId, Number(packet.granted[0] ?? 0x80));
    else if (packet.cmd === "disconnect") this.destroy(new Error(farewell(packet.reasonCode ?? 0)));
  }

  #answer(messageId: number | undefined, reasonCode: number): void {
    const pending = this.#pending.get(messageId ?? -1);
    this.#pending.delete(messageId ?? -1);
    pending?.resolve(reasonCode);
  }
}

function farewell(reasonCode: number): string {
  if (reasonCode === SESSION_TAKEN_OVER) {
    return "another client took the session over: is a second oracle on this broker?";
  }
  return `broker said 0x${reasonCode.toString(16)}`;
}

function openSocket(broker: BrokerOptions): Socket {
  const { protocol, hostname, port } = new URL(broker.url);
  const host = hostname.replace(/^\[|\]$/g, "");
  if (protocol === "mqtt:") return connectTcp({ host, port: Number(port || 1883) });
  if (protocol === "mqtts:") {
    const ca = broker.ca === undefined ? {} : { ca: broker.ca };
    // A server name is a host name, never an address (RFC 6066); the certificate is checked against `host` either way.
    const name = isIP(host) === 0 ? { servername: host } : {};
    return connectTls({ host, port: Number(port || 8883), ...name, ...ca });
  }
  throw new TenonError("BrokerUrlInvalid", "Not the address of an MQTT broker.", {
    args: { url: broker.url },
    remedy: "Give mqtt://host:port, or mqtts://host:port for TLS.",
  });
}

function unreachable(name: string, cause: Error): TenonError {
  return new TenonError("BrokerUnreachable", "The MQTT broker does not answer.", {
    args: { broker: name, why: cause.message },
    remedy: "Check the address, the broker and, with mqtts, the certificate authority.",
    cause,
  });
}

function refused(name: string, what: string, reasonCode: number): TenonError {
  return new TenonError("BrokerRefused", "The MQTT broker refused us.", {
    args: { broker: name, what, reasonCode: `0x${reasonCode.toString(16)}` },
    remedy: "Check user, password and the topic rules of the broker.",
  });
}
