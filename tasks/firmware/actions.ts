import { existsSync, readFileSync } from "node:fs";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { fromHex, type Hex, toHex } from "../../sdk/src/bytes.js";
import { loadKey } from "../../sdk/src/device/key.js";
import { modelHash } from "../../sdk/src/devices/firmware.js";
import { TenonError } from "../../sdk/src/errors.js";
import { sha256 } from "../../sdk/src/sha256.js";
import { perform, type WriteArguments, withTenonAs } from "../perform.js";
import { answering } from "../run.js";
import { print, withTenon } from "../tenon.js";

/** How long the device's signature counts; the transaction follows at once. */
const STATEMENT_SECONDS = 3_600;

type PublishArguments = WriteArguments &
  Record<"oem" | "model" | "sequence" | "image" | "manifest", string | undefined>;

export const publish = (args: PublishArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  perform(
    hre,
    args,
    ({ firmware }) =>
      firmware.publish({
        modelHash: modelHash(oemOf(args.oem), required("model", args.model)),
        sequence: numberOf("sequence", args.sequence),
        imageHash: hashOf("image", args.image),
        manifestHash: hashOf("manifest", args.manifest),
      }),
    ({ release, model, at }) => ({ release, model, block: at.block, transaction: at.transaction }),
  );

export const withdraw = (
  args: WriteArguments & { release: string; reason: string | undefined },
  hre: HardhatRuntimeEnvironment,
): Promise<void> =>
  perform(
    hre,
    args,
    ({ firmware }) => {
      const reason = args.reason === undefined ? undefined : hashOf("reason", args.reason);
      return firmware.withdraw(Number(numberOf("release", args.release)), reason);
    },
    ({ release, at }) => ({ release, withdrawn: true, block: at.block }),
  );

interface InstallArguments {
  device: string;
  release: string | undefined;
  key: string | undefined;
  manifest: string | undefined;
  from: string | undefined;
  record: string | undefined;
  json: boolean;
}

export const install = (args: InstallArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  withTenonAs(hre, args, async ({ firmware }) => {
    const signer = loadKey(required("key", args.key));
    const release = Number(numberOf("release", args.release));
    const deadline = Math.floor(Date.now() / 1000) + STATEMENT_SECONDS;
    const statement = await firmware.installation(args.device as Hex, release, deadline);
    const installed = args.manifest === undefined ? undefined : hashOf("manifest", args.manifest);
    if (installed !== undefined && installed !== statement.manifestHash) {
      throw new TenonError("ManifestForeign", "The file is not the release's manifest", {
        args: { release, published: statement.manifestHash, installed },
        remedy: "Name the release whose manifest the device installed.",
      });
    }
    const proof = signer.signInstallation(statement);
    const { sequence, count, at } = await firmware.install(statement, signer.key, proof).wait();
    print({ device: args.device, release, sequence, installations: count, block: at.block }, args.json);
  });

export const show = (
  { device, record, json }: { device: string; record: string | undefined; json: boolean },
  hre: HardhatRuntimeEnvironment,
): Promise<void> =>
  answering(() =>
    withTenon(hre, record, async ({ firmware }) => {
      const running = await firmware.of(device as Hex);
      if (running === undefined) print({ device, state: "nothing attested" }, json);
      else print({ ...running, at: new Date(1000 * running.at).toISOString() }, json);
    }),
  );

function required(name: string, text: string | undefined): string {
  if (text !== undefined && text !== "") return text;
  throw new TenonError("OptionMissing", `--${name} is missing`, {
    remedy: `Give --${name}; --help says what it is.`,
  });
}

function numberOf(name: string, text: string | undefined): bigint {
  const given = required(name, text);
  if (/^\d{1,20}$/.test(given)) return BigInt(given);
  throw new TenonError("OptionInvalid", `--${name} is a whole number`, {
    args: { given },
    remedy: "Give another.",
  });
}

/** EAT oemid: a number, or bytes in hex. */
function oemOf(text: string | undefined): number | Uint8Array {
  const given = required("oem", text);
  return /^\d{1,9}$/.test(given) ? Number(given) : fromHex(given);
}

function hashOf(name: string, file: string | undefined): Hex {
  const path = required(name, file);
  if (existsSync(path)) return toHex(sha256(readFileSync(path)));
  throw new TenonError("FileMissing", `--${name} names no file`, {
    args: { path },
    remedy: "Name another file.",
  });
}
