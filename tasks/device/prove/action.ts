import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import { loadKey } from "../../../sdk/src/device/key.js";
import { applicationToJson } from "../../../sdk/src/devices/forms.js";
import { answering } from "../../run.js";
import { withTenon } from "../../tenon.js";
import { hashesFrom } from "../certificate.js";
import { required } from "../options.js";

interface ProveArguments {
  key: string | undefined;
  owner: number;
  parameters: string | undefined;
  certificate: string | undefined;
  days: number;
  record: string | undefined;
}

export default async (args: ProveArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  answering(() =>
    withTenon(hre, args.record, async ({ devices }) => {
      const signer = loadKey(required("key", args.key, "the device's key file"));
      const owner = required("owner", args.owner, "the number of an organisation");
      const deadline = Math.floor(Date.now() / 1000) + Math.round(args.days * 86_400);
      const registration = devices.registration({ owner, deadline, ...hashesFrom(args) });
      const proof = signer.signRegistration(registration);
      console.log(applicationToJson({ key: signer.key, registration, proof }));
    }),
  );
