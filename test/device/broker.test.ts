import { createServer } from "node:net";
import { expect } from "chai";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { EmbeddedBroker, type Refusal } from "../../oracle/src/broker.js";
import { deviceUser, frameTopic, receiptTopic } from "../../sdk/src/device/index.js";
import { refusalOf, until } from "./support.js";

const ALICE = `0x${"a1".repeat(32)}` as const;
const BOB = `0x${"b0".repeat(32)}` as const;
const ORACLE = { username: "oracle", password: "oracle-secret" };

describe("embedded broker", () => {
  let broker: EmbeddedBroker;
  const refusals: Refusal[] = [];
  const clients: MqttClient[] = [];

  beforeEach(async () => {
    refusals.length = 0;
    broker = await EmbeddedBroker.start({
      oracle: ORACLE,
      queueLimit: 50,
      onRefused: (one) => refusals.push(one),
    });
    broker.addDevice(ALICE, "alice-secret");
    broker.addDevice(BOB, "bob-secret");
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
    await broker.stop();
  });

  async function connect(options: IClientOptions): Promise<MqttClient> {
    const client = await mqtt.connectAsync(
      broker.url,
      { protocolVersion: 5, reconnectPeriod: 0, ...options },
      false,
    );
    clients.push(client);
    return client;
  }

  const asDevice = (id: `0x${string}`, password: string, more: IClientOptions = {}) =>
    connect({ clientId: deviceUser(id), username: deviceUser(id), password, ...more });
  const asOracle = (more: IClientOptions = {}) =>
    connect({ clientId: "tenon-oracle-telemetry", ...ORACLE, ...more });
  const lasting: IClientOptions = { clean: false, properties: { sessionExpiryInterval: 600 } };

  it("carries frames up and receipts down", async () => {
    const oracle = await asOracle();
    const up: string[] = [];
    oracle.on("message", (topic, payload) => up.push(`${topic} ${payload}`));
    await oracle.subscribeAsync("tenon/v1/+/up/telemetry", { qos: 1 });
    const device = await asDevice(ALICE, "alice-secret");
    const down: string[] = [];
    device.on("message", (_topic, payload) => down.push(payload.toString()));
    await device.subscribeAsync(receiptTopic(ALICE), { qos: 1 });
    await device.publishAsync(frameTopic(ALICE, "telemetry"), "frame", { qos: 1 });
    await oracle.publishAsync(receiptTopic(ALICE), "receipt", { qos: 1 });
    await until(() => up.length === 1 && down.length === 1, "both arrived");
    expect(up[0]).to.equal(`${frameTopic(ALICE, "telemetry")} frame`);
    expect(down[0]).to.equal("receipt");
    expect(refusals).to.deep.equal([]);
  });

  it("refuses unknown users, wrong passwords, no password and another's client id", async () => {
    const attempts: [string, IClientOptions][] = [
      ["unknown user", { clientId: "x", username: "mallory", password: "m" }],
      [
        "wrong password",
        { clientId: deviceUser(ALICE), username: deviceUser(ALICE), password: "bob-secret" },
      ],
      ["no password", { clientId: deviceUser(ALICE), username: deviceUser(ALICE) }],
      ["no user", { clientId: deviceUser(ALICE) }],
      [
        "another's session",
        { clientId: deviceUser(BOB), username: deviceUser(ALICE), password: "alice-secret" },
      ],
      ["the oracle in a device's session", { clientId: deviceUser(BOB), ...ORACLE }],
    ];
    for (const [what, options] of attempts) {
      const error = await connect(options).then(
        () => undefined,
        (cause: Error) => cause,
      );
      expect(error?.message, what).to.match(/Bad User Name or Password/i);
    }
    expect(refusals.map((one) => one.action)).to.deep.equal(attempts.map(() => "connect"));
  });

  it("shuts out a removed device at its next connection", async () => {
    broker.removeDevice(ALICE);
    const error = await asDevice(ALICE, "alice-secret").then(
      () => undefined,
      (cause: Error) => cause,
    );
    expect(error?.message).to.match(/Bad User Name or Password/i);
  });

  it("refuses every topic that is not the client's own, and retained messages", async () => {
    const device = await asDevice(ALICE, "alice-secret");
    const oracle = await asOracle();
    const seen: string[] = [];
    oracle.on("message", (topic) => seen.push(topic));
    await oracle.subscribeAsync("tenon/v1/+/up/#", { qos: 1 });
    const publishes: [MqttClient, string, boolean][] = [
      [device, frameTopic(BOB, "telemetry"), false],
      [device, receiptTopic(ALICE), false],
      [device, receiptTopic(BOB), false],
      [device, `tenon/v1/${deviceUser(ALICE)}/up`, false],
      [device, "$SYS/x", false],
      [device, frameTopic(ALICE, "telemetry"), true],
      [oracle, frameTopic(ALICE, "telemetry"), false],
      [oracle, "tenon/v1/x/down/receipt", false],
      [oracle, receiptTopic(ALICE), true],
    ];
    for (const [client, topic, retain] of publishes) {
      const error = await client.publishAsync(topic, "x", { qos: 1, retain }).then(
        () => undefined,
        (e: Error) => e,
      );
      expect(error?.message, `${topic} ${retain}`).to.match(/Not authorized/i);
    }
    const subscriptions: [MqttClient, string][] = [
      [device, receiptTopic(BOB)],
      [device, "tenon/v1/+/down/receipt"],
      [device, "#"],
      [device, `tenon/v1/${deviceUser(ALICE)}/#`],
      [oracle, "#"],
      [oracle, "tenon/v1/+/down/receipt"],
      [oracle, "$share/group/tenon/v1/+/up/alarm"],
    ];
    for (const [client, filter] of subscriptions) {
      const error = await client.subscribeAsync(filter, { qos: 1 }).then(
        () => undefined,
        (e: Error) => e,
      );
      expect(error, filter).to.be.instanceOf(Error);
    }
    await device.publishAsync(frameTopic(ALICE, "alarm"), "x", { qos: 1 });
    await until(() => seen.length > 0, "the allowed frame arrived");
    expect(seen).to.deep.equal([frameTopic(ALICE, "alarm")]);
  });

  it("does not publish a will outside the device's own topics", async () => {
    const oracle = await asOracle();
    const seen: string[] = [];
    oracle.on("message", (topic) => seen.push(topic));
    await oracle.subscribeAsync("tenon/v1/+/up/#", { qos: 1 });
    const will = {
      topic: frameTopic(BOB, "alarm"),
      payload: Buffer.from("x"),
      qos: 1,
      retain: false,
    } as const;
    const device = await asDevice(ALICE, "alice-secret", { will });
    device.stream.destroy();
    await until(() => refusals.length > 0, "the will was refused");
    expect(seen).to.deep.equal([]);
  });

  it("keeps a session's messages while its client is away, in order, and redelivers what was not acknowledged", async () => {
    const first = await asOracle({ ...lasting, manualConnect: false });
    // Never acknowledges: the callback of handleMessage is what sends PUBACK.
    const unacknowledged: string[] = [];
    first.handleMessage = (packet, _done) => void unacknowledged.push(String(packet.payload));
    await first.subscribeAsync("tenon/v1/+/up/telemetry", { qos: 1 });
    const device = await asDevice(ALICE, "alice-secret");
    for (let i = 0; i < 5; i++) await device.publishAsync(frameTopic(ALICE, "telemetry"), `${i}`, { qos: 1 });
    await until(() => unacknowledged.length > 0, "the first was delivered");
    await first.endAsync(true);
    for (let i = 5; i < 10; i++)
      await device.publishAsync(frameTopic(ALICE, "telemetry"), `${i}`, { qos: 1 });
    expect(broker.queued.messages).to.equal(10);

    const again: string[] = [];
    const second = mqtt.connect(broker.url, {
      protocolVersion: 5,
      clientId: "tenon-oracle-telemetry",
      ...ORACLE,
      ...lasting,
    });
    clients.push(second);
    let sessionPresent = false;
    second.on("connect", (connack) => {
      sessionPresent = connack.sessionPresent;
    });
    second.on("message", (_topic, payload) => again.push(payload.toString()));
    await until(() => again.length >= 10, "all were delivered again");
    expect(sessionPresent).to.equal(true);
    expect(again).to.deep.equal(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    await until(() => broker.queued.messages === 0, "the queue is empty");
  });

  it("refuses a device's frames once too many wait for the oracle, and takes them again afterwards", async () => {
    const oracle = await asOracle(lasting);
    await oracle.subscribeAsync("tenon/v1/+/up/telemetry", { qos: 1 });
    await oracle.endAsync(true);
    const device = await asDevice(ALICE, "alice-secret");
    let refused = 0;
    for (let i = 0; i < 60; i++) {
      await device.publishAsync(frameTopic(ALICE, "telemetry"), `${i}`, { qos: 1 }).catch(() => refused++);
    }
    expect(refused).to.equal(10);
    expect(broker.queued).to.deep.equal({ messages: 50, dropped: 0 });
    await device.publishAsync(frameTopic(ALICE, "alarm"), "another lane is not held up", { qos: 1 });

    const back = mqtt.connect(broker.url, {
      protocolVersion: 5,
      clientId: "tenon-oracle-telemetry",
      ...ORACLE,
      ...lasting,
    });
    clients.push(back);
    await until(() => broker.queued.messages === 0, "the oracle took them");
    await device.publishAsync(frameTopic(ALICE, "telemetry"), "more", { qos: 1 });
  });

  it("drops receipts nobody fetches instead of growing, and counts them", async () => {
    const device = await asDevice(ALICE, "alice-secret", lasting);
    await device.subscribeAsync(receiptTopic(ALICE), { qos: 1 });
    await device.endAsync(true);
    const oracle = await asOracle();
    for (let i = 0; i < 60; i++) await oracle.publishAsync(receiptTopic(ALICE), `${i}`, { qos: 1 });
    expect(broker.queued).to.deep.equal({ messages: 50, dropped: 10 });
  });

  it("says in words why it cannot start", async () => {
    const elsewhere = await refusalOf(EmbeddedBroker.start({ oracle: ORACLE, host: "0.0.0.0" }));
    expect(elsewhere.code).to.equal("BrokerAddressRefused");
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
    const { port } = blocker.address() as { port: number };
    const taken = await refusalOf(EmbeddedBroker.start({ oracle: ORACLE, port }));
    expect(taken.code).to.equal("BrokerPortTaken");
    expect(taken.args).to.include({ port });
    await new Promise((resolve) => blocker.close(resolve));
  });
});
