import { emptyTask, task } from "hardhat/config";
import { jsonFlag, optional, recordOption } from "../../options.js";
import { deviceArgument, fromOption, organisationOption } from "../options.js";

const parent = emptyTask(
  ["device", "recover"],
  "Brings back a device that lost its key or its owner: proposed, confirmed, and seven days later executed",
).build();

const step = (verb: "propose" | "confirm" | "execute" | "cancel" | "show", description: string) =>
  task(["device", "recover", verb], description)
    .addPositionalArgument(deviceArgument)
    .addOption(fromOption)
    .addOption(recordOption)
    .addFlag(jsonFlag);

const action = (verb: "propose" | "confirm" | "execute" | "cancel" | "show") => async () => ({
  default: (await import("./action.js")).steps[verb],
});

export const deviceRecovery = [
  parent,
  step("propose", "Proposes a new owner, a new key or both. Manufacturer of the device")
    .addOption(organisationOption("owner", "The organisation that will own it; the present one unless given"))
    .addOption(optional("newKey", "File of the device's new key, PEM; made there when it does not exist"))
    .setAction(action("propose"))
    .build(),
  step("confirm", "Confirms what is proposed; the delay begins. Device authority")
    .setAction(action("confirm"))
    .build(),
  step("execute", "Carries it out when its time has come. Device manager of the new owner")
    .addOption(optional("newKey", "File of the new key, if there is one"))
    .setAction(action("execute"))
    .build(),
  step("cancel", "Ends a proposal. Owner's signatory, device authority or manufacturer")
    .setAction(action("cancel"))
    .build(),
  step("show", "Shows what is proposed for a device").setAction(action("show")).build(),
];
