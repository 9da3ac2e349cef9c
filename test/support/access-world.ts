import { createPrivateKey, type KeyObject } from "node:crypto";
import { artifacts, network } from "hardhat";
import { keyGrantee, roleGrantee } from "../../sdk/src/access/index.js";
import type { PassOrder } from "../../sdk/src/access/model.js";
import { DeviceSigner } from "../../sdk/src/device/index.js";
import { checkDeployment, createTenon, type Hex, type Tenon } from "../../sdk/src/index.js";
import { enums } from "../../sdk/src/revert.js";
import { deployTenon } from "../../tasks/deploy/deploy.js";

/** Numbers of the organisations below. */
export const org = { maker: 1, owner: 2, buyer: 3, firm: 4, helper: 5, regulator: 6 } as const;
export type Side = keyof typeof org;

const roles: Record<Side, string> = {
  maker: "Manufacturer",
  owner: "DeviceManager",
  buyer: "DeviceManager",
  firm: "DeviceManager",
  helper: "DeviceManager",
  regulator: "Regulator",
};

const LATER = 4_000_000_000;

/**
 * A deployment with an owner of devices, a maintenance firm, its subcontractor, a buyer and a regulator, each with a
 * client and its published keys.
 */
export async function accessWorld() {
  const connection = await network.create();
  const { ethers } = connection;
  const [, , , , ...accounts] = await ethers.getSigners();
  const sides = Object.keys(org) as Side[];
  const signers = Object.fromEntries(sides.map((side, i) => [side, accounts[i]!])) as Record<
    Side,
    (typeof accounts)[number]
  >;
  const [engineer, stranger] = [accounts[sides.length]!, accounts[sides.length + 1]!];
  const codes = ["91310000MA1K35T21X", "91440300MA5G0Q8P7B", "91310000MA1FL0BB2X"];
  const more = ["5493001KJTIIGC8Y1R12", "529900T8BM49AURSDO55", "HWUPKR0MPOU8FGXBT394"];
  const { record } = await deployTenon(connection, {
    artifacts,
    evmVersion: "osaka",
    members: {
      organisations: sides.map((side, i) => ({
        name: side,
        code: [...codes, ...more][i]!,
        signatories: [
          { address: signers[side].address, roles: [{ role: roles[side], days: 365 } as never] },
          ...(side === "firm" ? [{ address: engineer.address, roles: [] }] : []),
        ],
      })),
      streams: [],
    },
    seal: { delay: 86_400 },
  });
  const deployment = checkDeployment(record);
  const as = (signer: (typeof accounts)[number]) => createTenon({ signer, deployment });
  const clients = Object.fromEntries(
    await Promise.all(sides.map(async (side) => [side, await as(signers[side])] as const)),
  ) as Record<Side, Tenon>;
  const others = { engineer: await as(engineer), stranger: await as(stranger) };
  const keys = await publishKeys(clients);
  return {
    ...connection,
    record,
    deployment,
    signers: { ...signers, engineer, stranger },
    ...clients,
    ...others,
    keys,
  };
}

export type AccessWorld = Awaited<ReturnType<typeof accessWorld>>;

/** Private keys of the organisations, whose public halves are published. */
async function publishKeys(clients: Record<Side, Tenon>) {
  const facing = DeviceSigner.generate();
  await clients.owner.keys.publish("DeviceFacing", facing.key).wait();
  const opened = async (side: Side, use: "Encryption" | "Disclosure") => {
    const signer = DeviceSigner.generate();
    await clients[side].keys.publish(use, signer.key).wait();
    const privateKey: KeyObject = createPrivateKey(signer.toPem());
    return { organisation: org[side], privateKey };
  };
  return {
    facing,
    owner: await opened("owner", "Encryption"),
    firm: await opened("firm", "Encryption"),
    helper: await opened("helper", "Encryption"),
    regulator: await opened("regulator", "Disclosure"),
  };
}

/** A new device of the owner. */
export async function ownedDevice({ maker }: AccessWorld, owner: number = org.owner): Promise<DeviceSigner> {
  const signer = DeviceSigner.generate();
  const registration = maker.devices.registration({ owner, deadline: LATER });
  const proof = signer.signRegistration(registration);
  await maker.devices.enrol({ key: signer.key, registration, proof }).wait();
  return signer;
}

export const firmRole = roleGrantee(org.firm, enums.Role.indexOf("DeviceManager"));

/** An order for the firm's key, one day long. */
export async function orderFor(
  world: AccessWorld,
  device: Hex,
  change: Partial<PassOrder> = {},
): Promise<PassOrder> {
  const grantee = keyGrantee(world.signers.firm.address);
  const expiry = (await now(world)) + 86_400;
  return { device, grantee, permissions: ["readState", "startStop"], expiry, ...change };
}

/** Gives a pass by a transaction of the owner. */
export async function grantTo(world: AccessWorld, device: Hex, change: Partial<PassOrder> = {}) {
  const { access } = world.owner;
  const order = await orderFor(world, device, change);
  await access.grant(await access.prepare(order)).wait();
  return order;
}

/** Seconds since 1970, of the newest block. */
export async function now({ ethers }: AccessWorld): Promise<number> {
  return (await ethers.provider.getBlock("latest"))!.timestamp;
}
