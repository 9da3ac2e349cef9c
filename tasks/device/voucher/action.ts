import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { loadKey } from "../../../sdk/src/device/key.js";
import { writeNew } from "../../../sdk/src/devices/files.js";
import { listedDevice } from "../../../sdk/src/devices/list.js";
import { readPublicKey } from "../../../sdk/src/devices/parameters.js";
import { type ActingArguments, acting } from "../acting.js";
import { hashesFrom } from "../certificate.js";
import { required } from "../options.js";

interface VoucherArguments extends ActingArguments {
  publicKey: string | undefined;
  key: string | undefined;
  parameters: string | undefined;
  certificate: string | undefined;
  buyer: number;
  days: number;
  out: string | undefined;
}

export default async (args: VoucherArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async ({ tenon, now }) => {
    const out = required("out", args.out, "the file to write");
    const key =
      args.publicKey === undefined
        ? loadKey(required("key", args.key, "the device's key file, or --public-key")).key
        : readPublicKey(args.publicKey);
    const device = listedDevice(key, hashesFrom(args));
    const until = now + Math.round(args.days * 86_400);
    const voucher = await tenon.devices.signVoucher({ device, until, buyer: args.buyer });
    writeNew(out, `${JSON.stringify(voucher, null, 2)}\n`);
    return {
      device: voucher.id,
      maker: voucher.maker,
      until: new Date(1000 * until).toISOString(),
      file: out,
    };
  });
