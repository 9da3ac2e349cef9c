import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import { loadKey } from "../../../sdk/src/device/key.js";
import { formatOf, readActivation, readFactoryList, readVoucher } from "../../../sdk/src/devices/files.js";
import { LIST_FORMAT } from "../../../sdk/src/devices/list.js";
import { VOUCHER_FORMAT } from "../../../sdk/src/devices/voucher.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { type ActingArguments, acting } from "../acting.js";
import { required } from "../options.js";

const PROOF_SECONDS = 3_600;

interface ActivateArguments extends ActingArguments {
  file: string;
  key: string | undefined;
  owner: number;
}

export default async (args: ActivateArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
  acting(args, hre, async ({ tenon: { devices }, now }) => {
    const signer = loadKey(required("key", args.key, "the device's key file"));
    const owner = required("owner", args.owner, "the number of an organisation");
    const word = wordOf(args.file, signer.id);
    const { parametersHash, certificateHash } = (word.activation ?? word.voucher)!.device;
    const deadline = now + PROOF_SECONDS;
    const registration = devices.registration({ owner, deadline, parametersHash, certificateHash });
    const proof = signer.signRegistration(registration);
    const { id, at } = await devices.enrol({ key: signer.key, registration, proof, ...word }).wait();
    return { device: id, owner, by: word.voucher ? "voucher" : "factory list", block: at.block };
  });

/** On whose word the device comes in. */
function wordOf(file: string, id: Hex) {
  const format = formatOf(file);
  if (format === VOUCHER_FORMAT) return { voucher: readVoucher(file) };
  const activation = format === LIST_FORMAT ? readFactoryList(file).activationOf(id) : readActivation(file);
  if (activation?.id === id) return { activation };
  throw new TenonError("DeviceNotListed", "The file is not this device's", {
    args: { file, device: id, fileOf: activation?.id ?? "a list without it" },
    remedy: "Give the list or the activation that came with the device.",
  });
}
