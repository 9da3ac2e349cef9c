import { task } from "hardhat/config";
import { jsonFlag, recordOption } from "../../options.js";
import { deviceArgument, fromOption } from "../options.js";
import type { Act } from "./action.js";

/** Acts that need nothing but the device's id. */
const acts: Record<Act, string> = {
  accept: "Takes over a device that was offered to the account's organisation",
  reject: "Turns an offer of a device down",
  cancel: "Takes an offer of an own device back",
  suspend: "Stops a device: its frames are refused until it is resumed",
  resume: "Ends a device's suspension",
  revoke: "Ends a device for good",
  "stop-access": "Emergency stop: every grant of access to the device is without effect",
  "allow-access": "Ends the emergency stop of access",
};

const built = Object.entries(acts).map(([verb, description]) => {
  const name = verb as Act;
  return task(["device", name], description)
    .addPositionalArgument(deviceArgument)
    .addOption(fromOption)
    .addOption(recordOption)
    .addFlag(jsonFlag)
    .setAction(async () => ({ default: (await import("./action.js")).doing(name) }))
    .build();
});

export const deviceActs = built;
