import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { loadKey } from "../../../sdk/src/device/key.js";
import { prepareNextKey, settleKey, signRotation } from "../../../sdk/src/device/rotation.js";
import { deviceIdOf } from "../../../sdk/src/frame/key.js";
import { type ActingArguments, acting } from "../acting.js";
import { required } from "../options.js";

interface RotateArguments extends ActingArguments {
  key: string | undefined;
}

export default async (args: RotateArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async ({ tenon: { devices }, now }) => {
    const path = required("key", args.key, "the device's key file");
    // A run that broke off after its transaction only has to put the key in place.
    const present = settleKey(path, await devices.keyOf(loadKey(path).id));
    const next = prepareNextKey(path, present.key.curve === 1 ? "P-256" : "secp256k1");
    const rotation = await devices.rotation(present.id, next.key, now + 3_600);
    const changed = await devices
      .rotateKey(rotation, present.key, signRotation(present, next, rotation))
      .wait();
    settleKey(path, changed.key);
    const { epoch, at } = changed;
    return { device: present.id, key: deviceIdOf(next.key), epoch, block: at.block, file: path };
  });
