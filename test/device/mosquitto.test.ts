import { join } from "node:path";
import { expect } from "chai";
import mqtt, { type IClientOptions } from "mqtt";
import {
  type Device,
  DeviceClient,
  DeviceSigner,
  deviceUser,
  frameTopic,
  receiptTopic,
} from "../../sdk/src/device/index.js";
import { Mosquitto, mosquittoMissing } from "../support/mosquitto.js";
import { Receiver } from "./receiver.js";
import { openDevice, ReceiptSigner, temporaryFolder, until } from "./support.js";

const PASSWORD = "device-secret";
const ORACLE = { username: "oracle", password: "oracle-secret" };

describe("device client over Mosquitto with TLS", function () {
  this.timeout(30_000);
  const folder = temporaryFolder();
  const oracle = new ReceiptSigner();
  const signer = DeviceSigner.generate();
  const other = DeviceSigner.generate();
  let broker: Mosquitto;
  let device: Device;
  let client: DeviceClient | undefined;
  let receiver: Receiver | undefined;
  let number = 0;

  before(async function () {
    const missing = mosquittoMissing();
    if (missing !== undefined) {
      console.log(`    skipped: ${missing}`);
      this.skip();
    }
    const devices = [signer, other].map(({ id }) => ({ device: id, password: PASSWORD }));
    broker = await Mosquitto.start({ oracle: ORACLE, devices });
  });
  after(async () => {
    await broker?.stop();
    folder.remove();
  });
  beforeEach(() => {
    device = openDevice(join(folder.path, `${number++}`), oracle, { signer });
  });
  afterEach(async () => {
    await client?.stop();
    await receiver?.stop();
    client = undefined;
    receiver = undefined;
    device.close();
  });

  function start(): DeviceClient {
    client = new DeviceClient({
      device,
      url: broker.deviceUrl,
      password: PASSWORD,
      tls: { ca: broker.ca },
      reconnectMs: { min: 20, max: 100 },
      resendAfterMs: 500,
    });
    client.on("error", () => undefined);
    client.start();
    return client;
  }

  const record = (count: number) => {
    for (let i = 0; i < count; i++) device.record([{ name: "t", value: BigInt(i) }]);
  };
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

  it("carries frames in order and receipts back, more than the broker's window", async () => {
    receiver = await Receiver.start(broker.oracleUrl, device, oracle, { ca: broker.ca });
    record(300);
    start();
    await until(() => device.journal.pendingFrames === 0, "everything is receipted");
    expect(receiver.numbers()).to.deep.equal(upTo(300));
  });

  it("loses nothing when the broker is killed and comes back without its memory", async () => {
    receiver = await Receiver.start(broker.oracleUrl, device, oracle, { ca: broker.ca });
    receiver.silent = true;
    const connected = start();
    await until(() => connected.online, "connected");
    record(50);
    await until(() => receiver!.frames.length > 0, "some arrived");
    await broker.end("SIGKILL");
    await receiver.stop();
    record(50);
    await broker.restart({ forget: true });
    receiver = await Receiver.start(broker.oracleUrl, device, oracle, { ca: broker.ca });
    await until(() => device.journal.pendingFrames === 0, "everything is receipted");
    expect([...new Set(receiver.numbers())].sort((a, b) => a - b)).to.deep.equal(upTo(100));
  });

  it("enforces the rules of docs/broker.md: own topics only, nothing retained, no other session", async () => {
    const login: IClientOptions = { protocolVersion: 5, ca: broker.ca, reconnectPeriod: 0 };
    const as = (id: string) => ({ ...login, clientId: id, username: id, password: PASSWORD });
    const mine = deviceUser(signer.id);
    const attacker = await mqtt.connectAsync(
      broker.deviceUrl,
      { ...as(mine), clientId: deviceUser(other.id) },
      false,
    );
    const spy: string[] = [];
    const listener = await mqtt.connectAsync(broker.oracleUrl, {
      ...login,
      clientId: "tenon-oracle",
      ...ORACLE,
    });
    listener.on("message", (topic) => spy.push(topic));
    await listener.subscribeAsync("tenon/v1/+/up/#", { qos: 1 });
    try {
      for (const topic of [
        frameTopic(other.id, "telemetry"),
        receiptTopic(signer.id),
        "tenon/v1/x/up/alarm",
      ]) {
        const refused = await attacker.publishAsync(topic, "x", { qos: 1 }).then(
          () => false,
          (e: Error) => /Not authorized/i.test(e.message),
        );
        expect(refused, topic).to.equal(true);
      }
      for (const filter of [receiptTopic(other.id), "tenon/v1/+/down/receipt", "#"]) {
        let delivered = false;
        attacker.on("message", () => {
          delivered = true;
        });
        await attacker.subscribeAsync(filter, { qos: 1 }).catch(() => undefined);
        await listener.publishAsync(receiptTopic(other.id), "x", { qos: 1 });
        expect(delivered, filter).to.equal(false);
      }
      await attacker.publishAsync(frameTopic(signer.id, "alarm"), "x", { qos: 1 });
      await until(() => spy.length === 1, "the allowed frame arrived");
      // The client id it asked for was replaced: the other device connects without throwing it out.
      const victim = await mqtt.connectAsync(broker.deviceUrl, as(deviceUser(other.id)), false);
      await attacker.publishAsync(frameTopic(signer.id, "alarm"), "x", { qos: 1 });
      await victim.endAsync();
      const dropped = new Promise((resolve) => attacker.once("close", () => resolve(true)));
      attacker.on("error", () => undefined);
      attacker.publish(frameTopic(signer.id, "alarm"), "x", { qos: 1, retain: true }, () => undefined);
      expect(await dropped).to.equal(true);
      expect(spy).to.deep.equal([frameTopic(signer.id, "alarm"), frameTopic(signer.id, "alarm")]);
    } finally {
      await attacker.endAsync(true);
      await listener.endAsync(true);
    }
  });

  it("refuses a wrong password, an unknown user and a client that does not trust the certificate", async () => {
    const login: IClientOptions = { protocolVersion: 5, ca: broker.ca, reconnectPeriod: 0 };
    const id = deviceUser(signer.id);
    const attempts: IClientOptions[] = [
      { ...login, clientId: id, username: id, password: "wrong" },
      { ...login, clientId: "x", username: "mallory", password: PASSWORD },
      { ...login, clientId: "x" },
      { protocolVersion: 5, reconnectPeriod: 0, clientId: id, username: id, password: PASSWORD },
    ];
    for (const options of attempts) {
      const error = await mqtt.connectAsync(broker.deviceUrl, options, false).then(
        () => undefined,
        (e: Error) => e,
      );
      expect(error?.message).to.match(/Not authorized|certificate/i);
    }
  });
});
