import { id, keccak256, zeroPadBytes } from "ethers";
import { network } from "hardhat";
import type { Hex } from "../../sdk/src/bytes.js";
import {
  type AccessWorld,
  deployAccess,
  give,
  keyGrantee,
  passFor,
  proveRedemption,
  signPass,
} from "../support/access.js";
import { DAY } from "../support/consortium.js";
import { LATER, register } from "../support/devices.js";
import { expectGas } from "../support/gas.js";
import { makeKey } from "../support/keys.js";

const { ethers, networkHelpers } = await network.create();

const START = 1_900_000_000n;
const expiry = START + 20n * DAY;

const isDense = (word: string) => !/^0x(..)*00/.test(word);

type Sent = { wait(): Promise<{ gasUsed: bigint } | null> };

describe("DeviceAccess: gas", () => {
  const fixture = async () => {
    await networkHelpers.time.setNextBlockTimestamp(START);
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
    clock = START + 10_000n;
  });

  /** What a token is called, and so how many of its bytes are zero, follows from the time: every act has a fixed one. */
  let clock: bigint;
  const tick = async () => {
    clock += 100n;
    await networkHelpers.time.setNextBlockTimestamp(clock);
  };
  const gasOf = async (send: () => Promise<Sent>): Promise<bigint> => {
    await tick();
    return (await (await send()).wait())!.gasUsed;
  };
  /** A signature is random: one without a zero byte is the dearest to send, and always the same. */
  const sign = (token: string) => {
    const message = { device: world.device.id, token, deadline: LATER };
    let { r, s } = proveRedemption(world.accessDomain, world.device, message);
    while (!isDense(r) || !isDense(s))
      ({ r, s } = proveRedemption(world.accessDomain, world.device, message));
    const { curve, x, y } = world.device;
    return [{ curve, x, y }, LATER, r, s] as const;
  };
  /** A token that is not the grantee's first: the word is no longer half empty. */
  const issued = async (who = world.key, whose = keyGrantee(who)): Promise<string> => {
    for (let i = 0; i < 2; i++)
      await gasOf(() => world.access.connect(who).request(world.device.id, whose, 1n));
    return (await world.access.usageOf(world.device.id, whose, who.address)).token;
  };

  it("grant, change, revoke", async () => {
    const { access, accessDomain, device, keeper, thief, tech } = world;
    const grant = async (whose: string, changes = {}, envelope = "0x") => {
      const pass = await passFor(world, whose, { expiry, ...changes });
      return gasOf(() => access.connect(keeper).grant(pass, envelope));
    };
    expectGas("Grant access to a key", await grant(grantee));
    expectGas("Change a pass", await grant(grantee));
    expectGas("Revoke a pass", await gasOf(() => access.connect(keeper).revoke(device.id, grantee)));
    expectGas("Grant access to a role", await grant(world.techs));
    expectGas("Grant access to a key that serves an organisation", await grant(keyGrantee(tech)));
    const envelope = zeroPadBytes(id("sealed"), 400);
    const sealed = { endpointCommitment: id("commitment"), envelopeHash: keccak256(envelope) };
    expectGas(
      "Grant access with a sealed endpoint of 400 bytes",
      await grant(keyGrantee(thief), sealed, envelope),
    );
    const pass = await passFor(world, keyGrantee(world.member), { expiry });
    const signature = await signPass(keeper, accessDomain, pass);
    const relayed = () => access.connect(thief).registerPass(pass, "0x", keeper.address, signature);
    expectGas("Grant access by a signed pass, sent by anyone", await gasOf(relayed));
  });

  it("delegate", async () => {
    const { access, key, thief } = world;
    await give(world, grantee, { delegations: 1n, expiry });
    const pass = await passFor(world, keyGrantee(thief), { expiry });
    expectGas("Delegate a pass", await gasOf(() => access.connect(key).delegate(grantee, pass, "0x")));
    const request = () => access.connect(thief).request(world.device.id, pass.grantee, 1n);
    await gasOf(request);
    expectGas("Request a token on a delegated pass", await gasOf(request));
  });

  it("request and redeem", async () => {
    const { access, device, key, gateway, tech, techs } = world;
    await give(world, grantee, { expiry });
    const token = await issued();
    const request = () => gasOf(() => access.connect(key).request(device.id, grantee, 1n));
    const redeem = (who = key, requester = key, whose = grantee, which = token) =>
      gasOf(() => access.connect(who).redeem(device.id, whose, requester.address, which));
    expectGas("Redeem a token, by the requester", await redeem());
    expectGas("Request a token", await request());
    expectGas("Redeem a token, by the owner's gateway", await redeem(gateway, key, grantee, await issued()));
    const second = await issued();
    const [deviceKey, deadline, r, s] = sign(second);
    const byDevice = () =>
      access
        .connect(gateway)
        .redeemByDevice(device.id, grantee, key.address, second, deviceKey, deadline, r, s);
    expectGas("Redeem a token, by the device's P-256 signature", await gasOf(byDevice));
    const stranger = () => access.connect(key).request(device.id, techs, 1n);
    expectGas("Refuse a request", await gasOf(stranger));
    await give(world, techs, { expiry });
    await issued(tech, techs);
    const byRole = () => access.connect(tech).request(device.id, techs, 1n);
    expectGas("Request a token as a holder of a role", await gasOf(byRole));
    const open = (await access.usageOf(device.id, techs, tech.address)).token;
    expectGas("Redeem a token as a holder of a role", await redeem(tech, tech, techs, open));
  });

  it("audit", async () => {
    const { audit, device, gateway, key } = world;
    const entries = Array.from({ length: 100 }, (_, i) => ({
      requester: key.address,
      permissions: 1n,
      time: START + BigInt(i),
      outcome: 0n,
    }));
    const record = () => audit.connect(gateway).record(device.id, entries, id("details"));
    expectGas("Record 100 accesses, each", (await gasOf(record)) / 100n);
    const anchor = (from: bigint) =>
      gasOf(() => audit.connect(gateway).anchorChain(device.id, from, from + 999n, id("head"), id("root")));
    await anchor(0n);
    expectGas("Anchor a hash chain of accesses, any number", await anchor(1000n));
  });
});
