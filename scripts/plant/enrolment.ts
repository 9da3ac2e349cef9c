import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  type ListTree,
  listedDevice,
  newSalt,
  readFactoryList,
  type Tenon,
  writeFactoryList,
} from "@tenon/sdk";
import type { DeviceSigner } from "@tenon/sdk/device";
import { organisation } from "./people.js";

const YEAR = 365 * 86_400;

export interface EnrolmentTerms {
  state: string;
  /** The manufacturer's client, and the owner's. */
  maker: Tenon;
  owner: Tenon;
  signers: readonly DeviceSigner[];
  say: (line: string) => void;
}

/**
 * Enrols a production run as a factory would: its maker opens one list, whatever its length, and the owner activates each
 * machine with the machine's own proof. Goes on where an earlier run broke off.
 */
export async function enrolByList(terms: EnrolmentTerms): Promise<{ activated: number }> {
  const { maker, owner, signers, say } = terms;
  const tree = listOf(terms);
  const { root, count } = tree.list;
  const now = Math.floor(Date.now() / 1000);
  if ((await maker.devices.listOf(organisation.manufacturer, root)) === undefined) {
    await maker.devices.enrol(tree.list, { until: now + YEAR, buyer: organisation.owner }).wait();
    say(`· factory list of ${count} machines opened by their maker, in one transaction: root ${root}`);
  }
  const applications = signers.map((signer) => {
    const activation = tree.activationOf(signer.id)!;
    const { parametersHash, certificateHash } = activation.device;
    const registration = owner.devices.registration({
      owner: organisation.owner,
      deadline: now + 3_600,
      parametersHash,
      certificateHash,
    });
    return { key: signer.key, registration, proof: signer.signRegistration(registration), activation };
  });
  const { enrolled, refused } = await owner.devices.enrol(applications).wait();
  if (refused[0] !== undefined) throw refused[0].error;
  return { activated: enrolled };
}

/** The list of an earlier run, or a new one: the maker draws a salt for each machine. */
function listOf({ state, maker, signers }: EnrolmentTerms): ListTree {
  const path = join(state, "factory-list.json");
  if (existsSync(path)) return readFactoryList(path);
  const devices = signers.map((signer, i) =>
    listedDevice(signer.key, {
      parameters: { make: "Harbour Machines", model: "HM-12", serial: `HM-12-${i + 1}` },
      salt: newSalt(),
    }),
  );
  const tree = maker.devices.factoryList(organisation.manufacturer, devices);
  writeFactoryList(path, tree.list);
  return tree;
}
