import { writeFileSync } from "node:fs";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { loadKey } from "../../../sdk/src/device/key.js";
import { deviceIdOf } from "../../../sdk/src/frame/key.js";
import { required } from "../../device/options.js";
import { answering } from "../../run.js";
import { print, withTenon } from "../../tenon.js";
import { readPass, readPublicKey } from "../files.js";
import { granteeText } from "../given.js";

interface OfflineArguments {
  file: string;
  key: string | undefined;
  requester: string | undefined;
  out: string | undefined;
  record: string | undefined;
  json: boolean;
}

export default async (args: OfflineArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(() =>
    withTenon(hre, args.record, async ({ access }) => {
      const signer = loadKey(required("key", args.key, "the owner's device-facing key"));
      const requester = readPublicKey(required("requester", args.requester, "the requester's key"));
      const { pass, digest } = readPass(args.file);
      const file = args.out ?? "pass.cose";
      writeFileSync(file, await access.offlinePass(pass, { requester, signer }));
      const { device, grantee } = pass;
      const names = { device, grantee: granteeText(grantee), requester: deviceIdOf(requester) };
      print({ ...names, pass: digest, file }, args.json);
    }),
  );
