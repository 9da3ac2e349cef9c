import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Hex } from "../bytes.js";
import { syncFolder } from "../device/mark.js";
import { TenonError } from "../errors.js";
import type { DeviceOwner } from "./hand-over.js";

/** What a device remembers of a grantee: older passes and used counters no longer count. */
export interface GranteeMemory {
  /** The lowest revision of its pass that still counts. */
  readonly rev: number;
  /** The counter of its last granted request under that revision. */
  readonly counter: bigint;
}

/** Everything a device has to remember to check passes by itself. */
export interface GuardState {
  readonly device: Hex;
  readonly chainId: bigint;
  /** Address of the DeviceAccess contract, lower case. */
  readonly access: string;
  readonly epoch: number;
  readonly owner: DeviceOwner;
  /** SHA-256 of the voucher's last entry; 32 zero bytes when there was none since it was commissioned. */
  readonly voucher: Hex;
  /** The latest time that an owner of this device put into something signed: it cannot be earlier now. */
  readonly knownTime: number;
  /** Of the last notice taken. */
  readonly serial: number;
  readonly stopped: boolean;
  readonly grantees: ReadonlyMap<Hex, GranteeMemory>;
}

/** Grantees a device remembers in one epoch; about 120 bytes of file each. */
export const MAX_GRANTEES = 4_096;

const VERSION = 1;

/** Reads the file. Gives `undefined` when there is none. @throws TenonError `GuardStateDamaged`. */
export function readGuardState(path: string): GuardState | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return parse(JSON.parse(text));
  } catch (cause) {
    throw new TenonError("GuardStateDamaged", "The device's access state cannot be read", {
      args: { path, reason: (cause as Error).message },
      remedy: "Commission the device again, with a higher epoch where passes of this one were revoked.",
      cause,
    });
  }
}

/** Writes the file whole: after a crash the old one or the new one is there, never half of one. */
export function writeGuardState(path: string, state: GuardState): void {
  const target = resolve(path);
  const grantees = [...state.grantees].map(([grantee, { rev, counter }]) => [
    grantee,
    rev,
    counter.toString(),
  ]);
  const value = { version: VERSION, ...state, chainId: state.chainId.toString(), grantees };
  const file = openSync(`${target}.new`, "w", 0o600);
  try {
    writeSync(file, `${JSON.stringify(value)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${target}.new`, target);
  syncFolder(dirname(target));
}

function parse(value: Record<string, unknown>): GuardState {
  const owner = value.owner as DeviceOwner;
  const counts = [value.epoch, value.knownTime, value.serial, owner.organisation];
  const hashes = [value.device, value.voucher, owner.key.x, owner.key.y];
  const good =
    value.version === VERSION &&
    counts.every((count) => Number.isSafeInteger(count) && (count as number) >= 0) &&
    hashes.every((hash) => /^0x[0-9a-f]{64}$/.test(String(hash))) &&
    /^0x[0-9a-f]{40}$/.test(String(value.access)) &&
    typeof value.stopped === "boolean";
  if (!good) throw new TypeError("a field is missing or has another form");
  const rows = value.grantees as [Hex, number, string][];
  const grantees = new Map(
    rows.map(([grantee, rev, counter]) => [grantee, { rev, counter: BigInt(counter) }]),
  );
  const { device, access, epoch, voucher, knownTime, serial, stopped } = value as unknown as GuardState;
  const chainId = BigInt(value.chainId as string);
  return { device, chainId, access, epoch, owner, voucher, knownTime, serial, stopped, grantees };
}
