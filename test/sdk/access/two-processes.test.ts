import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import {
  AccessChannel,
  ask,
  bring,
  issueOfflinePass,
  Kind,
  meet,
  permissionsOf,
  Requester,
  readJournal,
  serviceCall,
  serviceResult,
  writeHandOver,
  writeNotice,
} from "../../../sdk/src/access/index.js";
import { readAnswer, writeRequest } from "../../../sdk/src/access/messages.js";
import { DeviceSigner, saveKey } from "../../../sdk/src/device/key.js";
import { refusal } from "../../support/refusal.js";
import { domain, OfflineWorld, OWNER, zeros } from "./support.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const example = (name: string) => join(root, `sdk/examples/${name}.ts`);
const tsx = ["--import", import.meta.resolve("tsx")];
const seconds = () => Math.floor(Date.now() / 1000);

/** The device runs in a process of its own: a key, two small files, a socket. Nobody here has a chain. */
describe("a machine and a maintenance firm, two processes with no chain between them", function () {
  this.timeout(60_000);
  let world: OfflineWorld;
  let machine: ChildProcess;
  let port: number;
  const sockets: Socket[] = [];

  before(async () => {
    world = new OfflineWorld();
    const dir = join(world.dir, "machine");
    mkdirSync(dir);
    saveKey(join(dir, "device.pem"), world.device);
    saveKey(join(world.dir, "firm.pem"), world.requester);
    const owner = { organisation: OWNER, key: world.owner.key };
    const { access } = domain;
    writeFileSync(join(dir, "commission.json"), JSON.stringify({ chainId: 31_337, access, epoch: 1, owner }));
    await start();
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    await stop("SIGTERM");
    world.close();
  });

  async function start(): Promise<void> {
    machine = spawn(process.execPath, [...tsx, example("offline-device"), join(world.dir, "machine")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(createInterface(machine.stdout!), "line")) as [string];
    const told = JSON.parse(line);
    expect(told.device).to.equal(world.device.id);
    port = told.port;
  }

  async function stop(signal: NodeJS.Signals): Promise<void> {
    if (machine.exitCode !== null || machine.signalCode !== null) return;
    const ended = once(machine, "exit");
    machine.kill(signal);
    await ended;
  }

  async function open(): Promise<AccessChannel> {
    const socket = connect(port, "127.0.0.1");
    sockets.push(socket);
    await once(socket, "connect");
    return new AccessChannel(socket);
  }

  const passOf = (
    change: Parameters<OfflineWorld["issue"]>[0] = {},
    by: Parameters<OfflineWorld["issue"]>[1] = {},
  ) => world.issue({ expiry: seconds() + 600, ...change }, { issuedAt: seconds(), ...by });

  async function tried(
    pass: Uint8Array,
    {
      signer = world.requester,
      names = ["readState"],
      service = "state",
      counter = undefined as bigint | undefined,
    } = {},
  ): Promise<unknown> {
    const channel = await open();
    const counting = counter === undefined ? {} : { counter: () => counter };
    const requester = new Requester({ domain, signer, pass, ...counting });
    await meet(channel, requester);
    return serviceResult(await ask(channel, requester, permissionsOf(names), serviceCall(service)));
  }
  const refused = async (...attempt: Parameters<typeof tried>) => (await refusal(tried(...attempt))).code;

  /** Sends what the SDK's own requester would not. */
  async function raw(pass: Uint8Array, bytes: (challenge: Uint8Array) => Uint8Array): Promise<string> {
    const channel = await open();
    const probe = new Requester({ domain, signer: world.requester, pass: passOf() });
    await channel.send(probe.hello());
    const { deviceChallenge } = probe.meet((await channel.expect(Kind.proof)).proof);
    await channel.send({ kind: Kind.request, pass, request: bytes(deviceChallenge) });
    return readAnswer((await channel.expect(Kind.answer)).answer).reason;
  }

  it("runs as printed: the firm's process reads and starts the machine, and is told why it may not do more", async () => {
    const file = join(world.dir, "firm.pass");
    writeFileSync(file, passOf());
    const firm = async (...args: string[]) => {
      const env = { ...process.env, TENON_CHAIN_ID: "31337", TENON_ACCESS: domain.access };
      const key = join(world.dir, "firm.pem");
      const child = spawn(
        process.execPath,
        [...tsx, example("offline-requester"), `${port}`, file, key, ...args],
        { env },
      );
      let output = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
      const [code] = (await once(child, "close")) as [number];
      return { code, output };
    };
    expect(await firm("state", "readState")).to.deep.equal({
      code: 0,
      output: '{"running":false,"speed":0}\n',
    });
    expect((await firm("start", "startStop")).output).to.equal('{"running":true,"speed":0}\n');
    const wider = await firm("speed", "startStop,writeConfiguration", "9000");
    expect(wider.code).to.equal(1);
    expect(wider.output).to.match(/^PermissionMissing: Access was refused/);
    expect((await tried(passOf())) as object).to.deep.equal({ running: true, speed: 0 });
  });

  it("refuses a stolen pass without its key, a heard request, a used counter and a changed action", async () => {
    const pass = passOf();
    const requester = new Requester({ domain, signer: world.requester, pass });
    const wanted = (deviceChallenge: Uint8Array, counter: bigint) => ({
      device: world.device.id,
      deviceChallenge,
      pass: requester.pass.digest,
      permissions: permissionsOf(["readState"]),
      counter,
      action: serviceCall("state"),
    });
    const thief = DeviceSigner.generate();
    expect(await raw(pass, (challenge) => writeRequest(domain, wanted(challenge, 1n), thief))).to.equal(
      "ChallengeFailed",
    );
    let heard = new Uint8Array();
    const first = await raw(pass, (challenge) => {
      heard = new Uint8Array(writeRequest(domain, wanted(challenge, BigInt(Date.now())), world.requester));
      return heard;
    });
    expect(first).to.equal("Allowed");
    expect(await raw(pass, () => heard), "replayed").to.equal("ChallengeFailed");
    expect(await refused(pass, { counter: 5n })).to.equal("CounterSeen");
    const turned = await raw(pass, (challenge) => {
      const bytes = writeRequest(domain, wanted(challenge, BigInt(Date.now()) + 10n), world.requester);
      const at = Buffer.from(bytes).indexOf("state");
      bytes.set(Buffer.from("start"), at);
      return bytes;
    });
    expect(turned, "the action is signed").to.equal("ChallengeFailed");
  });

  it("refuses wider permissions, a pass that ran out, another device's and another chain's", async () => {
    expect(await refused(passOf(), { names: ["updateFirmware"] })).to.equal("PermissionMissing");
    expect(await refused(passOf({ expiry: seconds() - 1 }))).to.equal("PassExpired");
    expect(await refused(passOf({ notBefore: seconds() + 300 }))).to.equal("PassNotYetValid");
    const elsewhere = passOf({ device: zeros });
    expect(await refused(elsewhere), "the requester sees another device").to.equal("DeviceProofForeign");
    const own = new Requester({ domain, signer: world.requester, pass: passOf() });
    const asking = (deviceChallenge: Uint8Array) =>
      writeRequest(
        domain,
        {
          device: world.device.id,
          deviceChallenge,
          pass: own.pass.digest,
          permissions: 2n,
          counter: 1n,
          action: serviceCall("state"),
        },
        world.requester,
      );
    expect(await raw(elsewhere, asking)).to.equal("DeviceMismatch");
    const { pass } = own.pass;
    const other = { ...domain, chainId: 1n };
    const issue = { pass, owner: OWNER, requester: world.requester.key, issuedAt: seconds() };
    expect(await raw(issueOfflinePass(other, issue, world.owner), asking)).to.equal("DeviceMismatch");
  });

  it("refuses an older revision after a newer one, after kill -9 as well", async () => {
    const [older, newer] = [passOf(), passOf({ rev: 2 })];
    expect(await tried(newer)).to.be.an("object");
    await stop("SIGKILL");
    await start();
    expect(await refused(older)).to.equal("PassRevoked");
    const { serial, issuedAt } = { serial: 1, issuedAt: seconds() };
    const revisions = [{ grantee: passGrantee(), rev: 3 }];
    const notice = { device: world.device.id, epoch: 1, serial, issuedAt, stopped: false, revisions };
    expect(await bring(await open(), Kind.notice, writeNotice(domain, notice, world.owner))).to.equal(
      "Allowed",
    );
    expect(await refused(newer), "the firm itself may carry its revocation").to.equal("PassRevoked");
  });

  const passGrantee = () =>
    new Requester({ domain, signer: world.requester, pass: passOf() }).pass.pass.grantee;

  it("opens to the next owner's passes after a hand-over, and to none of the old owner's", async () => {
    const buyer = DeviceSigner.generate();
    const old = passOf({ rev: 4 });
    expect(await tried(old)).to.be.an("object");
    const to = { organisation: 7, key: buyer.key };
    const entry = {
      device: world.device.id,
      fromEpoch: 1,
      toEpoch: 2,
      to,
      issuedAt: seconds(),
      previous: zeros,
    };
    const forged = writeHandOver(domain, entry, buyer);
    expect(await bring(await open(), Kind.handOver, forged)).to.equal("SignatureInvalid");
    const voucher = writeHandOver(domain, entry, world.owner);
    expect(await bring(await open(), Kind.handOver, voucher)).to.equal("Allowed");
    expect(await refused(old)).to.equal("PassEpochEnded");
    expect(await refused(passOf({ epoch: 2 })), "signed by the old owner").to.equal("SignatureInvalid");
    const fresh = passOf({ epoch: 2 }, { owner: buyer, organisation: 7 });
    expect(await tried(fresh)).to.be.an("object");
  });

  it("has written every decision down, in a chain that anybody can check", async () => {
    await stop("SIGTERM");
    const { entries } = readJournal(join(world.dir, "machine", "access.log"));
    expect(entries.length).to.be.greaterThan(10);
  });
});
