import { createServer, type Server, type Socket } from "node:net";
import { expect } from "chai";
import mqtt, { type Packet } from "mqtt-packet";
import { EmbeddedBroker } from "../../oracle/src/broker.js";
import { LaneConsumer } from "../../oracle/src/ingest/lane.js";
import { MqttConnection } from "../../oracle/src/ingest/mqtt.js";
import { ReceiptOutbox } from "../../oracle/src/ingest/receipts.js";
import { DOMAIN, ORACLE, receiptKey, SILENT, until } from "./support.js";

const V5 = { protocolVersion: 5 };
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("oracle/ingest: faults of connections", function () {
  this.timeout(30_000);
  let broker: EmbeddedBroker;
  beforeEach(async () => {
    broker = await EmbeddedBroker.start({ oracle: ORACLE });
  });
  afterEach(() => broker.stop());

  it("keeps to one connection when it is dropped and started again before the broker has answered", async () => {
    let connections = 0;
    const info = (_: object, message: string) => {
      if (message === "lane connected") connections++;
    };
    const lane = new LaneConsumer(
      "telemetry",
      { url: broker.url, ...ORACLE },
      10,
      { ...SILENT, info },
      () => undefined,
    );
    for (let i = 0; i < 3; i++) {
      lane.start();
      lane.drop();
    }
    lane.start();
    await until("connected", () => connections > 0);
    await later(1_500);
    expect(connections).to.equal(1);
    expect(broker.connected).to.equal(1);
    await lane.close();
  });

  it("does not race with a second oracle that throws it out of its session, and says what happens", async () => {
    let connections = 0;
    const reasons = new Set<unknown>();
    const logger = {
      ...SILENT,
      info: () => {
        connections++;
      },
      warn: (values: object) => reasons.add((values as { why: unknown }).why),
    };
    const at = { url: broker.url, ...ORACLE };
    const lanes = [1, 2].map(() => new LaneConsumer("alarm", at, 10, logger, () => undefined));
    for (const lane of lanes) lane.start();
    await later(4_000);
    for (const lane of lanes) await lane.close();
    expect(connections).to.be.lessThan(14);
    expect([...reasons].join()).to.match(/session|closed/);
  });

  it("leaves no connection behind that the broker accepts after the stop", async () => {
    const at = { url: broker.url, ...ORACLE };
    const lane = new LaneConsumer("telemetry", at, 10, SILENT, () => undefined);
    lane.start();
    await lane.close();
    const outbox = new ReceiptOutbox(at, DOMAIN, receiptKey(), () => undefined, SILENT);
    outbox.start();
    await outbox.close(100);
    await later(500);
    expect(broker.connected).to.equal(0);
  });

  describe("and the computer's clock", () => {
    const realNow = Date.now;
    let server: Server;
    let answers: boolean;
    const sockets: Socket[] = [];

    beforeEach(async () => {
      answers = true;
      server = createServer((socket) => {
        sockets.push(socket);
        const parser = mqtt.parser(V5);
        const say = (packet: Packet) => socket.write(mqtt.generate(packet, V5));
        parser.on("packet", ({ cmd }) => {
          if (cmd === "connect") {
            const properties = { serverKeepAlive: 1 };
            say({ cmd: "connack", reasonCode: 0, sessionPresent: false, properties });
          }
          if (cmd === "pingreq" && answers) say({ cmd: "pingresp" });
        });
        socket.on("data", (chunk) => parser.parse(chunk));
        socket.on("error", () => undefined);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    });
    afterEach(() => {
      Date.now = realNow;
      for (const socket of sockets.splice(0)) socket.destroy();
      server.close();
    });

    const connect = async () => {
      const state = { closed: undefined as string | undefined };
      const { port } = server.address() as { port: number };
      const connection = await MqttConnection.connect(
        { url: `mqtt://127.0.0.1:${port}` },
        {
          clientId: "oracle",
          sessionExpiry: 0,
          receiveMaximum: 1,
          onPublish: () => undefined,
          onClose: (error) => {
            state.closed = error?.message ?? "";
          },
        },
      );
      return { connection, state };
    };

    it("put back by hours does not hide that the broker is silent", async () => {
      const { state } = await connect();
      Date.now = () => realNow() - 3 * 3_600_000;
      answers = false;
      await until("the silence is noticed", () => state.closed !== undefined, 5_000);
      expect(state.closed).to.equal("keepalive timeout");
    });

    it("put ahead by minutes does not end a connection that lives", async () => {
      const { connection, state } = await connect();
      Date.now = (
        (start) => () =>
          realNow() + (realNow() - start) * 600
      )(realNow());
      await later(2_500);
      expect(state.closed).to.equal(undefined);
      await connection.close();
    });
  });
});
