import { emptyTask, task } from "hardhat/config";
import type { TaskDefinition } from "hardhat/types/tasks";
import { fromOption, jsonFlag, optional, recordOption, signOption } from "../options.js";

const deviceArgument = { name: "device", description: "The device id: 0x and 64 hex digits" } as const;
const chainArgument = {
  name: "file",
  description: "The device's certificate and those above it, PEM (or DER of it alone)",
} as const;
const authorityArgument = { name: "authority", description: "Number of the authority" } as const;
const reasonOption = optional(
  "reason",
  "unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn or aACompromise",
);

const admit = task(["certificate", "admit"], "Admits a certificate authority (registrar)")
  .addPositionalArgument({ name: "file", description: "The authority's own certificate, PEM or DER" })
  .addOption(optional("organisation", "Number of the organisation whose certifiers bind"))
  .addOption(optional("kind", "Factory (who made it) or Owner (whose it is now)"))
  .addOption(optional("until", "Last day in UTC, YYYY-MM-DD; with its certificate unless given"))
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(async () => ({ default: (await import("./actions.js")).admit }))
  .build();

const renew = task(["certificate", "renew-authority"], "Gives an authority a new end (registrar)")
  .addPositionalArgument(authorityArgument)
  .addOption(optional("until", "Last day in UTC, YYYY-MM-DD"))
  .addOption(optional("days", "Or how many days from now"))
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(async () => ({ default: (await import("./actions.js")).renew }))
  .build();

const revokeAuthority = task(
  ["certificate", "revoke-authority"],
  "Ends an authority, and all it vouched for, at once and for good (guardian)",
)
  .addPositionalArgument(authorityArgument)
  .addOption(reasonOption)
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(async () => ({ default: (await import("./actions.js")).revokeAuthority }))
  .build();

const check = task(
  ["certificate", "check"],
  "Checks a certificate for a device: signatures, terms, profile, device; and whether the chain holds it for good",
)
  .addPositionalArgument(deviceArgument)
  .addPositionalArgument(chainArgument)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(async () => ({ default: (await import("./actions.js")).check }))
  .build();

const bind = task(["certificate", "bind"], "Checks a certificate and binds it to a device (certifier)")
  .addPositionalArgument(deviceArgument)
  .addPositionalArgument(chainArgument)
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(async () => ({ default: (await import("./actions.js")).bind }))
  .build();

const revoke = task(["certificate", "revoke"], "Revokes a certificate for good (certifier)")
  .addPositionalArgument({ name: "hash", description: "SHA-256 of the certificate in DER" })
  .addOption(reasonOption)
  .addOption(fromOption)
  .addOption(signOption)
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(async () => ({ default: (await import("./actions.js")).revoke }))
  .build();

const show = task(["certificate", "show"], "Shows a device's certificates; without one, the authorities")
  .addPositionalArgument({ ...deviceArgument, defaultValue: "" })
  .addOption(recordOption)
  .addFlag(jsonFlag)
  .setAction(async () => ({ default: (await import("./actions.js")).show }))
  .build();

/** X.509 certificates of devices, and the authorities behind them. */
export const certificateTasks: TaskDefinition[] = [
  emptyTask("certificate", "Admits authorities; checks, binds and revokes device certificates").build(),
  admit,
  renew,
  revokeAuthority,
  check,
  bind,
  revoke,
  show,
];
