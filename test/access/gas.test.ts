import { expect } from "chai";
import { id, keccak256, zeroPadBytes } from "ethers";
import { network } from "hardhat";
import type { Hex } from "../../sdk/src/bytes.js";
import {
  type AccessWorld,
  deployAccess,
  give,
  keyGrantee,
  now,
  passFor,
  proveRedemption,
  signPass,
} from "../support/access.js";
import { DAY } from "../support/consortium.js";
import { LATER, register } from "../support/devices.js";
import { expectGas } from "../support/gas.js";
import { makeKey } from "../support/keys.js";

const { ethers, networkHelpers } = await network.create();

type Sent = { wait(): Promise<{ gasUsed: bigint } | null> };

describe("DeviceAccess: gas", () => {
  const fixture = async () => {
    const world = await deployAccess(ethers);
    const device = makeKey(1, id("gas:access") as Hex);
    await register(world, device, world.site);
    return { ...world, device };
  };
  let world: AccessWorld;
  let grantee: string;
  beforeEach(async () => {
    world = await networkHelpers.loadFixture(fixture);
    grantee = keyGrantee(world.key);
  });

  const gasOf = async (sending: Promise<Sent>): Promise<bigint> => (await (await sending).wait())!.gasUsed;
  const sign = (token: string) => {
    const proof = proveRedemption(world.accessDomain, world.device, {
      device: world.device.id,
      token,
      deadline: LATER,
    });
    const { curve, x, y } = world.device;
    return [{ curve, x, y }, LATER, proof.r, proof.s] as const;
  };
  /** A token that is not the grantee's first: the word is no longer half empty. */
  const issued = async (who = world.key, whose = keyGrantee(who)): Promise<string> => {
    await world.access.connect(who).request(world.device.id, whose, 1n);
    await world.access.connect(who).request(world.device.id, whose, 1n);
    return (await world.access.usageOf(world.device.id, whose, who.address)).token;
  };

  it("grant, change, revoke", async () => {
    const { access, accessDomain, device, keeper, thief, tech } = world;
    const grant = async (whose: string, changes = {}, envelope = "0x") =>
      gasOf(access.connect(keeper).grant(await passFor(world, whose, changes), envelope));
    expectGas("Grant access to a key", await grant(grantee));
    expectGas("Change a pass", await grant(grantee));
    expectGas("Revoke a pass", await gasOf(access.connect(keeper).revoke(device.id, grantee)));
    expectGas("Grant access to a role", await grant(world.techs));
    expectGas("Grant access to a key that serves an organisation", await grant(keyGrantee(tech)));
    const envelope = zeroPadBytes(id("sealed"), 400);
    const sealed = { endpointCommitment: id("commitment"), envelopeHash: keccak256(envelope) };
    expectGas("Grant access with a sealed endpoint of 400 bytes", await grant(keyGrantee(thief), sealed, envelope));
    const pass = await passFor(world, keyGrantee(world.member));
    const signature = await signPass(keeper, accessDomain, pass);
    const relayed = access.connect(thief).registerPass(pass, "0x", keeper.address, signature);
    expectGas("Grant access by a signed pass, sent by anyone", await gasOf(relayed));
  });

  it("delegate", async () => {
    const { access, key, thief } = world;
    const { expiry } = await give(world, grantee, { delegations: 1n });
    const pass = await passFor(world, keyGrantee(thief), { expiry });
    expectGas("Delegate a pass", await gasOf(access.connect(key).delegate(grantee, pass, "0x")));
    await access.connect(thief).request(world.device.id, pass.grantee, 1n);
    expectGas("Request a token on a delegated pass", await gasOf(access.connect(thief).request(world.device.id, pass.grantee, 1n)));
  });

  it("request and redeem", async () => {
    const { access, device, key, gateway, tech, techs } = world;
    await give(world, grantee);
    const token = await issued();
    const request = () => gasOf(access.connect(key).request(device.id, grantee, 1n));
    const redeem = (who = key, requester = key, whose = grantee, which = token) =>
      gasOf(access.connect(who).redeem(device.id, whose, requester.address, which));
    expectGas("Redeem a token, by the requester", await redeem());
    expectGas("Request a token", await request());
    expectGas("Redeem a token, by the owner's gateway", await redeem(gateway, key, grantee, await issued()));
    const second = await issued();
    const [deviceKey, deadline, r, s] = sign(second);
    const byDevice = access
      .connect(gateway)
      .redeemByDevice(device.id, grantee, key.address, second, deviceKey, deadline, r, s);
    expectGas("Redeem a token, by the device's P-256 signature", await gasOf(byDevice));
    expectGas("Refuse a request", await gasOf(access.connect(key).request(device.id, techs, 1n)));
    await give(world, techs);
    const third = await issued(tech, techs);
    const byRole = access.connect(tech).request(device.id, techs, 1n);
    expectGas("Request a token as a holder of a role", await gasOf(byRole));
    void third;
    const open = (await access.usageOf(device.id, techs, tech.address)).token;
    expectGas("Redeem a token as a holder of a role", await redeem(tech, tech, techs, open));
  });

  it("audit", async () => {
    const { audit, access, device, gateway, key } = world;
    const time = (await now(world)) - DAY;
    const entries = Array.from({ length: 100 }, (_, i) => ({
      requester: key.address,
      permissions: 1n,
      time: time + BigInt(i),
      outcome: 0n,
    }));
    const gas = await gasOf(audit.connect(gateway).record(device.id, entries, id("details")));
    expect(access.target).to.not.equal(audit.target);
    expectGas("Record 100 accesses, each", gas / 100n);
    const anchor = (from: bigint) =>
      gasOf(audit.connect(gateway).anchorChain(device.id, from, from + 999n, id("head"), id("root")));
    await anchor(0n);
    expectGas("Anchor a hash chain of accesses, any number", await anchor(1000n));
  });
});
