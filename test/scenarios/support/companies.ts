import { createPrivateKey } from "node:crypto";
import type { KeyUse } from "../../../sdk/src/consortium/organisation-keys.js";
import { type CurveName, DeviceSigner } from "../../../sdk/src/device/index.js";
import { type ListedDevice, listedDevice } from "../../../sdk/src/devices/list.js";
import type { EnvelopeReader } from "../../../sdk/src/envelope.js";
import type { Members } from "../../../tasks/deploy/members.js";
import type { ChainKind } from "./chain.js";
import { deployFor } from "./consortium.js";

/** Numbers that the deploy task gives the members below, in their order. */
export const company = { maker: 1, owner: 2, buyer: 3, service: 4, state: 5 } as const;

const people = [
  ...(["maker", "owner", "buyer", "manager", "technician"] as const),
  ...(["authority", "regulator", "enforcer", "stranger"] as const),
];
type Person = (typeof people)[number];

/**
 * A maker of machines, its customer, who buys a used machine, a maintenance firm with a manager and a technician, and
 * the offices of the state.
 */
export async function startCompanies(folder: string, on: ChainKind) {
  const consortium = await deployFor(folder, on, people, membersOf);
  const entries = people.map(async (person) => [person, await consortium.tenonOf(person)] as const);
  return { ...consortium, as: Object.fromEntries(await Promise.all(entries)) as Tenons };
}

type Tenons = Record<Person, Awaited<ReturnType<Awaited<ReturnType<typeof deployFor>>["tenonOf"]>>>;
export type Companies = Awaited<ReturnType<typeof startCompanies>>;

function membersOf(keys: Record<Person, { address: string }>): Members {
  type Signatory = Members["organisations"][number]["signatories"][number];
  const with_ = (person: Person, ...roles: Signatory["roles"][number]["role"][]): Signatory => ({
    address: keys[person].address,
    roles: roles.map((role) => ({ role, days: 30 })),
  });
  const organisations = [
    { name: "Maker", code: "91310000MA1K35T21X", signatories: [with_("maker", "Manufacturer")] },
    { name: "Owner", code: "91440300MA5G0Q8P7B", signatories: [with_("owner", "DeviceManager")] },
    { name: "Buyer", code: "91310000MA1FL0BB2X", signatories: [with_("buyer", "DeviceManager")] },
    {
      name: "Service",
      code: "5493001KJTIIGC8Y1R12",
      signatories: [with_("manager", "DeviceManager"), with_("technician")],
    },
    {
      name: "State",
      code: "529900T8BM49AURSDO55",
      signatories: [
        with_("authority", "DeviceAuthority"),
        with_("regulator", "Regulator"),
        with_("enforcer", "Enforcer"),
      ],
    },
  ];
  return { organisations, streams: [] };
}

/** A machine before anybody entered it, and what its maker writes on the list. */
export function newMachine(curve: CurveName = "P-256"): { signer: DeviceSigner; listed: ListedDevice } {
  const signer = DeviceSigner.generate(curve);
  const parametersHash = `0x${"5a".repeat(32)}` as const;
  return { signer, listed: listedDevice(signer.key, { parametersHash }) };
}

/** Publishes a fresh key of an organisation; answers what opens what is sealed to it. */
export async function publishKey(
  { as }: Companies,
  person: Person,
  organisation: number,
  use: Exclude<KeyUse, "DeviceFacing">,
): Promise<EnvelopeReader> {
  const signer = DeviceSigner.generate();
  await as[person].keys.publish(use, signer.key).wait();
  return { organisation, privateKey: createPrivateKey(signer.toPem()) };
}

/** Seconds since 1970, of the newest block. */
export async function timeOf({ provider }: Companies): Promise<number> {
  return (await provider.getBlock("latest"))!.timestamp;
}

/** Waits until the chain's clock has passed a second. */
export async function until(companies: Companies, second: number): Promise<void> {
  while ((await timeOf(companies)) <= second) await new Promise((resolve) => setTimeout(resolve, 200));
}
