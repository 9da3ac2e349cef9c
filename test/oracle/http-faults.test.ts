import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import mqtt, { type MqttClient } from "mqtt";
import type { Oracle } from "../../oracle/src/oracle.js";
import { databasePath } from "../../oracle/src/paths.js";
import { readState } from "../../oracle/src/state/db.js";
import type { Hex } from "../../sdk/src/bytes.js";
import { Device } from "../../sdk/src/device/index.js";
import { verifyDeviceRange } from "../../sdk/src/proof/range.js";
import { eventually, get, type Plant, startPlant } from "./support/plant.js";

describe("oracle over HTTP: what is dear or many", function () {
  this.timeout(60_000);
  let plant: Plant;
  let oracle: Oracle;
  const opened: { end(): void }[] = [];

  before(async () => {
    plant = await startPlant();
    oracle = await plant.startOracle();
  });
  after(async () => {
    for (const each of opened) each.end();
    await oracle.stop();
    await plant.close();
  });

  /** A device whose frames go to the broker in whatever order the test likes. */
  const loose = async (index: number) => {
    const { device, client, signer, key } = await plant.newDevice(index);
    await client.stop();
    const user = device.id.slice(2);
    const login = { username: user, clientId: user, password: "device-password" };
    const broker: MqttClient = await mqtt.connectAsync(plant.broker.url, { protocolVersion: 5, ...login });
    opened.push(broker);
    await eventually(oracle.url, `/devices/${device.id}`);
    const send = async (...frames: Uint8Array[]) => {
      const topic = `tenon/v1/${user}/up/telemetry`;
      for (const frame of frames) await broker.publishAsync(topic, Buffer.from(frame), { qos: 1 });
    };
    return { device, signer, key, send };
  };

  it("proves a range whose gap was filled by a later batch", async () => {
    const { device, key, send } = await loose(1);
    const frames = Array.from({ length: 6 }, (_, i) => device.record([{ name: "t", value: BigInt(i) }]));
    const anchored = (seq: number) =>
      eventually(oracle.url, `/proof/frame?device=${device.id}&epoch=1&seq=${seq}`);
    const range = `/proof/device-range?device=${device.id}&epoch=1&from=2&to=5`;
    await send(frames[0]!, frames[1]!, frames[4]!);
    await anchored(5);
    expect((await get(oracle.url, range)).body.code).to.equal("RangeIncomplete");
    await send(frames[2]!);
    await anchored(3);
    await send(frames[3]!, frames[5]!);
    const body = await eventually(oracle.url, range);
    expect(body.head.anchor.batch).to.be.greaterThan(body.last.anchor.batch);
    const blocks = [body.last.block.number, body.head.block.number].map(Number);
    const trustedBlockHash = await Promise.all(
      blocks.map(async (number) => (await plant.chain.ethers.provider.getBlock(number))!.hash as Hex),
    );
    const trust = { deployment: plant.chain.deployment, trustedBlockHash, deviceKey: key };
    expect(verifyDeviceRange(body, trust).map(({ name }) => name)).to.include("device head");
  });

  it("shows an open gap of a device behind any number of later facts", async () => {
    const { device, signer, send } = await loose(2);
    const frames = Array.from({ length: 112 }, (_, i) => device.record([{ name: "t", value: BigInt(i) }]));
    await send(frames[0]!, ...frames.slice(2));
    // A second machine with the same key: what it signs for the same places are equivocations.
    const journal = { dir: join(plant.folder, "twin") };
    const twin = Device.open({ signer, domain: plant.domain, receiptKey: signer.key, journal });
    opened.push({ end: () => twin.close() });
    const others = Array.from({ length: 112 }, () => twin.record([{ name: "twin", value: 1n }]));
    await send(...others.slice(2), frames[0]!);
    let body = await eventually(oracle.url, `/devices/${device.id}`);
    await plant.until(async () => {
      ({ body } = await get(oracle.url, `/devices/${device.id}`));
      return body.facts.length === 100;
    }, "the facts are there");
    expect(body.facts.map(({ kind }: { kind: string }) => kind)).not.to.include("gap");
    expect(body.gaps).to.have.length(1);
    expect(body.gaps[0]).to.include({ kind: "gap", seq: "2", seqTo: "2" });
  });

  it("counts the facts it shows, and writes to the database once for many who ask if it can", async () => {
    const db = readState(databasePath(plant.config.state));
    const metric = async (name: string) => {
      const text = await (await fetch(`${oracle.url}/metrics`)).text();
      return Number(new RegExp(`^tenon_${name} (\\d+)$`, "m").exec(text)?.[1]);
    };
    const stored = (kind: string) =>
      Number(db.prepare("SELECT count(*) AS n FROM facts WHERE kind = ?").get(kind)?.n);
    expect(await metric("gaps_open")).to.equal(1);
    expect(await metric("forks")).to.equal(stored("fork"));
    expect(await metric("equivocations"))
      .to.equal(stored("equivocation"))
      .and.to.equal(110);
    const times = new Set<unknown>();
    const start = performance.now();
    for (let i = 0; i < 30; i++) {
      await get(oracle.url, "/readyz");
      times.add(db.prepare("SELECT value FROM meta WHERE key = 'ready.at'").get()?.value);
    }
    expect(times.size).to.be.at.most(2 + (performance.now() - start) / 1_000);
    db.close();
  });

  it("holds no more connections than leave the log its files", async () => {
    const { hostname, port } = new URL(oracle.url);
    let closed = 0;
    const sockets: Socket[] = Array.from({ length: 600 }, () => {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => undefined);
      socket.on("close", () => closed++);
      socket.resume();
      return socket;
    });
    await plant.until(async () => closed > 0, "some are turned away");
    for (const socket of sockets) socket.destroy();
    await plant.until(async () => closed === sockets.length, "all are closed");
    expect((await get(oracle.url, "/livez")).status).to.equal(200);
  });
});
