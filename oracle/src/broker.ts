import { createHash, timingSafeEqual } from "node:crypto";
import { EventEmitter } from "node:events";
import { createServer, type Server } from "node:net";
import { deviceUser, receiptTopic } from "@tenon/sdk/device";
import { TenonError } from "@tenon/sdk/errors";
import { Aedes, type AuthenticateError, type Client } from "aedes";
import { limitQueues, type QueueLimits } from "./broker-queues.js";

/** One MQTT login. */
export interface Credential {
  username: string;
  password: string;
}

export interface EmbeddedBrokerOptions {
  /** The oracle's login: reads every device's frames and writes receipts. */
  oracle: Credential;
  /** 0, the default, takes a free port. */
  port?: number;
  /** A loopback address; default 127.0.0.1. This broker has no TLS and never listens elsewhere. */
  host?: string;
  /** Messages kept for one client that does not take them, at most. Default 4,096. */
  queueLimit?: number;
  /** Told about everything the broker refuses. */
  onRefused?: (refusal: Refusal) => void;
}

/** Something a client asked for and did not get. */
export interface Refusal {
  client: string;
  action: "connect" | "publish" | "subscribe";
  /** The topic, or the user name of a connection. */
  subject: string;
  reason: string;
}

/** Well above a frame, so that the oracle sees, keeps and counts frames that are slightly too large. */
const MAX_PACKET = 128 * 1024;
const SESSION_SECONDS = 3_600;
/** A client that takes nothing for so long is dropped; its messages wait in its session. */
const DRAIN_MS = 10_000;

/**
 * An MQTT 5 broker inside the process, for development and tests: real sessions, QoS 1 and the same topic rules as
 * docs/broker.md gives Mosquitto, but kept in memory. When it stops, its queues are gone; devices send again from their
 * journals, so no frame is lost. Not for production: see "What the embedded broker is not" in docs/broker.md.
 *
 * - A device logs in as its id, with the same client id; it publishes below `tenon/v1/<id>/up/` and subscribes to its
 *   own receipts. The oracle subscribes below `tenon/v1/+/up/` and publishes receipts. All else, and every retained
 *   message, is refused.
 * - A device whose frames the oracle does not take is refused once `queueLimit` of them wait, and keeps them itself.
 */
export class EmbeddedBroker {
  readonly port: number;
  readonly url: string;
  readonly #aedes: Aedes;
  readonly #server: Server;
  readonly #accounts: Map<string, Buffer>;
  readonly #queues: QueueLimits;

  private constructor(
    aedes: Aedes,
    server: Server,
    host: string,
    accounts: Map<string, Buffer>,
    queues: QueueLimits,
  ) {
    const address = server.address();
    this.port = typeof address === "object" && address !== null ? address.port : 0;
    this.url = `mqtt://${host.includes(":") ? `[${host}]` : host}:${this.port}`;
    this.#aedes = aedes;
    this.#server = server;
    this.#accounts = accounts;
    this.#queues = queues;
  }

  /** @throws TenonError `BrokerAddressRefused` (not loopback), `BrokerPortTaken`, `BrokerStartFailed`. */
  static async start(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
    const host = options.host ?? "127.0.0.1";
    if (!/^(127\.\d+\.\d+\.\d+|::1)$/.test(host)) throw addressRefused(host);
    const accounts = new Map([[options.oracle.username, digest(options.oracle.password)]]);
    const aedes = await Aedes.createBroker({
      // No common limit on deliveries under way: one client that stopped reading would hold up all others.
      concurrency: 0,
      maximumPacketSize: MAX_PACKET,
      sessionExpiryIntervalLimit: SESSION_SECONDS,
      drainTimeout: DRAIN_MS,
    });
    const queues = limitQueues(aedes, options.queueLimit ?? 4_096);
    applyRules(aedes, accounts, queues, options);
    const server = createServer((socket) => void aedes.handle(socket));
    try {
      await listen(server, options.port ?? 0, host);
    } catch (cause) {
      await closeBroker(aedes);
      throw startFailed(options.port ?? 0, host, cause as NodeJS.ErrnoException);
    }
    return new EmbeddedBroker(aedes, server, host, accounts, queues);
  }

  /** Lets a device in, or changes its password. */
  addDevice(device: `0x${string}`, password: string): void {
    this.#accounts.set(deviceUser(device), digest(password));
  }

  /** Shuts a device out from its next connection on. */
  removeDevice(device: `0x${string}`): void {
    this.#accounts.delete(deviceUser(device));
  }

  /** Clients connected at the moment. */
  get connected(): number {
    return this.#aedes.connectedClients;
  }

  /** Messages waiting for clients that have not acknowledged them, and those dropped because too many waited. */
  get queued(): { messages: number; dropped: number } {
    return { messages: this.#queues.total(), dropped: this.#queues.dropped };
  }

  /** Disconnects every client and stops listening. What was queued is gone. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await closeBroker(this.#aedes);
    await closed;
  }
}

function applyRules(
  aedes: Aedes,
  accounts: Map<string, Buffer>,
  queues: QueueLimits,
  { oracle, onRefused }: EmbeddedBrokerOptions,
): void {
  const users = new WeakMap<Client, string>();
  const refuse = (client: Client | null, action: Refusal["action"], subject: string, reason: string) => {
    onRefused?.({ client: client?.id ?? "", action, subject, reason });
    return new Error(reason);
  };

  aedes.authenticate = (client, username = "", password, done) => {
    const reason = loginFault(accounts, oracle.username, client.id, username, password);
    if (reason !== undefined) return done(badLogin(refuse(client, "connect", username, reason)), false);
    users.set(client, username);
    done(null, true);
  };

  aedes.authorizePublish = (client, packet, done) => {
    const user = client === null ? undefined : users.get(client);
    const reason = publishFault(user, oracle.username, packet.topic, packet.retain);
    if (reason !== undefined) return done(refuse(client, "publish", packet.topic, reason));
    if (user === oracle.username) return done();
    void queues.isFull(packet.topic).then((full) => {
      done(full ? refuse(client, "publish", packet.topic, "the oracle has too many frames waiting") : null);
    }, done);
  };

  aedes.authorizeSubscribe = (client, subscription, done) => {
    const reason = subscribeFault(users.get(client), oracle.username, subscription.topic);
    if (reason === undefined) return done(null, subscription);
    refuse(client, "subscribe", subscription.topic, reason);
    done(null, null);
  };

  // Without a listener one broken connection would end the process.
  EventEmitter.prototype.on.call(aedes, "error", (error: Error) =>
    refuse(null, "connect", "", error.message),
  );
}

const DEVICE_USER = /^[0-9a-f]{64}$/;
const ORACLE_FILTER = /^tenon\/v1\/(\+|[0-9a-f]{64})\/up\/(#|\+|alarm|telemetry|backfill)$/;
const ORACLE_TOPIC = /^tenon\/v1\/[0-9a-f]{64}\/down\/receipt$/;

function loginFault(
  accounts: Map<string, Buffer>,
  oracle: string,
  clientId: string,
  username: string,
  password: Buffer | undefined,
): string | undefined {
  const expected = accounts.get(username);
  const given = digest(password ?? "");
  if (expected === undefined || !timingSafeEqual(expected, given)) return "unknown user or wrong password";
  // A client id names the session: a device must not take over another's queue.
  const own = username === oracle ? !DEVICE_USER.test(clientId) : clientId === username;
  return own ? undefined : "the client id belongs to another user";
}

function publishFault(
  user: string | undefined,
  oracle: string,
  topic: string,
  retain: boolean,
): string | undefined {
  if (retain) return "retained messages are not allowed";
  if (user === oracle) return ORACLE_TOPIC.test(topic) ? undefined : "the oracle publishes receipts only";
  if (user !== undefined && topic.startsWith(`tenon/v1/${user}/up/`)) return undefined;
  return "a device publishes below its own up/ only";
}

function subscribeFault(user: string | undefined, oracle: string, filter: string): string | undefined {
  if (user === oracle) return ORACLE_FILTER.test(filter) ? undefined : "the oracle subscribes to frames only";
  return user !== undefined && filter === receiptTopic(`0x${user}`)
    ? undefined
    : "a device subscribes to its own receipts only";
}

function badLogin(error: Error): AuthenticateError {
  return Object.assign(error, { returnCode: 4 as const });
}

function digest(password: string | Buffer): Buffer {
  return createHash("sha256").update(password).digest();
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function closeBroker(aedes: Aedes): Promise<void> {
  return new Promise((resolve) => aedes.close(() => resolve()));
}

function addressRefused(host: string): TenonError {
  return new TenonError("BrokerAddressRefused", "The embedded broker listens on loopback only", {
    args: { host },
    remedy: "For other machines run Mosquitto with TLS (docs/broker.md) and give --broker mqtts://…",
  });
}

function startFailed(port: number, host: string, cause: NodeJS.ErrnoException): TenonError {
  if (cause.code === "EADDRINUSE") {
    return new TenonError("BrokerPortTaken", "Another program listens on the broker's port", {
      args: { host, port },
      remedy: "Stop it, or choose another port; 0 takes a free one.",
      cause,
    });
  }
  return new TenonError("BrokerStartFailed", "The embedded broker could not start", {
    args: { host, port, reason: cause.code ?? cause.message },
    remedy: "Choose a port above 1023 that this user may open.",
    cause,
  });
}
