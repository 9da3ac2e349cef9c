import type { KeyObject } from "node:crypto";
import { encodeReceipt, receiptAad, signerOf } from "@tenon/sdk/frame/index";
import type { BrokerOptions, Logger } from "../options.js";
import type { Head } from "../state/tracker.js";
import { MqttConnection } from "./mqtt.js";

/** Receipts of one device are at least this far apart: a later one covers what an earlier one would have said. */
const INTERVAL_MS = 20;
const IN_FLIGHT = 256;
const RETRY_MS = 1_000;

/**
 * Sends receipts: for each touched epoch of a device the contiguous head as it is when the receipt is signed. Only
 * the latest is ever waiting, so the memory is bounded by the devices; a receipt that is lost is made again when the
 * device sends a frame again.
 */
export class ReceiptOutbox {
  readonly #broker: BrokerOptions;
  readonly #logger: Logger;
  readonly #aad: Uint8Array;
  readonly #sign: (bytes: Uint8Array) => Uint8Array;
  readonly #head: (num: number, epoch: number) => Head | undefined;
  readonly #due = new Map<string, { num: number; epoch: number }>();
  #connection: MqttConnection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #inFlight = 0;
  #connecting = false;
  /** The log has why there is no connection. */
  #told = false;
  #wanted = false;
  /** Receipts the broker took. */
  sent = 0;

  /** @param head The durable head of an epoch of a device. */
  constructor(
    broker: BrokerOptions,
    domain: { chainId: bigint; registry: string },
    key: KeyObject,
    head: (num: number, epoch: number) => Head | undefined,
    logger: Logger,
  ) {
    this.#broker = broker;
    this.#logger = logger;
    this.#aad = receiptAad(domain);
    this.#sign = signerOf(key);
    this.#head = head;
  }

  /** Receipts not handed to the broker yet. */
  get waiting(): number {
    return this.#due.size + this.#inFlight;
  }

  start(): void {
    this.#wanted = true;
    void this.#connect();
  }

  /** Asks for a receipt: call it only for what is durable. */
  mark(num: number, epoch: number): void {
    this.#due.set(`${num}:${epoch}`, { num, epoch });
    this.#schedule(INTERVAL_MS);
  }

  /** Waits until the broker has taken everything, or until the time is up. */
  async close(timeoutMs: number): Promise<void> {
    const until = performance.now() + timeoutMs;
    while (this.#connection !== undefined && this.waiting > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    this.#wanted = false;
    clearTimeout(this.#timer);
    await this.#connection?.close();
  }

  #schedule(delay: number): void {
    if (!this.#wanted) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#connection === undefined) void this.#connect();
      else this.#flush(this.#connection);
    }, delay);
  }

  async #connect(): Promise<void> {
    if (this.#connecting) return;
    this.#connecting = true;
    try {
      const connection = await MqttConnection.connect(this.#broker, {
        clientId: `${this.#broker.clientId ?? "tenon-oracle"}-receipts`,
        sessionExpiry: 0,
        receiveMaximum: 1,
        onPublish: () => undefined,
        onClose: () => {
          this.#connection = undefined;
          this.#schedule(RETRY_MS);
        },
      });
      // Closed meanwhile.
      if (!this.#wanted) return connection.destroy();
      this.#connection = connection;
      this.#told = false;
      this.#schedule(0);
    } catch (error) {
      if (!this.#told) this.#logger.warn({ why: String(error) }, "no connection for receipts");
      this.#told = true;
      this.#schedule(RETRY_MS);
    } finally {
      this.#connecting = false;
    }
  }

  #flush(connection: MqttConnection): void {
    const most = Math.min(IN_FLIGHT, connection.sendMaximum);
    for (const [key, { num, epoch }] of this.#due) {
      if (this.#inFlight >= most) return;
      this.#due.delete(key);
      const head = this.#head(num, epoch);
      // Until the first frame of an epoch has come there is nothing to confirm.
      if (head !== undefined && head.contiguous > 0n) void this.#send(connection, num, head);
    }
  }

  async #send(connection: MqttConnection, num: number, head: Head): Promise<void> {
    this.#inFlight++;
    try {
      const receipt = {
        device: head.device,
        epoch: head.epoch,
        seqUpTo: head.contiguous,
        headHash: head.hash,
        logIndex: BigInt(head.headIndex),
        receivedAt: BigInt(head.headAt),
      };
      const topic = `tenon/v1/${head.device.slice(2)}/down/receipt`;
      const code = await connection.publish(topic, encodeReceipt(receipt, this.#aad, this.#sign));
      if (code < 0x80) this.sent++;
      else this.#logger.warn({ device: head.device, code }, "the broker refused a receipt");
    } catch (error) {
      this.#logger.warn({ device: head.device, why: String(error) }, "a receipt will be sent again");
      this.#due.set(`${num}:${head.epoch}`, { num, epoch: head.epoch });
    } finally {
      this.#inFlight--;
    }
    if (this.#due.size > 0) this.#schedule(0);
  }
}
