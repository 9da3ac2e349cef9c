import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { TenonError } from "../../sdk/src/errors.js";
import { type DeviceKey, exportDeviceKey } from "../../sdk/src/frame/index.js";
import type { OfflineTrust } from "../../sdk/src/proof/offline.js";

export function readProof(path: string): string {
  return reading("ProofUnreadable", path, "Save the answer of the oracle's /proof/frame to a file.", () =>
    readFileSync(path, "utf8"),
  );
}

export function readBundle(path: string): string {
  return reading("BundleUnreadable", path, "Make one with npx hardhat frame bundle.", () =>
    readFileSync(path, "utf8"),
  );
}

export function readKey(path: string): DeviceKey {
  return reading("DeviceKeyUnreadable", path, "Give a PEM file with a P-256 or secp256k1 public key.", () =>
    exportDeviceKey(createPublicKey(readFileSync(path))),
  );
}

/** What the options `--validators` and `--trusted-validators` say. */
export function trustedValidators(args: {
  validators: string | undefined;
  trustedValidators: string | undefined;
}): Pick<OfflineTrust, "genesis" | "validators"> {
  const { validators: file, trustedValidators: list } = args;
  const remedy = "Give the genesis.json that the network's nodes start with.";
  return {
    ...(file === undefined
      ? {}
      : {
          genesis: reading("GenesisUnreadable", file, remedy, () =>
            JSON.parse(readFileSync(file, "utf8")),
          ) as unknown,
        }),
    ...(list === undefined ? {} : { validators: list.split(",").map((address) => address.trim()) }),
  };
}

function reading<T>(code: string, file: string, remedy: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause;
    throw new TenonError(code, "The file cannot be used", { args: { file, reason }, remedy, cause });
  }
}
