import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { type Device, receiptTopic } from "../../sdk/src/device/index.js";
import { decodeFrame } from "../../sdk/src/frame/index.js";
import type { ReceiptSigner } from "./support.js";

/** Receives frames of one device and answers with receipts over the contiguous ones, as the oracle does. */
export class Receiver {
  readonly frames: { lane: string; seq: bigint; bytes: Uint8Array }[] = [];
  /** True: takes frames and answers nothing. */
  silent = false;
  readonly #bySeq = new Map<bigint, Uint8Array>();
  readonly #client: MqttClient;

  private constructor(client: MqttClient, device: Device, signer: ReceiptSigner) {
    this.#client = client;
    client.on("message", (topic, payload) => {
      const bytes = new Uint8Array(payload);
      const { seq } = decodeFrame(bytes).header;
      this.frames.push({ lane: topic.split("/").at(-1)!, seq, bytes });
      this.#bySeq.set(seq, bytes);
      if (!this.silent) this.answer(device, signer);
    });
  }

  static async start(
    url: string,
    device: Device,
    signer: ReceiptSigner,
    options: IClientOptions = {},
  ): Promise<Receiver> {
    const login = { clientId: "tenon-oracle", username: "oracle", password: "oracle-secret" };
    const client = await mqtt.connectAsync(url, { protocolVersion: 5, ...login, ...options }, false);
    client.on("error", () => undefined);
    const receiver = new Receiver(client, device, signer);
    await client.subscribeAsync("tenon/v1/+/up/#", { qos: 1 });
    return receiver;
  }

  answer(device: Device, signer: ReceiptSigner): void {
    let seq = 0n;
    while (this.#bySeq.has(seq + 1n)) seq++;
    if (seq === 0n) return;
    const receipt = signer.receipt(this.#bySeq.get(seq)!);
    this.#client.publish(receiptTopic(device.id), Buffer.from(receipt), { qos: 1 });
  }

  numbers(): number[] {
    return this.frames.map((frame) => Number(frame.seq));
  }

  async stop(): Promise<void> {
    await this.#client.endAsync(true);
  }
}
