import { existsSync } from "node:fs";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { loadOrCreateKey } from "../../../sdk/src/device/key.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { type ActingArguments, acting } from "../acting.js";
import { hashesFrom } from "../certificate.js";

/** How long the device's proof counts; the transaction follows at once. */
const PROOF_SECONDS = 3_600;

interface RegisterArguments extends ActingArguments {
  key: string | undefined;
  owner: number;
  parameters: string | undefined;
  certificate: string | undefined;
}

export default async (args: RegisterArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async ({ tenon: { devices }, now }) => {
    const { key: keyFile, owner } = args;
    if (keyFile === undefined || owner < 1) {
      throw new TenonError("OptionMissing", "A registration needs the device's key and its owner", {
        args: { key: keyFile, owner: owner < 1 ? undefined : owner },
        remedy: "Give --key device.pem and --owner with the number of an organisation.",
      });
    }
    const hashes = hashesFrom(args);
    const made = !existsSync(keyFile);
    const device = loadOrCreateKey(keyFile);
    if (made && !args.json) console.log(`Made a P-256 key in ${keyFile}. It is the device: keep it safe.`);
    const registration = devices.registration({ owner, deadline: now + PROOF_SECONDS, ...hashes });
    const proof = device.signRegistration(registration);
    const { id, owner: holder, at } = await devices.register(device.key, registration, proof).wait();
    return { device: id, owner: holder, block: at.block, transaction: at.transaction };
  });
