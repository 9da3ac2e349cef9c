import { existsSync } from "node:fs";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { Hex } from "../../../sdk/src/bytes.js";
import { DeviceSigner, loadKey, saveKey } from "../../../sdk/src/device/key.js";
import type { PendingRecovery } from "../../../sdk/src/devices/recovery.js";
import type { Devices } from "../../../sdk/src/devices.js";
import { TenonError } from "../../../sdk/src/errors.js";
import { type Acting, type ActingArguments, acting } from "../acting.js";

interface RecoverArguments extends ActingArguments {
  id: string;
  owner?: number;
  newKey?: string | undefined;
}

const step =
  (work: (id: Hex, args: RecoverArguments, with_: Acting) => Promise<object>) =>
  (args: RecoverArguments, hre: HardhatRuntimeEnvironment): Promise<void> =>
    acting(args, hre, (with_) => work(args.id as Hex, args, with_));

export const steps = {
  propose: step(async (id, args, { tenon: { devices }, now }) => {
    const device = await devices.get(id);
    const owner = args.owner || (device?.organisation ?? 0);
    const fresh =
      args.newKey === undefined ? undefined : await freshKey(args.newKey, id, owner, devices, now);
    await devices.proposeRecovery(id, owner, fresh).wait();
    return shown(await pending(id, devices));
  }),
  confirm: step(async (id, _, { tenon: { devices } }) => {
    await devices.confirmRecovery(await pending(id, devices)).wait();
    return shown(await pending(id, devices));
  }),
  execute: step(async (id, { newKey }, { tenon: { devices } }) => {
    const { at } = await devices
      .executeRecovery(id, newKey === undefined ? undefined : loadKey(newKey).key)
      .wait();
    const { owner, epoch } = (await devices.get(id))!;
    return { device: id, owner, epoch, block: at.block };
  }),
  cancel: step(async (id, _, { tenon: { devices } }) => {
    const { by, at } = await devices.cancelRecovery(id).wait();
    return { device: id, cancelled: "yes", by, block: at.block };
  }),
  show: step(async (id, _, { tenon: { devices } }) => shown(await pending(id, devices))),
};

async function freshKey(path: string, id: Hex, owner: number, devices: Devices, now: number) {
  if (!existsSync(path)) saveKey(path, DeviceSigner.generate("P-256", id));
  const signer = loadKey(path);
  const recovery = await devices.recovery(id, owner, signer.key, now + 3_600);
  return { key: signer.key, proof: signer.signRecovery(recovery), deadline: recovery.deadline };
}

async function pending(id: Hex, devices: Devices): Promise<PendingRecovery> {
  const found = await devices.recoveryOf(id);
  if (found !== undefined) return found;
  throw new TenonError("RecoveryMissing", "No recovery of the device is proposed", {
    args: { device: id },
    remedy: "The manufacturer proposes one: npx hardhat device recover propose.",
  });
}

function shown({ id, newOwner, newKeyId, readyAt, epoch }: PendingRecovery) {
  const ready = readyAt === undefined ? "not confirmed" : new Date(1000 * readyAt).toISOString();
  return { device: id, epoch, newOwner, newKey: newKeyId ?? "stays", ready };
}
