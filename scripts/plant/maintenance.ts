import { createPrivateKey } from "node:crypto";
import { join } from "node:path";
import {
  AccessRefused,
  createTenon,
  type EnvelopeReader,
  keyGrantee,
  type Tenon,
  TenonError,
} from "@tenon/sdk";
import { loadOrCreateKey } from "@tenon/sdk/device";
import type { Machine } from "./machines.js";
import { organisation } from "./people.js";
import type { Plant } from "./plant.js";
import { bold, green } from "./view.js";

/** Where the machine answers in its owner's network: on the chain only as ciphertext and commitment. */
const ENDPOINT = "opc.tcp://10.20.0.10:4840/machine-10";

/**
 * A maintenance firm is refused, gets access from the owner, uses it once by a token that is good for nobody else, and loses
 * it again. Every answer stands on the chain, the refusals with their reason.
 */
export async function maintaining(plant: Plant, machine: Machine): Promise<void> {
  const { view, people, deployment } = plant;
  const as = (person: "owner" | "technician" | "payer" | "regulator") =>
    createTenon({ signer: people[person], deployment });
  const [owner, firm, thief, regulator] = [
    await as("owner"),
    await as("technician"),
    await as("payer"),
    await as("regulator"),
  ];
  const device = machine.id;
  const grantee = keyGrantee(people.technician.address);
  const wanted = { device, grantee, permissions: ["readState"] };
  view.say(bold(`\n6 A maintenance firm and ${machine.name}`));
  const reader = await sealingKey(plant, firm, "maintenance", "Encryption");
  await sealingKey(plant, owner, "owner", "Encryption");
  await sealingKey(plant, regulator, "regulator", "Disclosure");

  const before = await reasonOf(firm.access.request(wanted).wait());
  view.say(`  ${green("✔")} refused, and the refusal is on the chain: no pass (${before})`);
  const expiry = Math.floor(Date.now() / 1000) + 86_400;
  const order = { device, grantee, permissions: ["readState", "startStop"], expiry, endpoint: ENDPOINT };
  await owner.access.grant(await owner.access.prepare(order)).wait();
  view.say(
    "  the owner gives a pass for one day; the machine's address is sealed to firm, owner and regulator",
  );

  const { token } = await firm.access.request(wanted).wait();
  const use = { device, grantee, requester: people.technician.address, token };
  const stolen = await reasonOf(thief.access.redeem({ ...use, requester: people.payer.address }).wait());
  view.say(`  ${green("✔")} a one-time token; whoever steals it is refused (${stolen})`);
  const { permissions } = await firm.access.redeem(use).wait();
  const endpoint = await firm.access.endpoint(device, grantee, reader);
  if (endpoint !== ENDPOINT) throw new TenonError("EndpointWrong", "Another address came out than went in");
  view.say(`  ${green("✔")} used: ${permissions.join(", ")} at ${endpoint}`);
  view.say(`  ${green("✔")} refused a second time (${await reasonOf(firm.access.redeem(use).wait())})`);

  await owner.access.revoke(device, grantee).wait();
  view.say(
    `  ${green("✔")} taken back: refused from now on (${await reasonOf(firm.access.request(wanted).wait())})`,
  );
  const said = await owner.access.history(device);
  view.say(`  ${green("✔")} the audit has all of it: ${said.length} entries, refusals with their reasons`);
}

/** An organisation's key to be sealed to; published the first time. */
async function sealingKey(
  { state }: Plant,
  tenon: Tenon,
  name: "owner" | "maintenance" | "regulator",
  use: "Encryption" | "Disclosure",
): Promise<EnvelopeReader> {
  const signer = loadOrCreateKey(join(state, "keys", `${name}-sealing.pem`));
  const number = organisation[name];
  if ((await tenon.keys.get(number, use)) === undefined) await tenon.keys.publish(use, signer.key).wait();
  return { organisation: number, privateKey: createPrivateKey(signer.toPem()) };
}

/** Why access was refused; that it was given is a fault of the plant. */
async function reasonOf(attempt: Promise<unknown>): Promise<string> {
  const reason = await attempt.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof AccessRefused) return error.reason;
      throw error;
    },
  );
  if (reason !== undefined) return reason;
  throw new TenonError("RefusalMissing", "Access was given where it must be refused");
}
