import { emptyTask, task } from "hardhat/config";
import type { TaskDefinition } from "hardhat/types/tasks";
import { fromOption, jsonFlag, optional, recordOption, signOption } from "../options.js";

const machineArgument = { name: "machine", description: "Id of the machine's own device" } as const;
const partsArgument = { name: "parts", description: "Ids of the parts" } as const;

const builds = (["attach", "move"] as const).map((verb) =>
  task(
    ["machine", verb],
    verb === "attach"
      ? "Builds parts into a machine; all have one owner"
      : "Takes parts out of the machines they are in and into this one",
  )
    .addPositionalArgument(machineArgument)
    .addVariadicArgument(partsArgument)
    .addOption(fromOption)
    .addOption(signOption)
    .addOption(recordOption)
    .addFlag(jsonFlag)
    .setAction(async () => ({ default: (await import("./actions.js"))[verb] }))
    .build(),
);

const detach = task(["machine", "detach"], "Takes parts out of their machines")
  .addVariadicArgument(partsArgument)
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(async () => ({ default: (await import("./actions.js")).detach }))
  .build();

const show = task(["machine", "show"], "Shows a machine with all its parts, and the machines above it")
  .addPositionalArgument(machineArgument)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(async () => ({ default: (await import("./actions.js")).show }))
  .build();

const offer = task(["machine", "offer"], "Offers a machine and everything in it to another organisation")
  .addPositionalArgument(machineArgument)
  .addOption(optional("to", "Number of the organisation"))
  .addOption(optional("until", "Last day of the offer in UTC, YYYY-MM-DD"))
  .addOption(optional("days", "Or how many days from now"))
  .addOption(fromOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(async () => ({ default: (await import("./actions.js")).offer }))
  .build();

const wholes = {
  "take-over": "Takes over a machine and everything in it that was offered, and puts it together again",
  reassemble: "Puts a machine together again as it was last, after a hand-over or a new key",
} as const;

const whole = Object.entries(wholes).map(([verb, description]) =>
  task(["machine", verb], description)
    .addPositionalArgument(machineArgument)
    .addOption(fromOption)
    .addOption(recordOption)
    .addFlag(jsonFlag)
    .setAction(async () => {
      const { takeOver, reassemble } = await import("./actions.js");
      return { default: verb === "take-over" ? takeOver : reassemble };
    })
    .build(),
);

/** Machines built of devices. */
export const machineTasks: TaskDefinition[] = [
  emptyTask("machine", "Builds machines of devices, and hands them over whole").build(),
  ...builds,
  detach,
  show,
  offer,
  ...whole,
];
