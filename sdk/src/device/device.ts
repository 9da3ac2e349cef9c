import { hash } from "node:crypto";
import { equalBytes, type Hex } from "../bytes.js";
import { TenonError } from "../errors.js";
import {
  type Beacon,
  type Clock,
  CONTENT_SENML,
  type DeviceKey,
  encodeFrame,
  encodeSenml,
  type FrameDomain,
  frameAad,
  importDeviceKey,
  type Meter,
  meterPayload,
  receiptAad,
  type SenmlRecord,
  verifyReceipt,
} from "../frame/index.js";
import { FrameJournal, type JournalOptions } from "./journal.js";
import type { FrameSigner } from "./key.js";
import type { Lane } from "./topics.js";

export interface DeviceOptions {
  signer: FrameSigner;
  /** The deployment the frames are for; signed into every frame. */
  domain: FrameDomain;
  /** The oracle's receipt key. Only its receipts make the device forget a frame. */
  receiptKey: DeviceKey;
  journal: Omit<JournalOptions, "device">;
  /** What the device's clock is worth. Default `free-running`; `unset` sends no time. */
  clock?: Clock;
}

export interface RecordOptions {
  /** Default `telemetry`. */
  lane?: Lane;
  /** The newest anchor the device has seen, if any: proves that the frame is not older. */
  beacon?: Beacon;
}

/** A frame the device has made. */
export interface RecordedFrame {
  epoch: number;
  seq: bigint;
  hash: Uint8Array;
  bytes: Uint8Array;
}

/** What a receipt did: how many frames it freed, none when an earlier one covered them. */
export interface AcceptedReceipt {
  epoch: number;
  seqUpTo: bigint;
  covered: number;
}

/**
 * A device: its key, its chain of signed frames and the journal that remembers them. It needs no network;
 * {@link DeviceClient} carries its frames to a broker.
 */
export class Device {
  readonly id: Hex;
  readonly journal: FrameJournal;
  #signer: FrameSigner;
  #held = false;
  readonly #aad: Uint8Array;
  readonly #receiptAad: Uint8Array;
  readonly #receiptKey;
  readonly #clock: Clock;
  #onDurable: ((lane: Lane, position: number) => void) | undefined;

  private constructor(options: DeviceOptions, journal: FrameJournal) {
    this.id = options.signer.id;
    this.journal = journal;
    this.#signer = options.signer;
    this.#aad = frameAad(options.domain);
    this.#receiptAad = receiptAad(options.domain);
    this.#receiptKey = importDeviceKey(options.receiptKey);
    this.#clock = options.clock ?? "free-running";
  }

  /** Opens the device's journal; see {@link FrameJournal.open} for the errors. */
  static open(options: DeviceOptions): Device {
    const journal = FrameJournal.open({ ...options.journal, device: options.signer.id });
    return new Device(options, journal);
  }

  /**
   * Signs one frame of readings and writes it to the journal. From then on it will be sent, in order, until the
   * oracle's receipt covers it; a {@link DeviceClient} sends it once it is on disk.
   * @returns The frame's bytes. Who sends them without the client calls {@link flush} first.
   * @throws FrameError when the readings do not fit a frame, TenonError `JournalFull` or another of the journal's;
   * in each case nothing is recorded and no sequence number is used.
   */
  record(readings: readonly SenmlRecord[], options: RecordOptions = {}): Uint8Array {
    return this.#record(encodeSenml(readings), options).bytes;
  }

  /**
   * Signs one meter frame: a single whole number a contract can read. Meters belong to one counter each and must
   * never fall; the device does not check that.
   */
  recordMeter(meter: Meter, options: RecordOptions = {}): Uint8Array {
    return this.#record(meterPayload(meter), options).bytes;
  }

  /**
   * Checks a receipt and frees the frames it covers.
   * @throws FrameError or TenonError `ReceiptSignatureInvalid` when it is not the oracle's, `ReceiptForeign` when it
   * is another device's, `ReceiptHeadUnknown` when it speaks of a frame this device does not know (frames stay).
   */
  acceptReceipt(bytes: Uint8Array): AcceptedReceipt {
    const { device, epoch, seqUpTo, headHash } = verifyReceipt(bytes, this.#receiptAad, this.#receiptKey);
    if (device !== this.id) {
      throw new TenonError("ReceiptForeign", "The receipt is another device's", {
        args: { device: this.id, receiptFor: device },
        remedy: "Check the broker's topic rules: a device sees its own receipts only.",
      });
    }
    this.#refuseUnknown(epoch, seqUpTo, headHash);
    return { epoch, seqUpTo, covered: this.journal.cover(epoch, seqUpTo, new Uint8Array(bytes)) };
  }

  /**
   * Makes no more frames until {@link goOn}: from the consent to a new key until the registry has it, a frame would be of a
   * key about to end. `record` throws `DeviceHeld` meanwhile.
   * @throws TenonError `FramesPending` while a frame has no receipt: the oracle would refuse it after the change.
   */
  hold(): void {
    const { pendingFrames } = this.journal;
    if (pendingFrames > 0) {
      throw new TenonError("FramesPending", "Frames of the present key have no receipt yet", {
        args: { device: this.id, pendingFrames },
        remedy: "Stay connected until every frame has its receipt, then change the key.",
      });
    }
    this.#held = true;
  }

  /**
   * Ends a hold. `signer` is the key that is in force now (the old one, when the rotation did not come about); `epoch`,
   * when the registry began a new one, makes the journal begin it as well.
   */
  goOn(change: { signer?: FrameSigner; epoch?: number } = {}): void {
    const { signer, epoch } = change;
    if (signer !== undefined && signer.id !== this.id) {
      throw new TenonError("DeviceKeyForeign", "The key is another device's", {
        args: { device: this.id, keyOf: signer.id },
        remedy: "Give the device's own key; prepareNextKey makes one for it.",
      });
    }
    if (epoch !== undefined) this.beginEpoch(epoch);
    if (signer !== undefined) this.#signer = signer;
    this.#held = false;
  }

  /**
   * Begins a new epoch, because the registry did: after the engagement with a new owner, or with a new key. Frames made
   * before keep their epoch and are still sent. Call it once a change; opening takes care of it after a restart
   * (`journal.epochAtLeast`).
   * @param registryEpoch The epoch in force in the registry.
   * @returns The epoch of the next frame: the registry's, or a later one where the journal was ahead already.
   */
  beginEpoch(registryEpoch: number): number {
    const present = this.journal.next().epoch;
    const epoch = Math.max(registryEpoch, present + 1);
    this.journal.beginEpoch(epoch, `the registry began epoch ${registryEpoch}`);
    return epoch;
  }

  /** Resolves when everything recorded so far is on disk, safe from a power cut. */
  flush(): Promise<void> {
    return this.journal.flush();
  }

  /** Called when a new frame is on disk, with its lane and journal position; for the client that sends them. */
  onDurable(listener: ((lane: Lane, position: number) => void) | undefined): void {
    this.#onDurable = listener;
  }

  close(): void {
    this.journal.close();
  }

  #record(payload: Uint8Array, { lane = "telemetry", beacon }: RecordOptions): RecordedFrame {
    if (this.#held) {
      throw new TenonError("DeviceHeld", "The device makes no frames while its key is changed", {
        args: { device: this.id },
        remedy: "Keep the readings until goOn; a change of key takes one transaction.",
      });
    }
    const { epoch, seq, prev } = this.journal.next();
    const now = Date.now();
    const header = {
      algorithm: this.#signer.algorithm,
      contentType: CONTENT_SENML,
      device: this.id,
      epoch,
      seq,
      prev,
      time: this.#clock === "unset" ? 0n : BigInt(now),
      clock: this.#clock,
      uptime: BigInt(Math.floor(performance.now())),
      beacon: beacon ?? null,
    } as const;
    let frameHash = new Uint8Array();
    const bytes = encodeFrame(header, payload, this.#aad, (toBeSigned) => {
      frameHash = new Uint8Array(hash("sha256", toBeSigned, "buffer"));
      return this.#signer.sign(toBeSigned);
    });
    const position = this.journal.end;
    this.journal.append({ lane, epoch, seq, hash: frameHash, recordedAt: now, bytes });
    void this.#settle(lane, position);
    return { epoch, seq, hash: frameHash, bytes };
  }

  async #settle(lane: Lane, position: number): Promise<void> {
    try {
      await this.journal.flush();
    } catch {
      // The next `record`, and whoever awaits `flush`, is told that the disk failed.
      return;
    }
    this.#onDurable?.(lane, position);
  }

  #refuseUnknown(epoch: number, seqUpTo: bigint, headHash: Uint8Array): void {
    const { epoch: present, seq: next } = this.journal.next();
    if (epoch > present || (epoch === present && seqUpTo >= next)) {
      // The oracle holds frames we signed and do not remember: going on would use their numbers twice.
      this.journal.beginEpoch(epoch + 1, `the oracle has frame ${seqUpTo} of epoch ${epoch}`);
      throw headUnknown(epoch, seqUpTo, headHash, `begun epoch ${epoch + 1}`);
    }
    const known = this.journal.hashOf(epoch, seqUpTo);
    if (known !== undefined && !equalBytes(known, headHash)) {
      throw headUnknown(epoch, seqUpTo, headHash, "kept every frame");
    }
  }
}

function headUnknown(epoch: number, seqUpTo: bigint, head: Uint8Array, done: string): TenonError {
  return new TenonError(
    "ReceiptHeadUnknown",
    "The oracle's receipt covers a frame this device does not know",
    {
      args: { epoch, seqUpTo, headHash: Buffer.from(head).toString("hex"), done },
      remedy:
        "Two devices may share a key, or an old journal was restored: compare with the oracle's /devices/<id>.",
    },
  );
}
