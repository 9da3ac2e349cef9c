import { toHex } from "@tenon/sdk/bytes";
import { expect } from "chai";
import { Mosquitto, mosquittoMissing } from "../support/mosquitto.js";
import { DataPath, enrol, ORACLE, TestClient, until } from "./support.js";

describe("oracle/ingest: pipeline on Mosquitto with TLS", function () {
  this.timeout(60_000);
  let path: DataPath;
  let mosquitto: Mosquitto | undefined;

  before(function () {
    const missing = mosquittoMissing();
    if (missing === undefined) return;
    console.log(`    skipped: ${missing}`);
    this.skip();
  });
  beforeEach(async () => {
    path = await DataPath.create();
  });
  afterEach(async () => {
    await path.close();
    await mosquitto?.stop();
  });

  it("takes what was sent before, during and after an absence of the oracle, each frame once", async () => {
    const device = enrol(path);
    mosquitto = await Mosquitto.start({
      oracle: ORACLE,
      devices: [{ device: device.id, password: device.user }],
    });
    const broker = { url: mosquitto.oracleUrl, ca: mosquitto.ca, ...ORACLE };
    const first = await path.start({ broker, commitSize: 50 });
    const client = await TestClient.connect(mosquitto.deviceUrl, device, mosquitto.ca);
    path.clients.push(client);
    const frames = device.frames(900);
    await client.send(frames.slice(0, 300));
    await path.confirmed(client, 300n);
    await first.stop();
    // More than the Receive Maximum waits for the lane's session.
    await client.send(frames.slice(300, 600));
    await path.start({ broker, commitSize: 50 });
    await client.send(frames.slice(600));
    await path.confirmed(client, 900n);
    const log = await path.stored();
    expect([...log.frames(0, 2_000)].map(({ raw }) => toHex(raw))).to.deep.equal(frames.map(toHex));
    await log.close();
  });

  it("comes back after a crash of the broker, and a device that sends again is absorbed", async () => {
    const device = enrol(path);
    mosquitto = await Mosquitto.start({
      oracle: ORACLE,
      devices: [{ device: device.id, password: device.user }],
    });
    const pipeline = await path.start({ broker: { url: mosquitto.oracleUrl, ca: mosquitto.ca, ...ORACLE } });
    const client = await TestClient.connect(mosquitto.deviceUrl, device, mosquitto.ca);
    const frames = device.frames(200);
    await client.send(frames.slice(0, 100));
    await path.confirmed(client, 100n);
    await client.close();
    await mosquitto.end("SIGKILL");
    await until("it notices", () => !pipeline.health().ready);
    await mosquitto.restart({ forget: true });
    await until("it is back", () => pipeline.health().ready);
    const again = await TestClient.connect(mosquitto.deviceUrl, device, mosquitto.ca);
    path.clients.push(again);
    await again.send(frames);
    await path.confirmed(again, 200n);
    const log = await path.stored();
    expect(log.nextFrame).to.equal(200);
    await log.close();
  });

  it("refuses a broker whose certificate another authority signed", async () => {
    const device = enrol(path);
    mosquitto = await Mosquitto.start({
      oracle: ORACLE,
      devices: [{ device: device.id, password: device.user }],
    });
    const pipeline = path.make({ broker: { url: mosquitto.oracleUrl, ...ORACLE } });
    await pipeline.start();
    await until("every lane is refused", () => {
      const { reasons } = pipeline.health();
      return ["alarm", "telemetry", "backfill"].every((lane) =>
        reasons.some((reason) => reason.startsWith(`${lane}: The MQTT broker does not answer`)),
      );
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(pipeline.health().ready, "after a retry").to.equal(false);
  });
});
