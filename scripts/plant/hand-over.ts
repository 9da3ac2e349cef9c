import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTenon, type Hex, holderOf, TenonError, verifyHistory } from "@tenon/sdk";
import type { DeviceSigner } from "@tenon/sdk/device";
import { keccak256 } from "ethers";
import type { Machine } from "./machines.js";
import { organisation } from "./people.js";
import type { Plant } from "./plant.js";
import { proveFrame } from "./proving.js";
import { bold, dim, green } from "./view.js";

/**
 * A machine is sold: offered, accepted, engaged. Its frames go on in the new epoch and prove as before, the old owner is
 * refused, and the machine's history is exported and checked against one block. A plant that goes on sells it back.
 */
export async function handingOver(plant: Plant, machine: Machine, signer: DeviceSigner): Promise<void> {
  const { view, people, deployment } = plant;
  const { id } = machine;
  const as = (person: "owner" | "payer") => createTenon({ signer: people[person], deployment });
  const before = (await plant.tenon.devices.get(id))!;
  const [from, to] =
    before.organisation === organisation.owner
      ? (["owner", "payer"] as const)
      : (["payer", "owner"] as const);
  const [seller, buyer] = [await as(from), await as(to)];
  view.say(bold(`\n5 ${machine.name} changes hands`));

  await seller.devices.offer(id, organisation[to], Math.floor(Date.now() / 1000) + 86_400).wait();
  const { at } = await buyer.devices.acceptOffer(id).wait();
  view.say(
    `  offered by organisation ${organisation[from]}, accepted by ${organisation[to]} in block ${at.block}`,
  );
  const engagement = await buyer.devices.engagement(id, Math.floor(Date.now() / 1000) + 3_600);
  await buyer.devices.engage(engagement, signer.key, signer.signEngagement(engagement)).wait();
  const epoch = machine.device.beginEpoch(engagement.epoch);
  view.say(
    `  ${green("✔")} engaged: the machine signed for its new owner, and counts frames in epoch ${epoch}`,
  );

  await refused("the old owner stops it", "DeviceActorRefused", seller.devices.suspend(id).simulate());
  view.say(`  ${green("✔")} refused: the old owner stops it (DeviceActorRefused)`);
  await proveFrame(plant, signer.key, { device: id, epoch, seq: 1n }, "hand-over-proof.json");
  view.say(`  ${green("✔")} frame 1 of epoch ${epoch} proven as before, by the same key`);

  const [then, now] = [{ block: at.block - 1 }, { block: at.block }];
  const owners = [await plant.tenon.devices.ownerAt(id, then), await plant.tenon.devices.ownerAt(id, now)];
  expectOwners(owners, [holderOf(organisation[from]), holderOf(organisation[to])]);
  view.say(dim(`      owner of block ${then.block}: ${owners[0]}, of block ${now.block}: ${owners[1]}`));
  view.say(`  ${green("✔")} ${await provenHistory(plant, id)}`);
}

/** Exports the machine's history and checks it with nothing but the hash of a block that our own node has. */
async function provenHistory({ tenon, deployment, provider, state }: Plant, id: Hex): Promise<string> {
  const voucher = await tenon.devices.exportHistory(id);
  writeFileSync(join(state, "history.json"), `${JSON.stringify(voucher, null, 2)}\n`);
  const hash = keccak256(voucher.state?.header ?? "0x") as Hex;
  const known = voucher.state !== undefined && (await provider.getBlock(hash)) !== null;
  const trust = known ? { trustedBlockHash: hash } : { trustedHead: voucher.head };
  const { events, steps } = verifyHistory(voucher, { deployment, ...trust });
  return `its history, ${events.length} entries each with the hash of the one before: ${steps.at(-1)?.detail}`;
}

function expectOwners(given: (string | undefined)[], expected: string[]): void {
  if (given.every((owner, i) => owner === expected[i])) return;
  throw new TenonError("OwnerWrong", "The registry tells other owners than those of the sale", {
    args: { told: given.join(", "), expected: expected.join(", ") },
  });
}

async function refused(what: string, code: string, attempt: Promise<unknown>): Promise<void> {
  const answer = await attempt.then(
    () => "it was done",
    (error: unknown) => (error as TenonError).code,
  );
  if (answer === code) return;
  throw new TenonError("RefusalMissing", `The registry did not refuse: ${what}`, {
    args: { expected: code, answer },
  });
}
