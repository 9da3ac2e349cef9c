import { randomBytes, randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Device, type DeviceOptions, DeviceSigner } from "../../sdk/src/device/index.js";
import { TenonError } from "../../sdk/src/errors.js";
import {
  decodeFrame,
  encodeReceipt,
  type FrameDomain,
  frameAad,
  frameHash,
  receiptAad,
} from "../../sdk/src/frame/index.js";

export const domain: FrameDomain = {
  chainId: 31337n,
  registry: "0x5fbdb2315678afecb367f032d93f642f64180aa3",
};
export const aad = frameAad(domain);

/** A folder that is gone after the test. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "tenon-device-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The oracle's part that devices see: a key, and receipts signed with it. */
export class ReceiptSigner {
  readonly signer = DeviceSigner.generate();

  /** A receipt up to the given frame of the device. */
  receipt(frame: Uint8Array, changes: Partial<Parameters<typeof encodeReceipt>[0]> = {}): Uint8Array {
    const decoded = decodeFrame(frame);
    const { device, epoch, seq } = decoded.header;
    const receipt = {
      device,
      epoch,
      seqUpTo: seq,
      headHash: frameHash(decoded, aad),
      logIndex: 7n,
      receivedAt: 1_700_000_000_000n,
      ...changes,
    };
    return encodeReceipt(receipt, receiptAad(domain), this.signer.sign);
  }
}

export function openDevice(dir: string, oracle: ReceiptSigner, options: Partial<DeviceOptions> = {}): Device {
  return Device.open({
    signer: DeviceSigner.generate(),
    domain,
    receiptKey: oracle.signer.key,
    ...options,
    journal: { dir, ...options.journal },
  });
}

export function refusal(action: () => unknown): TenonError {
  try {
    action();
  } catch (error) {
    if (error instanceof TenonError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

export async function refusalOf(action: Promise<unknown>): Promise<TenonError> {
  try {
    await action;
  } catch (error) {
    if (error instanceof TenonError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** The seed of a random test: from the environment to repeat a run, else fresh. Printed by the test. */
export function testSeed(): number {
  return Number(process.env.TEST_SEED ?? randomInt(2 ** 31));
}

/** A small seeded generator of whole numbers below a bound. */
export function seeded(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

export const junk = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

export async function until(condition: () => boolean, what: string, limitMs = 10_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`timed out waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
