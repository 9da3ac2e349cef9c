import { artifacts, network } from "hardhat";
import { DeviceSigner } from "../../sdk/src/device/index.js";
import type { Application, ListedDevice } from "../../sdk/src/index.js";
import { checkDeployment, createTenon, type Hex, type Tenon } from "../../sdk/src/index.js";
import { deployTenon } from "../../tasks/deploy/deploy.js";

/** Numbers of the organisations below. */
export const org = { maker: 1, owner: 2, buyer: 3, authority: 4 } as const;
type Side = keyof typeof org;

/** Devices a manufacturer of this world may bring in, in its account's whole life. */
export const QUOTA = 20_000;

/** A deployment with a maker, an owner, a buyer and a device authority, and each one's client. */
export async function deviceWorld() {
  const connection = await network.create();
  const { ethers } = connection;
  const [, , , , maker, owner, buyer, authority] = await ethers.getSigners();
  const signers = { maker: maker!, owner: owner!, buyer: buyer!, authority: authority! };
  const member = (name: string, code: string, side: Side, role: string, limit?: string) => ({
    name,
    code,
    signatories: [
      { address: signers[side].address, roles: [{ role, days: 365, ...(limit && { limit }) } as never] },
    ],
  });
  const { record } = await deployTenon(connection, {
    artifacts,
    evmVersion: "osaka",
    members: {
      organisations: [
        member("Heavy Works", "91310000MA1K35T21X", "maker", "Manufacturer", String(QUOTA)),
        member("Site Rental", "91440300MA5G0Q8P7B", "owner", "DeviceManager"),
        member("Harbour Yard", "91310000MA1FL0BB2X", "buyer", "DeviceManager"),
        member("Device Office", "5493001KJTIIGC8Y1R12", "authority", "DeviceAuthority"),
      ],
      streams: [],
    },
    seal: { delay: 86_400 },
  });
  const deployment = checkDeployment(record);
  const as = (side: Side) => createTenon({ signer: signers[side], deployment });
  const clients = {
    maker: await as("maker"),
    owner: await as("owner"),
    buyer: await as("buyer"),
    authority: await as("authority"),
  };
  const { provider } = connection;
  return { ...connection, provider, signers, deployment, ...clients };
}

export type DeviceWorld = Awaited<ReturnType<typeof deviceWorld>>;

export const LATER = 4_000_000_000;

/** A device's application to belong to an organisation; with the hashes its maker vouches for, if there are any. */
export function application(
  tenon: Tenon,
  signer: DeviceSigner,
  owner: number,
  device?: Pick<ListedDevice, "parametersHash" | "certificateHash">,
): Application {
  const hashes = device && { parametersHash: device.parametersHash, certificateHash: device.certificateHash };
  const registration = tenon.devices.registration({ owner, deadline: LATER, ...hashes });
  return { key: signer.key, registration, proof: signer.signRegistration(registration) };
}

/** A new device of the owner, registered by the maker. */
export async function enrolled(world: DeviceWorld, owner: number = org.owner): Promise<DeviceSigner> {
  const signer = DeviceSigner.generate();
  await world.maker.devices.enrol(application(world.maker, signer, owner)).wait();
  return signer;
}

/** Hands a device over by offer and acceptance, from one side to the other. */
export async function handOver(world: DeviceWorld, id: Hex, from: "owner" | "buyer", to: "owner" | "buyer") {
  await world[from].devices.offer(id, org[to], await later(world, 86_400)).wait();
  return world[to].devices.acceptOffer(id).wait();
}

/** So many seconds after the newest block. */
export async function later({ ethers }: DeviceWorld, seconds: number): Promise<number> {
  return (await ethers.provider.getBlock("latest"))!.timestamp + seconds;
}
