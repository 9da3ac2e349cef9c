import { emptyTask, task } from "hardhat/config";
import type { TaskDefinition } from "hardhat/types/tasks";
import { fromOption, jsonFlag, optional, recordOption, signOption } from "../options.js";

const deviceArgument = { name: "device", description: "The device id: 0x and 64 hex digits" } as const;
const releaseArgument = { name: "release", description: "Number of the release" } as const;

const publish = task(["firmware", "publish"], "Publishes a firmware release (manufacturer)")
  .addOption(
    optional("oem", "Who made the model: private enterprise number, or 0x and 3 or 16 bytes (EAT oemid)"),
  )
  .addOption(optional("model", "The model as devices name it, up to 32 bytes (EAT hwmodel)"))
  .addOption(optional("sequence", "The manifest's sequence number, higher than every earlier one"))
  .addOption(optional("image", "File of the image; its SHA-256 is published"))
  .addOption(optional("manifest", "File of the signed manifest; its SHA-256 is published"))
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(async () => ({ default: (await import("./actions.js")).publish }))
  .build();

const withdraw = task(["firmware", "withdraw"], "Takes a release back for good (manufacturer)")
  .addPositionalArgument(releaseArgument)
  .addOption(optional("reason", "File of the advisory that says why; its SHA-256 is published"))
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(async () => ({ default: (await import("./actions.js")).withdraw }))
  .build();

const install = task(
  ["firmware", "install"],
  "Lets a device attest by its own key which release it runs, and records it",
)
  .addPositionalArgument(deviceArgument)
  .addOption(optional("release", "Number of the release"))
  .addOption(optional("key", "The device's private key, PEM"))
  .addOption(optional("manifest", "File of the manifest that was installed; must be the release's"))
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(async () => ({ default: (await import("./actions.js")).install }))
  .build();

const show = task(["firmware", "show"], "Shows what a device runs by its own word")
  .addPositionalArgument(deviceArgument)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(async () => ({ default: (await import("./actions.js")).show }))
  .build();

/** Firmware releases, and what devices run. */
export const firmwareTasks: TaskDefinition[] = [
  emptyTask("firmware", "Publishes firmware, records what devices run").build(),
  publish,
  withdraw,
  install,
  show,
];
