import { createServer } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { EmbeddedBroker } from "../../oracle/src/broker.js";
import { type Device, DeviceClient, DeviceSigner, type SentFrame } from "../../sdk/src/device/index.js";
import { Receiver } from "./receiver.js";
import { openDevice, ReceiptSigner, temporaryFolder, until } from "./support.js";

const ORACLE = { username: "oracle", password: "oracle-secret" };
const PASSWORD = "device-secret";

describe("device client", function () {
  this.timeout(20_000);
  const folder = temporaryFolder();
  after(() => folder.remove());
  const oracle = new ReceiptSigner();
  let broker: EmbeddedBroker;
  let device: Device;
  let client: DeviceClient;
  let receiver: Receiver | undefined;
  let errors: (Error & { code?: string })[];
  let number = 0;

  beforeEach(async () => {
    errors = [];
    broker = await EmbeddedBroker.start({ oracle: ORACLE });
    const signer = DeviceSigner.generate();
    broker.addDevice(signer.id, PASSWORD);
    device = openDevice(join(folder.path, `${number++}`), oracle, { signer });
  });

  afterEach(async () => {
    await client.stop();
    await receiver?.stop();
    receiver = undefined;
    await broker.stop();
    device.close();
  });

  function connect(options: Partial<ConstructorParameters<typeof DeviceClient>[0]> = {}): DeviceClient {
    client = new DeviceClient({
      device,
      url: broker.url,
      password: PASSWORD,
      reconnectMs: { min: 20, max: 100 },
      resendAfterMs: 300,
      ...options,
    });
    client.on("error", (error) => errors.push(error));
    client.start();
    return client;
  }

  const record = (count: number) => {
    for (let i = 0; i < count; i++) device.record([{ name: "t", value: BigInt(i) }]);
  };
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

  it("sends what was recorded before and after connecting, in order, until receipts cover it", async () => {
    receiver = await Receiver.start(broker.url, device, oracle);
    record(5);
    const sent: SentFrame[] = [];
    connect().on("sent", (frame) => sent.push(frame));
    await until(() => client.online, "connected");
    record(5);
    await until(() => device.journal.pendingFrames === 0, "everything is receipted");
    expect(receiver.numbers()).to.deep.equal(upTo(10));
    expect(sent.map((frame) => Number(frame.seq))).to.deep.equal(upTo(10));
    expect(errors).to.deep.equal([]);
  });

  it("sends again, in order, what a broker lost although it had acknowledged it", async () => {
    connect();
    await until(() => client.online, "connected");
    record(8);
    // Nobody subscribes: the broker acknowledges every frame and keeps none.
    await until(() => broker.connected === 1 && device.journal.pendingFrames === 8, "sent");
    const { port } = broker;
    await broker.stop();
    await until(() => !client.online, "disconnected");
    record(2);
    broker = await EmbeddedBroker.start({ oracle: ORACLE, port });
    broker.addDevice(device.id, PASSWORD);
    receiver = await Receiver.start(broker.url, device, oracle);
    await until(() => device.journal.pendingFrames === 0, "everything is receipted");
    expect([...new Set(receiver.numbers())]).to.deep.equal(upTo(10));
  });

  it("sends again on a timer when no receipt comes, and not for ever faster", async () => {
    receiver = await Receiver.start(broker.url, device, oracle);
    receiver.silent = true;
    const resent: SentFrame[] = [];
    connect().on("resent", (frame) => resent.push(frame));
    await until(() => client.online, "connected");
    record(3);
    await until(() => resent.length >= 6, "sent three times");
    expect(resent.slice(0, 6).map((frame) => Number(frame.seq))).to.deep.equal([1, 2, 3, 1, 2, 3]);
    receiver.answer(device, oracle);
    await until(() => device.journal.pendingFrames === 0, "receipted");
    const count = resent.length;
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(resent.length).to.equal(count);
  });

  it("has no more than its window under way, whatever waits in the journal", async () => {
    receiver = await Receiver.start(broker.url, device, oracle);
    receiver.silent = true;
    record(40);
    connect({ window: 8, resendAfterMs: 60_000 });
    await until(() => receiver!.frames.length >= 8, "the window is full");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(receiver.numbers()).to.deep.equal(upTo(8));
    receiver.silent = false;
    receiver.answer(device, oracle);
    await until(() => device.journal.pendingFrames === 0, "receipted");
    expect(receiver.numbers()).to.deep.equal(upTo(40));
  });

  it("lets an alarm overtake what waits, and sends old telemetry as backfill", async () => {
    receiver = await Receiver.start(broker.url, device, oracle);
    receiver.silent = true;
    record(20);
    await new Promise((resolve) => setTimeout(resolve, 30));
    connect({ window: 4, backfillAfterMs: 20, resendAfterMs: 60_000 });
    await until(() => receiver!.frames.length === 4, "the window is full");
    device.record([{ name: "t", value: 99n }], { lane: "alarm" });
    await until(() => receiver!.frames.length === 5, "the alarm came through");
    expect(receiver.frames[4]).to.include({ lane: "alarm", seq: 21n });
    expect(receiver.frames[0]!.lane).to.equal("backfill");
    receiver.silent = false;
    receiver.answer(device, oracle);
    await until(() => device.journal.pendingFrames === 0, "receipted");
    expect([...receiver.numbers()].sort((a, b) => a - b)).to.deep.equal(upTo(21));
  });

  it("reports a forged receipt and keeps its frames", async () => {
    receiver = await Receiver.start(broker.url, device, new ReceiptSigner());
    connect();
    record(2);
    await until(() => errors.length >= 1, "an error was reported");
    expect(errors[0]!.code).to.equal("ReceiptSignatureInvalid");
    expect(device.journal.pendingFrames).to.equal(2);
  });

  it("says that the broker refuses it, and goes on trying until it is let in", async () => {
    broker.removeDevice(device.id);
    receiver = await Receiver.start(broker.url, device, oracle);
    record(2);
    connect();
    await until(() => errors.length >= 2, "two attempts failed");
    expect(errors[0]!.code).to.equal("BrokerRefused");
    expect(errors[0]!.message).to.match(/Bad User Name or Password/);
    broker.addDevice(device.id, PASSWORD);
    await until(() => device.journal.pendingFrames === 0, "let in and receipted");
  });

  it("keeps trying while there is no broker at all, and stops when told", async () => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, "127.0.0.1", resolve));
    const { port } = free.address() as { port: number };
    await new Promise((resolve) => free.close(resolve));
    connect({ url: `mqtt://127.0.0.1:${port}` });
    await until(() => errors.length >= 3, "three attempts failed");
    await client.stop();
    const count = errors.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(errors.length).to.equal(count);
  });
});
